"""Speed and memory of the metrics against the reference implementations, in one run.

Both sides run in this process on the same inputs, in turn; Inception also on the same random
weights (speed does not depend on them). Install the references beside this package first:

    pip install "scipy<1.18" scikit-image torch torchvision pytorch-fid

SciPy 1.18 has no `sqrtm(disp=False)`, which pytorch-fid calls. On a machine without a GPU take
PyTorch's CPU build (https://pytorch.org). The table of docs/evaluation.md is written when all of
them are there.

Run: python benchmarks/metrics_speed.py [--out benchmarks/results/metrics_speed.json]
"""

import argparse
import json
import os
import subprocess
import sys
import time
import warnings
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

BATCH = 32  # of `ganime evaluate`


def alternate(functions: dict, repeats: int) -> dict[str, list[float]]:
    """Seconds of `repeats` calls of each function, in turn, after a warm-up."""
    seconds = {name: [] for name in functions}
    for function in functions.values():
        function()
    for _ in range(repeats):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            seconds[name].append(time.perf_counter() - start)
    return seconds


def once(function) -> tuple[float, float]:
    """Seconds and result of one call."""
    start = time.perf_counter()
    result = function()
    return time.perf_counter() - start, result


def gaussians(count: int, dim: int) -> list[np.ndarray]:
    """Two sets of features with correlated columns, `(count, dim)` each."""
    random = np.random.default_rng(0)
    mixing = random.normal(size=(dim, dim)) / np.sqrt(dim)
    return [random.normal(size=(count, dim)) @ mixing + shift for shift in (0.0, 0.05)]


def reference_distance(mu1, s1, mu2, s2) -> float:
    """The distance as pytorch-fid calls SciPy."""
    import scipy.linalg

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        root, _ = scipy.linalg.sqrtm(s1.dot(s2), disp=False)
    gap = mu1 - mu2
    return gap.dot(gap) + np.trace(s1) + np.trace(s2) - 2 * np.trace(root.real)


def frechet(dim: int = 2048) -> dict:
    """Distance at d = 2048, with more pictures than features and with fewer; its interval."""
    from ganime_tf.metrics import frechet_distance, frechet_distance_of_features
    from ganime_tf.metrics.intervals import frechet_interval

    result = {"dim": dim}
    for name, count in (("full_rank", 2 * dim), ("deficient", 1000)):
        sets = gaussians(count, dim)
        moments = [m for rows in sets for m in (rows.mean(0), np.cov(rows, rowvar=False))]
        slow, expected = once(lambda m=moments: reference_distance(*m))
        ours = {"moments": lambda m=moments: frechet_distance(*m)}
        if count < dim:
            ours["gram"] = lambda s=sets: frechet_distance_of_features(*s)
        seconds = {key: float(np.median(v)) for key, v in alternate(ours, 5).items()}
        result[name] = {"pictures": count, "sqrtm_seconds": slow}
        for key, function in ours.items():
            result[name] |= {
                f"{key}_seconds": seconds[key],
                f"{key}_speedup": slow / seconds[key],
                f"{key}_relative_difference": abs(function() - expected) / expected,
            }
    result["seconds_per_resample"] = {
        str(count): once(
            lambda c=count: frechet_interval(*gaussians(c, dim), 1.0, resamples=4)
        )[0] / 4
        for count in (1000, 5000)
    }  # fmt: skip
    return result


def random_weights(network) -> dict[str, np.ndarray]:
    """He-normal kernels and batch norms near 1, by pytorch-fid's names."""
    from ganime_tf.networks.inception_weights import graph_names

    random, state = np.random.default_rng(0), {}
    for _, module in graph_names():
        height, width, fan, out = network.get_layer(module.replace(".", "_")).kernel.shape
        kernel = random.normal(0, np.sqrt(2 / (fan * height * width)), (out, fan, height, width))
        state[f"{module}.conv.weight"] = kernel
        for part in ("weight", "running_var"):
            state[f"{module}.bn.{part}"] = random.uniform(0.5, 1.5, out)
        for part in ("bias", "running_mean"):
            state[f"{module}.bn.{part}"] = random.normal(0, 0.1, out)
    return {name: array.astype(np.float32) for name, array in state.items()}


def pytorch_fid(state: dict):
    """pytorch-fid's network with these weights: uint8 `(N, H, W, 3)` to features, or `None`."""
    try:
        import torch
        from pytorch_fid import inception as reference
    except ImportError:
        return None
    load = torch.nn.Module.load_state_dict
    tensors = {name: torch.from_numpy(array) for name, array in state.items()}
    reference.load_state_dict_from_url = lambda *args, **kwargs: tensors  # instead of the download
    torch.nn.Module.load_state_dict = lambda self, found: load(self, found, strict=False)
    network = reference.InceptionV3([3]).eval()
    torch.nn.Module.load_state_dict = load

    def features(images):
        with torch.inference_mode():
            tensor = torch.from_numpy(images.transpose(0, 3, 1, 2)).float() / 255
            return network(tensor)[0][:, :, 0, 0].numpy()

    return features


def made_pictures(count: int, amplitude: float) -> np.ndarray:
    """Smooth made pictures with noise, uint8 `(count, 256, 256, 3)`."""
    random = np.random.default_rng(int(amplitude))
    axes = np.stack(np.mgrid[:256, :256]).reshape(2, -1)
    waves = random.uniform(-0.2, 0.2, (count * 3, 2)) @ axes + random.uniform(0, 6, (count * 3, 1))
    pictures = 127.5 + amplitude * np.sin(waves) + random.normal(0, 12, waves.shape)
    pictures = np.clip(pictures, 0, 255).astype(np.uint8).reshape(count, 3, 256, 256)
    return np.ascontiguousarray(pictures.transpose(0, 2, 3, 1))


def inception() -> dict:
    """Pictures per second from uint8 at 256 px to 2048 features, resizing included."""
    from ganime_tf.metrics import extractors, features, frechet_distance_of_features
    from ganime_tf.networks import inception as networks
    from ganime_tf.networks.inception_weights import load as assign

    resize, scale, _ = features._RESIZE["pytorch"]
    sides, state = {}, {}
    for dtype in ("float32", "bfloat16"):
        network = networks.build_inception(2048, dtype=dtype)
        state = state or random_weights(network)
        assign(network, state)
        sides[dtype] = extractors.pipeline(network, resize, scale)
    reference = pytorch_fid(state)
    if reference is not None:
        sides["pytorch_fid"] = reference
    images = made_pictures(BATCH, 60.0)
    seconds = alternate({k: lambda f=f: f(images) for k, f in sides.items()}, 4)
    result = {"batch": BATCH}
    for name, found in seconds.items():
        result[f"{name}_images_per_second"] = BATCH / float(np.median(found))
    sets = images, made_pictures(BATCH, 90.0)
    extracted = {name: [function(s) for s in sets] for name, function in sides.items()}
    distances = {name: frechet_distance_of_features(*rows) for name, rows in extracted.items()}
    for name in sides.keys() - {"float32"}:
        ratio = [b / a for a, b in zip(seconds["float32"], seconds[name], strict=True)]
        result[f"float32_over_{name}"] = float(np.median(ratio))
        deviation = abs(distances[name] / distances["float32"] - 1)
        result[f"{name}_relative_deviation_of_distance"] = deviation
    return result


def ssim() -> dict:
    """SSIM of 256 px pictures against scikit-image with the paper's settings."""
    from ganime_tf.metrics import ssim as ours

    random = np.random.default_rng(0)
    a = random.integers(0, 256, (8, 256, 256, 3), dtype=np.uint8)
    b = random.integers(0, 256, (8, 256, 256, 3), dtype=np.uint8)
    sides = {"seconds_per_picture": lambda: ours(a, b)}
    try:
        from skimage.metrics import structural_similarity

        settings = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
        settings |= {"data_range": 255, "channel_axis": -1}
        sides["scikit_image_seconds"] = lambda: [
            structural_similarity(x, y, **settings) for x, y in zip(a, b, strict=True)
        ]
    except ImportError:
        pass
    seconds = alternate(sides, 7)
    return {name: float(np.median(found)) / len(a) for name, found in seconds.items()}


def memory_of(count: int) -> float:
    """Peak memory in MB of a fresh process that streams `count` features of length 2048 (Linux)."""
    code = (
        "import re, numpy as np\n"
        "from ganime_tf.metrics.frechet import FeatureStatistics\n"
        "random, s = np.random.default_rng(0), FeatureStatistics(2048)\n"
        f"for start in range(0, {count}, 50):\n"
        f"    s.update(random.normal(size=(min(50, {count} - start), 2048)))\n"
        "s.moments()\n"
        "status = open('/proc/self/status').read()\n"  # getrusage would count this process too
        "print(re.search(r'VmHWM:\\s*(\\d+)', status)[1])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return int(done.stdout.split()[-1]) / 1024


def memory() -> dict:
    """Peak memory of streamed statistics, whatever the number of pictures."""
    return {f"peak_mb_{count}": memory_of(count) for count in (1_000, 4_200, 50_000)}


def table(result: dict) -> str:
    """The result as the table of docs/evaluation.md."""
    full, few = result["frechet"]["full_rank"], result["frechet"]["deficient"]
    ours, net, mem = (result[k] for k in ("ssim", "inception", "memory"))
    resample = result["frechet"]["seconds_per_resample"]
    has_bf16 = bool(result["machine"]["bfloat16_instructions"])

    def distance(row, key):
        return (
            f"SciPy sqrtm {row['sqrtm_seconds']:.1f} s",
            f"{row[f'{key}_seconds']:.2f} s, relative difference "
            f"{row[f'{key}_relative_difference']:.0e}",
            f"{row[f'{key}_speedup']:.0f}x",
        )

    speed = {name.removesuffix("_images_per_second"): f"{value:.1f} pictures/s"
             for name, value in net.items() if name.endswith("_images_per_second")}  # fmt: skip
    rows = [
        ("what", "reference", "here", "ratio"),
        ("---", "---", "---", "---"),
        ("Fréchet distance, 2048 features, 4,096 pictures", *distance(full, "moments")),
        ("... 1,000 pictures, from covariances", *distance(few, "moments")),
        ("... 1,000 pictures, from features", *distance(few, "gram")),
        ("one resample of its interval", "",
         f"{resample['1000']:.2f} s with 1,000 pictures, {resample['5000']:.2f} s with 5,000", ""),
        ("Inception, float32, 256 px to 2048 features", f"pytorch-fid {speed['pytorch_fid']}",
         speed["float32"], f"{net['float32_over_pytorch_fid']:.2f}x"),
        ("Inception, bfloat16, " + ("with" if has_bf16 else "without") + " such instructions",
         f"float32 {speed['float32']}",
         f"{speed['bfloat16']}, distance deviates by "
         f"{100 * net['bfloat16_relative_deviation_of_distance']:.2g} %",
         f"{1 / net['float32_over_bfloat16']:.2f}x"),
        ("SSIM, 256 px", f"scikit-image {1e3 * ours['scikit_image_seconds']:.1f} ms",
         f"{1e3 * ours['seconds_per_picture']:.1f} ms",
         f"{ours['scikit_image_seconds'] / ours['seconds_per_picture']:.1f}x"),
        ("peak memory of a process, 1,000 / 4,200 / 50,000 features", "",
         " / ".join(f"{value:.0f} MB" for value in mem.values()), ""),
    ]  # fmt: skip
    machine = result["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    head = f"{machine['processor']}, {machine['cores']} cores; {versions}; {machine['date']}."
    return head + "\n\n" + "\n".join("| " + " | ".join(row) + " |" for row in rows)


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
    from harness import machine

    result = {"machine": machine()}
    for function in (frechet, ssim, inception, memory):
        result[function.__name__] = function()
        print(function.__name__, json.dumps(result[function.__name__], indent=2))
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(result, indent=2) + "\n")
    if "pytorch_fid_images_per_second" in result["inception"] and len(result["ssim"]) == 2:
        write_docs(table(result))


if __name__ == "__main__":
    main()
