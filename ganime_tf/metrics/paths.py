"""Perceptual path length: how evenly pictures change where a generator's latent moves."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from ganime_tf.metrics.lpips import load_lpips

EPSILON = 1e-4
"""Share of the way from one latent to the next."""
_SIDE = 256  # larger pictures are averaged down to about this


def path_length(network: str) -> Callable:
    """Loads the distance of two ends of a short path.

    Args:
        network: Of LPIPS.

    Returns:
        Function of two float32 `(N, H, W, 3)` batches in [-1, 1], the pictures at a latent and
        `EPSILON` further, to float64 `(N,)`: LPIPS / `EPSILON`^2.

    Raises:
        MissingWeightsError: When a file is nowhere; names it.

    Reference: Karras et al. 2019, arXiv:1812.04948, section 4.1; 2020, arXiv:1912.04958, section 3.
    """
    lpips = load_lpips(network)

    def distance(a, b) -> np.ndarray:
        a, b = (_reduced(tf.convert_to_tensor(x, tf.float32)) for x in (a, b))
        return np.asarray(lpips.distance(a, b), np.float64) / EPSILON**2

    distance.note = lpips.note
    return distance


def _reduced(pictures):
    factor = int(pictures.shape[1]) // _SIDE
    return tf.nn.avg_pool2d(pictures, factor, factor, "VALID") if factor > 1 else pictures


def trimmed_mean(values: np.ndarray) -> float:
    """Mean of the values between the 1st and the 99th percentile, as the official code has it.

    Args:
        values: float `(N,)`.
    """
    low = np.percentile(values, 1, method="lower")
    high = np.percentile(values, 99, method="higher")
    return float(values[(values >= low) & (values <= high)].mean())
