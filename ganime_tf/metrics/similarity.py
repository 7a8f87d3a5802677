"""Pixel metrics of picture pairs: SSIM, MS-SSIM, PSNR, L1, in NumPy and SciPy alone.

Each function takes two uint8 batches and returns one float64 value a picture, so that means,
deviations, confidence intervals and the worst pictures all come from the same numbers.
"""

import numpy as np
from scipy import ndimage

_K1, _K2, _RANGE = 0.01, 0.03, 255.0
_C1, _C2 = (_K1 * _RANGE) ** 2, (_K2 * _RANGE) ** 2
_SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # Wang et al. 2003, section 3.2
_RADIUS, _SIGMA = 5, 1.5


def _gaussian_window() -> np.ndarray:
    taps = np.exp(-0.5 * (np.arange(-_RADIUS, _RADIUS + 1) / _SIGMA) ** 2)
    return taps / taps.sum()


_WINDOW = _gaussian_window()


def check_pair(a, b) -> tuple[np.ndarray, np.ndarray]:
    """Returns both batches as arrays after checking that they can be compared.

    Raises:
        ValueError: Unless both are uint8 `(N, H, W, 3)` of one shape, N >= 1.
    """
    a, b = np.asarray(a), np.asarray(b)
    for name, images in (("a", a), ("b", b)):
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] != 3:
            raise ValueError(
                f"`{name}` must be uint8 RGB of shape (N, H, W, 3). "
                f"Received {images.dtype} of shape {images.shape}."
            )
    if a.shape != b.shape:
        raise ValueError(
            f"Both batches must have one shape. Received {a.shape} and {b.shape}. "
            "Resize one set before comparing."
        )
    if 0 in a.shape:
        raise ValueError(f"There is no picture to compare: shape {a.shape}.")
    return a, b


def _smooth(maps: np.ndarray) -> np.ndarray:
    """Gaussian mean over full windows only: `(..., H, W, C)` -> `(..., H - 10, W - 10, C)`."""
    maps = ndimage.correlate1d(maps, _WINDOW, axis=-3)[..., _RADIUS:-_RADIUS, :, :]
    return ndimage.correlate1d(maps, _WINDOW, axis=-2)[..., :, _RADIUS:-_RADIUS, :]


def _ssim_maps(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """SSIM and its contrast-structure factor, each averaged over the plane: `(C,)`.

    Four smoothed maps suffice instead of five: with s = x + y and d = x - y,
    4 cov(x, y) = var(s) - var(d) and 2 (var(x) + var(y)) = var(s) + var(d).
    """
    total, difference = x + y, x - y
    mean_s, mean_d = _smooth(total) ** 2, _smooth(difference) ** 2
    var_s, var_d = _smooth(total**2) - mean_s, _smooth(difference**2) - mean_d
    contrast = ((var_s - var_d) / 2 + _C2) / ((var_s + var_d) / 2 + _C2)
    luminance = ((mean_s - mean_d) / 2 + _C1) / ((mean_s + mean_d) / 2 + _C1)
    return (luminance * contrast).mean((0, 1)), contrast.mean((0, 1))


def ssim(a, b) -> np.ndarray:
    """Structural similarity, one value a picture.

    Gaussian window 11x11 with sigma 1.5, full windows only, weights that sum to one, K1 = 0.01,
    K2 = 0.03, mean over positions and RGB channels: what `tf.image.ssim(max_val=255)` computes.

    Args:
        a: uint8 `(N, H, W, 3)`, H and W at least 11.
        b: The same shape.

    Returns:
        float64 `(N,)` in [-1, 1]; 1 for identical pictures.

    Raises:
        ValueError: On other types, unequal shapes or pictures under 11 pixels.

    Reference: Wang et al., 2004, Image Quality Assessment: From Error Visibility to Structural
    Similarity.
    """
    a, b = check_pair(a, b)
    if min(a.shape[1:3]) < 2 * _RADIUS + 1:
        raise ValueError(
            f"SSIM needs pictures of at least 11x11 pixels. Received {a.shape[1]}x{a.shape[2]}."
        )
    pairs = zip(a, b, strict=True)
    return np.array([_ssim_maps(x.astype(float), y.astype(float))[0].mean() for x, y in pairs])


def _halve(image: np.ndarray) -> np.ndarray:
    """Mean of 2x2 blocks; an odd side repeats its last row or column first."""
    height, width = image.shape[:2]
    image = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    blocks = image.reshape(image.shape[0] // 2, 2, image.shape[1] // 2, 2, -1)
    return blocks.mean((1, 3))


def ms_ssim(a, b) -> np.ndarray:
    """Multi-scale SSIM over five scales, one value a picture.

    Args:
        a: uint8 `(N, H, W, 3)`, H and W at least 161 (11 pixels at the fifth scale).
        b: The same shape.

    Returns:
        float64 `(N,)` in [0, 1]; negative factors count as 0, as in
        `tf.image.ssim_multiscale`.

    Raises:
        ValueError: On other types, unequal shapes or too small pictures.

    Reference: Wang et al., 2003, Multiscale Structural Similarity for Image Quality Assessment.
    """
    a, b = check_pair(a, b)
    smallest = min(a.shape[1:3])
    for _ in _SCALE_WEIGHTS[1:]:
        smallest = -(-smallest // 2)
    if smallest < 2 * _RADIUS + 1:
        raise ValueError(
            "MS-SSIM needs pictures of at least 161x161 pixels (11 at the fifth scale). "
            f"Received {a.shape[1]}x{a.shape[2]}. Use `ssim` for smaller pictures."
        )
    scores = []
    for x, y in zip(a, b, strict=True):
        x, y = x.astype(float), y.astype(float)
        product = np.ones(3)
        for scale, weight in enumerate(_SCALE_WEIGHTS):
            if scale:
                x, y = _halve(x), _halve(y)
            whole, contrast = _ssim_maps(x, y)
            last = scale == len(_SCALE_WEIGHTS) - 1
            product *= np.maximum(whole if last else contrast, 0.0) ** weight
        scores.append(product.mean())
    return np.array(scores)


def l1(a, b) -> np.ndarray:
    """Mean absolute difference of [0, 1] values, one value a picture.

    Args:
        a: uint8 `(N, H, W, 3)`.
        b: The same shape.

    Returns:
        float64 `(N,)` in [0, 1]. A model's L1 loss on [-1, 1] tensors is twice this.
    """
    a, b = check_pair(a, b)
    return np.abs(a.astype(float) - b).mean((1, 2, 3)) / _RANGE


def psnr(a, b) -> np.ndarray:
    """Peak signal-to-noise ratio 10 log10(255^2 / MSE) in dB, one value a picture.

    Args:
        a: uint8 `(N, H, W, 3)`.
        b: The same shape.

    Returns:
        float64 `(N,)`; infinite for identical pictures.
    """
    a, b = check_pair(a, b)
    error = ((a.astype(float) - b) ** 2).mean((1, 2, 3))
    with np.errstate(divide="ignore"):
        return 10.0 * np.log10(_RANGE**2 / error)
