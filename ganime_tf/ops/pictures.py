"""Finished pictures for people to look at: PNG files, grids, labelled contact sheets."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ganime_tf.ops.files import atomic_path

_GAP = 6
_PAPER = (255, 255, 255)
_INK = (40, 40, 48)


def save_png(path: str | Path, image: np.ndarray) -> None:
    """Writes a uint8 `(H, W, 3)` picture as PNG, atomically, creating the folder.

    Raises:
        ValueError: When `image` is not uint8 `(H, W, 3)`.
    """
    image = np.asarray(image)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[-1] != 3:
        raise ValueError(
            f"`image` must be uint8 of shape (H, W, 3). Received {image.dtype} {image.shape}."
        )
    with atomic_path(Path(path).with_suffix(".png")) as temporary:
        Image.fromarray(image).save(temporary, format="PNG")


def _fit(image: np.ndarray, size: int) -> Image.Image:
    """Scales a picture into a `size` square, keeping its aspect, on paper."""
    picture = Image.fromarray(np.asarray(image, np.uint8))
    picture.thumbnail((size, size), Image.Resampling.LANCZOS)
    if picture.size != (size, size) and max(picture.size) < size:
        factor = size / max(picture.size)
        picture = picture.resize([max(1, round(side * factor)) for side in picture.size])
    tile = Image.new("RGB", (size, size), _PAPER)
    tile.paste(picture, ((size - picture.width) // 2, (size - picture.height) // 2))
    return tile


def contact_sheet(
    rows: Sequence[Sequence[np.ndarray]],
    *,
    columns: Sequence[str] = (),
    labels: Sequence[str] = (),
    size: int | None = None,
) -> np.ndarray:
    """Draws rows of pictures side by side, with titles above and labels at the left.

    Args:
        rows: Each a sequence of uint8 `(H, W, 3)` pictures; rows may differ in length and the
            pictures in size.
        columns: Titles of the columns.
        labels: Labels of the rows.
        size: Side of a tile in pixels. Defaults to the longest side of the first picture, at least
            64.

    Returns:
        uint8 `(H, W, 3)`.

    Raises:
        ValueError: When there is no picture.
    """
    rows = [list(row) for row in rows if len(row)]
    if not rows:
        raise ValueError("A contact sheet needs at least one picture. Received none.")
    size = size or max(64, *rows[0][0].shape[:2])
    font = ImageFont.load_default(size=max(10, min(16, size // 8)))
    head = font.size + 2 * _GAP if columns else 0
    side = round(max((font.getlength(label) for label in labels), default=-2 * _GAP)) + 2 * _GAP
    width = side + max(map(len, rows)) * (size + _GAP) + _GAP
    sheet = Image.new("RGB", (width, head + len(rows) * (size + _GAP) + _GAP), _PAPER)
    draw = ImageDraw.Draw(sheet)
    for column, title in enumerate(columns):
        left = side + _GAP + column * (size + _GAP)
        draw.text((left + size // 2, _GAP), title, fill=_INK, font=font, anchor="ma")
    for index, row in enumerate(rows):
        top = head + _GAP + index * (size + _GAP)
        if index < len(labels):
            draw.text((_GAP, top + size // 2), labels[index], fill=_INK, font=font, anchor="lm")
        for column, image in enumerate(row):
            sheet.paste(_fit(image, size), (side + _GAP + column * (size + _GAP), top))
    return np.asarray(sheet)


def class_colours(classes: np.ndarray) -> np.ndarray:
    """Colours a map of classes as PASCAL VOC does: class 0 is black, neighbours are far apart.

    Args:
        classes: Integers `(...)` in [0, 255].

    Returns:
        uint8 `(..., 3)`.
    """
    numbers = np.arange(256)
    palette = np.zeros((256, 3), np.uint8)
    for bit in range(8):  # bits 0, 1, 2 of the number become the high bits of R, G, B, and so on
        for channel in range(3):
            palette[:, channel] |= ((numbers >> channel & 1) << (7 - bit)).astype(np.uint8)
        numbers = numbers >> 3
    return palette[np.asarray(classes, np.int64)]
