"""Made line art with the truth of its flat colours: for the demo, the web page and measurements.

The scenes are of the drawn world; the seeds here are never trained on.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
import scipy.ndimage
from PIL import Image, ImageDraw

from ganime_tf.colouring.drawings import FlatCanvas
from ganime_tf.colouring.pairs import another_pose
from ganime_tf.toy import Scene, sample_scene
from ganime_tf.toy.artists import HOUSE_STYLE, PENS, Pen
from ganime_tf.toy.backdrop import draw_backdrop
from ganime_tf.toy.drawing import _draw_person
from ganime_tf.toy.figure import Figure

HELD_OUT = 77_000
"""World of the drawings shown and measured."""


@dataclasses.dataclass(frozen=True)
class Drawing:
    """Line art uint8 `(H, W, 3)` and the ink-free flat colours beneath it, the same shape."""

    lineart: np.ndarray
    flat: np.ndarray


def draw_flat(scene: Scene, size: int, pen: Pen | None = None) -> Drawing:
    """Draws a scene in the house style: its line art, and its colours without shade and ink.

    Args:
        scene: From `sample_scene` or `pose`.
        size: Side in pixels, any.
        pen: By default the scene's own.
    """
    artist = dataclasses.replace(HOUSE_STYLE, shading="flat", texture="none", highlight="none")
    rng = np.random.Generator(np.random.PCG64(scene.detail))
    canvas = FlatCanvas(size, pen or PENS[scene.pen], rng, recolour=False)
    draw_backdrop(scene, artist, canvas)
    _draw_person(Figure(scene, artist, canvas))
    return Drawing(np.repeat(canvas.finish_lineart()[..., None], 3, -1), canvas.finish_colour())


def pose(scene: Scene, number: int) -> Scene:
    """The same character again: another turn of the head, face, light, backdrop and frame."""
    rng = np.random.Generator(np.random.PCG64((scene.seed, scene.index, number, 5)))
    other = sample_scene(scene.seed + 1, 1000 * scene.index + number)
    posed = another_pose(scene, other, rng, zoom=(0.85, 1.15), eyes=(0.7, 0.12, 0.1, 0.08))
    return dataclasses.replace(posed, light=other.light)


def regions_of(flat: np.ndarray, cover: np.ndarray) -> tuple[np.ndarray, int]:
    """Areas of one colour that the ink does not part.

    Args:
        flat: Flat colours, uint8 `(H, W, 3)`.
        cover: Ink, uint8 `(H, W)`.

    Returns:
        Their numbers from 1, int32 `(H, W)`, 0 on ink and rims; and how many.
    """
    code = flat.astype(np.int32) @ np.array([65536, 256, 1], np.int32)
    # One colour in the whole neighbourhood: the blended rims between two are neither.
    even = (scipy.ndimage.maximum_filter(code, 3) == scipy.ndimage.minimum_filter(code, 3)) & (
        cover < 77
    )
    numbers, count = np.zeros(code.shape, np.int32), 0
    values, inverse = np.unique(np.where(even, code, -1), return_inverse=True)
    inverse = inverse.reshape(code.shape)
    for k, value in enumerate(values):
        if value < 0:
            continue
        found, many = scipy.ndimage.label(inverse == k)
        numbers[found > 0] = found[found > 0] + count
        count += many
    return numbers, count


def place_dabs(
    flat: np.ndarray, cover: np.ndarray, least: float = 0.0003, most: int = 80
) -> list[dict]:
    """Dabs as a person would set them: one in the middle of each part that is large enough.

    Args:
        flat: Flat colours, uint8 `(H, W, 3)`.
        cover: Ink, uint8 `(H, W)`.
        least: Smallest part that gets a dab, as a share of the picture.
        most: Dabs, of the largest parts.

    Returns:
        Points for `parse_hints`: `{"x", "y", "color", "radius"}`.
    """
    numbers, count = regions_of(flat, cover)
    sizes = np.bincount(numbers.ravel(), minlength=count + 1)[1:]
    brush = max(cover.shape) / 90
    points = []
    boxes = scipy.ndimage.find_objects(numbers)
    for k in np.argsort(-sizes, kind="stable")[:most]:
        if sizes[k] < least * cover.size:
            break
        inside = np.pad(numbers[boxes[k]] == k + 1, 1)
        depth = scipy.ndimage.distance_transform_edt(inside)[1:-1, 1:-1]
        row, column = np.unravel_index(depth.argmax(), depth.shape)
        if depth.max() < 1:
            continue
        row, column = int(row + boxes[k][0].start), int(column + boxes[k][1].start)
        colour = "#{:02x}{:02x}{:02x}".format(*flat[row, column].tolist())
        radius = round(float(min(brush, depth.max() * 0.7)), 2)
        points.append({"x": column, "y": row, "color": colour, "radius": radius})
    return points


def draw_page(
    scenes: Sequence[Scene], width: int = 1240, height: int = 1754, pen: Pen | None = None
) -> Drawing:
    """Draws a page of panels, one for each scene, at most six.

    Args:
        scenes: What the panels show, from the top left.
        width: Of the page in pixels.
        height: Of the page in pixels.
        pen: Of all panels; by default each scene's own.

    Raises:
        ValueError: With no scene or more than six.
    """
    rows = {1: [1], 2: [1, 1], 3: [1, 2], 4: [2, 2], 5: [2, 1, 2], 6: [2, 2, 2]}.get(len(scenes))
    if rows is None:
        raise ValueError(f"A page has 1 to 6 panels. Received {len(scenes)} scenes.")
    lineart, flat = (Image.new("RGB", (width, height), "white") for _ in range(2))
    margin, gutter = width // 20, width // 60
    line = max(2, width // 300)
    tall = (height - 2 * margin - gutter * (len(rows) - 1)) / len(rows)
    scenes = list(scenes)
    for row, panels in enumerate(rows):
        left, top = margin, round(margin + row * (tall + gutter))
        bottom = round(top + tall)
        space = width - 2 * margin - gutter * (panels - 1)
        # Uneven, as panels are: the wide one on the left, then on the right.
        shares = [1.0] if panels == 1 else ([0.56, 0.44] if row % 2 else [0.45, 0.55])
        for share in shares:
            right = round(left + share * space)
            side = max(right - left, bottom - top)
            drawing = draw_flat(scenes.pop(0), side, pen)
            # The middle of the square, a little towards the top: the face stays in.
            x, y = (side - (right - left)) // 2, round((side - (bottom - top)) * 0.45)
            box = (x, y, x + right - left, y + bottom - top)
            for sheet, picture in ((lineart, drawing.lineart), (flat, drawing.flat)):
                sheet.paste(Image.fromarray(picture).crop(box), (left, top))
            frame = [left, top, right - 1, bottom - 1]
            ImageDraw.Draw(lineart).rectangle(frame, outline=(0, 0, 0), width=line)
            left = right + gutter
    return Drawing(np.asarray(lineart), np.asarray(flat))
