"""What the benchmarks share: workers timed in turn, the matrix peak, the record of the machine.

Every contestant is a process of its own, so that peak memory is its own and no thread pool disturbs
another. All are started, warmed up, and then run one repetition each in turn: whatever else the
machine does meets them alike, and a ratio is the median over neighbours in time.
"""

from __future__ import annotations

import argparse
import datetime
import json
import math
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
RESULTS = Path(__file__).parent / "results"


def serve(repetition, items: int) -> None:
    """The worker's side: runs `repetition()` on every line of stdin, answers with JSON lines."""
    start = time.perf_counter()
    repetition()
    first = time.perf_counter() - start
    repetition()
    print(json.dumps({"first_seconds": first}), flush=True)
    for _ in sys.stdin:
        start, cpu_start = time.perf_counter(), time.process_time()
        repetition()
        seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu_start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # kB on Linux
        answer = {"seconds": seconds, "cpu_seconds": cpu_seconds, "items": items, "peak_mib": peak}
        print(json.dumps(answer), flush=True)


class Worker:
    """A contestant: this script again, with `--worker SPEC`."""

    def __init__(self, script: str, spec: dict):
        command = [sys.executable, script, "--worker", json.dumps(spec)]
        self.spec = spec
        threads = str(spec["threads"])
        names = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **dict.fromkeys(names, threads)},
        )
        self.answers: list[dict] = []
        self.first_seconds = self._read()["first_seconds"]

    def _read(self) -> dict:
        for line in self.process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        raise RuntimeError(f"The worker {self.spec} ended with {self.process.wait()}.")

    def run(self) -> None:
        """One timed repetition."""
        self.process.stdin.write("run\n")
        self.process.stdin.flush()
        self.answers.append(self._read())

    def close(self) -> None:
        """Ends the process."""
        self.process.stdin.close()
        self.process.wait()

    def summary(self) -> dict:
        """Median, quartiles and peak memory of all repetitions."""
        seconds = sorted(answer["seconds"] for answer in self.answers)
        quartiles = statistics.quantiles(seconds, n=4) if len(seconds) > 1 else seconds * 3
        items = self.answers[0]["items"]
        return {
            **self.spec,
            "seconds": round(statistics.median(seconds), 4),
            "seconds_best": round(seconds[0], 4),
            "cpu_seconds": round(statistics.median(a["cpu_seconds"] for a in self.answers), 4),
            "seconds_quartiles": [round(quartiles[0], 4), round(quartiles[2], 4)],
            "images_per_second": round(items / statistics.median(seconds), 3),
            "images_per_second_best": round(items / seconds[0], 3),
            "first_seconds": round(self.first_seconds, 2),
            "peak_mib": round(max(answer["peak_mib"] for answer in self.answers)),
            "repetitions": len(seconds),
        }


def compete(script: str, specs: list[dict], repetitions: int, seconds: float) -> list[dict]:
    """Runs all contestants in turn; adds to the first its speed over each other one.

    Args:
        script: The benchmark, started again for every worker.
        specs: What each worker is told; the first is ours.
        repetitions: Rounds, unless the time is over.
        seconds: No new round after this long, but three in any case.

    Returns:
        One row per worker. `speed_over_x` is the median of neighbours in time, `best_over_x`
        compares the quickest repetitions and `cpu_over_x` the processor time, likewise: with one
        thread that is the measure which a busy machine disturbs least.
    """
    workers = [Worker(script, spec) for spec in specs]
    try:
        start = time.perf_counter()
        for index in range(repetitions):
            if index >= 3 and time.perf_counter() - start > seconds:
                break
            for worker in workers:
                worker.run()
        rows = [worker.summary() for worker in workers]
        for worker, row in zip(workers[1:], rows[1:], strict=True):
            for key, name in (("seconds", "speed"), ("cpu_seconds", "cpu")):
                ours, theirs = ([a[key] for a in w.answers] for w in (workers[0], worker))
                ratio = statistics.median(b / a for a, b in zip(ours, theirs, strict=True))
                rows[0][f"{name}_over_{row['side']}"] = round(ratio, 3)
            best = row["seconds_best"] / rows[0]["seconds_best"]
            rows[0][f"best_over_{row['side']}"] = round(best, 3)
    finally:
        for worker in workers:
            worker.close()
    return rows


def matrix_peak(
    threads: int, precisions: list[str], size: int = 2048, repetitions: int = 5
) -> dict[str, float]:
    """Best FLOP/s of a square matrix product by TensorFlow or PyTorch: {precision: FLOP/s}."""
    names = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
    environment = {**os.environ, **dict.fromkeys(names, str(threads))}
    code = f"""
import json, sys, time
def best(f):
    f(); times = []
    for _ in range({repetitions}):
        start = time.perf_counter(); f(); times.append(time.perf_counter() - start)
    return 2 * {size} ** 3 / min(times)
if sys.argv[1] == "torch":
    import torch
    out = {{}}
    for name in {list(precisions)}:
        a = torch.randn({size}, {size}).to(getattr(torch, name))
        out[name] = best(lambda: a @ a)
else:
    import tensorflow as tf
    out = {{}}
    for name in {list(precisions)}:
        a = tf.cast(tf.random.normal(({size}, {size})), name)
        f = tf.function(lambda a: tf.matmul(a, a))
        out[name] = best(lambda: f(a)[0, 0].numpy())
print(json.dumps(out))
"""
    peaks: dict[str, float] = {}
    for side in ("torch", "tensorflow"):
        run = subprocess.run(
            [sys.executable, "-c", code, side],
            capture_output=True,
            text=True,
            check=True,
            env=environment,
        )
        for name, value in json.loads(run.stdout.splitlines()[-1]).items():
            peaks[name] = max(value, peaks.get(name, 0.0))
    return peaks


def arguments(doc: str, *, repetitions: int = 9) -> argparse.ArgumentParser:
    """The options of every benchmark that compares contestants; `main` adds its own."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--precisions", nargs="+", default=["float32"])
    parser.add_argument("--repetitions", type=int, default=repetitions)
    parser.add_argument("--seconds", type=float, default=60.0, help="per case, after 3 rounds")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--out", help="default: benchmarks/results/<date>-cpu-<name>.json")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    return parser


def works(args: argparse.Namespace, sides: dict[str, Callable[[dict], None]]) -> bool:
    """Does the job of a worker where this process is one."""
    if args.worker:
        spec = json.loads(args.worker)
        sides[spec["side"]](spec)
    return bool(args.worker)


def compare(
    script: str, args: argparse.Namespace, cases: list[dict], columns: str, **record
) -> None:
    """Lets the contestants of every case compete, prints tables and writes the JSON.

    Args:
        script: The benchmark's `__file__`; its name without `.py` names the result.
        args: Of `arguments`.
        cases: What the workers are told; `sides` lists the contestants, ours first, and `flops`, if
            there, is the arithmetic of one picture, for `share_of_peak`.
        columns: Names of the columns to print, beside the ratios.
        **record: Entries of the JSON, such as `what`.
    """
    cases = [{**case, "threads": args.threads} for case in cases]
    peaks = {}
    if any("flops" in case for case in cases):
        peaks = matrix_peak(args.threads, sorted({case["precision"] for case in cases}))
        record["matrix_peak_gflops"] = {k: round(v / 1e9, 1) for k, v in peaks.items()}
    rows = []
    for case in cases:
        sides, flops = case.pop("sides"), case.pop("flops", None)
        specs = [{"side": side, **case} for side in sides]
        results = compete(script, specs, args.repetitions, args.seconds)
        if flops:
            for row in results:
                speed = flops * row["images_per_second_best"]
                row["gflop_per_image"] = round(flops / 1e9, 2)
                row["share_of_peak"] = round(speed / peaks[case["precision"]], 3)
        rows += results
        ratios = [f"{kind}_over_{x}" for x in sides[1:] for kind in ("speed", "best", "cpu")]
        print(table(results, ["side", *columns.split(), *ratios]), flush=True)
    record = {**record, "machine": machine(), "rows": rows}
    print(write(Path(script).stem, record, args.out))


def pix2pix_arguments(doc: str, batches: list[int], **options) -> argparse.ArgumentParser:
    """`arguments` of the benchmarks of Pix2Pix: picture size, width, batches, both precisions."""
    parser = arguments(doc, **options)
    parser.set_defaults(precisions=["float32", "bfloat16"], seconds=90.0)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--filters", type=int, default=64)
    parser.add_argument("--batches", type=int, nargs="+", default=batches)
    return parser


def pix2pix_cases(
    args: argparse.Namespace, sides: dict[str, Callable], flops: Callable[[int, int], int]
) -> list[dict]:
    """One case a precision and batch; `flops` of the multiply-adds of generator, discriminator."""
    from ganime_tf.models.pix2pix import Pix2Pix

    model = Pix2Pix(**fields(args.size, args.filters))
    macs = [forward_macs(x, args.size) for x in (model.generator, model.discriminator)]
    sizes = {"size": args.size, "filters": args.filters, "flops": flops(*macs)}
    return [
        {"sides": list(sides), "precision": precision, "batch": batch, **sizes}
        for precision in args.precisions
        for batch in args.batches
    ]


def pictures(spec: dict):
    """Random uint8 pictures `(batch, size, size, 3)`, equal for every contestant."""
    import numpy as np

    shape = (spec.get("batch", 1), spec["size"], spec["size"], 3)
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def policy(spec: dict) -> str:
    """Keras' dtype policy of a precision."""
    return {"float32": "float32", "bfloat16": "mixed_bfloat16"}[spec["precision"]]


def serve_training(model, spec: dict) -> None:
    """A worker that trains one of our models through the function that `fit` calls."""
    import numpy as np
    import tensorflow as tf

    model.compile()
    model.look_seconds = 0.0  # every step is waited for, as PyTorch's
    model.make_train_function()
    rng = np.random.default_rng(0)
    shape = (spec["batch"], spec["size"], spec["size"], 3)
    data = {k: rng.uniform(-1, 1, shape).astype("float32") for k in model.batch_keys}
    batches = iter(tf.data.Dataset.from_tensors(data).repeat())
    serve(lambda: float(model.train_function(batches)["d_loss"]), spec["batch"])


def serve_translation(model, spec: dict) -> None:
    """A worker that runs the graph behind `translate` and the exported SavedModel."""
    import tensorflow as tf

    inputs = {"image": tf.constant(pictures(spec))}
    serve(lambda: model.call_use("default", inputs).numpy(), len(inputs["image"]))


def forward_macs(network, size: int) -> int:
    """Multiply-adds of one picture's forward pass through a Keras network's convolutions."""
    import keras

    kinds = (keras.layers.Conv2D, keras.layers.Conv2DTranspose)
    convolutions = [layer for layer in network.layers if isinstance(layer, kinds)]
    probe = keras.Model(network.inputs, [(x.input, x.output) for x in convolutions])
    inputs = [keras.KerasTensor((1, size, size, x.shape[-1])) for x in network.inputs]
    shapes = probe.compute_output_spec(inputs if len(inputs) > 1 else inputs[0])
    total = 0
    for layer, (before, after) in zip(convolutions, shapes, strict=True):
        # A transposed convolution applies its kernel at every input position.
        at = before if isinstance(layer, keras.layers.Conv2DTranspose) else after
        total += math.prod(at.shape[1:3]) * math.prod(layer.kernel.shape)
    return total


def fields(size: int, filters: int) -> dict:
    """The `Pix2PixConfig` fields of a picture size, a power of two: the innermost map is 1x1."""
    levels = size.bit_length() - 1
    return {"image_size": size, "load_size": size, "levels": levels, "filters": filters}


def machine() -> dict:
    """Processor, cores, versions and commit: what a result depends on."""
    processor = platform.processor()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        processor = next(x.split(":")[1].strip() for x in lines if x.startswith("model name"))
        flags = next(x.split(":")[1].split() for x in lines if x.startswith("flags"))
    except (OSError, StopIteration):
        flags = []
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
    )
    return {
        "processor": processor,
        "cores": os.cpu_count(),
        "bfloat16_instructions": [f for f in ("avx512_bf16", "amx_bf16") if f in flags],
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in ("tensorflow", "keras", "torch", "numpy")},
        "commit": commit.stdout.strip(),
        "load_average": [round(x, 1) for x in os.getloadavg()],
        "date": datetime.date.today().isoformat(),
    }


def _version(name: str) -> str | None:
    """The installed version of a package; PyTorch is a yardstick of some benchmarks only."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def write(name: str, record: dict, out: str | None = None) -> Path:
    """Writes `results/<date>-cpu-<name>.json`."""
    path = Path(out) if out else RESULTS / f"{record['machine']['date']}-cpu-{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return path


def table(rows: list[dict], columns: list[str]) -> str:
    """A plain text table of some columns."""
    cells = [columns] + [[str(row.get(c, "")) for c in columns] for row in rows]
    widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
    return "\n".join(
        "  ".join(x.rjust(w) for x, w in zip(line, widths, strict=True)) for line in cells
    )
