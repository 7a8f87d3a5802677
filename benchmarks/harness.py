"""What the benchmarks share: workers timed in turn, the matrix peak, the record of the machine.

Every contestant is a process of its own, so that peak memory is its own and no thread pool disturbs
another. All are started, warmed up, and then run one repetition each in turn: whatever else the
machine does meets them alike, and a ratio is the median over neighbours in time.
"""

from __future__ import annotations

import datetime
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

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
        "versions": {p: metadata.version(p) for p in ("tensorflow", "keras", "torch", "numpy")},
        "commit": commit.stdout.strip(),
        "load_average": [round(x, 1) for x in os.getloadavg()],
        "date": datetime.date.today().isoformat(),
    }


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
