"""Write `metric.npz` and `metric_*.pth`: metrics computed by the reference implementations.

Nothing here imports `ganime_tf`. Inputs and weights are not stored: `pictures`, `features` and the
`*_state` functions make them, here and in the tests. References: pytorch-fid 0.3.0 (Inception
network, Frechet distance), torch-fidelity 0.3.0 (KID), lpips 0.1.4 with its own v0.1 heads,
clean-fid 0.1.35 (resizer), torch (interpolate), scikit-image (SSIM, CIEDE2000), TensorFlow
(MS-SSIM). The backbones are random (`random_state`, `lpips_state`); `lpips_*_made` has made heads
(`lpips_heads`), `lpips_*` the published ones.

Run, where those packages are installed: python tests/golden/make_metric.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np


def pictures(seed: int, count: int, height: int, width: int) -> np.ndarray:
    """Smooth made pictures with some noise, uint8 (N, H, W, 3)."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    waves = random.uniform(-0.2, 0.2, (count, 3, 2)) @ np.stack([y, x]).reshape(2, -1)
    waves = np.sin(waves + random.uniform(0, 6, (count, 3, 1))).reshape(count, 3, height, width)
    noisy = 127.5 + 90.0 * waves + random.normal(0, 12, waves.shape)
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8).transpose(0, 2, 3, 1)


def features(seed: int, count: int, dim: int, shift: float = 0.0) -> np.ndarray:
    """Correlated made features, float64 (N, dim)."""
    random = np.random.default_rng(seed)
    mixing = np.random.default_rng(99).normal(size=(dim, dim)) / np.sqrt(dim)
    return random.normal(size=(count, dim)) @ mixing + shift


def random_state(shapes: dict[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """Random weights that keep activations in range, by PyTorch name."""
    random = np.random.default_rng(7)
    state = {}
    for name, shape in sorted(shapes.items()):
        if len(shape) == 4:
            value = random.normal(0, np.sqrt(2 / np.prod(shape[1:])), shape)
        elif name.endswith(("bn.weight", "running_var")):
            value = random.uniform(0.5, 1.5, shape)
        else:
            value = random.normal(0, 0.1, shape)
        state[name] = value.astype(np.float32)
    return state


LPIPS_SHAPES = {
    "alex": {"0": (64, 3, 11), "3": (192, 64, 5), "6": (384, 192, 3), "8": (256, 384, 3),
             "10": (256, 256, 3)},
    "squeeze": {"0": (64, 3, 3)} | {
        f"{index}.{part}": shape
        for index, c, s, e in ((3, 64, 16, 64), (4, 128, 16, 64), (6, 128, 32, 128),
                               (7, 256, 32, 128), (9, 256, 48, 192), (10, 384, 48, 192),
                               (11, 384, 64, 256), (12, 512, 64, 256))
        for part, shape in (("squeeze", (s, c, 1)), ("expand1x1", (e, s, 1)),
                            ("expand3x3", (e, s, 3)))
    },
    "vgg": {str(index): (out, fan, 3) for index, fan, out in (
        (0, 3, 64), (2, 64, 64), (5, 64, 128), (7, 128, 128), (10, 128, 256), (12, 256, 256),
        (14, 256, 256), (17, 256, 512), (19, 512, 512), (21, 512, 512), (24, 512, 512),
        (26, 512, 512), (28, 512, 512))},
}  # fmt: skip


def lpips_state(network: str) -> dict[str, np.ndarray]:
    """Random backbone weights with torchvision's names."""
    shapes = {}
    for name, (out, fan, kernel) in LPIPS_SHAPES[network].items():
        shapes[f"features.{name}.weight"] = (out, fan, kernel, kernel)
        shapes[f"features.{name}.bias"] = (out,)
    return random_state(shapes)


def lpips_heads(widths: list[int]) -> dict[str, np.ndarray]:
    """Made non-negative heads with the published files' names."""
    random = np.random.default_rng(8)
    return {
        f"lin{index}.model.1.weight": random.uniform(0, 1, (1, width, 1, 1)).astype(np.float32)
        for index, width in enumerate(widths)
    }


def _inception(golden: dict) -> None:
    import pytorch_fid.inception as reference
    import torch

    real_load = torch.nn.Module.load_state_dict
    reference.load_state_dict_from_url = lambda *args, **kwargs: {}
    torch.nn.Module.load_state_dict = lambda self, state, *a, **k: real_load(self, state, False)
    network = reference.fid_inception_v3()
    torch.nn.Module.load_state_dict = real_load
    shapes = {k: tuple(v.shape) for k, v in network.state_dict().items() if v.ndim}
    shapes = {k: v for k, v in shapes.items() if k.split(".")[0] not in ("fc", "AuxLogits")}
    state = random_state(shapes)
    real_load(network, {k: torch.from_numpy(v) for k, v in state.items()}, strict=False)
    reference.fid_inception_v3 = lambda: network
    wrapped = reference.InceptionV3([0, 1, 2, 3]).eval()
    images = pictures(1, 2, 48, 64).transpose(0, 3, 1, 2) / 255.0
    with torch.no_grad():
        for block in wrapped(torch.from_numpy(images).float()):
            golden[f"inception_{block.shape[1]}"] = block.mean((2, 3)).numpy()


def _distances(golden: dict) -> None:
    import torch
    from pytorch_fid.fid_score import calculate_frechet_distance
    from torch_fidelity.metric_kid import kid_features_to_metric

    for name, dim, counts in (("full", 64, (300, 200)), ("deficient", 64, (40, 50))):
        moments = []
        for seed, count in zip((1, 2), counts, strict=True):
            values = features(seed, count, dim, 0.1 * seed)
            moments += [values.mean(0), np.cov(values, rowvar=False)]
        golden[f"frechet_{name}"] = calculate_frechet_distance(*moments)
    real, fake = (torch.from_numpy(features(s, 90, 32, 0.2 * s)) for s in (3, 4))
    settings = {"kid_subsets": 10, "kid_subset_size": 50, "kid_degree": 3, "kid_gamma": None}
    settings |= {"kid_coef0": 1, "rng_seed": 2020, "verbose": False}
    scores = kid_features_to_metric(real, fake, **settings)
    golden["kid"] = list(scores.values())


def _lpips(golden: dict) -> None:
    import lpips
    import torch

    a, b = (torch.from_numpy(pictures(s, 2, 66, 71).transpose(0, 3, 1, 2) / 127.5 - 1).float()
            for s in (5, 6))  # fmt: skip
    for network in LPIPS_SHAPES:
        metric = lpips.LPIPS(net=network, pnet_rand=True, verbose=False).eval()
        state = {k: torch.from_numpy(v) for k, v in lpips_state(network).items()}
        for key, value in metric.net.named_parameters():
            value.data = state["features." + key.split(".", 1)[1]]
        with torch.no_grad():
            golden[f"lpips_{network}"] = metric(a, b).numpy().ravel()
        made = lpips_heads([head.model[1].weight.shape[1] for head in metric.lins])
        for head, value in zip(metric.lins, made.values(), strict=True):
            head.model[1].weight.data = torch.from_numpy(value)
        with torch.no_grad():
            golden[f"lpips_{network}_made"] = metric(a, b).numpy().ravel()


def _pixels(golden: dict) -> None:
    import tensorflow as tf
    import torch
    from cleanfid.resize import make_resizer
    from skimage.color import deltaE_ciede2000, rgb2lab
    from skimage.metrics import structural_similarity

    a, b = pictures(5, 2, 66, 71), pictures(6, 2, 66, 71)
    mixed = ((a.astype(int) * 3 + b) // 4).astype(np.uint8)
    golden["ssim"] = [
        structural_similarity(x, y, gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
                              data_range=255, channel_axis=-1, full=True)[1][5:-5, 5:-5].mean()
        for x, y in zip(a, mixed, strict=True)
    ]  # fmt: skip
    golden["ciede2000"] = [
        deltaE_ciede2000(rgb2lab(x), rgb2lab(y)).mean() for x, y in zip(a, b, strict=True)
    ]
    a, b = pictures(8, 2, 163, 180), pictures(9, 2, 163, 180)
    mixed = ((a.astype(int) * 3 + b) // 4).astype(np.uint8)
    golden["ms_ssim"] = tf.image.ssim_multiscale(a, mixed, 255).numpy()
    for side, size in ((40, 19), (20, 23)):
        image = pictures(10, 1, side, side)[0]
        resize = make_resizer("PIL", False, "bicubic", (size, size))
        golden[f"clean_{side}"] = resize(image)
        tensor = torch.from_numpy(image.transpose(2, 0, 1)[None].astype(np.float32))
        tensor = torch.nn.functional.interpolate(
            tensor, (size, size), mode="bilinear", align_corners=False
        )
        golden[f"torch_{side}"] = tensor[0].numpy().transpose(1, 2, 0)


def _torch_files() -> None:
    """`metric_*.pth`: one small module in the three formats of PyTorch."""
    import torch

    module = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 2), torch.nn.BatchNorm2d(3))
    for index, value in enumerate(module.state_dict().values()):
        value.copy_(torch.arange(value.numel()).reshape(value.shape) + 100 * index)
    module[0].weight.data = module[0].weight.data.flip(3).transpose(2, 3)  # another stride
    folder = Path(__file__).parent
    torch.save(module.state_dict(), folder / "metric_zip.pth")
    torch.save(
        {"state_dict": module.state_dict()},
        folder / "metric_legacy.pth",
        _use_new_zipfile_serialization=False,
    )
    torch.jit.script(module).save(str(folder / "metric_script.pth"))


if __name__ == "__main__":
    values: dict = {}
    _torch_files()
    _inception(values)
    _distances(values)
    _lpips(values)
    _pixels(values)
    np.savez_compressed(
        Path(__file__).with_name("metric.npz"), **{k: np.asarray(v) for k, v in values.items()}
    )
