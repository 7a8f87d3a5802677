"""Listing folders: files, pairs by stem, splits by hash, side-by-side pictures."""

import hashlib
import json
import logging
import os
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ganime_tf.data.checked import field
from ganime_tf.data.io import SUFFIXES, BadImageError, find_images, read_image

logger = logging.getLogger(__name__)

A_NAMES = ("a", "sketch", "sketches", "lineart", "line", "lines", "input", "source")
B_NAMES = ("b", "color", "colour", "colors", "colours", "target", "output", "real", "gt")
VALIDATION_NAMES = ("val", "valid", "validation", "test")

Skipped = list[tuple[str, str]]


def existing_folder(path: str | Path) -> Path:
    """The folder `path`, or an error that says what is there instead."""
    path = Path(path).expanduser()
    if path.is_dir():
        return path
    what = "is a file, not a folder" if path.exists() else "does not exist"
    raise FileNotFoundError(
        f"The data folder {path} {what}. Give a folder of pictures, a .csv or "
        ".jsonl list, or `toy`."
    )


def list_folder(folder: str | Path, skipped: Skipped, without: Sequence[Path] = ()) -> list[str]:
    """Relative names of the pictures below a folder; what cannot be read is skipped and named.

    Args:
        folder: Where to look.
        skipped: Gets empty and unreachable files, and those of known kinds that are not read.
        without: Folders directly in it that are left out.
    """
    names, passed_over = [], []
    out = tuple(f"{Path(each).name}/" for each in without)
    for name, size in find_images(existing_folder(folder), passed_over):
        if out and name.startswith(out):
            continue
        if size > 0:
            names.append(name)
        else:
            reason = "the file is empty (0 bytes)" if size == 0 else "cannot be reached"
            skipped.append((str(Path(folder) / name), reason))
    skipped += [(str(Path(folder) / name), why) for name, why in passed_over
                if not (out and name.startswith(out))]  # fmt: skip
    return names


def need(names: Sequence, folder: str | Path, skipped: Skipped) -> None:
    """Raises when nothing usable was found."""
    if not names:
        raise ValueError(
            f"Found no usable pictures in {folder} (looked for {' '.join(sorted(SUFFIXES))} in it "
            f"and its folders; {len(skipped)} files skipped)."
        )


def stem(name: str) -> str:
    """What pairs are matched by: the relative name without suffix, in one Unicode form."""
    parent, _, file = name.rpartition("/")
    base = file.rpartition(".")[0] or file
    return unicodedata.normalize("NFC", f"{parent}/{base}" if parent else base)


def match_stems(
    names_a: Sequence[str], names_b: Sequence[str]
) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Matches files by `stem`, never by position.

    Args:
        names_a: Relative names of one folder.
        names_b: Of the other.

    Returns:
        `(pairs, dropped)`: pairs sorted by stem; `(name, reason)` of all files in no pair.
    """
    dropped, tables = [], []
    for names in (names_a, names_b):
        table = {}
        for name in sorted(names):
            key = stem(name)
            if key in table:
                dropped.append((name, f"same stem as {table[key]}, which is taken"))
            else:
                table[key] = name
        tables.append(table)
    a, b = tables
    pairs = [(a[key], b[key]) for key in sorted(a.keys() & b.keys())]
    for table, other in ((a, "b"), (b, "a")):
        unmatched = sorted(table.keys() - {stem(x) for pair in pairs for x in pair[:1]})
        dropped += [(table[key], f"no file of the same stem in the {other} folder")
                    for key in unmatched]  # fmt: skip
    return pairs, dropped


def unit_hash(name: str) -> float:
    """A number in [0, 1) that depends on nothing but the name."""
    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def split_by_hash(names: Sequence[str], share: float) -> tuple[np.ndarray, np.ndarray]:
    """Splits by hash of the name: adding or removing other files moves no file across.

    Only the rule that neither side may be empty (two names or more, share > 0) can move one file.

    Args:
        names: Unique names.
        share: Expected share of the validation side.

    Returns:
        `(train, validation)`, sorted positions in `names`.
    """
    values = np.array([unit_hash(name) for name in names])
    held_out = values < share
    if share > 0 and len(names) > 1:
        if not held_out.any():
            held_out[np.argmin(values)] = True
        if held_out.all():
            held_out[np.argmax(values)] = False
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)


def read_split(path: str | Path) -> dict:
    """Reads a file of `Source.write_split`."""
    try:
        split = json.loads(Path(path).expanduser().read_text(encoding="utf-8"))
        if not isinstance(split, dict):
            raise ValueError("it must be an object")
        for name in split:
            for side in ("train", "validation"):
                field(field(split, name, dict), side, list, name, each=str)
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} is not a split file of `Source.write_split`: {error}") from error
    return split


def subfolder(folder: Path, names: Sequence[str]) -> Path | None:
    """The first subfolder whose lower-case name is in `names` (in their order)."""
    with os.scandir(folder) as entries:
        wanted = (entry for entry in entries if entry.name.lower() in names)
        folders = sorted(entry.name for entry in wanted if entry.is_dir())
    found = {name.lower(): Path(folder) / name for name in folders}
    return next((found[name] for name in names if name in found), None)


def sketch_strip(root: str | Path, names: Sequence[str], sample: int = 16) -> int:
    """Tells which half of side-by-side pictures is the sketch.

    The half that is whiter and less colourful, summed over an even sample of the files:
    share of pixels with all channels above 230, minus mean chroma (max - min channel) / 255.

    Returns:
        0 for left, 1 for right.
    """
    scores = np.zeros(2)
    for name in names[:: max(1, len(names) // sample)][:sample]:
        try:
            pixels = read_image(Path(root) / name)
        except (BadImageError, OSError):
            continue
        half = pixels.shape[1] // 2
        for strip in range(2):
            piece = pixels[:, strip * half : (strip + 1) * half].astype(np.int16)
            if piece.size:
                white = (piece.min(axis=-1) > 230).mean()
                chroma = (piece.max(axis=-1) - piece.min(axis=-1)).mean() / 255
                scores[strip] += white - chroma
    found = int(scores[1] > scores[0])
    logger.info(
        "%s: took the %s half as the sketch (whiteness minus chroma: left %.2f, right %.2f)",
        root, ("left", "right")[found], *(scores / max(1, min(sample, len(names)))),
    )  # fmt: skip
    return found


def warn_skipped(title: str, skipped: Skipped) -> None:
    """Logs the files that listing left out, in one warning."""
    if skipped:
        shown = "; ".join(f"{name}: {reason}" for name, reason in skipped[:5])
        more = f"; and {len(skipped) - 5} more" if len(skipped) > 5 else ""
        logger.warning("%s: skipped %d files: %s%s", title, len(skipped), shown, more)
