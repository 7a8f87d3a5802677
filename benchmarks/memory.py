"""Memory that training a preset takes: parameters, optimizer, and the peak of a step.

python benchmarks/memory.py          # 256 px, batch 1; the full U-GAT-IT needs more than 16 GB
python benchmarks/memory.py --presets ugatit-tiny ugatit-tiny:recompute=True --out /dev/null

Measured on the CPU: the resident set of a process of its own, at its peak during two steps, over
that of the same process before the model was built.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import subprocess
import sys
import time

import harness

PRESETS = [
    "pix2pix",
    "cyclegan",
    "ugatit-light",
    "ugatit-light:recompute=True",
    "ugatit-ganime",
    "ugatit",
]


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # kB on Linux


def _mib(variables) -> float:
    return sum(4 * math.prod(v.shape) for v in variables) / 2**20  # float32


def measure(preset: str) -> None:
    """A worker: builds and trains for two steps, prints one JSON line."""
    import numpy as np
    import tensorflow as tf

    from ganime_tf.models import MODELS, get_model, get_preset

    name, _, override = preset.partition(":")
    method = next(m for m in MODELS if name == m or name.startswith(f"{m}-"))
    fields = {}
    if override:
        key, _, value = override.partition("=")
        fields[key] = json.loads(value.lower())
    config = get_preset(method, name)
    tf.matmul(tf.ones((64, 64)), tf.ones((64, 64)))
    start = _peak_mib()
    model = get_model(method)(config, batch_size=1, **fields)
    model.compile()
    optimizers = [v for o in model.optimizers.values() for v in o.variables]
    parameters = [v for group in model.groups for v in model.group_variables(group)]
    model.make_train_function()
    shape = (1, config.image_size, config.image_size, 3)
    rng = np.random.default_rng(0)
    data = {k: rng.uniform(-1, 1, shape).astype("float32") for k in model.batch_keys}
    batches = iter(tf.data.Dataset.from_tensors(data).repeat())
    seconds = []
    for _ in range(2):
        begin = time.perf_counter()
        float(model.train_function(batches)["d_loss"])
        seconds.append(time.perf_counter() - begin)
    row = {
        "preset": preset,
        "parameters_million": round(sum(math.prod(v.shape) for v in parameters) / 1e6, 2),
        "parameters_mib": round(_mib(parameters)),
        "optimizer_mib": round(_mib(optimizers)),
        "peak_mib": round(_peak_mib() - start),
        "step_seconds": round(min(seconds), 2),
    }
    row["gradients_and_activations_mib"] = (
        row["peak_mib"] - row["parameters_mib"] - row["optimizer_mib"]
    )
    print(json.dumps(row), flush=True)


def main() -> None:
    """Measure every preset in a process of its own, print a table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--presets", nargs="+", default=PRESETS, metavar="PRESET[:FIELD=VALUE]")
    parser.add_argument("--out", help="default: benchmarks/results/<date>-cpu-memory.json")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        return measure(args.worker)
    rows = []
    for preset in args.presets:
        command = [sys.executable, __file__, "--worker", preset]
        run = subprocess.run(command, stdout=subprocess.PIPE, text=True)
        lines = [line for line in run.stdout.splitlines() if line.startswith("{")]
        if run.returncode or not lines:
            print(f"{preset}: ended with {run.returncode}", file=sys.stderr)
            continue
        rows.append(json.loads(lines[-1]))
        print(harness.table(rows[-1:], list(rows[-1])), flush=True)
    what = "Memory of training on the CPU, float32, batch 1, at the preset's picture size"
    record = {"what": what, "machine": harness.machine(), "rows": rows}
    print(harness.write("memory", record, args.out))


if __name__ == "__main__":
    main()
