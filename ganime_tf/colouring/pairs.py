"""What the matching network is trained on: one character twice, as line art and as coloured sheet.

A point of the page matches the points of the sheet that have its true colour; what the sheet does
not show (another backdrop) matches nothing.
"""

import dataclasses

import numpy as np
import scipy.ndimage
from PIL import Image, ImageDraw, ImageFilter

from ganime_tf.colouring.drawings import _random_pen, randomize_ink
from ganime_tf.colouring.ink import extract_ink
from ganime_tf.colouring.shade import multiply
from ganime_tf.colouring.shaded import ShadeCanvas, shaded_drawing
from ganime_tf.toy import ARTISTS, sample_scene
from ganime_tf.toy.scene import BACKDROPS, EYES, MOUTHS

NUM_POINTS = 160
"""Points of each picture that are compared."""
_NOWHERE = 255  # the margin around a page's drawing, which no sheet shows


class MaterialCanvas(ShadeCanvas):
    """A canvas that also keeps which of the scene's colours each pixel has.

    Args:
        size, pen, rng: As of `FlatCanvas`.
        materials: Number of each colour, shared by the drawings of a pair; grows.
        recolour: The pair's new colours by old ones; grows. None keeps the colours.
    """

    def __init__(self, size, pen, rng, materials: dict, recolour: dict | None):
        super().__init__(size, pen, rng, recolour is not None)
        if recolour is not None:
            self._colours = recolour
        self._numbers = materials
        self.materials = Image.new("L", (self.side, self.side), 0)
        self._materials = ImageDraw.Draw(self.materials)

    def _number(self, colour):
        # 0 is a colour that a sheet cannot tell: more than 250 do not occur.
        return min(self._numbers.setdefault(self._flat(colour), len(self._numbers) + 1), 250)

    def fill(self, points, colour, label, hides=True):
        """A part and its number."""
        super().fill(points, colour, label, hides)
        if colour is not None:
            self._materials.polygon(self._pixels(points), fill=self._number(colour))

    def blot(self, points, colour, ink):
        """Solid ink is no part."""
        super().blot(points, colour, ink)
        self._materials.polygon(self._pixels(points), fill=0)

    def gradient(self, top, bottom):
        """The backdrop."""
        super().gradient(top, bottom)
        self.materials.paste(self._number(top), (0, 0, self.side, self.side))

    def finish_materials(self) -> np.ndarray:
        """Numbers, int32 `(size, size)`; 0 near borders, where two colours mix."""
        middle = self.factor // 2
        numbers = np.asarray(self.materials)[middle :: self.factor, middle :: self.factor]
        even = scipy.ndimage.maximum_filter(numbers, 3) == scipy.ndimage.minimum_filter(numbers, 3)
        return np.where(even, numbers, 0).astype(np.int32)


def another_pose(scene, other, rng, zoom=(0.7, 1.2), eyes=None):
    """`scene`'s character with `other`'s frame, brows and colours of the backdrop.

    Args:
        scene: From `sample_scene`.
        other: Another one.
        rng: Of the turn of the head, the size, eyes, mouth and backdrop.
        zoom: Range of the size.
        eyes: Probabilities of `EYES`; by default all alike.
    """
    return dataclasses.replace(
        scene,
        yaw=float(rng.uniform(-1, 1)),
        roll=other.roll,
        shift=other.shift,
        zoom=float(rng.uniform(*zoom)),
        eyes=EYES[int(rng.choice(len(EYES), p=eyes) if eyes else rng.integers(len(EYES)))],
        gaze=other.gaze,
        brows=other.brows,
        mouth=MOUTHS[int(rng.integers(len(MOUTHS)))],
        backdrop=tuple(BACKDROPS)[int(rng.integers(len(BACKDROPS)))],
        sky=other.sky,
        ground=other.ground,
    )


def dark_lines(picture: np.ndarray) -> np.ndarray:
    """The ink of a coloured picture: dark, and thin. float32 `(H, W)` in [0, 1].

    The black top-hat: how much darker a pixel is than its surroundings once thin lines are closed.

    Args:
        picture: uint8 `(H, W, 3)`.
    """
    grey = np.asarray(Image.fromarray(picture).convert("L"), np.float32)
    radius = max(2, round(np.sqrt(grey.size) / 50))
    closed = scipy.ndimage.grey_closing(grey, size=(2 * radius + 1,) * 2)
    lines = (closed - grey) / 255
    strong = np.percentile(lines, 97)
    return np.clip(lines / max(strong, 0.15), 0, 1).astype(np.float32)


def sheet_planes(sheet: np.ndarray) -> np.ndarray:
    """What the network sees of a coloured sheet, float32 `(H, W, 4)`: lines and colours."""
    return np.concatenate([dark_lines(sheet)[..., None], sheet.astype(np.float32) / 255], -1)


def page_planes(cover: np.ndarray) -> np.ndarray:
    """What the network sees of a page, float32 `(H, W, 4)`: ink, and white paper."""
    return np.concatenate([cover[..., None], np.ones((*cover.shape, 3), np.float32)], -1)


def _points(rng, numbers, clear):
    """Positions and numbers, int32 `(NUM_POINTS, 3)`; small parts count as much as large ones."""
    rows, columns = np.nonzero(clear & (numbers > 0))
    if not len(rows):
        return np.zeros((NUM_POINTS, 3), np.int32)
    found = numbers[rows, columns]
    share = np.bincount(found).astype(np.float64)
    weight = 1 / share[found] ** 0.7
    chosen = rng.choice(len(rows), NUM_POINTS, p=weight / weight.sum())
    return np.stack([rows[chosen] // 2, columns[chosen] // 2, found[chosen]], -1).astype(np.int32)


def _placed(rng, size, plane, fill):
    """A drawing at any place of a square of `size`: cut, or with a margin around it."""
    out = np.full((size, size, *plane.shape[2:]), fill, plane.dtype)
    room = size - len(plane)
    top, left = (int(v) for v in rng.integers(min(room, 0), max(room, 0) + 1, 2))
    there = np.s_[max(top, 0) : top + len(plane), max(left, 0) : left + len(plane)]
    target = out[there]
    target[:] = plane[max(-top, 0) :, max(-left, 0) :][: target.shape[0], : target.shape[1]]
    return out


def match_batch(seed: int, step: int, sheets: int = 4, crops: int = 1, size: int = 160):
    """One batch for the matching network, a pure function of `(seed, step)`.

    Args:
        seed: Of the whole stream.
        step: Number of the batch.
        sheets: Characters.
        crops: Pairs of each.
        size: Side of the pictures in pixels.

    Returns:
        float32 `(2N, size, size, 4)`: pages and sheets in turn; int32 `(2N, NUM_POINTS, 3)`: row
        and column at half that size, and the number of the colour, 0 for no point.
    """
    planes, points = [], []
    for k in range(sheets):
        index = step * sheets + k
        rng = np.random.Generator(np.random.PCG64((seed, 17, index)))
        scene = sample_scene(seed, index)
        artist = ARTISTS[int(rng.integers(len(ARTISTS)))]
        materials, recolour = {}, ({} if rng.random() < 0.4 else None)
        for number in range(2 * crops):
            page = number % 2 == 0
            other = sample_scene(seed + 1, 4 * index + number)
            side = int(rng.choice([96, 128, 160, 208]))
            canvas = MaterialCanvas(side, _random_pen(rng), rng, materials, recolour)
            shaded_drawing(another_pose(scene, other, rng), artist, canvas)
            mirror = rng.random() < 0.5
            place = int(rng.integers(2**31))
            drawn = canvas.finish_lineart()
            if page:
                cover = extract_ink(randomize_ink(rng, drawn)).cover.astype(np.float32) / 255
                seen, fill = page_planes(cover), np.array([0, 1, 1, 1], np.float32)
            else:
                sheet = _coloured(rng, canvas, drawn)
                cover = dark_lines(sheet)
                seen, fill = sheet_planes(sheet), np.array([0, 1, 1, 1], np.float32)
            numbers = np.where(cover < 0.3, canvas.finish_materials(), 0)
            seen, numbers = (
                _placed(np.random.default_rng(place), size, plane, value)
                for plane, value in ((seen, fill), (numbers, _NOWHERE if page else 0))
            )
            if mirror:
                seen, numbers = seen[:, ::-1], numbers[:, ::-1]
            planes.append(seen)
            points.append(_points(rng, numbers, numbers > 0))
    return np.stack(planes).astype(np.float32), np.stack(points)


def _coloured(rng, canvas: MaterialCanvas, drawn: np.ndarray) -> np.ndarray:
    """The finished drawing: flats, perhaps with shadows, and the lines, perhaps in colour."""
    sheet = canvas.finish_colour()
    if rng.random() < 0.5:
        dark = canvas.finish_shadows()[..., None] * (
            rng.uniform(0.1, 0.4) * np.array([1, 1.2, 0.8])
        )
        sheet = multiply(sheet, np.rint(255 - dark).astype(np.uint8))
    line = (255 - drawn.astype(np.float32))[..., None] / 255 * rng.uniform(0.6, 1.0)
    sheet = sheet * (1 - line) + rng.uniform(0, 70, 3) * line
    if rng.random() < 0.3:
        blurred = Image.fromarray(np.rint(sheet).astype(np.uint8))
        sheet = np.asarray(blurred.filter(ImageFilter.GaussianBlur(rng.uniform(0.2, 0.9))))
    return np.rint(sheet).astype(np.uint8)
