"""One job in several styles: of labels, of seeds or of references; a folder each, and a table."""

from collections.abc import Mapping
from itertools import combinations
from pathlib import Path

import numpy as np

from ganime_tf.data.io import read_image
from ganime_tf.inference.translate import TranslateReport, find_inputs, translate_files
from ganime_tf.ops.pictures import contact_sheet, save_png

MOST_COLUMNS, MOST_ROWS = 40, 16
"""Of a table of pictures; more are left out of it, not of the files."""


def translate_styles(
    model, inputs: list, out: str | Path, key: str, styles: Mapping[str, tuple], **options
) -> TranslateReport:
    """Translates pictures in several styles: a folder each, and `grid.png`, pictures x styles.

    Args:
        model: What `ganime_tf.inference.load` returns.
        inputs: Files, folders and globs.
        out: Folder for the results.
        key: The input that differs: "label", "seed" or "reference".
        styles: `(title, value)` by the name of the folder. References stand above their columns.
        **options: Of `translate_files`.

    Returns:
        The files of all styles together.

    Raises:
        ValueError: When there is nothing to write a folder to.
    """
    if str(out) == "-":
        raise ValueError("Several styles give several pictures: `-o` must be a folder.")
    out = Path(out)
    files = [source for source, _ in find_inputs(inputs, out) if str(source) != "-"]
    reports = {
        name: translate_files(model, files, out / name, **{key: value}, **options)
        for name, (_, value) in styles.items()
    }
    sheet = _table(files, reports, key, styles)
    if sheet is not None:
        save_png(out / "grid.png", sheet)
    # A picture that cannot be read is skipped for the first style as for all others.
    skipped = next(iter(reports.values())).skipped
    return TranslateReport(
        [path for report in reports.values() for path in report.written],
        skipped,
        [path for report in reports.values() for path in report.existing],
        [entry for report in reports.values() for entry in report.pictures],
    )


def _table(files, reports, key, styles) -> np.ndarray | None:
    """Pictures down, styles across."""
    shown = list(reports)[:MOST_COLUMNS]
    made = {
        name: {entry["source"]: entry["result"] for entry in reports[name].pictures}
        for name in shown
    }
    rows = []
    for source in map(str, files):
        if len(rows) < MOST_ROWS and all(source in found for found in made.values()):
            rows.append([read_image(source), *(read_image(made[name][source]) for name in shown)])
    if not rows:
        return None
    size = min(128, max(rows[0][0].shape[:2]))
    if key == "reference":
        rows.insert(0, [np.full((size, size, 3), 255, np.uint8), *(styles[n][1] for n in shown)])
    return contact_sheet(rows, columns=["picture", *(styles[n][0] for n in shown)], size=size)


def diversity(report: TranslateReport, distance) -> tuple[float, int]:
    """How far apart the styles of a picture are: the mean distance of all pairs (MUNIT, 5.2).

    Args:
        report: Of `translate_styles`.
        distance: Function of two uint8 `(1, H, W, 3)` pictures to `(1,)`, e.g. LPIPS.

    Returns:
        The mean over pictures, and how many there were.

    Raises:
        ValueError: When no picture was made in two styles.
    """
    results: dict[str, list] = {}
    for entry in report.pictures:
        results.setdefault(entry["source"], []).append(entry["result"])
    means = []
    for paths in results.values():
        pictures = [read_image(path)[None] for path in paths]
        pairs = [float(distance(x, y)[0]) for x, y in combinations(pictures, 2)]
        if pairs:
            means.append(np.mean(pairs))
    if not means:
        raise ValueError("No picture was made in two styles: give --seed 0-9, for example.")
    return float(np.mean(means)), len(means)
