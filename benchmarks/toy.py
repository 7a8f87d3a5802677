"""How fast the toy world draws: pictures a second on one core, by what and size.

    python benchmarks/toy.py [--size 128 ...] [--scenes 40] [--repeats 5] [--json FILE]

CPU time, not wall time. The rate of a row is that of the fastest repeat of each scene, so that
other work on the machine counts as little as possible; the spread is over whole repeats.
"""

import argparse
import json
import os
import platform
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import PIL

from ganime_tf import toy

ROWS = (
    ("colour",),
    ("lineart",),
    ("colour", "lineart"),
    ("portrait",),
    ("parsing",),
    ("portrait_parsing",),
)


def measure(whats: tuple[str, ...], size: int, num_scenes: int, repeats: int) -> dict:
    """Rates of drawing `whats` together, in scenes a second."""
    scenes = [toy.sample_scene(0, index) for index in range(num_scenes)]
    toy.render_many(scenes[0], whats, size)  # fills the tables that are computed once
    seconds = np.zeros((repeats, num_scenes))
    for repeat in range(repeats):
        for number, scene in enumerate(scenes):
            start = time.process_time()
            toy.render_many(scene, whats, size)
            seconds[repeat, number] = time.process_time() - start
    rates = num_scenes / seconds.sum(axis=1)
    return {
        "what": "+".join(whats),
        "size": size,
        "per_second": round(num_scenes / seconds.min(axis=0).sum(), 1),
        "slowest_repeat": round(rates.min(), 1),
        "fastest_repeat": round(rates.max(), 1),
    }


def main() -> None:
    """Measures, prints a table, and writes JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, nargs="+", default=[128])
    parser.add_argument("--scenes", type=int, default=40)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json")
    args = parser.parse_args()
    results = []
    print(f"{'what':<18} {'size':>5} {'scenes/s':>9}  repeats")
    for size in args.size:
        for whats in ROWS:
            row = measure(whats, size, args.scenes, args.repeats)
            results.append(row)
            print(
                f"{row['what']:<18} {size:>5} {row['per_second']:>9}  "
                f"{row['slowest_repeat']} to {row['fastest_repeat']}"
            )
    if args.json:
        versions = {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "pillow": PIL.__version__,
        }
        with open(args.json, "w", encoding="utf-8") as file:
            json.dump({"versions": versions, "load": os.getloadavg()[0], "rows": results}, file)


if __name__ == "__main__":
    main()
