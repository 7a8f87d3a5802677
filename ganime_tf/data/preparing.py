"""Making sets from sets: resized, split, traced, smoothed and cropped copies of a folder.

Originals are never touched. Every output is written atomically and skipped when it is there
already, so an interrupted job goes on where it stopped.
"""

import dataclasses
import functools
import hashlib
import multiprocessing
import os
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from ganime_tf.data import listing
from ganime_tf.data.io import read_image
from ganime_tf.data.metadata import compile_where, find_record, read_metadata
from ganime_tf.ops.filters import draw_lines, resize_bilinear, smooth_edges
from ganime_tf.ops.pictures import save_png
from ganime_tf.ops.settings import claim_folder

Work = Callable[[np.ndarray, str], dict[str, np.ndarray]]


def _square(image: np.ndarray, aspect: str) -> np.ndarray:
    height, width = image.shape[:2]
    if aspect == "stretch" or height == width:
        return image
    if aspect == "pad":
        side = max(height, width)
        result = np.full((side, side, 3), 255, np.uint8)
        top, left = (side - height) // 2, (side - width) // 2
        result[top : top + height, left : left + width] = image
        return result
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return image[top : top + side, left : left + side]


def resize(image: np.ndarray, name: str, size: int, aspect: str) -> dict[str, np.ndarray]:
    """One antialiased (Lanczos) square copy."""
    picture = Image.fromarray(_square(image, aspect))
    return {name: np.array(picture.resize((size, size), Image.Resampling.LANCZOS))}


def split_pair(image: np.ndarray, name: str, sketch: int) -> dict[str, np.ndarray]:
    """The halves of a side-by-side picture as `sketch/NAME` and `color/NAME`."""
    half = image.shape[1] // 2
    if not half:
        raise ValueError("too narrow to be split")
    halves = (image[:, :half], image[:, half : 2 * half])
    return {f"sketch/{name}": halves[sketch], f"color/{name}": halves[1 - sketch]}


def trace(image: np.ndarray, name: str, style: str, seed: int | None) -> dict[str, np.ndarray]:
    """Line art; the pen of a file depends on the seed and on its name only."""
    if seed is not None:
        seed = zlib.crc32(name.encode("utf-8", "surrogateescape"), seed)
    return {name: draw_lines(image, style, seed)}


def smooth(image: np.ndarray, name: str, size: int) -> dict[str, np.ndarray]:
    """An edge-smoothed copy at the training size, see `ops.filters.smooth_edges`."""
    return {name: smooth_edges(resize_bilinear(image, size, size))}


def crop_faces(
    image: np.ndarray, name: str, cascade: str, size: int, margin: float, upright: bool
) -> dict[str, np.ndarray]:
    """Square crops around the faces that an OpenCV cascade finds, `NAME-0`, `NAME-1`, ...

    The largest face comes first. Crops that would reach out of the picture are moved inwards.

    Args:
        image: uint8 RGB.
        name: Relative name of the outputs, without suffix.
        cascade: Cascade file; empty for OpenCV's own frontal one (real faces only).
        size: Side of the crops.
        margin: Added on each side, as a share of the face's side.
        upright: Also look at the picture turned by -30 and 30 degrees, and keep the turn that finds
            the largest face, so that tilted faces come out upright.

    Raises:
        ValueError: When there is no face, or the cascade cannot be read.
        ImportError: Without OpenCV.
    """
    try:
        import cv2
    except ImportError as error:
        raise ImportError('Finding faces needs OpenCV: pip install "ganime-tf[faces]".') from error
    if not hasattr(cv2, "CascadeClassifier"):
        raise ImportError(
            f"OpenCV {cv2.__version__} has no cascades: pip install 'opencv-python-headless<5'."
        )
    path = cascade or os.path.join(cv2.data.haarcascades, "haarcascade_frontalface_default.xml")
    finder = cv2.CascadeClassifier(path)
    if finder.empty():
        raise ValueError(f"{path} is not a readable OpenCV cascade file")
    height, width = image.shape[:2]
    best, found, turned = 0, (), image
    for angle in (0, -30, 30) if upright else (0,):
        turn = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1.0)
        picture = cv2.warpAffine(image, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
        grey = cv2.equalizeHist(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY))
        faces = finder.detectMultiScale(grey, 1.1, 5, minSize=(24, 24))
        largest = max((int(face[2]) for face in faces), default=0)
        if largest > best * 1.1:
            best, found, turned = largest, faces, picture
    if not best:
        raise ValueError("no face found")
    result = {}
    for number, (x, y, w, h) in enumerate(sorted(map(tuple, found), key=lambda f: -f[2])):
        crop = Image.fromarray(_around(turned, (x, y, w, h), margin))
        crop = np.array(crop.resize((size, size), Image.Resampling.LANCZOS))
        result[f"{name}-{number}"] = crop
    return result


def _around(image: np.ndarray, face: tuple[int, int, int, int], margin: float) -> np.ndarray:
    """The square around a face `(x, y, w, h)`, moved and made smaller to lie in the picture."""
    x, y, w, h = face
    side = min(round(max(w, h) * (1 + 2 * margin)), *image.shape[:2])
    top, left = (
        int(np.clip(round(start + length / 2 - side / 2), 0, limit - side))
        for start, length, limit in ((y, h, image.shape[0]), (x, w, image.shape[1]))
    )
    return image[top : top + side, left : left + side]


def colour_spread(image: np.ndarray) -> float:
    """How far a picture's colours are from those of one ink, in levels of 255.

    The root mean square of Cb and Cr about their best curve over the luma: 0 for grey and for any
    tint (sepia, a screen's blue), however strong.

    Args:
        image: uint8 `(H, W, 3)`.
    """
    small = Image.fromarray(image).resize((48, 48), Image.Resampling.BOX).convert("YCbCr")
    luma, *chroma = np.asarray(small, np.float64).reshape(-1, 3).T
    light = luma / 127.5 - 1.0
    powers = np.stack([np.ones_like(light), light, light**2], axis=1)
    chroma = np.stack(chroma, axis=1)
    rest = chroma - powers @ np.linalg.lstsq(powers, chroma, rcond=None)[0]
    return float(np.sqrt(np.square(rest).sum(1).mean()))


# Of 1,300 coloured portraits and drawings the least has 3.0, a sepia JPEG of any at most 1.1.
_MONOCHROME = 2.0


@dataclasses.dataclass(frozen=True)
class ColouredOnly:
    """A work that leaves monochrome pictures out."""

    work: Work

    def __call__(self, image: np.ndarray, name: str) -> dict[str, np.ndarray]:
        """Does the work on a coloured picture; refuses another."""
        if colour_spread(image) < _MONOCHROME:
            raise ValueError("monochrome")
        return self.work(image, name)


@dataclasses.dataclass(frozen=True)
class Metadata:
    """Leaves out what a metadata file does not name, or where a condition does not hold.

    Args:
        path: What `read_metadata` reads.
        where: Conditions, see `compile_where`.
    """

    path: Path
    where: tuple[str, ...] = ()

    def left_out(self, names) -> dict[str, str]:
        """The reason of every file that is left out.

        Raises:
            ValueError: When the file or a condition cannot be read, or no file is named.
        """
        records, holds, reasons = read_metadata(self.path), compile_where(self.where), {}
        unknown = f"not in {self.path.name}"
        for name in names:
            record = find_record(records, name)
            if record is None:
                reasons[name] = unknown
            elif not holds(record):
                reasons[name] = f"not {' and '.join(self.where)}"
        if names and list(reasons.values()) == [unknown] * len(names):
            raise ValueError(
                f"{self.path} names none of the {len(names)} pictures (matched by stem, or by the "
                "first number in the file name)."
            )
        return reasons


def _one(root: str, out: str, work: Work, name: str) -> tuple[str, str | None]:
    """Does one file: `(name, None)` when done, `(name, reason)` when it could not be."""
    target = listing.stem(name)
    marker = Path(out) / ".done" / hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:32]
    if marker.exists():
        return name, None
    try:
        for path, pixels in work(read_image(Path(root) / name), target).items():
            save_png(Path(out) / f"{path}.png", pixels)
    except ImportError:
        raise
    except (ValueError, OSError) as error:
        if getattr(error, "errno", None) == 28:  # no space left: the next file would fail as well
            raise
        return name, str(error)
    marker.parent.mkdir(parents=True, exist_ok=True)
    marker.touch()
    return name, None


def prepare_folder(
    folder: str | Path,
    out: str | Path,
    work: Work,
    workers: int = 0,
    metadata: Metadata | None = None,
) -> Iterator[tuple[str, str | None]]:
    """Applies `work` to every picture of a folder, over processes, resumably.

    Args:
        folder: Originals.
        out: Where the PNG files go; must lie neither in `folder` nor be it.
        work: `(pixels, name without suffix) -> {name without suffix: pixels}`; picklable.
        workers: Processes; 0 for one a core.
        metadata: Decides which pictures are taken; without, all.

    Yields:
        `(name, None or the reason it was skipped)` of every file, in order.

    Raises:
        ValueError: When `out` lies in `folder`, or holds anything but the result of this job.
    """
    root, target = listing.existing_folder(folder).resolve(), Path(out).resolve()
    if target == root or root in target.parents:
        raise ValueError(f"The output {out} lies in {folder}: originals are never touched.")
    skipped = []
    names = listing.list_folder(root, skipped)
    left_out = metadata.left_out(names) if metadata else {}
    if metadata:
        metadata = dataclasses.replace(metadata, path=metadata.path.resolve())
    claim_folder(
        target, ".done/settings.json", {"folder": root, "work": work, "metadata": metadata}
    )
    yield from skipped
    yield from left_out.items()
    seen, unique = {}, []
    for name in names:
        if name in left_out:
            continue
        key = listing.stem(name)
        if key in seen:
            yield name, f"same stem as {seen[key]}, which is done"
        else:
            seen[key] = name
            unique.append(name)
    do = functools.partial(_one, str(root), str(target), work)
    workers = min(workers or os.cpu_count() or 1, max(1, len(unique) // 16))
    if workers == 1:
        yield from map(do, unique)
        return
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(do, unique, chunksize=8)
