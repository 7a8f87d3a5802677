"""Pages that are open in somebody's browser: coloured again at each dab, forgotten when unused."""

import collections
import io
import secrets
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from ganime_tf.colouring import Page, parse_hints
from ganime_tf.colouring.layers import WRITERS, layers_of
from ganime_tf.colouring.shade import ShadeStyle
from ganime_tf.colouring.sheet import Sheet
from ganime_tf.serving.limits import Limits, RefusedError

VIEW = 1200
"""Longest side of the picture on the screen."""
FORMATS = {
    "png": ("image/png", "png"),
    "colour": ("image/png", "colour.png"),
    "ora": ("image/openraster", "ora"),
    "psd": ("image/vnd.adobe.photoshop", "psd"),
}
"""What a result can be downloaded as: its type, and how its name ends."""


class OpenPage:
    """One page.

    Args:
        page: Line art, uint8 `(H, W, 3)`.
        area: The colours are spread on at most `area**2` pixels.

    Raises:
        RefusedError: When it cannot be coloured.
    """

    def __init__(self, page: np.ndarray, area: int = 320):
        self.full, self.area = page, area
        small = Image.fromarray(page)
        small.thumbnail((VIEW, VIEW), Image.Resampling.LANCZOS)
        try:
            self.view = Page(np.array(small), area=area)
        except ValueError as error:
            raise RefusedError(str(error)) from error
        _ = self.view.barrier  # once, before the first dab
        self._lock = threading.Lock()

    @property
    def num_bytes(self) -> int:
        """Memory that the page holds, about."""
        # The screen's page, its ink and the factorisations take some 60 MB.
        return self.full.nbytes + 60_000_000

    def describe(self) -> dict:
        """Sizes of the page and of its view, and a remark when it does not look like line art."""
        height, width = self.full.shape[:2]
        rows, columns = self.view.ink.size
        return {
            "width": width,
            "height": height,
            "view": [columns, rows],
            "remark": self.view.remark,
        }

    def lineart(self) -> bytes:
        """The page itself at the screen's size, PNG."""
        return png_bytes(self.view.ink.page)

    def preview(self, view: Mapping) -> bytes:
        """The coloured page at the screen's size, PNG; `view` as of `coloured`."""
        with self._lock:
            return png_bytes(coloured(self.view, view).picture)

    def place(self, sheet: Sheet, view: Mapping) -> dict:
        """Dabs of a character's sheet in the view's frame; `view` as of `place_dabs`."""
        with self._lock:
            return place_dabs(self.view, sheet, view)

    def result(self, view: Mapping, kind: str) -> bytes:
        """The coloured page at its own size, as one of `FORMATS`."""
        page = Page(self.full, area=self.area)
        return file_bytes(kind, page, coloured(page, view))


def place_dabs(page: Page, sheet: Sheet, view: Mapping) -> dict:
    """Dabs of a character's sheet where `hints` of the view has none: `{"size", "points"}`."""
    own = _hints_of(page, view)
    height, width = page.ink.size
    return {"size": [width, height], "points": sheet.dabs(page, taken=own.mask)}


def coloured(page: Page, view: Mapping, placed: Mapping | None = None):
    """Colours a page as a request wishes.

    Args:
        page: What is coloured.
        view: Optionally `hints` (see `parse_hints`), `flat`, `paper`, `shade` ("off", "cel",
            "soft"), `light` ("left", "right") and `depth`.
        placed: Hints that lie under those.

    Raises:
        RefusedError: When something in it is wrong.
    """
    hints = _hints_of(page, view)
    if placed:
        hints = hints.over(parse_hints(placed, page.ink.size))
    try:
        kind, style = view.get("shade", "off"), None
        if kind != "off":
            style = ShadeStyle(kind, view.get("light", "left"), view.get("depth", 0.3))
        return page.colour(hints, view.get("flat", False), view.get("paper", False), style)
    except ValueError as error:
        raise RefusedError(str(error)) from error


def _hints_of(page: Page, view: Mapping):
    try:
        return parse_hints(view.get("hints", {}), page.ink.size)
    except ValueError as error:
        raise RefusedError(str(error)) from error


class Pages:
    """The open pages by their secret names; the longest unused ones give way to new ones."""

    def __init__(self, limits: Limits, area: int = 320):
        self.limits, self.area = limits, area
        self._lock, self._pages = threading.Lock(), collections.OrderedDict()

    def __len__(self) -> int:
        return len(self._pages)

    def open(self, picture: np.ndarray) -> tuple[str, OpenPage]:
        """Keeps a page and returns the name by which its visitor asks for it again."""
        page, name = OpenPage(picture, self.area), secrets.token_urlsafe(16)
        with self._lock:
            self._pages[name] = page
            kept = sum(entry.num_bytes for entry in self._pages.values())
            while len(self._pages) > 1 and kept > self.limits.max_kept_bytes:
                _, dropped = self._pages.popitem(last=False)
                kept -= dropped.num_bytes
        return name, page

    def __getitem__(self, name: str) -> OpenPage:
        with self._lock:
            if name not in self._pages:
                raise RefusedError("This page is not open any more: send it again.", 404)
            self._pages.move_to_end(name)
            return self._pages[name]


def png_bytes(picture: np.ndarray) -> bytes:
    """A uint8 picture as PNG."""
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, format="PNG", compress_level=1)
    return stream.getvalue()


def file_bytes(kind: str, page: Page, result) -> bytes:
    """A result as one of `FORMATS`: the picture, the colour alone, or `layers_of` it.

    Raises:
        RefusedError: For `psd`, without psd-tools.
    """
    if kind == "png":
        return png_bytes(result.picture)
    if kind == "colour":
        return png_bytes(result.colour)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"page.{kind}"
        try:
            WRITERS[kind](path, layers_of(page, result), result.picture)
        except ImportError as error:
            raise RefusedError(str(error), 501) from error
        return path.read_bytes()
