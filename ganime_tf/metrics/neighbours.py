"""Improved precision and recall: how much of one set lies within the other."""

import numpy as np

from ganime_tf.metrics.kernel import check_features


def _squared_distances(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    squared = (x**2).sum(1)[:, None] + (y**2).sum(1) - 2.0 * (x @ y.T)
    return np.maximum(squared, 0.0)


def _chunks(rows: np.ndarray, size: int):
    return (rows[start : start + size] for start in range(0, len(rows), size))


def _radii(rows: np.ndarray, k: int, chunk: int) -> np.ndarray:
    """Squared distance of each row to its k-th neighbour (itself is the 0-th)."""
    parts = [
        np.partition(_squared_distances(c, rows), k, axis=1)[:, k] for c in _chunks(rows, chunk)
    ]
    return np.concatenate(parts)


def _covered(rows: np.ndarray, centres: np.ndarray, radii: np.ndarray, chunk: int) -> float:
    inside = [(_squared_distances(c, centres) <= radii).any(1) for c in _chunks(rows, chunk)]
    return float(np.concatenate(inside).mean())


def precision_recall(real, fake, *, k: int = 3, chunk: int = 1024) -> tuple[float, float]:
    """Improved precision and recall.

    Precision is the share of fake pictures within the k-nearest-neighbour ball of some real one,
    recall the share of real pictures within the ball of some fake one.

    Args:
        real: Features `(n, d)`.
        fake: Features `(m, d)`.
        k: Neighbour that sets a ball's radius, 3 in the paper.
        chunk: Rows compared at once; memory is `chunk x n`.

    Returns:
        `(precision, recall)`, both in [0, 1].

    Raises:
        ValueError: On `k` or fewer rows, unequal lengths, values that are not finite.

    Reference: Kynkäänniemi et al., 2019, arXiv:1904.06991, eqs. (1) and (2).
    """
    real, fake = check_features(real, fake, k + 1)
    precision = _covered(fake, real, _radii(real, k, chunk), chunk)
    recall = _covered(real, fake, _radii(fake, k, chunk), chunk)
    return precision, recall
