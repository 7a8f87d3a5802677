"""The sheets a scene is drawn on: colour, line art and parsing labels, drawn at the same time."""

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from ganime_tf.toy.artists import Pen
from ganime_tf.toy.colours import RGB
from ganime_tf.toy.curves import ribbon, width_profile

_LINE = 0.0085  # width of a line of weight 1, as a part of the picture

_CHUNK = 8  # points of a stroke that are one polygon


def supersampling(size: int) -> int:
    """Samples per pixel and axis."""
    return 4 if size <= 64 else 3 if size <= 96 else 2


def _box(shapes, side: int, margin: int) -> tuple[np.ndarray, np.ndarray]:
    """The pixel box of polygons in picture units, with a margin."""
    points = shapes[0] if len(shapes) == 1 else np.concatenate(shapes)
    low = np.floor(points.min(axis=0) * side).astype(int) - margin
    return low, np.ceil(points.max(axis=0) * side).astype(int) + margin


class Canvas:
    """Draws polygons and strokes, given in picture units [0, 1], on the sheets wanted.

    Args:
        size: Side of the finished pictures in pixels.
        weight, taper: Of the lines on the colour sheet; None draws no lines there.
        pen: Of the lines on the line art sheet.
        colour, lineart, labels: Which sheets to draw.
    """

    def __init__(self, size, weight, taper, pen: Pen, colour=True, lineart=False, labels=False):
        self.size = size
        self.factor = supersampling(size)
        self.side = size * self.factor
        self.weight = weight
        self.taper = taper
        self.pen = pen
        shape = (self.side, self.side)
        self.colour = Image.new("RGB", shape) if colour else None
        self.lineart = Image.new("L", shape, 255) if lineart else None
        self.labels = Image.new("L", shape, 0) if labels else None
        self._colour = ImageDraw.Draw(self.colour) if colour else None
        self._lineart = ImageDraw.Draw(self.lineart) if lineart else None
        self._labels = ImageDraw.Draw(self.labels) if labels else None

    def _pixels(self, points) -> np.ndarray:
        # Pillow reads a float32 buffer as x, y pairs without a copy to a list.
        xy = np.multiply(points, self.side, dtype=np.float32, casting="same_kind", order="C")
        xy -= 0.5
        return xy

    def fill(self, points, colour: RGB | None, label: int | None, hides: bool = True) -> None:
        """A polygon: `colour` on the colour sheet, white on the line art, `label` on the labels.

        A `colour` or `label` of None leaves that sheet alone; `hides=False` the line art.
        """
        xy = self._pixels(points)
        if self._colour and colour is not None:
            self._colour.polygon(xy, fill=colour)
        if self._lineart and hides:
            self._lineart.polygon(xy, fill=255)
        if self._labels and label is not None:
            self._labels.polygon(xy, fill=label)

    def blot(self, points, colour: RGB | None, ink: int) -> None:
        """A polygon of solid ink: `colour` on the colour sheet, grey `ink` on the line art."""
        xy = self._pixels(points)
        if self._colour and colour is not None:
            self._colour.polygon(xy, fill=colour)
        if self._lineart:
            self._lineart.polygon(xy, fill=ink)

    def stroke(self, points, colour: RGB, weight: float = 1.0, taper: str | None = None) -> None:
        """A line along `points`; `taper` overrides the pens' own."""
        if self._colour and self.weight:
            self._ribbon(self._colour, points, self.weight * weight, taper or self.taper, colour)
        if self._lineart:
            self._ribbon(
                self._lineart,
                points,
                self.pen.width * weight,
                taper or self.pen.taper,
                self.pen.ink,
            )

    def _ribbon(self, draw, points, weight, taper, ink) -> None:
        # Never thinner than 0.55 finished pixels: small pictures keep their lines.
        half = 0.5 * max(weight * _LINE, 0.55 / self.size)
        count = len(points)
        outline = self._pixels(ribbon(points, half * width_profile(count, taper)))
        if count < 2 * _CHUNK:
            draw.polygon(outline, fill=ink)
            return
        # In pieces: as one polygon a line that crosses or closes itself has a hole there.
        for start in range(0, count - 1, _CHUNK):
            stop = min(start + _CHUNK + 1, count)
            there, back = outline[start:stop], outline[2 * count - stop : 2 * count - start]
            draw.polygon(np.concatenate([there, back]), fill=ink)

    def shade(self, shapes, colour: RGB, clip=None, strength=1.0, blur=0.0) -> None:
        """Paints `shapes` on the colour sheet only, inside the polygon `clip`.

        `blur` is a radius in picture units.
        """
        if not self._colour or not shapes:
            return
        margin = 2 + int(3 * blur * self.side)
        low, high = _box(shapes, self.side, margin)
        if clip is not None:
            inner = _box([clip], self.side, 1)
            low, high = np.maximum(low, inner[0]), np.minimum(high, inner[1])
        low, high = np.maximum(low, 0), np.minimum(high, self.side)
        width, height = (high - low).tolist()
        if width <= 0 or height <= 0:
            return
        mask = Image.new("L", (width, height), 0)
        draw = ImageDraw.Draw(mask)
        for shape in shapes:
            xy = np.ascontiguousarray(shape * self.side - 0.5 - low, np.float32)
            draw.polygon(xy, fill=round(255 * strength))
        if blur:
            mask = mask.filter(ImageFilter.BoxBlur(blur * self.side)).filter(
                ImageFilter.BoxBlur(0.6 * blur * self.side)
            )
        if clip is not None:
            inside = Image.new("L", (width, height), 0)
            xy = np.ascontiguousarray(clip * self.side - 0.5 - low, np.float32)
            ImageDraw.Draw(inside).polygon(xy, fill=255)
            mask = ImageChops.darker(mask, inside)
        self.colour.paste(colour, (int(low[0]), int(low[1])), mask)

    def gradient(self, top: RGB, bottom: RGB) -> None:
        """Fills the colour sheet from `top` to `bottom`."""
        if self._colour:
            ramp = np.linspace(0, 1, 64)[:, None]
            column = (np.array(top) * (1 - ramp) + np.array(bottom) * ramp).round()
            strip = Image.fromarray(column.astype(np.uint8)[:, None, :])
            strip = strip.resize((1, self.side), Image.Resampling.BILINEAR)
            self.colour.paste(strip.resize((self.side, self.side), Image.Resampling.NEAREST))

    def finish_colour(self) -> np.ndarray:
        """The colour sheet, uint8 (size, size, 3)."""
        return np.asarray(self.colour.reduce(self.factor))

    def finish_lineart(self) -> np.ndarray:
        """The line art, uint8 (size, size)."""
        return np.asarray(self.lineart.reduce(self.factor))

    def finish_labels(self) -> np.ndarray:
        """The labels, uint8 (size, size), of the pixel centres."""
        middle = self.factor // 2
        return np.ascontiguousarray(
            np.asarray(self.labels)[middle :: self.factor, middle :: self.factor]
        )
