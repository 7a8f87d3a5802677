"""Fréchet distance between Gaussians, and the mean and covariance that it needs, streamed."""

import zipfile
from pathlib import Path

import numpy as np
import scipy.linalg
from scipy.linalg import blas

from ganime_tf.ops.files import atomic_path

_RANK_TOLERANCE = 1e-10  # relative to the largest variance


class FeatureStatistics:
    """Mean and covariance of feature vectors, in float64 and bounded memory.

    Rows are collected in blocks of `dim` and folded into mean and scatter matrix, so memory is
    two `dim x dim` matrices whatever the number of rows, and the result does not depend on how
    rows were batched. Two objects fed by different workers merge exactly (Chan et al., 1983).

    Args:
        dim: Length of a feature vector.
    """

    def __init__(self, dim: int):
        self.dim = int(dim)
        self.count = 0
        self._folded = 0  # rows inside mean and scatter
        self._mean = np.zeros(self.dim)
        self._scatter: np.ndarray | None = None
        self._block: list[np.ndarray] = []
        self._waiting = 0
        self._known = False  # covariance given, not computed from rows

    @classmethod
    def from_moments(cls, mean, covariance, count: int = 0) -> "FeatureStatistics":
        """Wraps a known mean `(d,)` and covariance `(d, d)`; `count` 0 means unknown.

        Raises:
            ValueError: On wrong shapes, values that are not finite, or no covariance.
        """
        mean, covariance = _check_moments(mean, covariance, "")
        scale = np.abs(covariance).max(initial=0.0)
        if np.abs(covariance - covariance.T).max(initial=0.0) > 1e-6 * scale:
            raise ValueError(
                "The covariance is not symmetric: the file is damaged or no covariance."
            )
        if np.diag(covariance).min(initial=0.0) < 0:
            raise ValueError("The covariance has negative variances. The file is damaged.")
        statistics = cls(len(mean))
        statistics.count = statistics._folded = int(count)
        statistics._mean, statistics._known = mean, True
        statistics._scatter = covariance * (max(count - 1, 1) if count else 1)
        return statistics

    def update(self, features) -> None:
        """Adds rows.

        Args:
            features: `(N, dim)`.

        Raises:
            ValueError: On another shape, or values that are not finite (rows are listed).
        """
        features = np.array(features, np.float64)
        if features.ndim != 2 or features.shape[1] != self.dim:
            raise ValueError(f"Expected features (N, {self.dim}). Received {features.shape}.")
        bad = np.flatnonzero(~np.isfinite(features).all(1))
        if len(bad):
            raise ValueError(
                f"Features of {len(bad)} of {len(features)} pictures are not finite (rows "
                f"{', '.join(map(str, bad[:10]))} of this batch). Look for NaN in the pictures' "
                "source, or for damaged network weights."
            )
        if self._known and not self._folded:
            raise ValueError("Statistics of unknown count cannot take further rows.")
        self.count += len(features)
        while len(features):
            if self._waiting == self.dim:
                self._fold()
            taken, features = np.split(features, [self.dim - self._waiting])
            self._block.append(taken)
            self._waiting += len(taken)

    def _fold(self) -> None:
        rows = np.concatenate(self._block)
        self._block, self._waiting = [], 0
        mean = rows.mean(0)
        rows -= mean
        count, scatter = len(rows), rows.T @ rows
        del rows  # a third of the peak memory
        self._absorb(count, mean, scatter)

    def _absorb(self, count: int, mean: np.ndarray, scatter: np.ndarray) -> None:
        """Pools another group's moments (Chan et al.'s parallel update)."""
        if self._scatter is None:
            self._folded, self._mean, self._scatter = count, mean.copy(), scatter.copy()
            return
        total = self._folded + count
        delta = mean - self._mean
        self._scatter += scatter
        between = self._folded * count / total
        self._scatter = blas.dger(between, delta, delta, a=self._scatter.T, overwrite_a=1)
        self._mean = self._mean + delta * (count / total)
        self._folded = total

    def merge(self, other: "FeatureStatistics") -> None:
        """Adds the rows that `other` has seen; `other` is unchanged.

        Raises:
            ValueError: When the feature lengths differ or a count is unknown.
        """
        if other.dim != self.dim:
            raise ValueError(f"Cannot merge {other.dim} features into {self.dim}.")
        if (self._known and not self._folded) or (other._known and not other._folded):
            raise ValueError("Statistics of unknown count cannot be merged.")
        if other._scatter is not None:
            if self._scatter is None and self._waiting:
                self._fold()
            self._absorb(other._folded, other._mean, other._scatter)
            self.count += other._folded
        for rows in list(other._block):
            self.update(rows)

    @property
    def rows(self) -> np.ndarray | None:
        """All rows while they are at most `dim`, else `None`."""
        if self._scatter is not None or not self._block:
            return None
        return np.concatenate(self._block)

    def moments(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean `(d,)` and unbiased covariance `(d, d)`.

        Raises:
            ValueError: With fewer than two rows.
        """
        if self._known and not self._folded:
            return self._mean, self._scatter
        if self.count < 2:
            raise ValueError(f"A covariance needs at least 2 pictures. Received {self.count}.")
        whole = FeatureStatistics(self.dim)
        if self._scatter is not None:
            whole._absorb(self._folded, self._mean, self._scatter)
        if self._block:
            whole._block = self._block
            whole._fold()
        return whole._mean, whole._scatter / (self.count - 1)


def save_statistics(path: str | Path, statistics: FeatureStatistics) -> None:
    """Writes `mu` and `sigma` to the `.npz` that pytorch-fid and clean-fid exchange, and `n`."""
    mean, covariance = statistics.moments()
    with atomic_path(Path(path)) as temporary, open(temporary, "wb") as file:
        np.savez(file, mu=mean, sigma=covariance, n=statistics.count)


def load_statistics(path: str | Path) -> FeatureStatistics:
    """Reads an `.npz` with `mu` and `sigma`.

    Raises:
        FileNotFoundError: When there is no such file.
        ValueError: When it is damaged or lacks a key; says which keys it has.
    """
    path = Path(path)
    try:
        with open(path, "rb") as content:
            if not zipfile.is_zipfile(content):
                raise ValueError("it is torn, or no .npz archive")
        with np.load(path, allow_pickle=False) as file:
            keys = list(file)
            if "mu" not in keys or "sigma" not in keys:
                raise ValueError(f"expected the arrays `mu` and `sigma`, found {keys}")
            count = int(file["n"]) if "n" in keys else 0
            return FeatureStatistics.from_moments(file["mu"], file["sigma"], count)
    except FileNotFoundError:
        raise
    except Exception as error:  # zipfile, zlib, pickle and NumPy each have their own
        raise ValueError(
            f"{path} is not a usable statistics file: {str(error).rstrip('.')}."
        ) from error


def frechet_distance(mu1, sigma1, mu2, sigma2) -> float:
    """Squared Fréchet (2-Wasserstein) distance between two Gaussians, in float64.

    |mu1 - mu2|^2 + Tr(sigma1) + Tr(sigma2) - 2 Tr (sigma1 sigma2)^(1/2). The last trace is the
    sum of the square roots of the eigenvalues of L' sigma2 L with sigma1 = L L', which is
    symmetric: no matrix square root, no imaginary part. L comes from Cholesky, or where sigma1 is
    singular (fewer pictures than features) from its eigenvectors of positive variance.

    Args:
        mu1: Mean, `(d,)`.
        sigma1: Covariance, `(d, d)`.
        mu2: Mean, `(d,)`.
        sigma2: Covariance, `(d, d)`.

    Returns:
        The distance, at least 0.

    Raises:
        ValueError: On unequal or wrong shapes, or values that are not finite.

    Reference: Dowson and Landau, 1982; Heusel et al., 2017, arXiv:1706.08500, eq. (6).
    """
    mu1, sigma1 = _check_moments(mu1, sigma1, "1")
    mu2, sigma2 = _check_moments(mu2, sigma2, "2")
    if mu1.shape != mu2.shape:
        raise ValueError(f"Features have lengths {len(mu1)} and {len(mu2)}: other networks?")
    factor = _cholesky(sigma1)
    if factor is None:
        trace = _trace_of_root(_spectral_factor(sigma1), sigma2)
    else:
        product = blas.dtrmm(1.0, factor, sigma2.T, lower=1, trans_a=1)  # half the work of `@`
        product = blas.dtrmm(1.0, factor, product, side=1, lower=1, overwrite_b=1)
        trace = _sum_of_roots(product)
    return _distance(mu1, mu2, np.trace(sigma1), np.trace(sigma2), trace)


def frechet_distance_of_features(features1, features2) -> float:
    """Fréchet distance of the Gaussians fitted to two sets of features, by their Gram matrix.

    With A and B the centred rows divided by sqrt(n - 1), Tr (sigma1 sigma2)^(1/2) is the sum of
    the singular values of A B': an n1 x n2 matrix instead of d x d, exact where there are fewer
    pictures than features and covariances are singular. Larger sets go by `frechet_distance`.

    Args:
        features1: `(n1, d)`, n1 at least 2.
        features2: `(n2, d)`, n2 at least 2.

    Returns:
        The distance, at least 0.

    Raises:
        ValueError: On fewer than two rows, unequal lengths or values that are not finite.
    """
    sets = []
    for features in (features1, features2):
        features = np.asarray(features, np.float64)
        if features.ndim != 2 or len(features) < 2 or not np.isfinite(features).all():
            raise ValueError(
                "Features must be finite, (n, d) with n at least 2. Received shape "
                f"{features.shape}."
            )
        sets.append(features)
    if sets[0].shape[1] != sets[1].shape[1]:
        raise ValueError(f"Features have lengths {sets[0].shape[1]} and {sets[1].shape[1]}.")
    if len(sets[0]) * len(sets[1]) > sets[0].shape[1] ** 2:  # the covariances are smaller
        moments = [(f.mean(0), np.atleast_2d(np.cov(f, rowvar=False))) for f in sets]
        return frechet_distance(*moments[0], *moments[1])
    (mean1, a), (mean2, b) = map(_scaled_rows, sets)
    trace = scipy.linalg.svdvals(a @ b.T).sum()
    return _distance(mean1, mean2, (a**2).sum(), (b**2).sum(), trace)


def distance_between(first: FeatureStatistics, second: FeatureStatistics) -> float:
    """Fréchet distance of two collections, by whichever way is cheapest."""
    if first.rows is None and second.rows is not None:
        first, second = second, first
    if first.rows is None:
        return frechet_distance(*first.moments(), *second.moments())
    if second.rows is not None:
        return frechet_distance_of_features(first.rows, second.rows)
    mean1, a = _scaled_rows(first.rows)  # a factor of the first covariance, of as many columns
    mean2, sigma2 = second.moments()
    return _distance(mean1, mean2, (a**2).sum(), np.trace(sigma2), _trace_of_root(a.T, sigma2))


def _scaled_rows(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean, and centred rows A `(n, d)` with A' A the covariance."""
    mean = features.mean(0)
    return mean, (features - mean) / np.sqrt(len(features) - 1)


def _distance(mean1, mean2, variance1: float, variance2: float, trace: float) -> float:
    return max(float(((mean1 - mean2) ** 2).sum() + variance1 + variance2 - 2.0 * trace), 0.0)


def _trace_of_root(factor: np.ndarray, sigma: np.ndarray) -> float:
    """Tr (L L' sigma)^(1/2) for a factor L `(d, r)`."""
    return _sum_of_roots(factor.T @ sigma @ factor)


def _sum_of_roots(product: np.ndarray) -> float:
    """Sum of the square roots of a positive semi-definite matrix's eigenvalues."""
    if not product.size:
        return 0.0
    eigenvalues = scipy.linalg.eigvalsh(product, overwrite_a=True, check_finite=False)
    return float(np.sqrt(np.maximum(eigenvalues, 0.0)).sum())


def _cholesky(sigma: np.ndarray) -> np.ndarray | None:
    """Lower L `(d, d)` with L L' = sigma, or `None` where sigma is singular or nearly so."""
    try:
        factor = scipy.linalg.cholesky(sigma, lower=True, check_finite=False)
    except scipy.linalg.LinAlgError:
        return None
    pivots = np.diag(factor) ** 2
    return factor if pivots.min() > _RANK_TOLERANCE * pivots.max() else None


def _spectral_factor(sigma: np.ndarray) -> np.ndarray:
    """L `(d, r)` with L L' = sigma, from the eigenvectors whose variance is above round-off."""
    values, vectors = scipy.linalg.eigh(sigma, check_finite=False)
    keep = values > max(values[-1], 0.0) * len(values) * np.finfo(float).eps
    return vectors[:, keep] * np.sqrt(values[keep])


def _check_moments(mean, covariance, which: str) -> tuple[np.ndarray, np.ndarray]:
    mean = np.atleast_1d(np.asarray(mean, np.float64))
    covariance = np.atleast_2d(np.asarray(covariance, np.float64))
    if mean.ndim != 1 or covariance.shape != (len(mean), len(mean)):
        raise ValueError(
            f"mu{which} and sigma{which} must be (d,) and (d, d). "
            f"Received {mean.shape} and {covariance.shape}."
        )
    if not (np.isfinite(mean).all() and np.isfinite(covariance).all()):
        raise ValueError(f"mu{which} or sigma{which} holds values that are not finite.")
    return mean, covariance
