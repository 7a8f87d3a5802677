"""Telling layouts of folders apart: sets packed one folder deeper, side-by-side pictures."""

import logging
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ganime_tf.data import listing
from ganime_tf.data.io import BadImageError, read_image

logger = logging.getLogger(__name__)

_SAMPLE = 16
_NARROWEST = 1.1  # width over height of two pictures side by side, of 1:2 each and a little


def set_folder(path: str | Path, words: Sequence[str]) -> Path:
    """The folder that is laid out, which may lie in folders that hold nothing else.

    Args:
        path: As the user named it.
        words: Lower-case names of the folders that a layout begins with.

    Raises:
        FileNotFoundError: When there is no such folder.
        ValueError: When the folder holds several sets, each with its own layout; names them.
    """
    root = inside = listing.existing_folder(path)
    for _ in range(3):
        folders, files = _look(inside)
        if files or any(name.lower() in words for name in folders):
            break
        sets = [name for name in folders if _is_split(inside / name)]
        if len(folders) > 1 and sets:
            raise ValueError(
                f"{inside} is not laid out itself, but {', '.join(sets)} in it "
                f"{'is' if len(sets) == 1 else 'are'}, with folders for training and validation. "
                f"Give one of these: {inside / sets[0]}."
            )
        if len(folders) != 1:
            break
        inside = inside / folders[0]
    if inside != root and any(name.lower() in words for name in _look(inside)[0]):
        logger.info("%s: took the set in %s", root, inside)
        return inside
    return root


def _look(folder: Path) -> tuple[list[str], bool]:
    """`(names of visible folders, whether there are pictures beside them)`."""
    folders, files = [], False
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") or entry.name == "__MACOSX":
                continue
            if entry.is_dir():
                folders.append(entry.name)
            else:
                files |= os.path.splitext(entry.name)[1].lower() in listing.SUFFIXES
    return sorted(folders), files


def _is_split(folder: Path) -> bool:
    names = {name.lower() for name in _look(folder)[0]}
    return {"traina", "trainb"} <= names or (
        "train" in names and bool(names & set(listing.VALIDATION_NAMES))
    )


def check_side_by_side(root: Path, names: Sequence[str], trust: bool) -> None:
    """Looks at a sample of files: are they two pictures side by side?

    A file is a single picture when it is too narrow for two, or when its middle shows something
    that goes on from one half into the other. Flat middles (white paper) say nothing.

    Args:
        root: Their folder.
        names: Files below it.
        trust: Whether the user said which half is which; then a doubt is only logged.

    Raises:
        ValueError: When most files are single pictures; says what was seen and what is expected.
    """
    sample = names[:: -(-len(names) // _SAMPLE)]
    narrow, single, telling, seen, example = 0, 0, 0, 0, ""
    for name in sample:
        try:
            pixels = read_image(Path(root) / name)
        except (BadImageError, OSError):
            continue
        seen += 1
        height, width = pixels.shape[:2]
        if width < _NARROWEST * height:
            narrow += 1
            example = example or f"{name} is {width}x{height}"
            continue
        goes_on = _goes_on(pixels)
        telling += goes_on is not None
        if goes_on:
            single += 1
            example = example or f"{name} goes on from its left half into its right one"
    too_narrow = 2 * narrow > seen
    too_smooth = single >= max(2, seen / 4) and single > 2 / 3 * telling
    if not (too_narrow or too_smooth):
        return
    text = (
        f"{root}: {narrow + single} of {seen} files looked at are single pictures, not two of one "
        f"size side by side ({example}). Paired data is such pictures, or two folders with files "
        "of the same names (`sketch` and `color`, `a` and `b`; any two: `a=DIR,b=DIR`), each with "
        "`train` and `val` above or below. "
    )
    folders = _look(root)[0]
    text += f"Folders there: {', '.join(folders[:8]) or 'none'}."
    if not trust:
        raise ValueError(text + " If they are pairs, say so: `--direction ab`, or ba.")
    logger.warning("%s", text)


def _goes_on(pixels: np.ndarray) -> bool | None:
    """Whether the middle columns differ no more than their neighbours; None: they are flat."""
    middle = pixels.shape[1] // 2
    if middle < 8:
        return None
    columns = pixels[:, middle - 8 : middle + 8].astype(np.float32)
    if columns[:, 7:9].std(axis=0).max(axis=-1).min() < 8:
        return None
    steps = np.abs(np.diff(columns, axis=1)).mean(axis=(0, 2))  # 15 of them, the 8th at the middle
    return bool(steps[7] <= 1.5 * np.median(np.delete(steps, 7)) + 0.5)
