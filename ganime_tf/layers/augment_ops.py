"""Warps and colour maps of adaptive discriminator augmentation (Karras et al. 2020, appendix B)."""

import math

import numpy as np
import tensorflow as tf

from ganime_tf.layers.upfirdn import upfirdn2d, upsample2d

# Orthogonal symmetric wavelets of 6 and 2 vanishing moments (Daubechies 1992).
SYM6 = (
    0.015404109327027373, 0.0034907120842174702, -0.11799011114819057, -0.048311742585633,
    0.4910559419267466, 0.787641141030194, 0.3379294217276218, -0.07263752278646252,
    -0.021060292512300564, 0.04472490177066578, 0.0017677118642428036, -0.007800708325034148,
)  # fmt: skip
SYM2 = (-0.12940952255092145, 0.22414386804185735, 0.836516303737469, 0.48296291314469025)
LUMA = np.ones((3, 1), np.float32) / math.sqrt(3.0)
"""Direction of brightness in RGB."""


def matrices(rows) -> tf.Tensor:
    """Stacks rows of numbers and `(N,)` tensors to float32 `(N, R, C)`."""
    count = next(tf.shape(v)[0] for row in rows for v in row if tf.is_tensor(v))
    filled = [[v if tf.is_tensor(v) else tf.fill([count], float(v)) for v in row] for row in rows]
    return tf.stack([tf.stack(row, -1) for row in filled], -2)


def shift(x, y) -> tf.Tensor:
    """Returns the homogeneous matrices of shifts."""
    return matrices([[1, 0, x], [0, 1, y], [0, 0, 1]])


def scale(x, y) -> tf.Tensor:
    """Returns the homogeneous matrices of scalings about the centre."""
    return matrices([[x, 0, 0], [0, y, 0], [0, 0, 1]])


def rotation(angle) -> tf.Tensor:
    """Returns the homogeneous matrices of rotations about the centre, in radians."""
    sine, cosine = tf.sin(angle), tf.cos(angle)
    return matrices([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])


def warp(images, inverse) -> tf.Tensor:
    """Warps pictures between a doubling and a halving, so that nothing aliases.

    Beyond its border a picture is reflected, as far as its own size; then it is 0.

    Args:
        images: float32 `(N, H, W, C)`.
        inverse: `(N, 3, 3)`: pixels of the result to pixels of the input, both from the centre.

    Returns:
        float32 `(N, H, W, C)`; differentiable, twice, in `images`.
    """
    batch, (height, width, channels) = tf.shape(images)[0], images.shape[1:]
    taps = np.asarray(SYM6) / np.sum(SYM6)
    extra = len(taps) // 4 * 2  # what the filters reach over the border
    x, y = (width - 1) / 2, (height - 1) / 2
    corners = tf.constant([[-x, x, x, -x], [-y, -y, y, y], [1.0, 1.0, 1.0, 1.0]])
    reached = (inverse @ corners)[:, :2]  # (N, 2, 4)
    size = tf.constant([x, y], tf.float32)
    limits = tf.constant([width - 1.0, height - 1.0])
    before = _margin(-tf.reduce_min(reached, (0, 2)) + extra - size, limits)
    after = _margin(tf.reduce_max(reached, (0, 2)) + extra - size, limits)
    pads = [[0, 0], [before[1], after[1]], [before[0], after[0]], [0, 0]]
    padded = tf.pad(images, pads, "REFLECT")
    padded = tf.ensure_shape(padded, [None, None, None, channels])
    doubled = upsample2d(padded, taps)

    # The grid of twice the result and a border, in pixels of `doubled`.
    rows, columns = 2 * (height + extra), 2 * (width + extra)
    across = (tf.range(columns, dtype=tf.float32) + 0.5) / 2 - (width + extra) / 2 + 0.25
    down = (tf.range(rows, dtype=tf.float32) + 0.5) / 2 - (height + extra) / 2 + 0.25
    grid = tf.stack(tf.meshgrid(across, down) + [tf.ones((rows, columns))], 0)
    grid = tf.reshape(grid, (3, -1))
    source = inverse @ grid  # (N, 3, P)
    middle = tf.cast(before - after, tf.float32) / 2
    extent = tf.cast(tf.stack([tf.shape(padded)[2], tf.shape(padded)[1]]), tf.float32)
    positions = [2 * (source[:, k] + middle[k] + (extent[k] - 1) / 2) for k in (0, 1)]
    sampled = _bilinear(doubled, *positions)
    sampled = tf.reshape(sampled, (batch, rows, columns, channels))
    flipped = taps[::-1]
    pad = ((len(taps) - 1) // 2 - extra, (len(taps) - 2) // 2 - extra)
    return upfirdn2d(sampled, flipped, down=2, pad=pad)


def _margin(value, limits):
    return tf.cast(tf.math.ceil(tf.clip_by_value(value, 0.0, limits)), tf.int32)


def _bilinear(images, x, y):
    """Samples `(N, H, W, C)` at `(N, P)` pixel positions, 0 outside: `(N, P, C)`."""
    height, width = tf.shape(images)[1], tf.shape(images)[2]
    flat = tf.reshape(images, (tf.shape(images)[0], height * width, images.shape[-1]))
    left, top = tf.floor(x), tf.floor(y)
    right_share, bottom_share = x - left, y - top
    total = 0.0
    for step_y, share_y in ((0, 1 - bottom_share), (1, bottom_share)):
        for step_x, share_x in ((0, 1 - right_share), (1, right_share)):
            column, row = tf.cast(left, tf.int32) + step_x, tf.cast(top, tf.int32) + step_y
            inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
            index = tf.clip_by_value(row, 0, height - 1) * width
            index += tf.clip_by_value(column, 0, width - 1)
            share = tf.where(inside, share_x * share_y, 0.0)
            total += tf.gather(flat, index, batch_dims=1) * share[..., None]
    return total


def recolour(images, linear, offset) -> tf.Tensor:
    """Maps colours: `(N, H, W, 3)` by `(N, 3, 3)` matrices and `(N, 3)` offsets."""
    shape = tf.shape(images)
    flat = tf.reshape(images, (shape[0], -1, 3))
    flat = tf.matmul(flat, linear, transpose_b=True) + offset[:, None]
    return tf.reshape(flat, shape)


def turn_hue(angle) -> tf.Tensor:
    """Returns `(N, 3, 3)` rotations of RGB about the direction of brightness, in radians."""
    sine, cosine = tf.sin(angle)[:, None, None], tf.cos(angle)[:, None, None]
    v = 1.0 / math.sqrt(3.0)
    cross = tf.constant([[0, -v, v], [v, 0, -v], [-v, v, 0]], tf.float32)
    return LUMA @ LUMA.T * (1 - cosine) + tf.eye(3) * cosine + cross * sine


def filter_bank() -> np.ndarray:
    """Returns four bands, from low to high frequencies, that sum to the identity: `(4, 43)`."""
    low = np.asarray(SYM2)
    high = low * (-1.0) ** np.arange(4)
    low2, high2 = np.convolve(low, low[::-1]) / 2, np.convolve(high, high[::-1]) / 2
    bands = [np.ones(1)]
    for _ in range(3):
        grown = []
        for band in bands:
            sparse = np.zeros(2 * len(band) - 1)
            sparse[::2] = band
            grown.append(np.convolve(sparse, low2))
        top = np.zeros_like(grown[0])
        start = (len(top) - len(high2)) // 2
        top[start : start + len(high2)] = high2
        bands = [*grown, top]
    return np.stack(bands).astype(np.float32)


def filter_rows_and_columns(images, taps) -> tf.Tensor:
    """Filters each picture with taps of its own, `(N, K)`, reflecting the border as far as it can.

    Raises:
        ValueError: When a picture is not larger than half of the filter.
    """
    batch, (height, width, channels) = tf.shape(images)[0], images.shape[1:]
    half = taps.shape[1] // 2
    if min(height, width) <= half:
        raise ValueError(f"Filters of {2 * half + 1} taps need more than {half} pixels a side.")
    x = tf.pad(images, [[0, 0], [half, half], [half, half], [0, 0]], "REFLECT")
    x = tf.transpose(x, (1, 2, 0, 3))
    x = tf.reshape(x, (1, height + 2 * half, width + 2 * half, batch * channels))
    kernel = tf.repeat(tf.transpose(taps), channels, axis=1)  # (K, N * C)
    x = tf.nn.depthwise_conv2d(x, kernel[None, :, :, None], (1, 1, 1, 1), "VALID")
    x = tf.nn.depthwise_conv2d(x, kernel[:, None, :, None], (1, 1, 1, 1), "VALID")
    x = tf.reshape(x, (height, width, batch, channels))
    return tf.transpose(x, (2, 0, 1, 3))
