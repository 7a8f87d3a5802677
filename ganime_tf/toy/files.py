"""The toy world as files, in the layouts that real data sets have."""

import logging
import os
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from ganime_tf.ops.files import atomic_path
from ganime_tf.toy.artists import ARTISTS
from ganime_tf.toy.drawing import render, render_many
from ganime_tf.toy.figure import PARSING_CLASSES
from ganime_tf.toy.scene import sample_scene

LAYOUTS = ("pairs", "unpaired", "parsing", "artists", "stylize")

# One colour a class, in the order of PARSING_CLASSES; the palette of the label PNGs.
PARSING_PALETTE = (
    (0, 0, 0),
    (255, 214, 186),
    (120, 72, 40),
    (168, 108, 64),
    (64, 128, 255),
    (64, 208, 255),
    (150, 150, 160),
    (255, 150, 150),
    (255, 180, 120),
    (255, 224, 0),
    (240, 140, 90),
    (216, 32, 64),
    (214, 164, 134),
    (255, 255, 150),
    (72, 160, 88),
    (140, 72, 200),
    (255, 96, 192),
)

_logger = logging.getLogger(__name__)


def write_dataset(
    out: str | os.PathLike,
    count: int,
    size: int,
    what: str,
    seed: int = 0,
    progress: Callable[[Iterable], Iterable] | None = None,
) -> Path:
    """Draws `count` scenes into the folder `out`.

    Every 10th scene (at least one) is held out. The layouts, by `what`:

    - `pairs`: `train/` and `val/`, one PNG a pair, colour on the left and line art on the right.
    - `unpaired`: `trainA/` portraits and `trainB/` drawings of other people; `testA/` and `testB/`
      show the same people under the same names, so that the truth is known.
    - `parsing`: `images/` and `labels/` (palette PNGs of class indices) with the same names,
      drawings as `<n>_anime.png`, portraits as `<n>_portrait.png`; `classes.txt`.
    - `artists`: a folder per artist (all of `ARTISTS`, or the first `count`), of that artist's
      drawings of different people; about `count` in all.
    - `stylize`: `train_photo/` portraits, `style/` drawings by one artist, `val/` portraits.

    Args:
        out: Folder; made if need be. Files of the same names are overwritten.
        count: Number of scenes, at least 2.
        size: Side of each picture in pixels, 32 to 512.
        what: The layout.
        seed: Of the world.
        progress: Wraps the loop over scenes, as `tqdm` would.

    Returns:
        `out` as a path.

    Raises:
        ValueError: Unknown layout, or a count or size out of range.
    """
    if what not in LAYOUTS:
        raise ValueError(f"`what` must be one of {', '.join(LAYOUTS)}. Received {what!r}.")
    if count < 2:
        raise ValueError(f"`count` must be at least 2, to hold one out. Received {count}.")
    if not 32 <= size <= 512:
        raise ValueError(f"`size` must be 32 to 512 pixels. Received {size}.")
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    write = {
        "pairs": _pairs,
        "unpaired": _unpaired,
        "parsing": _parsing,
        "artists": _artists,
        "stylize": _stylize,
    }[what]
    if what == "parsing":
        (out / "classes.txt").write_text("\n".join(PARSING_CLASSES) + "\n", encoding="utf-8")
    for index in (progress or iter)(range(count)):
        held_out = index % 10 == 9 or (count < 10 and index == count - 1)
        write(out, index, count, size, seed, held_out)
    _logger.info("Wrote %d scenes as %s to %s.", count, what, out)
    return out


def _save(picture: np.ndarray, folder: Path, name: str) -> None:
    image = Image.fromarray(picture)
    if picture.ndim == 2:
        image.putpalette([value for colour in PARSING_PALETTE for value in colour])
    with atomic_path(folder / f"{name}.png") as path:
        image.save(path, compress_level=3)


def _pairs(out, index, count, size, seed, held_out) -> None:
    pair = render_many(sample_scene(seed, index), ("colour", "lineart"), size)
    both = np.concatenate([pair["colour"], pair["lineart"]], axis=1)
    _save(both, out / ("val" if held_out else "train"), f"{index:06d}")


def _unpaired(out, index, count, size, seed, held_out) -> None:
    if held_out:
        pair = render_many(sample_scene(seed, index), ("portrait", "colour"), size)
        _save(pair["portrait"], out / "testA", f"{index:06d}")
        _save(pair["colour"], out / "testB", f"{index:06d}")
        return
    _save(render(sample_scene(seed, index), "portrait", size), out / "trainA", f"{index:06d}")
    other = sample_scene(seed, count + index)  # nobody in A is in B
    _save(render(other, "colour", size), out / "trainB", f"{count + index:06d}")


def _parsing(out, index, count, size, seed, held_out) -> None:
    whats = ("colour", "parsing", "portrait", "portrait_parsing")
    drawn = render_many(sample_scene(seed, index), whats, size)
    for kind, image, label in (("anime", *whats[:2]), ("portrait", *whats[2:])):
        _save(drawn[image], out / "images", f"{index:06d}_{kind}")
        _save(drawn[label], out / "labels", f"{index:06d}_{kind}")


def _artists(out, index, count, size, seed, held_out) -> None:
    artist = ARTISTS[index % len(ARTISTS)]
    picture = render(sample_scene(seed, index), "colour", size, artist)
    _save(picture, out / artist.name, f"{index:06d}")


def _stylize(out, index, count, size, seed, held_out) -> None:
    photo = render(sample_scene(seed, index), "portrait", size)
    if held_out:
        _save(photo, out / "val", f"{index:06d}")
        return
    _save(photo, out / "train_photo", f"{index:06d}")
    style = render(sample_scene(seed, count + index), "colour", size, ARTISTS[0])
    _save(style, out / "style", f"{count + index:06d}")
