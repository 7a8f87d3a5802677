"""The colours of one picture in another, by NumPy alone. Float RGB in [0, 1]."""

import numpy as np

# Rows are R, G, B; columns Y, U, V (BT.601), the matrix of `tf.image.rgb_to_yuv`.
RGB_TO_YUV = (
    (0.299, -0.14714119, 0.61497538),
    (0.587, -0.28886916, -0.51496512),
    (0.114, 0.43601035, -0.10001026),
)
_EPSILON = 1e-5


def transfer_luminance(luminance_from: np.ndarray, colour_from: np.ndarray) -> np.ndarray:
    """Returns a picture with Y of the first and U, V of the second.

    "Luminance-only transfer" of Gatys et al. 2016 (arXiv 1606.05897), section 3.2.

    Args:
        luminance_from: Float `(H, W, 3)` in [0, 1].
        colour_from: The same shape.

    Returns:
        float32 `(H, W, 3)`, clipped to [0, 1].
    """
    matrix = np.asarray(RGB_TO_YUV)
    yuv = np.asarray(colour_from, np.float64) @ matrix
    yuv[..., 0] = (np.asarray(luminance_from, np.float64) @ matrix)[..., 0]
    return np.clip(yuv @ np.linalg.inv(matrix), 0.0, 1.0).astype(np.float32)


def match_colours(picture: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Recolours a picture so that mean and covariance of its pixels are the reference's.

    "Colour histogram matching" of Gatys et al. 2016 (arXiv 1606.05897), section 3.1, with the
    symmetric square roots (their image-analogies variant).

    Args:
        picture: Float `(H, W, 3)` in [0, 1].
        reference: Float `(h, w, 3)` in [0, 1].

    Returns:
        float32 `(H, W, 3)`, clipped to [0, 1].
    """

    def statistics(image):
        pixels = np.asarray(image, np.float64).reshape(-1, 3)
        return pixels.mean(0), np.cov(pixels.T, bias=True) + _EPSILON * np.eye(3)

    def power(matrix, exponent):
        values, vectors = np.linalg.eigh(matrix)
        return (vectors * values**exponent) @ vectors.T

    mean, covariance = statistics(picture)
    target_mean, target_covariance = statistics(reference)
    transform = power(target_covariance, 0.5) @ power(covariance, -0.5)
    recoloured = (np.asarray(picture, np.float64) - mean) @ transform.T + target_mean
    return np.clip(recoloured, 0.0, 1.0).astype(np.float32)
