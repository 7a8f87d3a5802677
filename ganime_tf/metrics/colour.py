"""CIEDE2000: the colour difference that people see, for judging colouring."""

import numpy as np

from ganime_tf.metrics.similarity import check_pair

_TO_XYZ = np.array(  # sRGB (IEC 61966-2-1) to XYZ, D65
    [[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]]
)
_WHITE = np.array([0.95047, 1.0, 1.08883])


def rgb_to_lab(images) -> np.ndarray:
    """Converts sRGB pictures to CIE L*a*b* (D65, 2 degrees).

    Args:
        images: uint8 `(..., 3)`.

    Returns:
        float64 `(..., 3)`, L* in [0, 100].
    """
    levels = np.arange(256) / 255.0
    linear = np.where(levels > 0.04045, ((levels + 0.055) / 1.055) ** 2.4, levels / 12.92)
    xyz = linear[np.asarray(images)] @ _TO_XYZ.T / _WHITE
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16.0 / 116.0)
    x, y, z = np.moveaxis(f, -1, 0)
    return np.stack([116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)], -1)


def delta_e(lab_a, lab_b) -> np.ndarray:
    """CIEDE2000 difference of L*a*b* colours (kL = kC = kH = 1).

    Args:
        lab_a: float `(..., 3)`.
        lab_b: The same shape.

    Returns:
        float64 `(...)`; about 1 is just noticeable.

    Reference: Sharma, Wu, Dalal, 2005, The CIEDE2000 Color-Difference Formula, eqs. (2) to (22).
    """
    l_a, a_a, b_a = np.moveaxis(np.asarray(lab_a, float), -1, 0)
    l_b, a_b, b_b = np.moveaxis(np.asarray(lab_b, float), -1, 0)
    chroma_7 = ((np.hypot(a_a, b_a) + np.hypot(a_b, b_b)) / 2) ** 7
    stretch = 1.5 - 0.5 * np.sqrt(chroma_7 / (chroma_7 + 25.0**7))  # 1 + G, eq. (4)
    c_a, c_b = np.hypot(stretch * a_a, b_a), np.hypot(stretch * a_b, b_b)
    h_a = np.arctan2(b_a, stretch * a_a) % (2 * np.pi)
    h_b = np.arctan2(b_b, stretch * a_b) % (2 * np.pi)

    both = c_a * c_b != 0
    turn = h_b - h_a
    turn = np.where(turn > np.pi, turn - 2 * np.pi, np.where(turn < -np.pi, turn + 2 * np.pi, turn))
    turn = np.where(both, turn, 0.0)
    d_l, d_c = l_b - l_a, c_b - c_a
    d_h = 2.0 * np.sqrt(c_a * c_b) * np.sin(turn / 2)

    mean_l, mean_c, total = (l_a + l_b) / 2, (c_a + c_b) / 2, h_a + h_b
    near = np.abs(h_a - h_b) <= np.pi
    around = np.where(total < 2 * np.pi, total + 2 * np.pi, total - 2 * np.pi)
    mean_h = np.where(both, np.where(near, total, around) / 2, total)

    t = (
        1.0
        - 0.17 * np.cos(mean_h - np.radians(30))
        + 0.24 * np.cos(2 * mean_h)
        + 0.32 * np.cos(3 * mean_h + np.radians(6))
        - 0.20 * np.cos(4 * mean_h - np.radians(63))
    )
    lightness = (mean_l - 50.0) ** 2
    s_l = 1.0 + 0.015 * lightness / np.sqrt(20.0 + lightness)
    s_c, s_h = 1.0 + 0.045 * mean_c, 1.0 + 0.015 * mean_c * t
    angle = np.radians(60.0) * np.exp(-(((np.degrees(mean_h) - 275.0) / 25.0) ** 2))
    rotation = -2.0 * np.sqrt(mean_c**7 / (mean_c**7 + 25.0**7)) * np.sin(angle)
    l_term, c_term, h_term = d_l / s_l, d_c / s_c, d_h / s_h
    squared = l_term**2 + c_term**2 + h_term**2 + rotation * c_term * h_term
    return np.sqrt(np.maximum(squared, 0.0))


def ciede2000(a, b) -> np.ndarray:
    """Mean CIEDE2000 difference over the pixels, one value a picture.

    Args:
        a: uint8 `(N, H, W, 3)`, sRGB.
        b: The same shape.

    Returns:
        float64 `(N,)`; 0 for identical pictures.
    """
    a, b = check_pair(a, b)
    pairs = zip(a, b, strict=True)
    return np.array([delta_e(rgb_to_lab(x), rgb_to_lab(y)).mean() for x, y in pairs])
