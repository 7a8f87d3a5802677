"""Colours from hints: a weighted Laplace equation whose conductance is low across borders.

Levin, Lischinski, Weiss 2004, Colorization using Optimization, with a barrier for the weights:
minimise the sum over neighbours of `exp(-sharpness max(b_i, b_j)) (c_i - c_j)^2` with the colours
of the hints held. Solved directly, not to a tolerance that a long corridor would not reach.
"""

import numpy as np
import scipy.ndimage
import scipy.sparse
import scipy.sparse.linalg

_HOLD = 1e6  # conductance from a hint to its colour; then the hint itself is set exactly
_MOST_NEW = 96  # pixels of new dabs that are added to a factorisation; more are factorised
_MOST_KEPT = 192


def closed_lines(cover: np.ndarray, full: float = 0.35) -> np.ndarray:
    """Ink that parts two regions which meet nowhere else: lines without a gap.

    Args:
        cover: Ink, float `(H, W)` in [0, 1].
        full: Ink from which a pixel is a line.

    Returns:
        bool `(H, W)`.
    """
    line = cover >= full
    regions, count = scipy.ndimage.label(~line)
    if count < 2:
        return np.zeros_like(line)
    # Each line pixel belongs to its nearest region; where two of those meet, they are parted.
    _, (rows, columns) = scipy.ndimage.distance_transform_edt(line, return_indices=True)
    nearest = regions[rows, columns]
    parted = np.zeros_like(line)
    for axis in range(2):
        first = [slice(None)] * 2
        second = [slice(None)] * 2
        first[axis], second[axis] = slice(None, -1), slice(1, None)
        differ = nearest[tuple(first)] != nearest[tuple(second)]
        parted[tuple(first)] |= differ
        parted[tuple(second)] |= differ
    return parted & line


def edge_barrier(
    cover: np.ndarray,
    learned: np.ndarray | None = None,
    trust: float = 0.4,
    closed_weight: float = 0.5,
) -> np.ndarray:
    """The barrier of the solve, float32 `(H, W)`: `trust learned + (1 - trust) ink`.

    Args:
        cover: Ink in [0, 1].
        learned: From the barrier network; None takes the ink alone (Levin's rows of the tables).
        trust: How much the network decides. Of two lines around a region without a hint, the one
            that it takes for a border conducts `exp(trust sharpness)` times less.
        closed_weight: The least that a line without a gap counts, however thin or grey: nothing
            leaks through it.
    """
    if learned is None:
        return cover.astype(np.float32)
    barrier = trust * learned + (1 - trust) * cover
    return np.where(closed_lines(cover), np.maximum(barrier, closed_weight), barrier).astype(
        np.float32
    )


class Propagator:
    """Spreads colours over one page; keeps its factorisation from one dab to the next.

    Args:
        barrier: float `(H, W)` in [0, 1].
        sharpness: A border of 1 conducts `exp(-sharpness)`.
        ground: Conductance from every pixel to a value of 0 (a resistive sheet that leaks): far
            too low to be seen where a hint reaches openly, more than what crosses a closed line.
    """

    def __init__(self, barrier: np.ndarray, sharpness: float = 32.0, ground: float = 0.0):
        self.shape = barrier.shape
        index = np.arange(barrier.size).reshape(barrier.shape)
        first = np.concatenate([index[:, 1:].ravel(), index[1:].ravel()])
        second = np.concatenate([index[:, :-1].ravel(), index[:-1].ravel()])
        flat = barrier.ravel().astype(np.float64)
        weight = np.exp(-sharpness * np.maximum(flat[first], flat[second]))
        rows, columns = np.concatenate([first, second]), np.concatenate([second, first])
        size = (barrier.size, barrier.size)
        weights = scipy.sparse.coo_matrix((np.tile(weight, 2), (rows, columns)), size).tocsr()
        degree = np.asarray(weights.sum(axis=1)).ravel() + ground
        self._grounded = ground > 0
        self._laplacian = (scipy.sparse.diags(degree) - weights).tocsc()
        self._factor, self._held, self._columns = None, None, {}
        self.factorisations = 0
        """How often the page was factorised; a dab more should not raise it."""

    def _factorise(self, known: np.ndarray) -> None:
        hold = scipy.sparse.diags(_HOLD * known.ravel().astype(np.float64))
        self._factor = scipy.sparse.linalg.splu(
            (self._laplacian + hold).tocsc(),
            permc_spec="MMD_AT_PLUS_A",
            diag_pivot_thresh=0.0,
            options={"SymmetricMode": True, "Equil": False},
        )
        self._held, self._columns = known.copy(), {}
        self.factorisations += 1

    def _added(self, known: np.ndarray) -> np.ndarray | None:
        """Pixels that the factorisation does not hold yet; None when it is of no use."""
        if self._factor is None or (self._held & ~known).any():
            return None
        new = known & ~self._held
        # The rim is enough: within it the colours are given.
        rim = new & ~scipy.ndimage.binary_erosion(new, border_value=1)
        added = np.flatnonzero(rim)
        fresh = sum(pixel not in self._columns for pixel in added.tolist())
        return None if fresh > _MOST_NEW or len(added) > _MOST_KEPT else added

    def solve(self, known: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Spreads values.

        Args:
            known: Where values are given, bool `(H, W)`, at least one.
            values: float `(H, W, K)`; read where known.

        Returns:
            float32 `(H, W, K)`, exact where known, elsewhere within the range of those (and of 0
            where there is a ground).

        Raises:
            ValueError: When nothing is known.
        """
        if not known.any():
            raise ValueError("There is no hint to spread: `known` is False everywhere.")
        added = self._added(known)
        if added is None:
            self._factorise(known)
            added = np.zeros(0, int)
        given = values.reshape(known.size, -1).astype(np.float64)
        right = np.where(self._held.reshape(-1, 1), _HOLD * given, 0)
        solution = self._factor.solve(right)
        if len(added):
            solution = self._correct(solution, added, given[added])
        low, high = given[known.ravel()].min(axis=0), given[known.ravel()].max(axis=0)
        if self._grounded:
            low, high = np.minimum(low, 0), np.maximum(high, 0)
        out = np.clip(solution, low, high).reshape(*self.shape, -1).astype(np.float32)
        out[known] = values[known]
        return out

    def _correct(self, solution: np.ndarray, added: np.ndarray, given: np.ndarray) -> np.ndarray:
        """Holds `added` at `given` too: currents into those pixels, found from a small system."""
        fresh = [pixel for pixel in added.tolist() if pixel not in self._columns]
        if fresh:
            unit = np.zeros((self._laplacian.shape[0], len(fresh)))
            unit[fresh, np.arange(len(fresh))] = 1
            self._columns.update(zip(fresh, self._factor.solve(unit).T, strict=True))
        answers = np.stack([self._columns[pixel] for pixel in added.tolist()])
        currents = np.linalg.solve(answers[:, added], given - solution[added])
        return solution + answers.T @ currents
