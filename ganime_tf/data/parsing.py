"""Label maps: class lists, reading, and pictures with their maps as one domain."""

from pathlib import Path

import numpy as np
from PIL import Image

from ganime_tf.data import listing
from ganime_tf.data.class_tables import class_table
from ganime_tf.data.domain import Domain, Part
from ganime_tf.data.io import BadImageError, decode_bytes, read_bytes
from ganime_tf.data.spec import DataSpec
from ganime_tf.data.stores import BadMapError, FileStore, MapStore

CLASSES = {
    "celebamask": (
        "background skin nose eye_g l_eye r_eye l_brow r_brow l_ear r_ear mouth u_lip l_lip hair "
        "hat ear_r neck_l neck cloth"
    ).split(),
    "danbooru-parsing": (
        "background skin l_brow r_brow l_eye r_eye eye_g l_ear r_ear ear_r nose mouth u_lip l_lip "
        "neck neck_l cloth hair hat"
    ).split(),
    "anime17": (
        "background skin l_brow r_brow l_eye r_eye eye_g l_ear r_ear ear_r nose mouth neck neck_l "
        "cloth hair hat"
    ).split(),
}
"""Class lists, in the order of the numbers in the maps. `anime17` is what the toy world draws."""

IMAGE_NAMES = ("images", "image", "celeba-hq-img", "b", "img", "colour", "color")
MAP_NAMES = ("labels", "label", "masks", "mask", "maps", "parsing", "celebamask-hq-mask-anno",
             "celebamaskhq-mask", "a")  # fmt: skip


def read_map(path: str | Path, num_classes: int) -> np.ndarray:
    """Reads a label map: a palette or grey PNG whose values are class numbers.

    Returns:
        uint8 `(H, W)`.

    Raises:
        BadMapError: On colours, or numbers that no class has; names the file.
        BadImageError: When the file is no picture.
    """
    try:
        with Image.open(path, formats=["PNG", "BMP", "GIF", "TIFF"]) as image:
            if image.mode not in ("L", "P", "1"):
                raise BadMapError(
                    f"{path}: a label map must be a grey or palette picture of class numbers; this "
                    f"one has mode {image.mode}."
                )
            labels = np.array(image, np.uint8)
    except BadMapError:
        raise
    except (OSError, ValueError, SyntaxError) as error:
        raise BadImageError(f"not a readable label map: {error}") from error
    if labels.max(initial=0) >= num_classes:
        unknown = sorted(set(np.unique(labels).tolist()) - set(range(num_classes)))
        raise BadMapError(
            f"{path}: unknown labels {unknown[:8]}; the class list has 0 to {num_classes - 1}."
        )
    return labels


def merge_parts(parts: dict[str, Path], classes: list[str]) -> np.ndarray:
    """Merges the per-part masks of CelebAMask-HQ: later classes lie over earlier ones.

    Args:
        parts: Class name -> file of a 0/255 mask.
        classes: The class list.

    Returns:
        uint8 `(H, W)`.
    """
    labels = None
    for number, name in enumerate(classes):
        if name in parts:
            mask = decode_bytes(read_bytes(parts[name]))[..., 0] > 127
            if labels is None:
                labels = np.zeros(mask.shape, np.uint8)
            if mask.shape != labels.shape:
                raise BadMapError(f"{parts[name]}: {mask.shape}, other parts {labels.shape}.")
            labels[mask] = number
    return labels


def _parts_by_stem(names: list[str], classes: list[str]) -> dict[str, dict[str, str]]:
    """`0/00012_l_eye.png` -> {"12": {"l_eye": name}}; empty when the set is not of that form."""
    found = {}
    for name in names:
        number, _, part = listing.stem(name).rpartition("/")[2].partition("_")
        if part in classes and number.isdigit():
            found.setdefault(str(int(number)), {})[part] = name
    return found


def _checked(labels: np.ndarray, path: str, image_path: str) -> np.ndarray:
    """Raises when map and picture have different shapes (CelebAMask-HQ's maps are half as big)."""
    try:
        with Image.open(image_path) as image:
            width, height = image.size
            if image.getexif().get(0x0112, 1) >= 5:
                width, height = height, width
    except (OSError, ValueError, SyntaxError):
        return labels  # the picture's own decoding names what is wrong with it
    if abs(labels.shape[0] * width - labels.shape[1] * height) > max(width, height):
        raise BadMapError(
            f"{path}: the map is {labels.shape[1]}x{labels.shape[0]}, its picture "
            f"{image_path} {width}x{height}. They must show the same frame."
        )
    return labels


def class_list(name: str, root: Path, masks: bool) -> list[str]:
    """The classes of the maps below `root`.

    Args:
        name: A name in `CLASSES`, or `auto`: what `classes.txt` in `root` lists, one a line; else
            `celebamask` for part masks and `danbooru-parsing` for maps of numbers.
        root: The set's folder.
        masks: Whether the maps are part masks.

    Raises:
        ValueError: On an unknown name.
    """
    if name in CLASSES:
        return CLASSES[name]
    if name != "auto":
        raise ValueError(f"`classes` must be auto or one of {', '.join(CLASSES)}. Got {name!r}.")
    file = root / "classes.txt"
    if file.is_file() and not masks:
        names = file.read_text(encoding="utf-8-sig").split()
        if names:
            return names
    return CLASSES["celebamask" if masks else "danbooru-parsing"]


def mapped_domain(
    name: str,
    keys: tuple[str, str],
    images: Path,
    maps: Path,
    spec: DataSpec,
    skipped: list,
    classes: list[str] | None = None,
    part: str = "",
) -> tuple[Domain, list[str]]:
    """Pictures and their label maps, matched by stem.

    Args:
        name: Of the domain.
        keys: Batch keys of picture and map.
        images: Folder of pictures.
        maps: Folder of label maps: class numbers, or the part masks of CelebAMask-HQ.
        spec: Class list, background, aspect.
        skipped: Gets `(path, reason)` of left-out files.
        classes: The list that the numbers in the batch belong to; by default that of the files.
        part: Only the pictures whose stem ends so.

    Returns:
        `(domain, class names)`.
    """
    image_names = listing.list_folder(images, skipped)
    map_names = listing.list_folder(maps, skipped)
    if part:
        image_names, map_names = (
            [n for n in names if listing.stem(n).lower().endswith(part)]
            for names in (image_names, map_names)
        )
    parts = _parts_by_stem(map_names, CLASSES["celebamask"])
    own = class_list(spec.classes, Path(maps).parent, bool(parts))
    classes = classes or own
    table = None if classes == own else class_table(own, classes)
    if parts:
        pairs = []
        for image in image_names:
            number = listing.stem(image).rpartition("/")[2]
            key = str(int(number)) if number.isdigit() else number
            if key in parts:
                pairs.append((image, key))
            else:
                skipped.append((str(Path(images) / image), "no part masks of this number"))
    else:
        pairs, dropped = listing.match_stems(image_names, map_names)
        known = set(image_names)
        skipped += [(str(Path(images if n in known else maps) / n), why) for n, why in dropped]
    if not pairs:
        raise ValueError(f"No picture of {images} has a label map of the same stem in {maps}.")
    image_store = FileStore(images, [image for image, _ in pairs], spec.background)
    partner = {str(Path(maps) / name): image_store.path(i) for i, (_, name) in enumerate(pairs)}

    def reader(path: str) -> np.ndarray:
        key = str(Path(path))
        if parts:
            files = {k: Path(maps) / v for k, v in parts[Path(path).name].items()}
            labels = merge_parts(files, own)
        else:
            labels = read_map(path, len(own))
        labels = _checked(labels, key, partner[key])
        return labels if table is None else table[labels]

    map_store = MapStore(maps, [name for _, name in pairs], reader)
    columns = [Part(image_store, ((keys[0], 0, 1),)), Part(map_store, ((keys[1], 0, 1),))]
    return Domain(name, columns, aspect=spec.aspect), list(classes)
