"""Write `munit.npz` and `anigan.npz`: one update of all networks, computed by PyTorch.

The twins are those of benchmarks/torch_styles.py. Weights, pictures and drawn styles are not
stored: `make_unpaired.formula` gives them by name, here and in the test. For each case the file
holds the losses, the names of the tensors, and for each tensor how far PyTorch's float32 change is
from its float64 one, then that change's norm and its values at four places. SGD shows the
gradients themselves, with the coupled weight decay in them.

Run: python tests/golden/make_styles.py
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from make_unpaired import formula, places, weight  # noqa: E402, F401

RATE, WEIGHT_DECAY = 1e-3, 1e-2  # large enough to be seen
BATCH = 2
MUNIT = {
    "filters": 4, "style_size": 3, "num_blocks": 1, "mlp_width": 8,
    "discriminator_filters": 4, "discriminator_layers": 3, "num_scales": 2,
}  # fmt: skip
ANIGAN = {"filters": 4, "mlp_width": 8}
CASES = {
    "munit": MUNIT,
    "munit_hybrid": MUNIT | {"decoder": "anigan", "adversarial": "bce", "cycle_weight": 10.0},
    "anigan": ANIGAN,
    "anigan_trial": ANIGAN
    | {
        "encoders": "munit",
        "adversarial": "lsgan",
        "gradient_penalty": 0.0,
        "adversarial_reconstruction": True,
        "feature_matching": "both",
    },
}
SIZES = {"munit": 16, "anigan": 32}


def family(case: str) -> str:
    """The model of a case, which is also its file's name."""
    return case.partition("_")[0]


def picture(name: str, size: int) -> np.ndarray:
    """A batch, float32 NCHW."""
    return (0.9 * formula(name, (BATCH, 3, size, size))).astype(np.float32)


def style(name: str, size: int) -> np.ndarray:
    """Drawn styles, float32 `(N, size)`."""
    return (1.7 * formula(name, (BATCH, size))).astype(np.float32)


def _update(case: str, double: bool):
    """Returns the losses and, by tensor, the flat change of one update."""
    import torch

    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
    import torch_styles
    from torch_unpaired import make_optimizers

    torch.set_num_threads(1)
    dtype = torch.float64 if double else torch.float32
    model = {"munit": torch_styles.MUNIT, "anigan": torch_styles.AniGAN}[family(case)]
    model = model(**CASES[case])
    before = {}
    for name, network in model.networks.items():
        network.to(dtype)
        for key, value in network.state_dict().items():
            value.copy_(torch.tensor(weight(name, key, tuple(value.shape))))
            before[f"{name}/{key}"] = value.clone()
    optimizers = make_optimizers(model, "sgd", RATE, WEIGHT_DECAY)
    a, b = (torch.tensor(picture(name, SIZES[family(case)])).to(dtype) for name in "ab")
    extra = {}
    if family(case) == "munit":
        extra["draw"] = lambda name: torch.tensor(style(name, model.style_size)).to(dtype)
    losses = model.step(a, b, *optimizers, **extra)
    changes = {
        f"{name}/{key}": (value - before[f"{name}/{key}"]).double().numpy().ravel()
        for name, network in model.networks.items()
        for key, value in network.state_dict().items()
    }
    return {key: float(value) for key, value in losses.items()}, changes


def _make(case: str) -> dict[str, np.ndarray]:
    losses, exact = _update(case, double=True)
    _, single = _update(case, double=False)
    result = {f"{case}/loss/{key}": np.float64(value) for key, value in losses.items()}
    result[f"{case}/names"] = np.array(list(exact))
    result[f"{case}/changes"] = np.float32(
        [
            [np.linalg.norm(single[key] - v), np.linalg.norm(v), *_four(v[places(v.size)])]
            for key, v in exact.items()
        ]
    )
    return result


def _four(values: np.ndarray) -> np.ndarray:
    """Small tensors have fewer places."""
    return np.pad(values, (0, 4 - len(values)))


if __name__ == "__main__":
    for name in SIZES:
        held = {}
        for case in CASES:
            if family(case) == name:
                held |= _make(case)
        np.savez_compressed(Path(__file__).with_name(f"{name}.npz"), **held)
