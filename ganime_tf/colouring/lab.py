"""CIE L*a*b* of float pictures, quick enough for training data."""

import numpy as np

_TO_XYZ = np.array(  # sRGB (IEC 61966-2-1) to XYZ over the D65 white
    [
        [0.412453 / 0.95047, 0.357580 / 0.95047, 0.180423 / 0.95047],
        [0.212671, 0.715160, 0.072169],
        [0.019334 / 1.08883, 0.119193 / 1.08883, 0.950227 / 1.08883],
    ],
    np.float32,
)
_LEVELS = np.arange(256, dtype=np.float32) / 255
_LINEAR = np.where(_LEVELS > 0.04045, ((_LEVELS + 0.055) / 1.055) ** 2.4, _LEVELS / 12.92)


def rgb_to_lab(picture: np.ndarray) -> np.ndarray:
    """Converts uint8 sRGB `(..., 3)` to L*a*b* (D65), float32 `(..., 3)`, L* in [0, 100]."""
    xyz = _LINEAR[picture].astype(np.float32) @ _TO_XYZ.T
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16.0 / 116.0)
    x, y, z = f[..., 0], f[..., 1], f[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], -1).astype(np.float32)


def colour_steps(sheet: np.ndarray, low: float = 3.0, high: float = 20.0) -> np.ndarray:
    """How surely the colour changes at each pixel: the truth that a barrier learns.

    Args:
        sheet: An ink-free colour sheet, uint8 `(H, W, 3)`.
        low: Difference (CIE76) across a pixel, from its left to its right neighbour or from the
            upper to the lower, that counts as 0.
        high: Difference that counts as 1.

    Returns:
        float32 `(H, W)` in [0, 1]; an edge is two pixels wide.
    """
    lab = np.pad(rgb_to_lab(sheet), ((1, 1), (1, 1), (0, 0)), mode="edge")
    across = np.linalg.norm(lab[1:-1, 2:] - lab[1:-1, :-2], axis=-1)
    down = np.linalg.norm(lab[2:, 1:-1] - lab[:-2, 1:-1], axis=-1)
    return np.clip((np.maximum(across, down) - low) / (high - low), 0, 1).astype(np.float32)
