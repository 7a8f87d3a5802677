"""The newest results as tables in benchmarks/README.md, between markers.

python benchmarks/summary.py        # after a benchmark has written its JSON
"""

from __future__ import annotations

import json
from pathlib import Path

HERE = Path(__file__).resolve().parent
PAGE = HERE / "README.md"
COMPARED = ("train_step", "unpaired", "translate", "stylize")
_TITLES = {"train_step": "Pix2Pix, training step", "translate": "Pix2Pix, translation"}


def newest(name: str) -> dict | None:
    """The last record of a benchmark, or None."""
    paths = sorted((HERE / "results").glob(f"*-cpu-{name}.json"))
    return json.loads(paths[-1].read_text(encoding="utf-8")) if paths else None


def _line(cells) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def _cases(name: str) -> list[tuple[dict, dict, str]]:
    """`(ours, PyTorch's, date)` of each case of a benchmark, from the newest record that has it."""
    found = {}
    for path in sorted((HERE / "results").glob(f"*-cpu-{name}.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        sides: dict[tuple, dict] = {}
        for row in record["rows"]:
            case = tuple(row.get(key) for key in ("model", "size", "precision", "batch"))
            sides.setdefault(case, {})[row["side"]] = row
        for case, pair in sides.items():
            found[case] = (pair["ganime_tf"], pair["torch"], record["machine"]["date"])
    return list(found.values())


def speeds() -> list[str]:
    """One line a case: images/s of both sides and their ratio."""
    lines = [
        _line(["what", "px", "batch", "precision", "ours", "PyTorch", "ratio", "peak MiB", "date"]),
        _line(["---"] * 9),
    ]
    for name in COMPARED:
        does = "training step" if name == "unpaired" else "translation"
        for row, twin, date in _cases(name):
            title = _TITLES.get(name) or f"{row.get('preset')}, {does}"
            lines.append(
                _line(
                    [
                        title,
                        row["size"],
                        row.get("batch", 1),
                        row["precision"],
                        f"{1 / row['seconds'] * row.get('batch', 1):.3g}",
                        f"{1 / twin['seconds'] * twin.get('batch', 1):.3g}",
                        f"**{row['speed_over_torch']:.2f}**",
                        f"{row['peak_mib']} / {twin['peak_mib']}",
                        date,
                    ]
                )
            )
    return lines


def memory() -> list[str]:
    """One line a preset."""
    record = newest("memory")
    lines = [
        _line(
            ["preset", "million parameters", "parameters", "Adam", "gradients, activations", "peak"]
        ),
        _line(["---"] * 6),
    ]
    keys = ("parameters_million", "parameters_mib", "optimizer_mib")
    keys += ("gradients_and_activations_mib", "peak_mib")
    for row in record["rows"] if record else ():
        lines.append(_line([f"`{row['preset']}`", *(row[key] for key in keys)]))
    return lines


def text() -> str:
    """What stands between the markers."""
    parts = ["Images per second, and how many times PyTorch's speed that is:", "", *speeds()]
    parts += ["", "Memory of training in MiB, float32, batch 1, at the preset's size:", ""]
    return "\n".join([*parts, *memory()])


def write() -> None:
    """Puts the tables into the page."""
    page = PAGE.read_text(encoding="utf-8")
    start, end = "<!-- results -->\n", "\n<!-- /results -->"
    before, rest = page.split(start)
    PAGE.write_text(f"{before}{start}{text()}{end}{rest.split(end)[1]}", encoding="utf-8")


if __name__ == "__main__":
    write()
