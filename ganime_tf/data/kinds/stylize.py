"""Photos and a style (AnimeGAN, CartoonGAN): `train_photo`, `style`, `smooth`, `val`."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from ganime_tf.data import listing
from ganime_tf.data.domain import Domain, Part
from ganime_tf.data.drawn import World
from ganime_tf.data.kinds import unpaired
from ganime_tf.data.kinds.folders import folder_domain
from ganime_tf.data.kinds.kind import PICTURE, Derived, Found, Kind
from ganime_tf.data.layouts import set_folder
from ganime_tf.data.spec import DataSpec
from ganime_tf.data.stores import DrawnStore
from ganime_tf.ops.filters import smooth_edges

PHOTO_NAMES = ("train_photo", "photo", "photos", "traina", "a")
STYLE_NAMES = ("style", "styles", "trainb", "b")
SMOOTH_NAMES = ("smooth",)
STYLE_VALIDATION_NAMES = ("val", "valid", "validation", "test", "testa")


def add_grey(sample: dict, random=None) -> dict:
    """Adds the grey (three equal channels) forms of `b` and `b_smooth`."""
    del random
    result = dict(sample)
    for key in ("b", "b_smooth"):
        if key in sample:
            result[f"{key}_grey"] = _grey(sample[key])
    return result


def _grey(pixels):
    """The fixed-point luma of OpenCV, as the official loaders read it."""
    weights = tf.constant([9798, 19235, 3735], tf.int32)
    luma = (tf.reduce_sum(tf.cast(pixels, tf.int32) * weights, -1, keepdims=True) + 16384) // 32768
    return tf.repeat(tf.cast(luma, tf.uint8), 3, axis=-1)


def smoothed(style: Domain) -> Domain:
    """The edge-smoothed pictures of a style, made when they are needed and kept in memory.

    They are shuffled by themselves, as in the official AnimeGAN loader.
    """
    part = style.parts[0]

    def draw(index: int, size: int) -> np.ndarray:
        pixels = part.store.load(index, size)
        shape = (size, size, part.store.channels)
        if pixels.shape != shape:
            sample = style.finish([tf.constant(pixels)], index, size, size)
            pixels = next(iter(sample.values())).numpy()
        return smooth_edges(pixels)

    store = DrawnStore(draw, part.store.names)
    return Domain("b_smooth", [Part(store, (("b_smooth", 0, 1),))], aspect=style.aspect)


def read(spec: DataSpec, direction: str, skipped: list) -> Found:
    """Lists photos, style and smooth pictures; validation is of photos alone."""
    del direction
    if spec.path is None:
        photos, style = listing.existing_folder(spec.a), listing.existing_folder(spec.b)
        smooth, held_out = spec.smooth and listing.existing_folder(spec.smooth), None
    else:
        root = set_folder(spec.path, (*PHOTO_NAMES, *STYLE_NAMES))
        photos = listing.subfolder(root, PHOTO_NAMES)
        style, holder = _style_folder(root)
        smooth = spec.smooth or (holder and listing.subfolder(holder, SMOOTH_NAMES))
        held_out = listing.subfolder(root, STYLE_VALIDATION_NAMES)
        if photos is None or style is None:
            found = ", ".join(sorted(p.name for p in root.iterdir() if p.is_dir())) or "none"
            raise ValueError(
                f"Stylize data needs the folders train_photo and style in {root} (style may lie in "
                f"one folder of the style's name; smooth and val are optional). Folders there: "
                f"{found}. Any two folders: `a=PHOTOS,b=STYLE`."
            )
    domains = [folder_domain(photos, "a", spec, skipped), folder_domain(style, "b", spec, skipped)]
    if smooth:
        domains.append(folder_domain(Path(smooth), "b_smooth", spec, skipped))
    else:
        domains.append(smoothed(domains[1]))
    return Found(domains, held_out and [folder_domain(held_out, "a", spec, skipped)])


def beside(train: list[Domain], validation: list[Domain]) -> list[Domain]:
    """Held-out photos, beside style pictures that are gone through again when there are fewer."""
    photos, style = validation[0], train[1]
    if len(validation) > 1 and validation[1].from_split and len(validation[1]):
        style = validation[1]
    style = style.select(np.resize(np.arange(len(style)), len(photos)))
    style.from_split, style.held_out = False, []
    return [photos, style]


def draw(world: World) -> Found:
    """Portraits and drawings of other people; the truth in validation."""
    found = unpaired.draw(world)
    found.train.append(smoothed(found.train[1]))
    return found


def _style_folder(root: Path) -> tuple[Path | None, Path | None]:
    style = listing.subfolder(root, STYLE_NAMES)
    if style:
        return style, root
    inside = [folder for folder in sorted(root.iterdir()) if (folder / "style").is_dir()]
    if len(inside) > 1:
        raise ValueError(
            f"{root} has several styles: {', '.join(f.name for f in inside)}. Choose one with "
            f"`a={root}/train_photo,b={inside[0]}/style,smooth={inside[0]}/smooth`."
        )
    return (inside[0] / "style", inside[0]) if inside else (None, None)


KIND = Kind(
    keys=dict.fromkeys(("a", "b", "b_grey", "b_smooth", "b_smooth_grey"), PICTURE),
    aligned=False,
    read=read,
    draw=draw,
    derive=lambda spec: (Derived(add_grey),),
    beside=beside,
    options=("smooth",),
    help="photos `a`, style `b`, `b_grey`, `b_smooth`, `b_smooth_grey`",
)
