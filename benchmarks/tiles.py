"""Memory and time of large pictures in tiles, and how far the quick way is from the exact one.

python benchmarks/tiles.py --models animegan cartoongan --sides 512 1024 2048
python benchmarks/tiles.py --models cyclegan --sides 4096 --ways exact

Each line is a process of its own, so that peak memory is its own. Writes results/tiles.json, where
lines of other cases are kept, and the table of docs/inference.md.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import harness

RECORD = harness.RESULTS / "tiles.json"
PAGE = Path(__file__).resolve().parents[1] / "docs" / "inference.md"
START, END = "<!-- tiles -->\n", "\n<!-- /tiles -->"
WAYS = ("whole", "exact", "quick")


def picture(side: int):
    """A drawn portrait, enlarged: every side shows the same."""
    import numpy as np
    from PIL import Image

    from ganime_tf.toy import render, sample_scene

    drawn = Image.fromarray(render(sample_scene(0, 0), "portrait", 512))
    return np.asarray(drawn.resize((side, side), Image.Resampling.BICUBIC))


def work(spec: dict) -> None:
    """One process: a model, a side, a way; saves the pixels."""
    import resource

    import keras
    import numpy as np

    from ganime_tf.inference.large import run_in_tiles
    from ganime_tf.models import get_model

    keras.utils.set_random_seed(0)
    model = get_model(spec["model"])()
    last = [layer for layer in model.generators[0].layers if hasattr(layer, "kernel")][-1]
    spread = float(model.translate(picture(128)).std())
    last.kernel.assign(last.kernel * (40.0 / spread))  # untrained networks paint grey
    image = picture(spec["side"])
    start = time.perf_counter()
    if spec["way"] == "whole":
        out = model.translate(image)
    else:
        out = run_in_tiles(
            model, None, {"image": image}, tile=spec["tile"], quick=spec["way"] == "quick"
        )
    seconds = time.perf_counter() - start
    np.save(spec["out"], out)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    answer = {"seconds": round(seconds, 1), "peak_mib": round(peak), "spread": float(out.std())}
    print(json.dumps(answer))


def measure(model: str, side: int, tile: int, ways: list[str]) -> list[dict]:
    """The lines of a model and side; differences are from the whole, else from the exact."""
    import tempfile

    import numpy as np

    rows, results = [], {}
    with tempfile.TemporaryDirectory() as folder:
        for way in ways:
            out = f"{folder}/{way}.npy"
            spec = {"model": model, "side": side, "way": way, "tile": tile, "out": out}
            command = [sys.executable, __file__, "--worker", json.dumps(spec)]
            run = subprocess.run(command, capture_output=True, text=True, check=True)
            row = {"model": model, "side": side, "way": way, "tile": tile}
            rows.append(row | json.loads(run.stdout.splitlines()[-1]))
            results[way] = np.load(out).astype(int)
        base = next((way for way in ("whole", "exact") if way in results), None)
        for row in rows:
            if base is not None and row["way"] != base:
                difference = np.abs(results[row["way"]] - results[base])
                row |= {
                    "against": base,
                    "greatest": int(difference.max()),
                    "mean": round(float(difference.mean()), 3),
                }
            print(row, flush=True)
    return rows


def table(record: dict) -> str:
    """The lines of the record."""
    lines = [
        "| model | side | way | peak MiB | seconds | greatest difference | mean difference |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in record["rows"]:
        apart = [f"{row[key]}" if key in row else "" for key in ("greatest", "mean")]
        cells = [f"`{row['model']}`", row["side"], row["way"], row["peak_mib"], row["seconds"]]
        lines.append("| " + " | ".join(map(str, [*cells, *apart])) + " |")
    return "\n".join(lines)


def main() -> None:
    """Measures and writes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", default=["animegan", "cartoongan", "cyclegan"])
    parser.add_argument("--sides", type=int, nargs="+", default=[512, 1024, 2048, 4096])
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=WAYS)
    parser.add_argument("--tile", type=int, default=0, help="0: as memory has it")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        work(json.loads(args.worker))
        return
    record = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {"rows": []}
    for model in args.models:
        for side in args.sides:
            rows = measure(model, side, args.tile, args.ways)
            new = [(row["model"], row["side"], row["way"]) for row in rows]
            kept = [r for r in record["rows"] if (r["model"], r["side"], r["way"]) not in new]
            rows = [*kept, *rows]
            rows.sort(key=lambda row: (row["model"], row["side"], WAYS.index(row["way"])))
            record = {"machine": harness.machine(), "rows": rows}
            RECORD.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
            page = PAGE.read_text(encoding="utf-8")
            before, rest = page.split(START)
            text = f"{before}{START}{table(record)}{END}{rest.split(END)[1]}"
            PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
