"""Speed and memory of the metrics against the reference implementations, in one run.

Ratios are what counts: both sides run in this process on the same inputs. Needs SciPy below 1.18
(`sqrtm(disp=False)`) and, for their rows, scikit-image, PyTorch and pytorch-fid; without
them a row is left out. Weights are random: speed does not depend on them.

Run: python benchmarks/metrics_speed.py [--out benchmarks/results/metrics_speed.json]
"""

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import time
import warnings
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

THREADS = os.cpu_count()


def timed(function, repeats: int) -> tuple[float, object]:
    """Median seconds of `repeats` calls after a warm-up, and the last result."""
    function()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = function()
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds)), result


def frechet(dim: int = 2048) -> dict:
    """Distance at d = 2048, as pytorch-fid calls SciPy and as this package does."""
    import scipy.linalg

    from ganime_tf.metrics import frechet_distance, frechet_distance_of_features

    random = np.random.default_rng(0)
    mixing = random.normal(size=(dim, dim)) / np.sqrt(dim)
    rows = [random.normal(size=(2 * dim, dim)) @ mixing + shift for shift in (0.0, 0.05)]
    (mu1, s1), (mu2, s2) = ((r.mean(0), np.cov(r, rowvar=False)) for r in rows)

    def reference():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            root, _ = scipy.linalg.sqrtm(s1.dot(s2), disp=False)
        gap = mu1 - mu2
        return gap.dot(gap) + np.trace(s1) + np.trace(s2) - 2 * np.trace(root.real)

    start = time.perf_counter()
    expected = reference()
    slow = time.perf_counter() - start
    fast, found = timed(lambda: frechet_distance(mu1, s1, mu2, s2), 3)
    few = [r[:200] for r in rows]
    gram, _ = timed(lambda: frechet_distance_of_features(*few), 3)
    return {
        "dim": dim,
        "sqrtm_seconds": slow,
        "seconds": fast,
        "speedup": slow / fast,
        "relative_difference": abs(found - expected) / expected,
        "seconds_200_pictures_gram": gram,
    }


def inception(batch: int = 8) -> dict:
    """Pictures per second through the 2015 network at 299 px."""
    import tensorflow as tf

    from ganime_tf.metrics import inception as network_module

    images = np.random.default_rng(0).uniform(-1, 1, (batch, 299, 299, 3)).astype(np.float32)
    result = {"batch": batch}
    networks = {}
    for dtype in ("float32", "bfloat16"):
        networks[dtype] = network_module.build_inception(2048, dtype=dtype)
        run = tf.function(lambda x, n=networks[dtype]: n(x, training=False))
        seconds, _ = timed(lambda run=run: run(images).numpy(), 3 if dtype == "float32" else 1)
        result[f"{dtype}_images_per_second"] = batch / seconds
    result["bfloat16_speedup"] = (
        result["bfloat16_images_per_second"] / result["float32_images_per_second"]
    )
    networks["bfloat16"].set_weights(networks["float32"].get_weights())
    sets = np.split(np.random.default_rng(1).uniform(-1, 1, (8, 299, 299, 3)), 2)
    from ganime_tf.metrics import frechet_distance_of_features

    distances = [
        frechet_distance_of_features(*(n(s.astype(np.float32)).numpy() for s in sets))
        for n in networks.values()
    ]
    result["bfloat16_relative_deviation_of_distance"] = abs(distances[1] / distances[0] - 1)
    try:
        import torch
        from pytorch_fid import inception as reference
    except ImportError:
        return result
    torch.set_num_threads(THREADS)
    load = torch.nn.Module.load_state_dict
    reference.load_state_dict_from_url = lambda *args, **kwargs: {}
    torch.nn.Module.load_state_dict = lambda self, state, *a, **k: load(self, state, False)
    network = reference.InceptionV3([3], resize_input=False, normalize_input=False).eval()
    torch.nn.Module.load_state_dict = load
    tensor = torch.from_numpy(images.transpose(0, 3, 1, 2).copy())
    with torch.no_grad():
        seconds, _ = timed(lambda: network(tensor), 3)
    result["pytorch_fid_images_per_second"] = batch / seconds
    result["float32_against_pytorch_fid"] = result["float32_images_per_second"] * seconds / batch
    return result


def ssim() -> dict:
    """SSIM of 256 px pictures against scikit-image with the paper's settings."""
    from ganime_tf.metrics import ssim as ours

    random = np.random.default_rng(0)
    a = random.integers(0, 256, (8, 256, 256, 3), dtype=np.uint8)
    b = random.integers(0, 256, (8, 256, 256, 3), dtype=np.uint8)
    seconds, _ = timed(lambda: ours(a, b), 5)
    result = {"seconds_per_picture": seconds / len(a)}
    try:
        from skimage.metrics import structural_similarity
    except ImportError:
        return result
    settings = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    settings |= {"data_range": 255, "channel_axis": -1}
    slow, _ = timed(
        lambda: [structural_similarity(x, y, **settings) for x, y in zip(a, b, strict=True)], 5
    )
    return result | {"scikit_image_seconds": slow / len(a), "speedup": slow / seconds}


def memory_of(count: int) -> float:
    """Peak memory in MB of a fresh process that streams `count` features of length 2048."""
    code = (
        "import resource, numpy as np\n"
        "from ganime_tf.metrics.frechet import FeatureStatistics\n"
        "random, s = np.random.default_rng(0), FeatureStatistics(2048)\n"
        f"for start in range(0, {count}, 50):\n"
        f"    s.update(random.normal(size=(min(50, {count} - start), 2048)))\n"
        "s.moments()\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return int(done.stdout.split()[-1]) / 1024


def memory() -> dict:
    """Peak memory of streamed statistics, whatever the number of pictures."""
    return {f"peak_mb_{count}": memory_of(count) for count in (1_000, 4_200, 50_000)}


def table(result: dict) -> str:
    """The result as the table of docs/evaluation.md."""
    fd, ours, net, mem = (result[k] for k in ("frechet", "ssim", "inception", "memory"))
    rows = [
        ("what", "reference", "here", "ratio"),
        ("---", "---", "---", "---"),
        ("Fréchet distance, d = 2048", f"SciPy sqrtm {fd['sqrtm_seconds']:.1f} s",
         f"{fd['seconds']:.2f} s, relative difference {fd['relative_difference']:.0e}",
         f"{fd['speedup']:.1f}x"),
        ("... of 200 pictures", "", f"{fd['seconds_200_pictures_gram']:.3f} s", ""),
        ("SSIM, 256 px", f"scikit-image {1e3 * ours['scikit_image_seconds']:.1f} ms",
         f"{1e3 * ours['seconds_per_picture']:.1f} ms", f"{ours['speedup']:.1f}x"),
        ("Inception, float32", f"pytorch-fid {net['pytorch_fid_images_per_second']:.1f} pictures/s",
         f"{net['float32_images_per_second']:.1f} pictures/s",
         f"{net['float32_against_pytorch_fid']:.2f}x"),
        ("Inception, bfloat16", f"float32 {net['float32_images_per_second']:.1f} pictures/s",
         f"{net['bfloat16_images_per_second']:.2f} pictures/s, distance deviates by "
         f"{100 * net['bfloat16_relative_deviation_of_distance']:.1f} %",
         f"{net['bfloat16_speedup']:.2f}x"),
        ("peak memory, 1,000 / 4,200 / 50,000 features", "",
         " / ".join(f"{value:.0f} MB" for value in mem.values()), ""),
    ]  # fmt: skip
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def write_docs(text: str) -> None:
    """Puts the table between its marks."""
    page = Path(__file__).resolve().parents[1] / "docs" / "evaluation.md"
    before, rest = page.read_text().split("<!-- metrics_speed -->")
    after = rest.split("<!-- /metrics_speed -->")[1]
    marks = f"<!-- metrics_speed -->\n\n{text}\n\n<!-- /metrics_speed -->"
    page.write_text(before + marks + after)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).parent / "results" / "metrics_speed.json"
    )
    args = parser.parse_args()
    import scipy
    import tensorflow as tf

    result = {
        "date": datetime.date.today().isoformat(),
        "machine": {"processor": platform.machine(), "cores": THREADS},
        "versions": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "scipy": scipy.__version__,
            "tensorflow": tf.__version__,
        },
    }
    for function in (frechet, ssim, inception, memory):
        result[function.__name__] = function()
        print(function.__name__, json.dumps(result[function.__name__], indent=2))
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(result, indent=2) + "\n")
    if "pytorch_fid_images_per_second" in result["inception"]:
        write_docs(table(result))


if __name__ == "__main__":
    main()
