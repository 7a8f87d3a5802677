"""What is in a folder: `ganime prepare scan`."""

import collections
import hashlib
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from ganime_tf.data import listing
from ganime_tf.data.budget import SharedBudget
from ganime_tf.data.io import (
    BYTES_PER_PIXEL,
    BadImageError,
    decode_bytes,
    open_picture,
    read_bytes,
)

_LOOKING = SharedBudget(1 << 30)  # of all threads; a picture of the largest size takes it whole


def perceptual_hash(pixels: np.ndarray) -> int | None:
    """64-bit difference hash: signs of the horizontal differences of the 9x8 grey thumbnail.

    Returns:
        The hash; None of a flat picture, which looks like all other flat ones.
    """
    grey = Image.fromarray(pixels).convert("L")
    if np.asarray(grey.resize((64, 64), Image.Resampling.BOX)).std() <= 2:
        return None
    small = np.asarray(grey.resize((9, 8), Image.Resampling.BOX), np.int16)
    bits = (small[:, 1:] > small[:, :-1]).ravel()
    return int("".join("1" if bit else "0" for bit in bits), 2)


def _look(path: Path) -> dict:
    try:
        content = read_bytes(path)
        image = open_picture(content)
        form, mode = image.format, image.mode
        with _LOOKING.taking(image.width * image.height * (BYTES_PER_PIXEL + 3)):
            pixels = decode_bytes(content)
            look = perceptual_hash(pixels)
    except (BadImageError, OSError) as error:
        return {"bad": str(error)}
    return {
        "size": f"{pixels.shape[1]}x{pixels.shape[0]}",
        "format": form,
        "mode": mode,
        "sha256": hashlib.sha256(content).hexdigest(),
        "look": look,
    }


def scan(folder: str | Path, bar: Callable[[Iterable], Iterable] = lambda items: items) -> dict:
    """Decodes every picture below a folder and counts what is there.

    Args:
        folder: What to look at.
        bar: Wraps the iteration, for progress.

    Returns:
        JSON-ready: `files`, `good`, `folders`, `sizes`, `formats`, `modes` (counts), `bad`
        (`[name, reason]`), `duplicates` (groups of equal content), `look_alikes` (groups of equal
        perceptual hash but other content), `unmatched` (where it looks like two paired folders).
    """
    root, skipped = listing.existing_folder(folder), []
    names = listing.list_folder(root, skipped)
    with ThreadPoolExecutor() as pool:
        rows = list(bar(pool.map(lambda name: _look(root / name), names)))
    good = [(name, row) for name, row in zip(names, rows, strict=True) if "bad" not in row]
    bad = [[name, row["bad"]] for name, row in zip(names, rows, strict=True) if "bad" in row]
    bad += [[str(Path(path).relative_to(root)), reason] for path, reason in skipped]
    by_content, by_look = collections.defaultdict(list), collections.defaultdict(dict)
    for name, row in good:
        by_content[row["sha256"]].append(name)
        if row["look"] is not None:
            by_look[row["look"]].setdefault(row["sha256"], name)
    report = {
        "folder": str(folder),
        "files": len(names) + len(skipped),
        "good": len(good),
        "folders": collections.Counter(name.rpartition("/")[0] or "." for name in names),
        "bad": sorted(bad),
        "duplicates": [group for group in by_content.values() if len(group) > 1],
        "look_alikes": [list(group.values()) for group in by_look.values() if len(group) > 1],
        "unmatched": _unmatched(root),
    }
    for key, field in (("sizes", "size"), ("formats", "format"), ("modes", "mode")):
        report[key] = dict(collections.Counter(row[field] for _, row in good).most_common())
    return report


def _unmatched(root: Path) -> list[list[str]]:
    result = []
    for place in (root, *(listing.subfolder(root, (n,)) for n in ("train", "val", "test"))):
        a = place and listing.subfolder(place, listing.A_NAMES)
        b = place and listing.subfolder(place, listing.B_NAMES)
        if a and b:
            names = [listing.list_folder(folder, []) for folder in (a, b)]
            result += [list(item) for item in listing.match_stems(*names)[1]]
    return result


def as_table(report: dict) -> str:
    """The report of `scan` for people."""

    def some(counts: dict) -> str:
        items = list(counts.items())
        more = f", {len(items) - 6} more" if len(items) > 6 else ""
        return ", ".join(f"{key} ({count})" for key, count in items[:6]) + more or "-"

    def several(items: list, show) -> list[str]:
        more = [f"    ... {len(items) - 10} more (--json lists all)"] if len(items) > 10 else []
        return [f"    {show(item)}" for item in items[:10]] + more

    lines = [f"{report['folder']}: {report['files']} picture files, {report['good']} good"]
    lines += [
        f"  {key:<11} {some(report[key])}" for key in ("folders", "sizes", "formats", "modes")
    ]
    lines += [f"  {'bad':<11} {len(report['bad'])}"]
    lines += several(report["bad"], lambda item: f"{item[0]}: {item[1]}")
    for key in ("duplicates", "look_alikes"):
        lines += [f"  {key:<11} {len(report[key])} groups"]
        lines += several(report[key], lambda group: " = ".join(group[:4]))
    lines += [f"  {'unmatched':<11} {len(report['unmatched'])}"]
    lines += several(report["unmatched"], lambda item: f"{item[0]}: {item[1]}")
    return "\n".join(lines)
