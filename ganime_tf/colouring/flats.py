"""Flats: regions of one clean colour each, by the random walker on the barrier.

Grady 2006, Random Walks for Image Segmentation: a pixel belongs to the hint that a walker, who
hardly crosses borders, reaches first. It is the same equation as that of the colours.
"""

import dataclasses

import numpy as np
import scipy.ndimage

from ganime_tf.colouring.lab import rgb_to_lab
from ganime_tf.colouring.lift import lift_labels
from ganime_tf.colouring.propagation import Propagator

_SAME = 4.0  # colours nearer than this (CIE76) are one: dabs with soft rims
MAX_COLOURS = 250
"""Distinct colours among the hints."""


@dataclasses.dataclass(frozen=True)
class Flats:
    """Regions of a page.

    `labels` uint8 `(H, W)`, which colour; `colours` uint8 `(K, 3)`.
    """

    labels: np.ndarray
    colours: np.ndarray

    def sheet(self) -> np.ndarray:
        """The flat colours, uint8 `(H, W, 3)`."""
        return self.colours[self.labels]

    def regions(self) -> np.ndarray:
        """Connected regions, numbered from 0, int32 `(H, W)`."""
        numbered, last = np.zeros(self.labels.shape, np.int32), 0
        for label in range(len(self.colours)):
            found, count = scipy.ndimage.label(self.labels == label)
            numbered[found > 0] = found[found > 0] + (last - 1)
            last += count
        return numbered


def distinct_colours(colours: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Groups colours that look alike.

    Args:
        colours: float or uint8 `(N, 3)` in [0, 255].

    Returns:
        `palette` uint8 `(K, 3)`, the most frequent first, and the index of each colour, `(N,)`.

    Raises:
        ValueError: With more than `MAX_COLOURS` groups.
    """
    exact, inverse, counts = np.unique(
        np.rint(colours).astype(np.uint8), axis=0, return_inverse=True, return_counts=True
    )
    lab = rgb_to_lab(exact)
    group = np.full(len(exact), -1)
    palette = []
    for k in np.argsort(-counts, kind="stable"):
        if group[k] < 0:
            near = (group < 0) & (np.linalg.norm(lab - lab[k], axis=-1) < _SAME)
            group[near] = len(palette)
            palette.append(exact[k])
            if len(palette) > MAX_COLOURS:
                raise ValueError(
                    f"The hints hold more than {MAX_COLOURS} distinct colours: flats need dabs of "
                    "plain colours, without gradients."
                )
    return np.stack(palette), group[inverse.reshape(-1)]


def flat_regions(
    propagator: Propagator,
    hints: tuple[np.ndarray, np.ndarray],
    cover: np.ndarray,
    page_cover: np.ndarray,
    paper: np.ndarray | None = None,
) -> Flats:
    """Parts a page into the regions of its hints.

    Args:
        propagator: Of the page at working size.
        hints: `known` and `colours` at working size, see `Hints.at`.
        cover: Ink at working size, float `(h, w)`.
        page_cover: Ink of the page, uint8 `(H, W)`.
        paper: Colour, `(3,)`, of what no hint reaches, for a propagator with a ground.
    """
    known, colours = hints
    palette, index = distinct_colours(colours[known])
    seeds = np.zeros((*known.shape, len(palette)), np.float32)
    seeds[known] = np.eye(len(palette), dtype=np.float32)[index]
    share = propagator.solve(known, seeds)
    labels = share.argmax(axis=-1)
    if paper is not None:
        labels = np.where(share.sum(axis=-1) < 0.5, len(palette), labels)
        palette = np.concatenate([palette, np.rint(paper)[None].astype(np.uint8)])
    return Flats(lift_labels(labels, len(palette), cover, known, page_cover), palette)
