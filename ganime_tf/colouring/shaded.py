"""What the shading network is trained on: flat drawings of ours, with the truth of their shadows.

The light comes from the left: from the right is the same seen in a mirror.
"""

import dataclasses

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from ganime_tf.colouring.drawings import FlatCanvas, _blob, _close, _random_pen, randomize_ink
from ganime_tf.colouring.ink import extract_ink
from ganime_tf.toy import ARTISTS, sample_scene
from ganime_tf.toy.backdrop import draw_backdrop
from ganime_tf.toy.drawing import _draw_person
from ganime_tf.toy.figure import Figure

LIGHT = -1
"""`Scene.light` of the drawings: the shadows lie on the right."""


class ShadeCanvas(FlatCanvas):
    """A flat canvas that keeps the shadows on a sheet of their own."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.shadows = Image.new("L", (self.side, self.side), 0)
        self._shadows = ImageDraw.Draw(self.shadows)

    def fill(self, points, colour, label, hides=True):
        """A part hides the shadows of what is behind it."""
        super().fill(points, colour, label, hides)
        if colour is not None:
            self._shadows.polygon(self._pixels(points), fill=0)

    def blot(self, points, colour, ink):
        """Solid ink has no shadow."""
        super().blot(points, colour, ink)
        self._shadows.polygon(self._pixels(points), fill=0)

    def shadow(self, shapes, clip=None, without=None):
        """A shadow with an edge.

        Args:
            shapes: Polygons in picture units.
            clip: The polygon that it lies on.
            without: A polygon that stays lit.
        """
        mask = Image.new("L", self.shadows.size, 0)
        draw = ImageDraw.Draw(mask)
        for shape in shapes:
            draw.polygon(self._pixels(shape), fill=255)
        if without is not None:
            draw.polygon(self._pixels(without), fill=0)
        if clip is not None:
            inside = Image.new("L", self.shadows.size, 0)
            ImageDraw.Draw(inside).polygon(self._pixels(clip), fill=255)
            mask = ImageChops.darker(mask, inside)
        self.shadows.paste(255, (0, 0), mask)

    def finish_shadows(self) -> np.ndarray:
        """How much of each pixel is in shadow, uint8 `(size, size)`."""
        return np.asarray(self.shadows.reduce(self.factor))


class _ShadedFigure(Figure):
    def shadow(self, shapes, tone, clip=None, soft=0.03):
        """On the sheet of shadows, whatever the artist's manner."""
        self.canvas.shadow(shapes, clip)


def shaded_drawing(scene, artist, canvas: ShadeCanvas) -> None:
    """Draws a scene with its shadows, lit from the left."""
    scene = dataclasses.replace(scene, light=LIGHT)
    artist = dataclasses.replace(artist, shading="cel", texture="none", highlight="none")
    draw_backdrop(scene, artist, canvas)
    _draw_person(_ShadedFigure(scene, artist, canvas))


def _person(rng, seed, index, size):
    canvas = ShadeCanvas(size, _random_pen(rng), rng, bool(rng.random() < 0.5))
    shaded_drawing(sample_scene(seed, index), ARTISTS[int(rng.integers(len(ARTISTS)))], canvas)
    return canvas


def _shapes(rng, size):
    """Closed curves over one another, each round: dark on the right and below."""
    canvas = ShadeCanvas(size, _random_pen(rng), rng)
    canvas.gradient((1, 1, 1), (1, 1, 1))
    for number in range(int(rng.integers(4, 16))):
        centre, radius = rng.random(2), float(rng.uniform(0.06, 0.42))
        outline = _blob(rng, centre, radius)
        canvas.fill(outline, (number, 0, 2), None)
        if rng.random() < 0.85:
            towards = np.array([-0.34, -0.2]) * radius
            canvas.shadow([outline], outline, without=outline + towards)
        canvas.stroke(_close(outline), (0, 0, 0), float(rng.uniform(0.5, 1.4)), "even")
    return canvas


def shade_batch(
    seed: int, step: int, sheets: int = 4, crops: int = 4, crop: int = 128
) -> tuple[np.ndarray, np.ndarray]:
    """One batch for the shading network, a pure function of `(seed, step)`.

    Args:
        seed: Of the whole stream.
        step: Number of the batch.
        sheets: Drawings in the batch.
        crops: Cut from each drawing.
        crop: Side of a crop in pixels.

    Returns:
        Ink and flat colours in [0, 1], float32 `(sheets * crops, crop, crop, 4)`, and the share of
        each pixel that is in shadow, `(sheets * crops, crop, crop, 1)`.
    """
    seen, shadows = [], []
    for k in range(sheets):
        index = step * sheets + k
        rng = np.random.Generator(np.random.PCG64((seed, 13, index)))
        size = max(crop, int(rng.choice([128, 160, 208, 272])))
        person = rng.random() < 0.75
        canvas = _person(rng, seed, index, size) if person else _shapes(rng, size)
        page = randomize_ink(rng, canvas.finish_lineart())
        cover = extract_ink(page).cover.astype(np.float32) / 255
        flat = canvas.finish_colour()
        if rng.random() < 0.3:  # as the working size of a page blends neighbours
            flat = np.asarray(Image.fromarray(flat).filter(ImageFilter.BoxBlur(rng.uniform(0, 1))))
        planes = np.concatenate([cover[..., None], flat.astype(np.float32) / 255], -1)
        truth = canvas.finish_shadows().astype(np.float32)[..., None] / 255
        for _ in range(crops):
            top, left = rng.integers(0, size - crop + 1, 2)
            cut = np.s_[top : top + crop, left : left + crop]
            seen.append(planes[cut])
            shadows.append(truth[cut])
    return np.stack(seen), np.stack(shadows)
