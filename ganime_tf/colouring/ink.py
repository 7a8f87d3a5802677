"""The artist's ink, taken off the paper and laid back untouched."""

import dataclasses
from pathlib import Path

import numpy as np
from PIL import Image

from ganime_tf.data.io import read_image

_DEAD = 0.04  # darkness that is paper: grain, JPEG noise


@dataclasses.dataclass(frozen=True)
class Ink:
    """Line art without its paper.

    `page` is the artist's page, uint8 `(H, W, 3)`; `paper` its colour, float32 `(3,)` in [0, 255];
    `cover` how much of each pixel is ink, uint8 `(H, W)`, 255 where nothing shines through.
    """

    page: np.ndarray
    paper: np.ndarray
    cover: np.ndarray

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the page."""
        return self.cover.shape


def _levels(darkness: np.ndarray) -> float:
    """Darkness of full ink: the 85th percentile of what is clearly not paper."""
    inked = darkness[darkness > 0.12]
    if inked.size < max(8, darkness.size // 20000):
        return 1.0
    return float(max(np.percentile(inked, 85), 0.15))


def extract_ink(page: np.ndarray) -> Ink:
    """Takes the paper's tint off a page and scales its ink to [0, 1].

    The paper is the 90th percentile of each channel; full ink the 85th percentile of the darkness
    of what is not paper, so that pencil and scans count as much as black. Where most of a page is
    dark it is read the other way round: light ink on dark paper.

    Args:
        page: uint8 `(H, W, 3)`.
    """
    page = np.ascontiguousarray(page)
    step = max(1, int(np.sqrt(page.shape[0] * page.shape[1] / 250_000)))
    sample = page[::step, ::step].reshape(-1, 3)
    light_on_dark = np.median(sample) < 64 and np.percentile(sample, 99.5) > 96
    if light_on_dark:
        sample = 255 - sample
    paper = np.maximum(np.percentile(sample, 90, axis=0), 1.0).astype(np.float32)
    full = _levels(1 - (sample / paper).min(axis=-1))
    # A table for each channel: a page of 9 million pixels is looked up, not computed.
    levels = np.arange(255, -1, -1) if light_on_dark else np.arange(256)
    cover = None
    for channel in range(3):
        dark = 1 - levels / paper[channel]
        # Never less than the darkness, so that what the paper does not explain is ink.
        table = np.ceil(255 * np.clip(dark / full, 0, 1) * (dark > _DEAD)).astype(np.uint8)
        looked = table[page[..., channel]]
        cover = looked if cover is None else np.maximum(cover, looked, out=cover)
    return Ink(page, 255 - paper if light_on_dark else paper, cover)


def read_page(path: str | Path) -> np.ndarray:
    """Reads line art of any kind as uint8 `(H, W, 3)`.

    White ink on transparent paper comes out as white on black, which `extract_ink` understands;
    other transparent pages lie on white.

    Raises:
        FileNotFoundError: When there is no such file.
        BadImageError: A `ValueError` naming the file, when it is not a good picture.
    """
    page = read_image(path)
    if page.min() < 128:
        return page
    black = read_image(path, background=(0, 0, 0))
    # Nothing dark on white, something light on black, and black seen: transparent, with white ink.
    return black if black.min() < 64 and black.max() > 128 else page


def doubts(ink: Ink) -> str:
    """A sentence when a page does not look like line art, else an empty string."""
    step = max(1, int(np.sqrt(ink.cover.size / 250_000)))
    cover = ink.cover[::step, ::step]
    if not (cover > 0).any():
        return "The page is blank: no ink was found on it."
    grey = float(((cover > 40) & (cover < 215)).mean())
    if grey > 0.35:
        return (
            f"{grey:.0%} of the page are middle tones: this looks like a photo or a painted "
            "picture, not like line art; the colours follow its borders only roughly."
        )
    sample = ink.page[::step, ::step].astype(int)
    colourful = float(((sample.max(-1) - sample.min(-1) > 60) & (cover > 40)).mean())
    if colourful > 0.15:
        return f"{colourful:.0%} of the page are coloured already; those pixels stay as they are."
    return ""


def compose(ink: Ink, colour: np.ndarray) -> np.ndarray:
    """Lays the ink over a colour sheet.

    `page = paper (1 - cover) + line`, so `out = colour (1 - cover) + line`: where the ink covers,
    the output is the artist's own pixel; where there is none, it is the colour.

    Args:
        ink: From `extract_ink`.
        colour: uint8 `(H, W, 3)`, the size of the page.

    Returns:
        uint8 `(H, W, 3)`.
    """
    if colour.shape != ink.page.shape:
        raise ValueError(f"`colour` must have the page's shape {ink.page.shape}: {colour.shape}.")
    out = np.empty_like(colour)
    for top in range(0, len(out), 256):  # in bands: a page as float32 would take 300 MB
        rows = slice(top, top + 256)
        clear = (255 - ink.cover[rows, :, None].astype(np.float32)) * np.float32(1 / 255)
        line = np.maximum(ink.page[rows] - ink.paper * clear, 0)
        line *= ink.cover[rows, :, None] > 0
        out[rows] = np.minimum(colour[rows] * clear + line + 0.5, 255)
    return out


def line_layer(ink: Ink) -> np.ndarray:
    """The ink alone, RGBA: laid over a colour sheet it gives what `compose` gives."""
    layer = np.empty((*ink.size, 4), np.uint8)
    for top in range(0, len(layer), 256):
        rows = slice(top, top + 256)
        cover = ink.cover[rows, :, None].astype(np.float32) / 255
        line = np.maximum(ink.page[rows] - ink.paper * (1 - cover), 0)
        layer[rows, :, :3] = np.minimum(line / np.maximum(cover, 1 / 255) + 0.5, 255)
        layer[rows, :, 3] = ink.cover[rows]
    return layer


def working_size(height: int, width: int, area: int) -> tuple[int, int]:
    """A size of the same aspect and at most `area**2` pixels, never larger than the page."""
    scale = min(1.0, area / np.sqrt(height * width))
    return max(8, round(height * scale)), max(8, round(width * scale))


def shrink(plane: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A uint8 `(H, W)` plane at another size as float32 in [0, 1], by area."""
    picture = Image.fromarray(plane)
    # A fifth of the way by a box: a quick first step for large pages.
    picture = picture.resize(size[::-1], Image.Resampling.BOX, reducing_gap=2.0)
    return np.asarray(picture, np.float32) / 255
