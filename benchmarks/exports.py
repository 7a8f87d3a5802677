"""What each model exports: every format tried, opened by its own runtime, compared with the model.

python benchmarks/exports.py                        # all models (tiny presets): some 20 minutes
python benchmarks/exports.py --models cyclegan      # one, kept beside the record of the others

Writes benchmarks/results/exports.json and the table of docs/export.md.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import harness

RECORD = harness.RESULTS / "exports.json"
PAGE = Path(__file__).resolve().parents[1] / "docs" / "export.md"
START, END = "<!-- exports -->\n", "\n<!-- /exports -->"
# (column, format, fixed size, precision)
CASES = [
    ("SavedModel", "saved_model", False, "float32"),
    ("Keras", "keras", False, "float32"),
    ("LiteRT, any size", "litert", False, "float32"),
    ("LiteRT, one size", "litert", True, "float32"),
    ("LiteRT float16", "litert", True, "float16"),
    ("LiteRT int8", "litert", False, "int8"),
    ("LiteRT int8, int16", "litert", True, "int8"),
    ("ONNX, any size", "onnx", False, "float32"),
    ("ONNX, one size", "onnx", True, "float32"),
    ("ONNX float16", "onnx", True, "float16"),
]


def tiny(name: str):
    """An untrained tiny model whose pictures have contrast: a flat grey one would prove nothing."""
    import keras

    from ganime_tf.models import get_model, get_presets

    keras.utils.set_random_seed(0)
    presets = get_presets(name)
    model = get_model(name)(presets[next(p for p in presets if p.endswith("-tiny"))])
    for network in model.generators:
        shown = model.for_inference(network)
        for layer in [x for x in shown.layers if hasattr(x, "kernel")][-1:]:
            layer.kernel.assign(layer.kernel * 8.0)
    return model


def try_all(name: str) -> dict:
    """The outcome of every case of a model: `{column: {...}}`."""
    from ganime_tf.export import export_model
    from ganime_tf.toy import render, sample_scene

    model, found = tiny(name), {}
    side = max(64, model.min_size)
    calibration = [render(sample_scene(1, number), "portrait", side) for number in range(8)]
    framed = any("image" in use.inputs for use in model.uses().values())
    for column, kind, fixed, precision in CASES:
        if fixed and not framed and precision == "float32":
            found[column] = {"outcome": "has no input of a size"}
            continue
        start = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            try:
                report = export_model(
                    model,
                    Path(folder) / "model",
                    kind,
                    size=side if fixed else None,
                    precision=precision,
                    calibration=calibration if precision == "int8" and fixed else (),
                    clean=kind in ("litert", "onnx"),
                )
            except (ValueError, RuntimeError) as error:
                found[column] = {"outcome": " ".join(str(error).split())[:300]}
            else:
                compared = [d for d in report.differences if d.pictures]
                found[column] = {
                    "outcome": "written",
                    "precision": precision,
                    "uses": [d.use for d in report.differences],
                    "left_out": report.left_out,
                    "greatest": max((d.greatest for d in compared), default=None),
                    "mean": max((d.mean for d in compared), default=None),
                    "megabytes": round(report.megabytes, 3),
                }
        found[column]["seconds"] = round(time.perf_counter() - start, 1)
        print(name, column, found[column], flush=True)
    return found


def _cell(entry: dict | None, uses: int) -> str:
    if entry is None:
        return "not tried"
    if entry["outcome"] == "has no input of a size":
        return "as any size"
    if entry["outcome"] != "written":
        return "no"
    greatest = "not compared" if entry["greatest"] is None else f"{entry['greatest']:.3g}"
    if entry.get("precision") == "int8":
        greatest = f"mean {entry['mean']:.2g}"
    count = len(entry["uses"])
    return greatest if count == uses else f"{greatest} ({count} of {uses} uses)"


def table(record: dict) -> str:
    """The table of a record: one line a model, the greatest difference in each format."""
    lines = ["| model | " + " | ".join(column for column, *_ in CASES) + " |"]
    lines.append("| " + " | ".join(["---"] * (len(CASES) + 1)) + " |")
    notes = []
    for name, entry in record["models"].items():
        cases = entry["cases"]
        cells = [_cell(cases.get(column), entry["uses"]) for column, *_ in CASES]
        lines.append(f"| `{name}` | " + " | ".join(cells) + " |")
        reasons = {}
        for column, *_ in CASES:
            case = cases.get(column, {})
            for use, why in case.get("left_out", {}).items():
                reasons.setdefault(f"use `{use}`: {why}", []).append(column)
            if case.get("outcome", "written") not in ("written", "has no input of a size"):
                reasons.setdefault(case["outcome"], []).append(column)
        notes += [f"- `{name}`, {'; '.join(where)}: {why}" for why, where in reasons.items()]
    versions = ", ".join(f"{k} {v}" for k, v in record["versions"].items())
    parts = ["\n".join(lines), f"Tried with {versions}."]
    return "\n\n".join([*parts, "\n".join(notes)] if notes else parts)


def write(record: dict) -> None:
    """Writes the record and puts its table into the page."""
    RECORD.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(START)
    PAGE.write_text(f"{before}{START}{table(record)}{END}{rest.split(END)[1]}", encoding="utf-8")


def main() -> None:
    """Runs the cases and writes the page."""
    from importlib import metadata

    from ganime_tf.models import MODELS

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", default=list(MODELS))
    args = parser.parse_args()
    for name in args.models:
        entry = {"uses": len(tiny(name).uses()), "cases": try_all(name)}
        known = {"models": {}}  # read late: another process may have written meanwhile
        if RECORD.exists():
            known = json.loads(RECORD.read_text(encoding="utf-8"))
        known["models"][name] = entry
        packages = ("tensorflow", "keras", "ai-edge-litert", "tf2onnx", "onnxruntime")
        known["versions"] = {package: metadata.version(package) for package in packages}
        known["models"] = {n: known["models"][n] for n in MODELS if n in known["models"]}
        write(known)


if __name__ == "__main__":
    main()
