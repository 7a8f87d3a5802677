"""Confidence intervals of set metrics: how far a score moves with other pictures of the kind.

The spread is that of random halves, drawn without repetition. Drawing as many pictures as there
are WITH repetition (the bootstrap) puts equal pictures into a set, which biases KID and widens the
Fréchet distance's spread further. Halves scatter about the whole as the whole scatters about the
truth: Var(half - whole) = Var(whole) for a mean (the delete-half jackknife, Shao and Wu, 1989).
"""

from collections.abc import Callable

import numpy as np

from ganime_tf.metrics.frechet import FeatureStatistics, distance_between
from ganime_tf.metrics.kernel import squared_mmd

_KID_POOL = 4000  # rows of a set that KID's halves are drawn from


def halves_interval(
    statistic: Callable[..., float],
    value: float,
    sets: list[np.ndarray],
    *,
    resamples: int = 50,
    seed: int = 0,
    shrink: float = 1.0,
) -> tuple[float, float] | None:
    """95 % interval around a statistic of one or two sets, from random halves of each.

    The halves' own mean is not used, only their spread about it, because a half has its own bias
    (the Fréchet distance of fewer pictures is larger). The interval is for the number of pictures
    at hand: it says nothing of the bias that this number itself has.

    Args:
        statistic: Function of as many sets of rows as `sets` holds.
        value: Its value for all rows, the centre of the interval.
        sets: Rows, `(n, d)` each.
        resamples: Number of draws; the interval's width is uncertain by 1 / sqrt(2 `resamples`),
            10 % for 50.
        seed: Seed of the draws.
        shrink: Factor on the spread, when the rows are themselves a sample of more.

    Returns:
        `value` minus and plus 1.96 standard deviations, or `None` with fewer than 4 rows in a set
        or fewer than 2 resamples.
    """
    if resamples < 2 or min(map(len, sets)) < 4:
        return None
    random = np.random.default_rng(seed)
    found = []
    for _ in range(resamples):
        halves = [rows[random.choice(len(rows), len(rows) // 2, replace=False)] for rows in sets]
        found.append(statistic(*halves))
    reach = 1.96 * float(np.std(found, ddof=1)) * shrink
    return value - reach, value + reach


def frechet_interval(
    real: FeatureStatistics | np.ndarray, fake: np.ndarray, value: float, **plan
) -> tuple[float, float] | None:
    """95 % interval of a Fréchet distance; never below 0.

    Args:
        real: Features `(n, d)`, or statistics, which are then taken as free of error.
        fake: Features `(m, d)`.
        value: The distance of all pictures.
        **plan: `resamples` and `seed`.
    """

    def collected(rows):
        statistics = FeatureStatistics(rows.shape[1])
        statistics.update(rows)
        return statistics

    if isinstance(real, FeatureStatistics):
        interval = halves_interval(
            lambda f: distance_between(real, collected(f)), value, [fake], **plan
        )
    else:
        interval = halves_interval(
            lambda r, f: distance_between(collected(r), collected(f)), value, [real, fake], **plan
        )
    return interval and (max(interval[0], 0.0), interval[1])


def kid_interval(
    real: np.ndarray, fake: np.ndarray, value: float, *, resamples: int = 50, seed: int = 0
) -> tuple[float, float] | None:
    """95 % interval of KID, from halves of at most 4,000 pictures a set.

    Args:
        real: Features `(n, d)`.
        fake: Features `(m, d)`.
        value: KID of all pictures.
        resamples: Number of draws.
        seed: Seed of the draws.
    """
    random = np.random.default_rng(seed)
    pools = [
        rows[random.choice(len(rows), _KID_POOL, replace=False)] if len(rows) > _KID_POOL else rows
        for rows in (np.asarray(real, np.float64), np.asarray(fake, np.float64))
    ]
    whole, drawn = min(len(real), len(fake)), min(map(len, pools))
    shrink = (drawn / whole) ** 0.5
    return halves_interval(squared_mmd, value, pools, resamples=resamples, seed=seed, shrink=shrink)
