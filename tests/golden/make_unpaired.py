"""Write `cyclegan*.npz` and `ugatit.npz`: one update of all networks, computed by PyTorch.

Weights and pictures are not stored: `formula` gives them, here and in the test, by their PyTorch
names. Of every tensor the file holds how far PyTorch's own float32 change is from its float64 one
(Euclidean), then the float64 change's norm and its values at four places. Networks and steps are
those of benchmarks/torch_unpaired.py. SGD shows the gradients themselves; U-GAT-IT adds the
release's coupled weight decay.

Run: python tests/golden/make_unpaired.py
"""

import sys
import zlib
from pathlib import Path

import numpy as np

SIZE, BATCH = 32, 2
RATE = 1e-3
WEIGHT_DECAY = {
    "cyclegan": 0.0,
    "cyclegan_alternating": 0.0,
    "ugatit": 1e-2,
}  # large enough to be seen
CAM_WEIGHT = 10.0
CYCLEGAN = {"filters": 4, "num_blocks": 2, "num_layers": 2}
SHAPES = {
    "cyclegan": CYCLEGAN,
    "cyclegan_alternating": CYCLEGAN,
    "ugatit": {
        "filters": 4,
        "num_blocks": 2,
        "image_size": SIZE,
        "light": False,
        "global_layers": 5,
        "local_layers": 4,
    },
}


def formula(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Pseudo-random float64 values in [-1, 1), a function of a name and a position."""
    index = np.arange(1, int(np.prod(shape)) + 1, dtype=np.float64)
    x = 43758.5453 * np.sin(12.9898 * index + 0.001 * (zlib.crc32(name.encode()) % 100_003))
    return (2.0 * (x - np.floor(x)) - 1.0).reshape(shape)


def weight(network: str, key: str, shape: tuple[int, ...]) -> np.ndarray:
    """The value of one tensor of one network, in PyTorch's shape, float32."""
    values = formula(f"{network}.{key}", shape)
    if key.endswith(("weight_u", "weight_v")):
        values = values / np.linalg.norm(values)
    elif key.endswith("rho"):
        values = 0.5 + 0.499 * values  # some leave [0, 1] in the update and are clipped
    elif key.endswith(("beta", "bias")):
        values = 0.1 * values
    elif key.endswith("gamma"):
        values = 1.0 + 0.1 * values
    else:
        values = 1.7 * values / np.sqrt(np.prod(shape[1:]))
    return values.astype(np.float32)


def picture(name: str) -> np.ndarray:
    """A batch, float32 NCHW."""
    return (0.9 * formula(name, (BATCH, 3, SIZE, SIZE))).astype(np.float32)


def places(size: int) -> np.ndarray:
    """The four flat positions whose change is stored."""
    return np.unique(np.linspace(0, size - 1, 4).astype(int))


def _update(kind: str, double: bool):
    """Returns the losses and, by tensor, the flat change of one update."""
    import torch

    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
    import torch_unpaired

    torch.set_num_threads(1)
    dtype = torch.float64 if double else torch.float32
    model = {
        "cyclegan": torch_unpaired.CycleGAN,
        "cyclegan_alternating": torch_unpaired.AlternatingCycleGAN,
        "ugatit": torch_unpaired.UGATIT,
    }[kind](**SHAPES[kind])
    for name, network in model.networks.items():
        network.to(dtype).train()
        for key, value in network.state_dict().items():
            value.copy_(torch.tensor(weight(name, key, tuple(value.shape))))
    before = {
        name: {key: value.clone() for key, value in network.state_dict().items()}
        for name, network in model.networks.items()
    }
    optimizers = torch_unpaired.make_optimizers(model, "sgd", RATE, WEIGHT_DECAY.get(kind, 0.0))
    a, b = (torch.tensor(picture(name)).to(dtype) for name in ("a", "b"))
    extra = {"cam_weight": CAM_WEIGHT} if kind == "ugatit" else {}
    losses = {key: value.numpy() for key, value in model.step(a, b, *optimizers, **extra).items()}
    changes = {
        f"{name}/{key}": (value - before[name][key]).double().numpy().ravel()
        for name, network in model.networks.items()
        for key, value in network.state_dict().items()
    }
    return losses, changes


def _make(kind: str) -> dict[str, np.ndarray]:
    losses, exact = _update(kind, double=True)
    _, single = _update(kind, double=False)
    result = dict(losses)
    for key, change in exact.items():
        rounding = np.linalg.norm(single[key] - change)
        stored = [rounding, np.linalg.norm(change), *change[places(change.size)]]
        result[key] = np.float32(stored)
    return result


if __name__ == "__main__":
    for kind in SHAPES:
        np.savez_compressed(Path(__file__).with_name(f"{kind}.npz"), **_make(kind))
