"""From the flat painting of a portrait to something like a photograph of it."""

import functools

import numpy as np
from PIL import Image, ImageFilter

from ganime_tf.toy.figure import LABEL, Figure


def _noise(rng, cells: int, size: int, channels: int = 1) -> np.ndarray:
    """Smooth noise about 0 with `cells` cells per side, (size, size) or (size, size, channels)."""
    grid = rng.standard_normal((channels, cells, cells), np.float32)
    planes = [
        np.asarray(Image.fromarray(plane).resize((size, size), Image.Resampling.BICUBIC))
        if cells != size
        else plane
        for plane in grid
    ]
    return planes[0] if channels == 1 else np.stack(planes, axis=-1)


@functools.cache
def _grid(size: int) -> tuple[np.ndarray, np.ndarray]:
    axis = (np.arange(size, dtype=np.float32) + 0.5) / size
    return np.meshgrid(axis, axis)


def _soft_mask(labels: np.ndarray, names, radius: float) -> np.ndarray:
    table = np.zeros(256, np.uint8)
    table[[LABEL[name] for name in names]] = 255
    mask = Image.fromarray(table[labels])
    if radius > 0:
        mask = mask.filter(ImageFilter.BoxBlur(radius))
    return np.asarray(mask, np.float32) / 255


_SKIN = ("skin", "nose", "mouth", "left_ear", "right_ear", "neck", "left_brow", "right_brow")


def develop(figure: Figure, backdrop: Image.Image) -> np.ndarray:
    """Lights, textures and blurs the figure's sheets; uint8 (size, size, 3).

    `backdrop` is the colour sheet before the person was drawn on it.
    """
    canvas, scene, build = figure.canvas, figure.scene, figure.build
    size = canvas.size
    rng = np.random.Generator(np.random.PCG64((scene.detail, 2)))
    labels = canvas.finish_labels()
    unit = size / 128
    picture = canvas.colour.reduce(canvas.factor)
    back = backdrop.reduce(canvas.factor).filter(ImageFilter.BoxBlur(5 * unit))
    person = Image.fromarray(((labels > 0) * 255).astype(np.uint8)).filter(
        ImageFilter.BoxBlur(0.6 * unit)
    )
    picture = Image.composite(picture.filter(ImageFilter.GaussianBlur(0.42 * unit)), back, person)
    image = np.asarray(picture, np.float32) / 255

    x, y = _grid(size)
    u = (x - figure._origin[0]) / build.scale
    v = (y - figure._origin[1]) / build.scale
    light = scene.light
    # The head as an ellipsoid, the body as a wide cylinder, under one soft lamp.
    nx = np.clip((u - 0.5 * figure.sine) / 1.12, -1, 1)
    ny = np.clip((v - 0.15) / 1.45, -1, 1)
    nz = np.sqrt(np.maximum(1.02 - nx * nx - 0.6 * ny * ny, 0.02))
    lambert = np.clip(0.42 * light * nx - 0.38 * ny + 0.82 * nz, 0, None)
    body = np.clip(0.86 + 0.2 * light * u / 2 - 0.05 * (v - 1.5), 0.5, 1.05)
    on_head = np.clip((1.5 - v) / 0.35, 0, 1)
    shade = 0.52 + 0.52 * lambert
    shade = shade * on_head + body * (1 - on_head)

    skin = _soft_mask(labels, _SKIN, 0.6 * unit)
    hair = _soft_mask(labels, ("hair",), 0.7 * unit)
    cloth = _soft_mask(labels, ("cloth", "hat"), 0.5 * unit)

    # Skin: blood under it, pores on it, light scattered round the terminator.
    mottled = (
        0.022 * _noise(rng, 12, size)
        + 0.014 * _noise(rng, 48, size)
        + 0.016 * _noise(rng, 128, size)
    )
    cheeks = sum(
        np.exp(-(((u - 0.95 * figure.sine - side * 0.55) / 0.3) ** 2 + ((v - 0.62) / 0.26) ** 2))
        for side in (-1, 1)
    )
    flush = 0.05 + 0.10 * scene.blush * cheeks + 0.02 * _noise(rng, 9, size)
    tinted = np.stack(
        [1 + 0.35 * flush + mottled, 1 - 0.65 * flush + mottled, 1 - 0.55 * flush + mottled], -1
    )
    scatter = np.stack([shade**0.8, shade**1.05, shade**1.15], -1)
    gloss = np.exp(
        -(((u - 0.8 * figure.sine - 0.3 * light) / 0.35) ** 2 + ((v + 0.42) / 0.22) ** 2)
    )
    lit_skin = image * tinted * scatter + 0.10 * gloss[..., None] * skin[..., None]

    # Hair: strands run from the crown; a band of gloss follows the skull.
    angle = np.arctan2(u - 0.1 * scene.part, v + 1.5)
    strands = _strands(rng, angle, v)
    band = np.exp(-(((np.hypot(u, 1.05 * (v + 0.1)) - 0.98) / 0.13) ** 2)) * (v < -0.15)
    sheen = np.clip(band * (0.5 + 0.4 * strands) * (1 + 0.5 * light * u), 0, 1.2)
    tone = (0.9 + 0.2 * strands) * (0.55 + 0.5 * shade)
    lit_hair = image * tone[..., None] + 0.24 * sheen[..., None] * np.array(
        [1.0, 0.95, 0.88], np.float32
    )

    folds = 1 + 0.09 * _noise(rng, 7, size) + 0.03 * _noise(rng, 96, size)
    lit_cloth = image * (body * folds)[..., None]

    image = image * (1 - 0.1 * (labels > 0))[..., None]
    for mask, lit in ((skin, lit_skin), (hair, lit_hair), (cloth, lit_cloth)):
        image += (lit - image) * mask[..., None]

    # Camera: vignette, a film-like curve, grain.
    vignette = 1 - 0.28 * ((x - 0.5) ** 2 + (y - 0.5) ** 2)
    image = np.clip(image * vignette[..., None] * 1.03, 0, 1)
    image = image + 0.10 * (image * image * (3 - 2 * image) - image)
    image += 0.016 * _noise(rng, 128, size)[..., None] + 0.008 * _noise(rng, 64, size, 3)
    return (np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8)


def _strands(rng, angle: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Noise that varies quickly across the strands and slowly along them, about 0."""
    fine, coarse = rng.standard_normal(512), rng.standard_normal(96)
    bent = angle + 0.05 * np.sin(3 * v)
    place = (bent / (2 * np.pi) + 0.5) % 1.0
    return (
        0.45 * np.interp(place * 511, np.arange(512), fine)
        + 0.65 * np.interp(place * 95, np.arange(96), coarse)
    ).astype(np.float32)
