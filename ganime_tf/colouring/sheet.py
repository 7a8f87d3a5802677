"""Hints from a coloured picture of the same character: which part of the page is which there."""

import numpy as np
import scipy.ndimage
from PIL import Image

from ganime_tf.colouring.ink import working_size
from ganime_tf.colouring.lab import rgb_to_lab
from ganime_tf.colouring.network import (
    MATCH_ABSENT,
    MATCH_SHARPNESS,
    BarrierNetwork,
    included_network,
)
from ganime_tf.colouring.pairs import NUM_POINTS, page_planes, sheet_planes
from ganime_tf.colouring.palette import palette_of

_AREA = 256  # sheets are looked at in at most so many squared pixels
_NEAR = 10.0  # a sheet's pixel within this distance (CIE76) has a colour of its palette
_POINTS = 1500
_OPEN = 0.3  # barrier below which neighbours are one region
_SMALL = 5  # cells
_LARGE = 0.005  # share of the page
_ABSENT = 0.4  # mean probability of "not on the sheet" from which a region gets no dab


class Sheet:
    """A coloured picture of a character.

    Args:
        picture: uint8 `(H, W, 3)`: flat or shaded, with lines; any pose and backdrop.
        network: The matching network; by default the weights that come with the package.

    Raises:
        ValueError: On a picture of another kind, or one without an evenly painted area.
    """

    def __init__(self, picture: np.ndarray, network: BarrierNetwork | None = None):
        self.network = network or included_network("match")
        self.colours = palette_of(picture, most=24, least=0.0004)
        if not len(self.colours):
            raise ValueError("The sheet has no evenly painted area to take colours from.")
        size = working_size(*picture.shape[:2], _AREA)
        small = np.asarray(Image.fromarray(picture).resize(size[::-1], Image.Resampling.BOX))
        planes = sheet_planes(small)
        vectors = self.network.embed(planes)
        cells, lines = small[::2, ::2], planes[::2, ::2, 0]  # one for each vector
        lab, own = rgb_to_lab(cells), rgb_to_lab(self.colours)
        distance = np.linalg.norm(lab[..., None, :] - own, axis=-1)
        good = (distance.min(-1) < _NEAR) & (lines < 0.3)
        if not good.any():
            raise ValueError("The sheet has no evenly painted area to take colours from.")
        vectors, colour = vectors[good], distance.argmin(-1)[good]
        # As the network was trained: small parts count nearly as much as large ones.
        weight = 1 / np.bincount(colour)[colour] ** 0.7
        rng = np.random.default_rng(0)
        count = min(_POINTS, len(colour))
        chosen = rng.choice(len(colour), count, replace=False, p=weight / weight.sum())
        self._vectors, self._of = vectors[chosen], colour[chosen]

    def match(self, cover: np.ndarray) -> np.ndarray:
        """The probability of each of `colours`, and last of none of them.

        Args:
            cover: Ink of a page at working size, float32 `(h, w)` in [0, 1].

        Returns:
            float32 `(ceil(h/2), ceil(w/2), len(colours) + 1)`.
        """
        vectors = self.network.embed(page_planes(cover))
        score = MATCH_SHARPNESS * (vectors.reshape(-1, vectors.shape[-1]) @ self._vectors.T)
        weight = np.exp(score - MATCH_SHARPNESS) * (NUM_POINTS / len(self._of))
        one = np.zeros((len(self._of), len(self.colours)), np.float32)
        one[np.arange(len(one)), self._of] = 1
        absent = np.full((len(weight), 1), np.exp(MATCH_SHARPNESS * (MATCH_ABSENT - 1)))
        out = np.concatenate([weight @ one, absent], axis=1)
        out /= out.sum(axis=1, keepdims=True)
        return out.reshape(*vectors.shape[:2], -1).astype(np.float32)

    def dabs(self, page, sure: float = 0.5, taken: np.ndarray | None = None) -> list[dict]:
        """Dabs for a page, where the network is sure.

        Args:
            page: A `Page`.
            sure: Least mean probability of a dab's part; what lies below stays without.
            taken: Where the person has chosen colours, bool of the page's size; their regions get
                no dab.

        Returns:
            Points for `parse_hints` in the page's frame: `{"x", "y", "color", "radius"}`.
        """
        cover = page.cover
        chance = self.match(cover)
        chance = chance.repeat(2, axis=0).repeat(2, axis=1)[: cover.shape[0], : cover.shape[1]]
        regions, count = scipy.ndimage.label(page.barrier < _OPEN)
        free = np.ones(count + 1, bool)
        free[0] = False
        if taken is not None:
            small = Image.fromarray(taken).resize(cover.shape[::-1], Image.Resampling.NEAREST)
            free[regions[np.asarray(small)]] = False
        sizes = np.bincount(regions.ravel(), minlength=count + 1)
        # A large region that is mostly not on the sheet is a backdrop: one dab would fill it.
        absent = np.bincount(regions.ravel(), chance[..., -1].ravel(), count + 1)
        free &= (absent < _ABSENT * sizes) | (sizes < _LARGE * cover.size)
        best = chance.argmax(-1)
        points = []
        for colour in range(len(self.colours)):
            parts, many = scipy.ndimage.label((best == colour) & free[regions])
            for k, box in enumerate(scipy.ndimage.find_objects(parts)):
                inside = parts[box] == k + 1
                region = np.bincount(regions[box][inside]).argmax()
                inside &= regions[box] == region
                enough = max(_SMALL, 0.15 * sizes[region])
                if inside.sum() < enough or chance[box][..., colour][inside].mean() < sure:
                    continue
                points.append(_dab(inside, box, page, self.colours[colour]))
        return points


def _dab(inside, box, page, colour) -> dict:
    """The deepest place of a part, in the page's pixels."""
    depth = scipy.ndimage.distance_transform_edt(np.pad(inside, 1))[1:-1, 1:-1]
    row, column = np.unravel_index(depth.argmax(), depth.shape)
    height, width = page.ink.size
    scale = height / page.cover.shape[0]
    radius = min(max(height, width) / 90, max(0.6 * depth.max(), 0.6) * scale)
    return {
        "x": min(width - 1, round((column + box[1].start + 0.5) * width / page.cover.shape[1])),
        "y": min(height - 1, round((row + box[0].start + 0.5) * scale)),
        "color": "#{:02x}{:02x}{:02x}".format(*colour.tolist()),
        "radius": round(float(radius), 2),
    }
