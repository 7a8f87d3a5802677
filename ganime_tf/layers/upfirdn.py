"""Resampling with a low-pass filter (StyleGAN2, Karras et al. 2020, appendix B).

Everything is a depthwise convolution: doubling convolves once for each phase of the output grid and
interleaves, so that no zeros are multiplied and nothing is scattered. All of it has second
derivatives, which R1 and path length regularization need.
"""

import numpy as np
from keras import ops

BINOMIAL = (1.0, 3.0, 3.0, 1.0)
"""Taps of the filter that every resampling of StyleGAN2 uses, before they are made to sum to 1."""


def fir_taps(taps=BINOMIAL) -> np.ndarray:
    """Returns taps that sum to 1, float32 `(K,)`."""
    taps = np.asarray(taps, np.float64)
    return (taps / taps.sum()).astype(np.float32)


def upfirdn2d(x, taps, *, up: int = 1, down: int = 1, pad=(0, 0), gain: float = 1.0):
    """Inserts zeros, pads, convolves with a separable filter, keeps every `down`-th sample.

    Args:
        x: Float `(N, H, W, C)`.
        taps: Filter of one axis, `(K,)`; the filter of the picture is its outer product. A true
            convolution: the taps are flipped.
        up: Every sample is followed by `up - 1` zeros.
        down: Every `down`-th sample of the result is kept.
        pad: Zeros before and after each axis of the grown picture; negative values crop.
        gain: Factor of the filter of the picture.

    Returns:
        `(N, H', W', C)` in the dtype of `x`, `H' = (H * up + sum(pad) - K) // down + 1`.

    Raises:
        ValueError: When the padded picture is smaller than the filter.
    """
    taps = np.asarray(taps, np.float32)[::-1] * float(gain) ** 0.5
    if up == 1 and len(taps) <= 4:  # a small filter is one kernel
        return _correlate(x, np.outer(taps, taps), pad, pad, down, down)
    for axis in (0, 1):
        x = _resample_axis(x, taps, axis, up, down, pad)
    return x


def _resample_axis(x, taps, axis: int, up: int, down: int, pad):
    size = ops.shape(x)[1 + axis]
    if isinstance(size, int) and size * up + sum(pad) < len(taps):
        raise ValueError(f"{size} pixels with padding {pad} are fewer than {len(taps)} taps.")
    if up == 1:
        return _along(x, taps, axis, pad, down)
    if down != 1:
        whole = _resample_axis(x, taps, axis, up, 1, pad)
        return whole[:, ::down] if axis == 0 else whole[:, :, ::down]
    # Sample j of the result is sum_k taps[k] * grown[j + k - pad[0]]; only multiples of `up` count.
    phases, firsts = [], []
    for phase in range(up):
        start = (pad[0] - phase) % up
        phases.append(taps[start::up])
        firsts.append((phase + start - pad[0]) // up)
    more = sum(pad) - len(taps) + 1  # samples beyond size * up
    extra = -(-more // up)
    width = max(len(p) + f for p, f in zip(phases, firsts, strict=True)) - min(firsts)
    bank = np.zeros((width, up), np.float32)
    for index, (part, first) in enumerate(zip(phases, firsts, strict=True)):
        bank[first - min(firsts) : first - min(firsts) + len(part), index] = part
    before = -min(firsts)
    y = _along(x, bank, axis, (before, extra + width - 1 - before), 1)  # (N, H', W', C * up)
    height, breadth = ops.shape(y)[1:3]
    channels = x.shape[-1]
    y = ops.reshape(y, (-1, height, breadth, channels, up))
    count = size * up + more
    if axis == 0:
        y = ops.reshape(ops.transpose(y, (0, 1, 4, 2, 3)), (-1, height * up, breadth, channels))
        return y[:, :count]
    y = ops.reshape(ops.transpose(y, (0, 1, 2, 4, 3)), (-1, height, breadth * up, channels))
    return y[:, :, :count]


def _along(x, bank, axis: int, pad, stride: int):
    """Correlates along one axis with taps `(K,)` or a bank `(K, M)` of filters a channel."""
    bank = bank if bank.ndim == 2 else bank[:, None]
    bank = bank[:, None] if axis == 0 else bank[None]
    if stride == 1:
        pads = (pad, (0, 0)) if axis == 0 else ((0, 0), pad)
        return _correlate(x, bank, *pads, 1, 1)
    pads = (pad, (0, 0)) if axis == 0 else ((0, 0), pad)
    y = _correlate(x, bank, *pads, 1, 1)  # depthwise kernels stride both axes alike
    return y[:, ::stride] if axis == 0 else y[:, :, ::stride]


def _correlate(x, kernel, pad_y, pad_x, stride_y: int, stride_x: int):
    crop_y, crop_x = ((max(-a, 0), max(-b, 0)) for a, b in (pad_y, pad_x))
    if any((*crop_y, *crop_x)):
        height, width = ops.shape(x)[1:3]
        x = x[:, crop_y[0] : height - crop_y[1], crop_x[0] : width - crop_x[1]]
    pads = [[max(value, 0) for value in pair] for pair in (pad_y, pad_x)]
    if any(sum(pads, [])):
        x = ops.pad(x, [[0, 0], *pads, [0, 0]])
    kernel = kernel if kernel.ndim == 3 else kernel[..., None]
    kernel = np.repeat(kernel[:, :, None], x.shape[-1], axis=2)
    kernel = ops.cast(ops.convert_to_tensor(kernel), x.dtype)
    return ops.depthwise_conv(x, kernel, (stride_y, stride_x), "valid", data_format="channels_last")


def upsample2d(x, taps=None):
    """Doubles height and width: `(N, H, W, C)` to `(N, 2H, 2W, C)`."""
    taps = fir_taps() if taps is None else taps
    size = len(taps)
    return upfirdn2d(x, taps, up=2, pad=((size + 1) // 2, (size - 2) // 2), gain=4.0)


def downsample2d(x, taps=None):
    """Halves height and width: `(N, H, W, C)` to `(N, H / 2, W / 2, C)`."""
    taps = fir_taps() if taps is None else taps
    size = len(taps)
    return upfirdn2d(x, taps, down=2, pad=((size - 1) // 2, (size - 2) // 2))
