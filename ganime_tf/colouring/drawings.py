"""What the colour barrier is trained on: drawings of ours, with the truth of their colours.

Three worlds: the drawn anime world with its parts recoloured at random, abstract closed curves, and
compositions of both. Each sheet is a pair: ink, and the ink-free colour sheet it borders. No
drawing of anybody else is among them.
"""

import dataclasses

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from ganime_tf.colouring.ink import extract_ink
from ganime_tf.colouring.lab import colour_steps
from ganime_tf.toy import ARTISTS, sample_scene
from ganime_tf.toy.artists import Pen
from ganime_tf.toy.backdrop import draw_backdrop
from ganime_tf.toy.canvas import Canvas
from ganime_tf.toy.curves import spline
from ganime_tf.toy.drawing import _draw_person
from ganime_tf.toy.figure import Figure

_SHEET = 256


class FlatCanvas(Canvas):
    """A canvas without shading whose parts are recoloured, and whose pen is less steady.

    Args:
        size, pen: As of `Canvas`.
        rng: Where the colours and the unsteadiness come from.
        recolour: Whether each colour is replaced by a random one.
        sketchy: Strokes are drawn up to three times, each a little off.
        missing: Part of the strokes that is left out.
    """

    def __init__(self, size, pen, rng, recolour=True, sketchy=0.0, missing=0.0):
        super().__init__(size, None, "even", pen, colour=True, lineart=True)
        self._rng, self._recolour = rng, recolour
        self._sketchy, self._missing = sketchy, missing
        self._colours = {}

    def _flat(self, colour):
        if colour is None or not self._recolour:
            return colour
        if colour not in self._colours:
            self._colours[colour] = random_colour(self._rng)
        return self._colours[colour]

    def fill(self, points, colour, label, hides=True):
        """A part in its new colour."""
        super().fill(points, self._flat(colour), label, hides)

    def blot(self, points, colour, ink):
        """Solid ink, and beneath it a colour."""
        super().blot(points, self._flat(colour), ink)

    def stroke(self, points, colour, weight=1.0, taper=None):
        """A line, perhaps left out, perhaps searched for with several strokes."""
        if self._rng.random() < self._missing:
            return
        super().stroke(points, colour, weight, taper)
        for _ in range(self._rng.integers(0, 3) if self._sketchy else 0):
            points = np.asarray(points, np.float64)
            shift = self._rng.normal(0, self._sketchy, 2)
            turn = 1 + self._rng.normal(0, self._sketchy)
            middle = points.mean(axis=0)
            super().stroke((points - middle) * turn + middle + shift, colour, weight * 0.7, taper)

    def shade(self, shapes, colour, clip=None, strength=1.0, blur=0.0):
        """Nothing: flats have no shade."""

    def gradient(self, top, bottom):
        """One colour instead of two."""
        super().gradient(self._flat(top), self._flat(top))


def random_colour(rng: np.random.Generator) -> tuple[int, int, int]:
    """A colour that a drawing may have: any hue, often pale, now and then white or nearly black."""
    kind = rng.random()
    if kind < 0.12:
        return (255, 255, 255)
    hue, value = rng.random(), rng.uniform(0.25, 1.0) ** 0.6
    saturation = rng.random() ** 1.5 * (0.9 if kind < 0.8 else 0.2)
    wheel = np.clip(np.abs((hue * 6 + np.array([0, 4, 2])) % 6 - 3) - 1, 0, 1)
    return tuple(int(v) for v in np.rint(255 * value * (1 - saturation + saturation * wheel)))


def _random_pen(rng) -> Pen:
    taper = ("brush", "pen", "even")[rng.integers(3)]
    ink = int(rng.choice([0, 20, 60, 110], p=[0.55, 0.2, 0.15, 0.1]))
    return Pen(float(rng.uniform(0.45, 1.9)), taper, ink, 0.0)


def drawn_sheet(rng, seed: int, index: int, size: int = _SHEET, recolour: bool = True):
    """One person of the drawn world in flat colours: ink `(size, size)` and sheet, uint8."""
    scene = sample_scene(seed, index)
    artist = ARTISTS[int(rng.integers(len(ARTISTS)))]
    artist = dataclasses.replace(artist, shading="flat", texture="none", highlight="none")
    sketchy = rng.choice([0.0, 0.002, 0.005], p=[0.6, 0.2, 0.2])
    canvas = FlatCanvas(size, _random_pen(rng), rng, recolour, sketchy, rng.choice([0.0, 0.04]))
    draw_backdrop(scene, artist, canvas)
    _draw_person(Figure(scene, artist, canvas))
    return canvas.finish_lineart(), canvas.finish_colour()


def _blob(rng, centre, radius) -> np.ndarray:
    """A closed curve: round, lobed, spiky, or a polygon."""
    corners = int(rng.integers(3, 11))
    angles = np.sort(rng.random(corners)) * 2 * np.pi
    if rng.random() < 0.6:
        angles = np.linspace(0, 2 * np.pi, corners, endpoint=False) + rng.normal(0, 0.15, corners)
    lengths = radius * rng.uniform(0.35 if rng.random() < 0.5 else 0.75, 1.0, corners)
    stretch = np.array([1.0, rng.uniform(0.25, 1.0)])
    turn = rng.random() * np.pi
    matrix = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    points = (np.stack([np.cos(angles), np.sin(angles)], -1) * lengths[:, None] * stretch) @ matrix
    points = points + centre
    return points if rng.random() < 0.2 else spline(points, closed=True, samples=10)


def _curve(rng) -> np.ndarray:
    start = rng.random(2)
    steps = rng.normal(0, 0.14, (int(rng.integers(3, 6)), 2)) + rng.normal(0, 0.1, 2)
    return spline(start + np.cumsum(steps, axis=0), samples=10)


def _close(points):
    return np.concatenate([points, points[:2]])


def abstract_sheet(rng, size: int = _SHEET):
    """Closed curves over one another, with loose strokes inside: ink and sheet, uint8."""
    sketchy = rng.choice([0.0, 0.002, 0.006], p=[0.6, 0.2, 0.2])
    canvas = FlatCanvas(size, _random_pen(rng), rng, True, sketchy, rng.choice([0.0, 0.05]))
    canvas.gradient((1, 1, 1), (1, 1, 1))
    for number in range(int(rng.integers(6, 26))):
        centre, radius = rng.random(2), float(rng.uniform(0.03, 0.42))
        outline = _blob(rng, centre, radius)
        canvas.fill(outline, (number, 0, 2), None)
        weight = float(rng.uniform(0.5, 1.4))
        if rng.random() < 0.9:
            canvas.stroke(_close(outline), (0, 0, 0), weight, "even")
        for _ in range(int(rng.integers(0, 4)) if rng.random() < 0.5 else 0):
            # Strands and folds: lines that border nothing, from the middle outwards.
            tip = outline[int(rng.integers(len(outline)))]
            bend = (centre + tip) / 2 + rng.normal(0, 0.1 * radius, 2)
            stop = centre + (tip - centre) * rng.uniform(0.5, 1.0)
            canvas.stroke(spline(np.stack([centre, bend, stop]), samples=10), (0, 0, 0), 0.7)
        if rng.random() < 0.05:
            canvas.blot(_blob(rng, centre, 0.4 * radius), (number, 0, 3), 10)
    for _ in range(int(rng.integers(0, 6))):
        canvas.stroke(_curve(rng), (0, 0, 0), float(rng.uniform(0.5, 1.2)))
    return canvas.finish_lineart(), canvas.finish_colour()


def composed_sheet(rng, seed: int, index: int, size: int = _SHEET):
    """A drawn person cut out by a closed curve and laid on an abstract sheet, or the reverse."""
    person, shapes = drawn_sheet(rng, seed, index, size), abstract_sheet(rng, size)
    under, over = (person, shapes) if rng.random() < 0.5 else (shapes, person)
    outline = _blob(rng, rng.uniform(0.3, 0.7, 2), rng.uniform(0.25, 0.5))
    mask = Image.new("L", (size, size), 0)
    xy = [tuple(p) for p in outline * size - 0.5]
    ImageDraw.Draw(mask).polygon(xy, fill=255)
    edge = Image.new("L", (size, size), 255)
    ImageDraw.Draw(edge).line([*xy, xy[0]], fill=0, width=int(rng.integers(1, 4)))
    ink = Image.composite(Image.fromarray(over[0]), Image.fromarray(under[0]), mask)
    sheet = Image.composite(Image.fromarray(over[1]), Image.fromarray(under[1]), mask)
    return np.asarray(ImageChops.darker(ink, edge)), np.asarray(sheet)


def _noise(rng, size, cells):
    grid = Image.fromarray(rng.standard_normal((cells, cells), np.float32))
    return np.asarray(grid.resize((size, size), Image.Resampling.BICUBIC))


def _gaps(rng, ink: np.ndarray) -> np.ndarray:
    """Small holes rubbed into the lines."""
    rows, columns = np.nonzero(ink > 90)
    if not len(rows):
        return ink
    rubbed = Image.fromarray(ink)
    draw = ImageDraw.Draw(rubbed)
    for k in rng.integers(0, len(rows), int(rng.integers(2, 40))):
        r = rng.uniform(0.6, 3.5)
        draw.ellipse([columns[k] - r, rows[k] - r, columns[k] + r, rows[k] + r], fill=0)
    return np.asarray(rubbed)


def _hatch(rng, size: int) -> np.ndarray:
    """Parallel strokes, or dots of a tone, within a closed curve: ink that borders nothing."""
    layer, mask = Image.new("L", (size, size), 0), Image.new("L", (size, size), 0)
    outline = _blob(rng, rng.random(2), rng.uniform(0.08, 0.3)) * size
    ImageDraw.Draw(mask).polygon([tuple(p) for p in outline], fill=int(rng.integers(90, 256)))
    if rng.random() < 0.25:
        grid = np.arange(size) * 2 * np.pi / rng.uniform(3.5, 9)
        tone = (np.sin(grid)[:, None] * np.sin(grid) > rng.uniform(0.2, 0.6)) * 255
        layer = Image.fromarray(tone.astype(np.uint8))
    else:
        draw, angle = ImageDraw.Draw(layer), rng.random() * np.pi
        along = np.array([np.cos(angle), np.sin(angle)]) * size
        gap = rng.uniform(2.5, 9)
        for k in np.arange(-size, size, gap):
            middle = size / 2 + np.array([-along[1], along[0]]) / size * (k + rng.normal(0, 0.5))
            draw.line([*(middle - along), *(middle + along)], fill=255, width=1)
    return np.asarray(ImageChops.multiply(layer, mask))


def randomize_ink(rng, lineart: np.ndarray) -> np.ndarray:
    """Another pen, another paper, another scanner: line art as a page.

    Args:
        rng: Random numbers.
        lineart: uint8 `(S, S)`, dark on white.

    Returns:
        The page, uint8 `(S, S, 3)`.
    """
    size = len(lineart)
    ink = 255 - lineart
    if rng.random() < 0.3:
        for _ in range(int(rng.integers(1, 4))):
            ink = np.maximum(ink, _hatch(rng, size))
    if rng.random() < 0.5:
        ink = _gaps(rng, ink)
    picture = Image.fromarray(ink)
    if rng.random() < 0.15:
        picture = picture.filter(ImageFilter.MaxFilter(3))
    if rng.random() < 0.5:
        picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.2, 1.1)))
    if rng.random() < 0.2:  # a small picture that was enlarged
        small = int(size * rng.uniform(0.5, 0.9))
        picture = picture.resize((small, small), Image.Resampling.BOX)
        picture = picture.resize((size, size), Image.Resampling.BICUBIC)
    dark = np.asarray(picture, np.float32) / 255 * rng.uniform(0.35, 1.0)
    if rng.random() < 0.35:  # pencil on rough paper
        dark *= np.clip(1 - rng.uniform(0.2, 0.6) * np.abs(_noise(rng, size, size // 2)), 0, 1)
    if rng.random() < 0.15:
        dark = (dark > rng.uniform(0.2, 0.5)) * 1.0
    paper = np.full((size, size), 255.0)
    if rng.random() < 0.4:
        paper = paper * rng.uniform(0.75, 1) + rng.uniform(0, 5) * _noise(rng, size, 4)
        paper = paper + rng.uniform(0, 4) * _noise(rng, size, size)
    tint = 1 - rng.random(3) * (0.12 if rng.random() < 0.4 else 0.0)
    page = np.clip(paper * (1 - dark), 0, 255)[..., None] * tint
    return np.rint(page).astype(np.uint8)


def training_batch(
    seed: int, step: int, sheets: int = 4, crops: int = 4, crop: int = 128
) -> tuple[np.ndarray, np.ndarray]:
    """One batch of ink and colour steps, a pure function of `(seed, step)`.

    Args:
        seed: Of the whole stream.
        step: Number of the batch.
        sheets: Drawings in the batch.
        crops: Cut from each drawing, each flipped and turned at random.
        crop: Side of a crop in pixels.

    Returns:
        Ink and targets in [0, 1], float32 `(sheets * crops, crop, crop, 1)`.
    """
    inks, steps = [], []
    for k in range(sheets):
        index = step * sheets + k
        rng = np.random.Generator(np.random.PCG64((seed, 11, index)))
        size = int(rng.choice([176, 224, 288, 352]))
        kind = rng.random()
        if kind < 0.4:
            lineart, sheet = drawn_sheet(rng, seed, index, size)
        elif kind < 0.75:
            lineart, sheet = abstract_sheet(rng, size)
        else:
            lineart, sheet = composed_sheet(rng, seed, index, size)
        cover = extract_ink(randomize_ink(rng, lineart)).cover.astype(np.float32) / 255
        truth = colour_steps(sheet)
        for _ in range(crops):
            top, left = rng.integers(0, size - crop + 1, 2)
            cut = np.s_[top : top + crop, left : left + crop]
            turns, flip = int(rng.integers(4)), rng.random() < 0.5
            for plane, kept in ((cover, inks), (truth, steps)):
                piece = np.rot90(plane[cut], turns)
                kept.append(piece[:, ::-1] if flip else piece)
    return np.stack(inks)[..., None], np.stack(steps)[..., None].astype(np.float32)
