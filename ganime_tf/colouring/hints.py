"""What the person chose: dabs on a transparent picture, or points, strokes and patches in JSON."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import scipy.ndimage
from PIL import Image, ImageColor, ImageDraw

_OPAQUE = 128  # alpha from which a pixel is a hint


@dataclasses.dataclass(frozen=True)
class Hints:
    """Chosen colours in the frame of a page.

    `mask` bool `(H, W)`, where a colour was chosen; `colours` uint8 `(H, W, 3)`, read there.
    """

    mask: np.ndarray
    colours: np.ndarray

    def __bool__(self) -> bool:
        return bool(self.mask.any())

    def over(self, others: "Hints") -> "Hints":
        """These hints, and `others` where they leave the page free."""
        colours = np.where(self.mask[..., None], self.colours, others.colours)
        return Hints(self.mask | others.mask, colours)

    def at(self, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """The hints at working size.

        A cell is held when at least half of it is; a dab too small for that holds the one cell that
        it covers most, so that no dab is lost.

        Args:
            size: Height and width.

        Returns:
            `known` bool `size`, and mean colours float32 `(*size, 3)`.
        """
        height, width = size
        rows, columns = np.nonzero(self.mask)
        y = rows * height // self.mask.shape[0]
        x = columns * width // self.mask.shape[1]
        cell = y * width + x
        count = np.bincount(cell, minlength=height * width).astype(np.float64)
        chosen = self.colours[rows, columns]
        sums = [np.bincount(cell, chosen[:, k], height * width) for k in range(3)]
        colours = np.stack(sums, -1) / np.maximum(count, 1)[:, None]
        cover = count.reshape(size) * (height * width / self.mask.size)
        known = cover >= 0.5
        around = scipy.ndimage.maximum_filter(cover, 3)
        alone = ~scipy.ndimage.binary_dilation(known, np.ones((3, 3), bool))
        known |= (cover > 0) & (cover == around) & alone
        return known, colours.reshape(height, width, 3).astype(np.float32)


def no_hints(size: tuple[int, int]) -> Hints:
    """No colour chosen on a page of height and width `size`."""
    return Hints(np.zeros(size, bool), np.zeros((*size, 3), np.uint8))


def read_hints(
    path: str | Path, size: tuple[int, int], palette: dict[str, str] | None = None
) -> Hints:
    """Reads hints for a page.

    Args:
        path: A picture of the page's size that is transparent but for the dabs, or a `.json` file
            (see `parse_hints`).
        size: Height and width of the page.
        palette: Names of colours that a JSON file may use.

    Raises:
        FileNotFoundError: When there is no such file.
        ValueError: When it is of another size, without transparency, or not understood.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such file")
    if path.suffix.lower() == ".json":
        try:
            content = json.loads(path.read_text(encoding="utf-8-sig"))
            return parse_hints(content, size, palette)
        except (ValueError, TypeError) as error:  # JSON and Unicode errors are ValueErrors
            raise ValueError(f"{path}: {error}") from error
    try:
        with Image.open(path) as image:
            if image.size != size[::-1]:
                raise ValueError(
                    f"{path}: hints must have the page's size, {size[1]}x{size[0]}. "
                    f"Received {image.size[0]}x{image.size[1]}."
                )
            if not image.has_transparency_data:
                raise ValueError(
                    f"{path}: hints must be transparent where no colour is chosen. Received a "
                    f"picture without transparency ({image.mode}). Paint the dabs on a layer of "
                    "their own and save that layer as PNG."
                )
            pixels = np.asarray(image.convert("RGBA"))
    except (OSError, SyntaxError) as error:
        raise ValueError(f"{path}: not a picture that can be read: {error}") from error
    return Hints(pixels[..., 3] >= _OPAQUE, np.ascontiguousarray(pixels[..., :3]))


def read_palette(path: str | Path) -> dict[str, str]:
    """Reads named colours: JSON `{"hair": "#a04020"}`, or a GIMP palette (`.gpl`).

    Raises:
        ValueError: When it is not understood.
    """
    path = Path(path)
    text = path.read_text(encoding="utf-8-sig")
    if path.suffix.lower() == ".gpl":
        palette = {}
        for line in text.splitlines()[1:]:
            parts = line.split(maxsplit=3)
            if len(parts) == 4 and all(part.isdigit() for part in parts[:3]):
                palette[parts[3].strip()] = "#{:02x}{:02x}{:02x}".format(*map(int, parts[:3]))
        if not palette:
            raise ValueError(f"{path}: no named colour in this GIMP palette.")
        return palette
    try:
        palette = json.loads(text)
    except ValueError as error:
        raise ValueError(f"{path}: not JSON: {error}") from error
    if not isinstance(palette, dict) or not all(isinstance(v, str) for v in palette.values()):
        raise ValueError(
            f'{path}: a palette is an object of names and colours, {{"hair": "#a42"}}.'
        )
    for name, colour in palette.items():
        _colour(colour, {}, f"{path}: {name}")
    return palette


def _colour(value, palette: dict[str, str], where: str) -> tuple[int, int, int]:
    if isinstance(value, str):
        try:
            return ImageColor.getrgb(palette.get(value, value))[:3]
        except ValueError:
            names = f", or of the palette: {', '.join(palette)}" if palette else ""
            raise ValueError(
                f"{where}: a colour is '#rrggbb' or a CSS name{names}. Received {value!r}."
            ) from None
    if (
        isinstance(value, list)
        and len(value) == 3
        and all(isinstance(v, int) and 0 <= v <= 255 for v in value)
    ):
        return tuple(value)
    raise ValueError(f"{where}: a colour is '#rrggbb', a name or [r, g, b]. Received {value!r}.")


def _number(value, where: str, least: float | None = None) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
        raise ValueError(f"{where} must be a number. Received {value!r}.")
    if least is not None and value < least:
        raise ValueError(f"{where} must be at least {least}. Received {value!r}.")
    return float(value)


def _fields(item, required: tuple, optional: tuple, where: str) -> dict:
    if not isinstance(item, dict):
        raise ValueError(f"{where} must be an object. Received {item!r}.")
    known = (*required, *optional)
    if unknown := [key for key in item if key not in known]:
        raise ValueError(f"{where}: unknown field {unknown[0]!r}. Fields: {', '.join(known)}.")
    if missing := [key for key in required if key not in item]:
        raise ValueError(f"{where}: the field {missing[0]!r} is missing.")
    return item


def parse_hints(content, size: tuple[int, int], palette: dict[str, str] | None = None) -> Hints:
    """Draws hints given as data.

    Args:
        content: `{"size": [width, height], "points": [{"x", "y", "color", "radius"}], "strokes":
            [{"points": [[x, y], ...], "color", "width"}], "patches": [{"points", "color"}]}`. All
            lists may be missing. `size` is the frame of the coordinates, by default the page's
            own: hints made on a smaller view fit the page. `radius` and `width` are in the same
            units, by default a 200th of the longer side. Later hints lie on earlier ones.
        size: Height and width of the page.
        palette: Names of colours.

    Raises:
        ValueError: On an unknown or missing field, a bad colour or number, or a hint outside.
    """
    palette = palette or {}
    _fields(content, (), ("size", "points", "strokes", "patches"), "hints")
    frame = content.get("size", [size[1], size[0]])
    if not isinstance(frame, list) or len(frame) != 2:
        raise ValueError(f"hints: size must be [width, height]. Received {frame!r}.")
    frame = np.array([_number(value, "hints: size", 1) for value in frame])
    scale = np.array(size[::-1]) / frame
    if abs(scale[0] / scale[1] - 1) > 0.02:
        raise ValueError(
            f"hints: size {frame[0]:g}x{frame[1]:g} has another shape than the page, "
            f"{size[1]}x{size[0]}."
        )
    brush = max(size) / 200
    picture = Image.new("RGBA", size[::-1], (0, 0, 0, 0))
    draw = ImageDraw.Draw(picture)

    def place(points, where, least):
        if not isinstance(points, list) or len(points) < least:
            raise ValueError(f"{where}: points must be a list of at least {least} [x, y].")
        placed = []
        for point in points:
            if not isinstance(point, list) or len(point) != 2:
                raise ValueError(f"{where}: a point is [x, y]. Received {point!r}.")
            xy = np.array([_number(value, f"{where}: a coordinate") for value in point])
            if (xy < 0).any() or (xy >= frame).any():
                raise ValueError(
                    f"{where}: ({xy[0]:g}, {xy[1]:g}) lies outside {frame[0]:g}x{frame[1]:g}."
                )
            placed.append(tuple((xy * scale).tolist()))
        return placed

    def dot(centre, radius, colour):
        (x, y), r = centre, max(radius, 0.5)
        draw.ellipse([x - r, y - r, x + r, y + r], fill=(*colour, 255))
        draw.point([x, y], fill=(*colour, 255))

    def items(key):
        found = content.get(key, [])
        if not isinstance(found, list):
            raise ValueError(f"hints: {key} must be a list. Received {found!r}.")
        return enumerate(found)

    for k, item in items("patches"):
        where = f"patches[{k}]"
        _fields(item, ("points", "color"), (), where)
        xy = place(item["points"], where, 3)
        draw.polygon(xy, fill=(*_colour(item["color"], palette, where), 255))
    for k, item in items("strokes"):
        where = f"strokes[{k}]"
        _fields(item, ("points", "color"), ("width",), where)
        colour = _colour(item["color"], palette, where)
        width = brush
        if "width" in item:
            width = _number(item["width"], f"{where}: width", 0) * scale[0]
        xy = place(item["points"], where, 1)
        draw.line(xy, fill=(*colour, 255), width=max(1, round(width)), joint="curve")
        for end in (xy[0], xy[-1]):
            dot(end, width / 2, colour)
    for k, item in items("points"):
        where = f"points[{k}]"
        _fields(item, ("x", "y", "color"), ("radius",), where)
        radius = brush
        if "radius" in item:
            radius = _number(item["radius"], f"{where}: radius", 0) * scale[0]
        centre = place([[item["x"], item["y"]]], where, 1)[0]
        dot(centre, radius, _colour(item["color"], palette, where))
    pixels = np.asarray(picture)
    return Hints(pixels[..., 3] > 0, np.ascontiguousarray(pixels[..., :3]))
