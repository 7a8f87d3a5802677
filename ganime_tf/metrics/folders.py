"""Finding, matching and reading the pictures of an evaluation."""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from ganime_tf.data.io import SUFFIXES, find_images
from ganime_tf.data.listing import stem


def list_pictures(folder: str | Path, suffix: str = "") -> dict[str, Path]:
    """Lists the pictures of a folder and its subfolders, linked ones too, as every command does.

    Args:
        folder: A folder.
        suffix: End of the names, such as `_fake_B`: others are passed over, and it is taken off.

    Returns:
        Path of each picture by its name: the path below `folder` without suffix, in one Unicode
        form, sorted.

    Raises:
        FileNotFoundError: When the folder is missing.
        ValueError: When it holds no picture, or two that share a name (`a.png` and `a.jpg`).
    """
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        raise FileNotFoundError(f"There is no folder {folder}. Give a folder of pictures.")
    found: dict[str, Path] = {}
    others: list[str] = []
    for file, _ in find_images(folder):
        path, name = folder / file, stem(file)
        if not name.endswith(suffix):
            others.append(name)
            continue
        name = name.removesuffix(suffix)
        if name in found:
            raise ValueError(f"{found[name]} and {path} share the name {name!r}. Remove one.")
        found[name] = path
    if not found and others:
        first = ", ".join(sorted(others)[:3])
        raise ValueError(
            f"None of the {len(others)} pictures of {folder} ends in {suffix!r}. They are called "
            f"{first}{', ...' if len(others) > 3 else ''}."
        )
    if not found:
        raise ValueError(f"{folder} holds no picture ({', '.join(sorted(SUFFIXES))}).")
    return dict(sorted(found.items()))


def match_pictures(
    real: dict[str, Path], fake: dict[str, Path], *, unmatched: str = "error"
) -> list[str]:
    """Names that both sets hold, sorted.

    Args:
        real: Pictures by name, from `list_pictures`.
        fake: Likewise.
        unmatched: `"error"` refuses names that one set lacks; `"skip"` leaves them out.

    Raises:
        ValueError: When names have no partner (they are listed), or none have.
    """
    if unmatched not in ("error", "skip"):
        raise ValueError(f'`unmatched` must be "error" or "skip". Received {unmatched!r}.')
    common = sorted(real.keys() & fake.keys())
    lonely = [("real", sorted(real.keys() - fake.keys())), ("fake", sorted(fake.keys() - real))]
    text = "; ".join(
        f"{len(names)} only in the {side} set: {', '.join(names[:10])}"
        + (", ..." if len(names) > 10 else "")
        for side, names in lonely
        if names
    )
    if not common or (text and unmatched == "error"):
        raise ValueError(
            f"Pictures are paired by file name without suffix; {len(common)} names match. {text}. "
            'Rename the files, leave out `paired`, or pass unmatched="skip" (--skip-unmatched).'
        )
    return common


def check_different(real: dict[str, Path], fake: dict[str, Path]) -> None:
    """Refuses sets that share files: a picture is no truth of itself.

    Raises:
        ValueError: Naming the first shared file.
    """
    places = {path.resolve() for path in real.values()}
    shared = [path for path in fake.values() if path.resolve() in places]
    if shared:
        raise ValueError(
            f"{len(shared)} of the {len(fake)} fake pictures are real ones too, the same files: "
            f"{shared[0]}. Compare other folders, or tell files of one folder apart by the ends of "
            "their names (--real-suffix _real_B --fake-suffix _fake_B)."
        )


def read_labels(path: str | Path) -> np.ndarray:
    """Reads a label map: a grey or palette picture whose pixel values are class numbers.

    Returns:
        integer `(H, W)`.

    Raises:
        ValueError: When the picture is not single-channel.
    """
    with Image.open(path) as image:
        labels, mode = np.array(image), image.mode
    if labels.ndim != 2 or labels.dtype.kind not in "ui":
        raise ValueError(
            f"{path} is no label map: expected a grey or palette picture of class numbers. "
            f"Received one of mode {mode}, an array of shape {labels.shape} and type "
            f"{labels.dtype}. Replace each colour by its class's number and save it as PNG."
        )
    return labels.astype(np.int64)


def batches(
    pictures: Iterable[tuple[str, tuple[np.ndarray, ...]]], size: int
) -> Iterator[tuple[list[str], list[np.ndarray]]]:
    """Groups named tuples of pictures into batches whose members share their shapes.

    Args:
        pictures: `(name, (picture, ...))`, in order.
        size: Most pictures in a batch.

    Yields:
        The names and one uint8 `(N, H, W, 3)` array for each member of the tuple.
    """
    names: list[str] = []
    group: list[tuple[np.ndarray, ...]] = []

    def stacked():
        return names, [np.stack(column) for column in zip(*group, strict=True)]

    for name, members in pictures:
        shapes = [member.shape for member in members]
        if group and (len(group) == size or [m.shape for m in group[0]] != shapes):
            yield stacked()
            names, group = [], []
        names.append(name)
        group.append(members)
    if group:
        yield stacked()


def content_hash(pictures: dict[str, Path]) -> str:
    """SHA-256 over the names and bytes of a set of pictures."""
    digest = hashlib.sha256()
    for name, path in sorted(pictures.items()):
        digest.update(name.encode() + b"\0")
        with open(path, "rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
