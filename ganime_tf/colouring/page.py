"""One page being coloured: ink and borders once, then hints as often as one likes."""

import dataclasses
import functools

import numpy as np
from PIL import Image

from ganime_tf.colouring.flats import Flats, flat_regions
from ganime_tf.colouring.hints import Hints
from ganime_tf.colouring.ink import Ink, compose, doubts, extract_ink, shrink, working_size
from ganime_tf.colouring.lift import lift
from ganime_tf.colouring.network import BarrierNetwork, included_network
from ganime_tf.colouring.propagation import Propagator, edge_barrier
from ganime_tf.colouring.shade import ShadeStyle, find_shadows, multiply, shade_layer

_GROUND = 1e-7  # what a cell loses to the paper: a page of 1e5 open cells still fills from a dab
MAX_SIDE = 20_000
"""Pages with a longer side are refused."""


@dataclasses.dataclass(frozen=True)
class Coloured:
    """What came out: `picture` and the `colour` sheet under its ink, uint8 `(H, W, 3)`.

    `flats` are the regions and `shade` the layer that `colour` is multiplied with, uint8
    `(H, W, 3)`, when they were asked for.
    """

    picture: np.ndarray
    colour: np.ndarray
    flats: Flats | None = None
    shade: np.ndarray | None = None


class Page:
    """Line art that can be coloured again and again.

    Args:
        page: uint8 `(H, W, 3)`, any size up to `MAX_SIDE`.
        area: The colours are spread on at most `area**2` pixels.
        network: Where colours change, seen from the ink; None takes the ink alone as the border.
            By default the weights that come with the package.

    Raises:
        ValueError: On a picture of another kind, a tiny or a huge one.
    """

    def __init__(
        self, page: np.ndarray, area: int = 256, network: BarrierNetwork | None | str = "included"
    ):
        if page.dtype != np.uint8 or page.ndim != 3 or page.shape[-1] != 3:
            raise ValueError(
                f"A page must be uint8 of shape (H, W, 3). Received {page.dtype} {page.shape}."
            )
        height, width = page.shape[:2]
        if min(height, width) < 16 or max(height, width) > MAX_SIDE:
            raise ValueError(
                f"A page must have 16 to {MAX_SIDE} pixels a side. Received {width}x{height}."
            )
        if area < 32:
            raise ValueError(f"`area` must be at least 32. Received {area}.")
        self.ink: Ink = extract_ink(page)
        self.size = working_size(height, width, area)
        self.cover = shrink(self.ink.cover, self.size)
        self._network = included_network() if network == "included" else network
        self.remark = doubts(self.ink)

    @functools.cached_property
    def barrier(self) -> np.ndarray:
        """Where colours change, at working size, float32 in [0, 1]."""
        learned = None if self._network is None else self._network(self.cover)
        return edge_barrier(self.cover, learned)

    @functools.cached_property
    def _propagator(self) -> Propagator:
        return Propagator(self.barrier)

    @functools.cached_property
    def _grounded(self) -> Propagator:
        return Propagator(self.barrier, ground=_GROUND)

    def spread(self, hints: Hints, paper: bool = False) -> np.ndarray:
        """The colour sheet at working size, float32 `(*size, 3)` in [0, 255].

        Args:
            hints: Chosen colours, at least one.
            paper: See `colour`.
        """
        self._check(hints)
        known, values = hints.at(self.size)
        if not paper:
            return self._propagator.solve(known, values)
        ones = np.ones((*values.shape[:2], 1), values.dtype)
        out = self._grounded.solve(known, np.concatenate([values, ones], -1))
        share = out[..., 3:]
        return np.where(share < 0.5, self.ink.paper, out[..., :3] / np.maximum(share, 0.5)).astype(
            np.float32
        )

    def _check(self, hints: Hints) -> None:
        if hints.mask.shape != self.ink.size:
            height, width = hints.mask.shape
            raise ValueError(
                f"Hints must have the page's size, {self.ink.size[1]}x{self.ink.size[0]}. "
                f"Received {width}x{height}."
            )

    def colour(
        self,
        hints: Hints,
        flat: bool = False,
        paper: bool = False,
        shade: ShadeStyle | None = None,
    ) -> Coloured:
        """Colours the page.

        Args:
            hints: Chosen colours in the page's frame; none leaves the page as it is.
            flat: One clean colour for each region instead of soft changes where nothing is drawn.
            paper: Whether regions that no hint reaches by an open way stay paper; otherwise they
                take the colours that cross their lines most easily.
            shade: Shadows over the colours, of this look; by default none.

        Returns:
            The picture: at hints exactly their colours (times the shade), under ink exactly the
            artist's pixels.
        """
        self._check(hints)
        if not hints:
            blank = np.empty_like(self.ink.page)
            blank[:] = np.rint(self.ink.paper)
            return Coloured(self.ink.page, blank)
        flats = None
        if flat:
            propagator = self._grounded if paper else self._propagator
            ground = self.ink.paper if paper else None
            held = hints.at(self.size)
            flats = flat_regions(propagator, held, self.cover, self.ink.cover, ground)
            colour = flats.sheet()
        else:
            held, _ = hints.at(self.size)
            sheet = self.spread(hints, paper)
            colour = lift(sheet, self.cover, held, self.ink.cover)
            colour[hints.mask] = hints.colours[hints.mask]
        if shade is None:
            return Coloured(compose(self.ink, colour), colour, flats)
        picture = Image.fromarray(colour)
        small = np.asarray(picture.resize(self.size[::-1], Image.Resampling.BOX, reducing_gap=2.0))
        shadows = find_shadows(
            included_network("shade"), self.cover, np.asarray(small), shade.light
        )
        layer = shade_layer(shadows, shade, self.cover, self.ink.cover)
        layer[(colour == np.rint(self.ink.paper)).all(-1)] = 255  # bare paper has no shade
        return Coloured(compose(self.ink, multiply(colour, layer)), colour, flats, layer)
