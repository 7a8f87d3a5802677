"""One job in several styles: of labels, of seeds or of references; a folder each, and a table.

The styles on the way from one to the next are styles like any other, where a model gives and takes
codes: the uses `style_of` and `with_style`.
"""

from collections.abc import Mapping
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np

from ganime_tf.data.io import read_image
from ganime_tf.inference.artists import between
from ganime_tf.inference.translate import TranslateReport, find_inputs, translate_files
from ganime_tf.models.uses import pick_use
from ganime_tf.ops.pictures import contact_sheet, save_png

MOST_COLUMNS, MOST_ROWS = 40, 16
"""Of a table of pictures; more are left out of it, not of the files."""


def translate_styles(
    model,
    inputs: list,
    out: str | Path,
    key: str,
    styles: Mapping[str, tuple],
    *,
    above: Mapping[str, np.ndarray] | None = None,
    strips: bool = False,
    **options,
) -> TranslateReport:
    """Translates pictures in several styles: a folder each, and `grid.png`, pictures x styles.

    Args:
        model: What `ganime_tf.inference.load` returns.
        inputs: Files, folders and globs.
        out: Folder for the results.
        key: The input that differs: "label", "seed", "reference" or "style".
        styles: `(title, value)` by the name of the folder. References stand above their columns.
        above: Pictures above the columns of other styles, uint8 `(h, w, 3)` by folder.
        strips: Also write `strips/NAME.png`, all styles of one picture.
        **options: Of `translate_files`.

    Returns:
        The files of all styles together.

    Raises:
        ValueError: When there is nothing to write a folder to, or a style is named as the strips.
    """
    if strips and "strips" in styles:
        raise ValueError("A style is named strips, as the folder of the strips: name it otherwise.")
    if str(out) == "-":
        raise ValueError("Several styles give several pictures: `-o` must be a folder.")
    out = Path(out)
    found = [pair for pair in find_inputs(inputs, out) if str(pair[0]) != "-"]
    files = [source for source, _ in found]
    reports = {
        name: translate_files(model, files, out / name, **{key: value}, **options)
        for name, (_, value) in styles.items()
    }
    if key == "reference":
        above = {name: value for name, (_, value) in styles.items()}
    rows = _rows(files, reports)
    if rows:
        shown = dict(list(rows.items())[:MOST_ROWS])
        save_png(out / "grid.png", _sheet(list(shown.values()), styles, above))
    if strips:
        for source, name in found:
            if str(source) in rows:
                strip = _sheet([rows[str(source)]], styles, above)
                save_png(out / "strips" / name.with_suffix(".png"), strip)
    # A picture that cannot be read is skipped for the first style as for all others.
    skipped = next(iter(reports.values())).skipped
    return TranslateReport(
        [path for report in reports.values() for path in report.written],
        skipped,
        [path for report in reports.values() for path in report.existing],
        [entry for report in reports.values() for entry in report.pictures],
    )


def _rows(files, reports) -> dict[str, list]:
    """Each picture that was made in all styles, and its results, by the name of its file."""
    made = {
        name: {entry["source"]: entry["result"] for entry in report.pictures}
        for name, report in list(reports.items())[:MOST_COLUMNS]
    }
    return {
        source: [Path(source), *(Path(found[source]) for found in made.values())]
        for source in map(str, files)
        if all(source in found for found in made.values())
    }


def _sheet(rows, styles, above) -> np.ndarray:
    """Pictures down, styles across, under what stands above them."""
    rows = [[read_image(path) for path in row] for row in rows]
    shown = list(styles)[:MOST_COLUMNS]
    size = min(128, max(rows[0][0].shape[:2]))
    if above:
        paper = np.full((size, size, 3), 255, np.uint8)
        rows.insert(0, [paper, *(above.get(name, paper) for name in shown)])
    return contact_sheet(rows, columns=["picture", *(styles[n][0] for n in shown)], size=size)


def style_ways(
    model, key: str, styles: Mapping[str, tuple], steps: int, use: str | None = None, maps=False
) -> tuple[str, dict[str, tuple]]:
    """Makes the styles on the way from each style to the next, evenly along a straight line.

    Args:
        model: What `ganime_tf.inference.load` returns.
        key: The input that gives the styles: "label", "seed" or "reference".
        styles: `(title, value)` by name, two or more.
        steps: Styles of a way, its two ends among them.
        use: The use that the ends would be made by; by default the one that takes the key.
        maps: Whether label maps are going to be given too.

    Returns:
        The use that takes codes, and `(title, code)` by name: ends keep theirs, and
        `ONE-to-TWO-1` is the first between `ONE` and `TWO`.

    Raises:
        ValueError: When there is no way, or the model gives or takes no codes.
    """
    if steps < 2 or len(styles) < 2:
        raise ValueError(
            f"A way has two ends: give two styles or more and at least 2 steps. Received "
            f"{len(styles)} style(s) and {steps} step(s)."
        )
    uses = model.uses()
    given = {"image", key} | ({"parsing"} if maps else set())
    chosen = pick_use(uses, use, given)
    known = [name for name in uses if name.endswith("with_style")]
    fitting = [n for n in known if f"{chosen}_".startswith(n.removesuffix("with_style"))]
    if not fitting:
        raise ValueError("This model takes no style codes: there is nothing between two styles.")
    drawn_by = max(fitting, key=len)
    prefix = drawn_by.removesuffix("with_style")
    names = [f"{start}style_of{end}" for end in ("", f"_{key}") for start in (prefix, "")]
    coded_by = next((n for n in names if n in uses and uses[n].required == (key,)), None)
    if coded_by is None:
        raise ValueError(f"This model has no use that gives the style code of a {key}.")
    # One at a time: references differ in size.
    codes = np.stack([model.run(coded_by, **{key: value}) for _, value in styles.values()])
    ends, result, digits = list(styles), {}, len(str(steps - 2))
    for (one, two), way in zip(pairwise(ends), between(codes, steps), strict=True):
        result[one] = (styles[one][0], way[0])
        for index in range(1, steps - 1):
            name = f"{one}-to-{two}-{index:0{digits}}"
            if name in styles:
                raise ValueError(f"{name} is the name of a style and of one between two others.")
            result[name] = (f"{index / (steps - 1):.2f}", way[index])
        result[two] = (styles[two][0], way[-1])
    return drawn_by, result


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
