"""The three networks in NumPy: the same numbers as `networks/barrier.py`, without TensorFlow."""

import functools
from importlib import resources
from pathlib import Path

import numpy as np

MATCH_SHARPNESS = 14.0
"""What the cosine of two points is multiplied with before the softmax."""
MATCH_ABSENT = 0.5
"""The cosine of a point with "not on the sheet"."""
_EPSILON = 1e-3  # of the batch normalisation that is folded into the convolutions


def fold(weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Folds batch normalisation into the convolutions before it.

    Args:
        weights: Arrays by `<layer>/<variable>` of the Keras network, e.g. `down0_conv0/kernel`,
            `down0_norm0/gamma`.

    Returns:
        `<layer>/kernel` float32 `(3, 3, in, out)` and `<layer>/bias` float32 `(out,)` by layer.
    """
    folded = {}
    for key, kernel in weights.items():
        layer, _, variable = key.partition("/")
        if variable != "kernel":
            continue
        norm = layer.replace("_conv", "_norm")
        if norm == layer:
            folded[key], folded[f"{layer}/bias"] = kernel, weights[f"{layer}/bias"]
            continue
        gain = weights[f"{norm}/gamma"] / np.sqrt(weights[f"{norm}/moving_variance"] + _EPSILON)
        folded[key] = kernel * gain
        folded[f"{layer}/bias"] = weights[f"{norm}/beta"] - weights[f"{norm}/moving_mean"] * gain
    return {key: np.asarray(value, np.float32) for key, value in folded.items()}


def _conv(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray, relu: bool = True) -> np.ndarray:
    """A 3x3 convolution of `(H, W, C)` with zeros outside."""
    height, width, _ = x.shape
    padded = np.pad(x, ((1, 1), (1, 1), (0, 0)))
    out = np.empty((height, width, kernel.shape[-1]), np.float32)
    matrix = kernel.reshape(-1, kernel.shape[-1])
    # In bands of rows: the nine shifted copies of a large page would take gigabytes.
    band = max(1, 400_000 // (width * x.shape[-1]))
    for top in range(0, height, band):
        stop = min(top + band, height)
        columns = np.concatenate(
            [padded[top + i : stop + i, j : j + width] for i in range(3) for j in range(3)], axis=-1
        )
        out[top:stop] = columns.reshape(-1, len(matrix)).dot(matrix).reshape(stop - top, width, -1)
    out += bias
    return np.maximum(out, 0, out=out) if relu else out


class BarrierNetwork:
    """A trained network: the barrier, the shade or the match.

    Args:
        weights: From `fold`; as many levels as there are names.
    """

    def __init__(self, weights: dict[str, np.ndarray]):
        self.weights = {key: np.asarray(value, np.float32) for key, value in weights.items()}
        names = [key.split("/")[0] for key in self.weights]
        self.levels = sum(name == f"down{name[4:-6]}_conv0" for name in set(names))
        self.convs = sum(name.startswith("down0_conv") for name in set(names))
        self.stride = 2**self.levels

    def _block(self, x, name):
        for k in range(self.convs):
            layer = f"{name}_conv{k}"
            x = _conv(x, self.weights[f"{layer}/kernel"], self.weights[f"{layer}/bias"])
        return x

    def head(self, planes: np.ndarray) -> np.ndarray:
        """What the last convolution answers, `(H/2, W/2, C)`; arguments as of `logits`."""
        height, width = planes.shape[:2]
        x = planes.reshape(height // 2, 2, width // 2, 2, -1).transpose(0, 2, 1, 3, 4)
        x = np.ascontiguousarray(x.reshape(height // 2, width // 2, -1), np.float32)
        skips = []
        for level in range(self.levels):
            if level:
                h, w, c = x.shape
                x = x.reshape(h // 2, 2, w // 2, 2, c).max(axis=(1, 3))
            x = self._block(x, f"down{level}")
            skips.append(x)
        for level in reversed(range(self.levels - 1)):
            x = x.repeat(2, axis=0).repeat(2, axis=1)
            x = self._block(np.concatenate([x, skips[level]], axis=-1), f"up{level}")
        return _conv(x, self.weights["head/kernel"], self.weights["head/bias"], relu=False)

    def logits(self, planes: np.ndarray) -> np.ndarray:
        """The network itself: float32 `(H, W)` or `(H, W, C)` of whole strides, to `(H, W)`."""
        height, width = planes.shape[:2]
        return (
            self.head(planes)
            .reshape(height // 2, width // 2, 2, 2)
            .transpose(0, 2, 1, 3)
            .reshape(height, width)
        )

    def __call__(self, planes: np.ndarray) -> np.ndarray:
        """Where colours change, or where shadows lie.

        Args:
            planes: Ink, float32 `(H, W)` in [0, 1], 1 where there is ink; for the shading network
                ink and flat colours, `(H, W, 4)`; any size.

        Returns:
            float32 `(H, W)`, a probability.
        """
        height, width = planes.shape[:2]
        logits = self.logits(self._whole(planes))[:height, :width]
        return 1 / (1 + np.exp(-np.clip(logits, -30, 30)))

    def embed(self, planes: np.ndarray) -> np.ndarray:
        """For the matching network: unit vectors, float32 `(ceil(H/2), ceil(W/2), C)`."""
        height, width = planes.shape[:2]
        vectors = self.head(self._whole(planes))[: -(-height // 2), : -(-width // 2)]
        return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-6)

    def _whole(self, planes):
        height, width = planes.shape[:2]
        pad = [(0, -height % self.stride), (0, -width % self.stride), (0, 0)][: planes.ndim]
        return np.pad(planes, pad, mode="edge")


def save_network(path: str | Path, weights: dict[str, np.ndarray]) -> None:
    """Writes folded weights as float16 `.npz`."""
    np.savez_compressed(path, **{key: value.astype(np.float16) for key, value in weights.items()})


def load_network(path: str | Path) -> BarrierNetwork:
    """Reads what `save_network` wrote."""
    with np.load(path) as file:
        return BarrierNetwork({key: file[key] for key in file.files})


@functools.cache
def included_network(name: str = "barrier") -> BarrierNetwork:
    """The weights that come with the package, trained on our own drawings (MIT, as the code).

    Args:
        name: `barrier`, `shade` or `match`.
    """
    with resources.as_file(resources.files("ganime_tf.colouring") / f"{name}.npz") as path:
        return load_network(path)
