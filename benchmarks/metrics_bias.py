"""Bias of the Frechet distance against the number of pictures, beside KID: JSON and a plot.

Two samples of ONE Gaussian (true distance 0) and of two Gaussians of known distance, d = 256.

Run: python benchmarks/metrics_bias.py [--out docs/images/fid_bias.png]
"""

import argparse
import json
from pathlib import Path

import numpy as np

from ganime_tf.metrics import frechet_distance_of_features, kid

DIM, SHIFT = 256, 0.25
COUNTS = (32, 64, 128, 256, 512, 1024, 2048, 4096)


def estimates(count: int, shift: float, repeats: int = 3) -> tuple[float, float]:
    """Mean Frechet and kernel distance between two samples of `count` rows."""
    found = []
    for seed in range(repeats):
        random = np.random.default_rng((count, seed))
        a = random.normal(size=(count, DIM))
        b = random.normal(size=(count, DIM)) + shift
        pairs = kid(a, b, subsets=5, subset_size=min(count, 500))
        found.append((frechet_distance_of_features(a, b), pairs[0]))
    return tuple(float(v) for v in np.mean(found, 0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    root = Path(__file__).resolve().parents[1]
    parser.add_argument("--out", type=Path, default=root / "docs" / "images" / "fid_bias.png")
    args = parser.parse_args()
    rows = []
    for count in COUNTS:
        (same, same_kid), (far, far_kid) = estimates(count, 0.0), estimates(count, SHIFT)
        rows.append({"n": count, "fd_same": same, "fd_shifted": far,
                     "kid_same": same_kid, "kid_shifted": far_kid})  # fmt: skip
        print(rows[-1])
    result = {"dim": DIM, "true_distance_shifted": DIM * SHIFT**2, "rows": rows}
    path = root / "benchmarks" / "results" / "metrics_bias.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=2) + "\n")
    plot(result, args.out)


def plot(result: dict, path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    counts = [row["n"] for row in result["rows"]]
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(8, 3), dpi=80)
    for axes, key, title in ((left, "fd", "Fréchet distance"), (right, "kid", "KID")):
        truth = (0.0, result["true_distance_shifted"]) if key == "fd" else ()
        for name, colour in (("same", "tab:blue"), ("shifted", "tab:orange")):
            values = [row[f"{key}_{name}"] for row in result["rows"]]
            axes.plot(counts, values, "o-", color=colour, label=f"{name} distribution")
        for value in truth:
            axes.axhline(value, color="grey", linestyle=":")
        axes.set(xscale="log", xlabel="pictures in each set", title=f"{title}, d = {result['dim']}")
        axes.legend(fontsize=8)
    left.text(counts[0], 20, "dotted: true distances", fontsize=7, color="grey")
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


if __name__ == "__main__":
    main()
