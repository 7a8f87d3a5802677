"""From a scene to pictures."""

import dataclasses
from collections.abc import Iterable

import numpy as np
from PIL import Image

from ganime_tf.toy import eyes, face, hair, hats, outfit, trinkets
from ganime_tf.toy.artists import HOUSE_STYLE, PENS, Artist, Pen
from ganime_tf.toy.backdrop import draw_backdrop
from ganime_tf.toy.canvas import Canvas
from ganime_tf.toy.colours import hsv, mix, rgb
from ganime_tf.toy.figure import Figure
from ganime_tf.toy.photo import develop
from ganime_tf.toy.scene import Scene

WHATS = ("colour", "lineart", "portrait", "parsing", "portrait_parsing")
_PHOTO = Artist("photo", shade=0.3, shade_hue=-0.01, shading="soft")


def render(scene: Scene, what: str, size: int, artist: Artist | None = None) -> np.ndarray:
    """Draws one picture of `scene`.

    Args:
        scene: From `sample_scene`.
        what: `colour`, `lineart`, `portrait`, `parsing` or `portrait_parsing`.
        size: Side in pixels, 32 to 512. The content is the same at every size.
        artist: Drawing style, from `ARTISTS`; None is the house style, and for line art the
            scene's own pen. Portraits do not depend on it.

    Returns:
        uint8 `(size, size, 3)` RGB; for the parsings uint8 `(size, size)`, indices into
        `PARSING_CLASSES`.

    Raises:
        ValueError: Unknown `what`, or `size` out of range.
    """
    return render_many(scene, (what,), size, artist)[what]


def render_many(
    scene: Scene, whats: Iterable[str], size: int, artist: Artist | None = None
) -> dict[str, np.ndarray]:
    """`render` for several `whats` at the cost of little more than one; a dict by `what`."""
    whats = tuple(whats)
    for what in whats:
        if what not in WHATS:
            raise ValueError(f"`what` must be one of {', '.join(WHATS)}. Received {what!r}.")
    if not 32 <= size <= 512:
        raise ValueError(f"`size` must be 32 to 512 pixels. Received {size}.")
    pictures = {}
    if {"colour", "lineart", "parsing"} & set(whats):
        style = artist or HOUSE_STYLE
        pen = PENS[scene.pen] if artist is None else _pen(artist)
        canvas = Canvas(
            size,
            style.line_weight,
            style.line_taper,
            pen,
            colour="colour" in whats,
            lineart="lineart" in whats,
            labels="parsing" in whats,
        )
        draw_backdrop(scene, style, canvas)
        _draw_person(Figure(scene, style, canvas))
        if "colour" in whats:
            pictures["colour"] = _textured(canvas.finish_colour(), scene, style)
        if "lineart" in whats:
            pictures["lineart"] = _inked(canvas.finish_lineart(), scene, pen)
        if "parsing" in whats:
            pictures["parsing"] = canvas.finish_labels()
    if {"portrait", "portrait_parsing"} & set(whats):
        canvas = Canvas(size, 0.0, "even", PENS[0], colour="portrait" in whats, labels=True)
        natural = _natural(scene)
        draw_backdrop(natural, _PHOTO, canvas)
        backdrop = canvas.colour.copy() if "portrait" in whats else None
        figure = Figure(natural, _PHOTO, canvas, human=True)
        _draw_person(figure)
        if "portrait" in whats:
            pictures["portrait"] = develop(figure, backdrop)
        if "portrait_parsing" in whats:
            pictures["portrait_parsing"] = canvas.finish_labels()
    return {what: pictures[what] for what in whats}


def _draw_person(figure: Figure) -> None:
    hair.draw_back_hair(figure)
    face.draw_neck(figure)
    trinkets.draw_jewellery(figure)
    outfit.draw_clothes(figure)
    face.draw_ears(figure)
    figure.face_shape = face.draw_skin(figure)
    face.draw_nose(figure)
    face.draw_mouth(figure)
    eyes.draw_eyes(figure)
    if figure.human:
        eyes.draw_brows(figure)
    trinkets.draw_glasses(figure)
    hair.draw_side_hair(figure)
    hair.draw_front_hair(figure)
    if not figure.human:
        eyes.draw_brows(figure)
    trinkets.draw_earrings(figure)
    hats.draw_hat(figure)


def _pen(artist: Artist) -> Pen:
    ink = round(90 * min(artist.line_tint, 0.8))
    return Pen(
        artist.line_weight, artist.line_taper, ink, 0.3 if artist.texture == "grain" else 0.0
    )


def _natural(scene: Scene) -> Scene:
    """The scene in colours that a camera would meet: hair dyed rather than painted."""
    h, s, v = hsv(scene.hair)
    hair_colour = mix(rgb(h, s * 0.8, v * 0.72), (78, 54, 42), 0.35)
    h, s, v = hsv(scene.cloth)
    cloth = rgb(h, s * 0.75, v * 0.85)
    h, s, v = hsv(scene.trim)
    return dataclasses.replace(
        scene,
        hair=hair_colour,
        cloth=cloth,
        trim=rgb(h, s * 0.75, v * 0.9),
        sky=mix(scene.sky, (150, 140, 132), 0.45),
        ground=mix(scene.ground, (120, 112, 106), 0.45),
        hat_colour=mix(scene.hat_colour, (110, 100, 96), 0.3),
    )


def _paper(seed: int, size: int, cells: int) -> np.ndarray:
    """Fixed noise about 0, float32 (size, size), the same content at every size."""
    rng = np.random.Generator(np.random.PCG64((seed, 3)))
    grid = Image.fromarray(rng.standard_normal((cells, cells), np.float32))
    return np.asarray(grid.resize((size, size), Image.Resampling.BICUBIC))


def _textured(picture: np.ndarray, scene: Scene, artist: Artist) -> np.ndarray:
    if artist.texture == "none":
        return picture
    size = len(picture)
    if artist.texture == "grain":
        gain = (
            1 + 0.035 * _paper(scene.detail, size, 128) + 0.02 * _paper(scene.detail + 1, size, 32)
        )
    elif artist.texture == "wash":
        gain = 1 + 0.05 * _paper(scene.detail, size, 10) + 0.02 * _paper(scene.detail + 1, size, 40)
    else:
        x = np.arange(size) / size * 128 * np.pi / 2
        dots = np.cos(x)[:, None] * np.cos(x)[None, :]
        grey = picture.mean(axis=-1) / 255
        gain = 1 - 0.22 * np.clip(dots * 2 - grey + 0.2, 0, 1)
    return np.clip(picture * gain[..., None], 0, 255).astype(np.uint8)


def _inked(sheet: np.ndarray, scene: Scene, pen: Pen) -> np.ndarray:
    if pen.grain:
        bite = np.clip(1 - pen.grain * np.abs(_paper(scene.detail, len(sheet), 128)), 0.2, 1)
        sheet = (255 - (255 - sheet.astype(np.float32)) * bite).astype(np.uint8)
    return np.repeat(sheet[..., None], 3, axis=-1)
