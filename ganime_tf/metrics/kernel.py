"""Kernel Inception Distance: an unbiased distance for small sets."""

import numpy as np

_GRAM_LIMIT = 4000  # rows up to which all kernel values are kept: 3 x 128 MB


def polynomial_kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(x'y / d + 1)^3 for all pairs of rows: `(n, d)`, `(m, d)` -> `(n, m)`."""
    return (x @ y.T / x.shape[1] + 1.0) ** 3


def kid(
    real, fake, *, subsets: int = 100, subset_size: int = 1000, seed: int = 2020
) -> tuple[float, float]:
    """Kernel Inception Distance: mean and standard deviation over random subsets.

    Unbiased squared maximum mean discrepancy with the cubic polynomial kernel; can be negative.
    With the same `seed` the subsets are those of torch-fidelity, whose default seed is 2020.

    Args:
        real: Features `(n, d)`.
        fake: Features `(m, d)`.
        subsets: Number of subsets.
        subset_size: Rows of each set in a subset.
        seed: Seed of the subsets.

    Returns:
        `(mean, std)`. Papers often print both times 100 or 1000.

    Raises:
        ValueError: On fewer rows than `subset_size`, unequal lengths, values not finite.

    Reference: Binkowski et al., 2018, arXiv:1801.01401, section 4.
    """
    real, fake = check_features(real, fake, 2)
    if not 2 <= subset_size <= min(len(real), len(fake)):
        raise ValueError(
            f"KID subsets need 2 to {min(len(real), len(fake))} pictures, as many as the smaller "
            f"set has. Received `subset_size` {subset_size}."
        )
    if subsets < 1:
        raise ValueError(f"`subsets` must be at least 1. Received {subsets}.")
    random = np.random.RandomState(seed)  # the legacy generator, for torch-fidelity's subsets
    grams = None
    if max(len(real), len(fake)) <= _GRAM_LIMIT:
        grams = [polynomial_kernel(*pair) for pair in ((real, real), (fake, fake), (real, fake))]
    values = np.empty(subsets)
    for index in range(subsets):
        r = random.choice(len(real), subset_size, replace=False)
        f = random.choice(len(fake), subset_size, replace=False)
        if grams:
            rows = ((r, r), (f, f), (r, f))
            k_rr, k_ff, k_rf = (g[np.ix_(*pair)] for g, pair in zip(grams, rows, strict=True))
        else:
            x, y = real[r], fake[f]
            k_rr, k_ff, k_rf = (polynomial_kernel(*pair) for pair in ((x, x), (y, y), (x, y)))
        values[index] = _unbiased(k_rr, k_ff, k_rf)
    return float(values.mean()), float(values.std())


def squared_mmd(x: np.ndarray, y: np.ndarray) -> float:
    """Unbiased squared maximum mean discrepancy of rows `(n, d)` and `(m, d)`, n and m >= 2."""
    return _unbiased(*(polynomial_kernel(*pair) for pair in ((x, x), (y, y), (x, y))))


def _unbiased(k_xx: np.ndarray, k_yy: np.ndarray, k_xy: np.ndarray) -> float:
    within = [(k.sum() - np.trace(k)) / (len(k) * (len(k) - 1)) for k in (k_xx, k_yy)]
    return float(sum(within) - 2.0 * k_xy.mean())


def check_features(real, fake, least: int) -> tuple[np.ndarray, np.ndarray]:
    """Checks two sets of features and returns them in float64.

    Raises:
        ValueError: On fewer than `least` rows, unequal lengths, values that are not finite.
    """
    real, fake = np.asarray(real, np.float64), np.asarray(fake, np.float64)
    for name, features in (("real", real), ("fake", fake)):
        if features.ndim != 2 or len(features) < least:
            raise ValueError(
                f"`{name}` must be features (n, d) of at least {least} pictures. "
                f"Received shape {features.shape}."
            )
        if not np.isfinite(features).all():
            raise ValueError(f"`{name}` holds features that are not finite.")
    if real.shape[1] != fake.shape[1]:
        raise ValueError(f"Features have lengths {real.shape[1]} and {fake.shape[1]}.")
    return real, fake
