"""LPIPS v0.1: perceptual distance of picture pairs, with torchvision's backbones.

The backbones are torchvision's ImageNet networks; `keras.applications` has other weights for VGG
and none for AlexNet and SqueezeNet, so those files would give other numbers and are not used.
"""

from functools import lru_cache

import numpy as np
import tensorflow as tf

from ganime_tf.metrics.similarity import check_pair
from ganime_tf.metrics.torch_file import read_torch_file

# Steps of a backbone: ("conv", index, stride, padding), ("pool", window, ceil), ("fire", index),
# ("tap",). Indices are torchvision's `features.<index>`; ReLU follows every convolution.
_ALEX = (
    (("conv", 0, 4, 2), ("tap",), ("pool", 3), ("conv", 3, 1, 2), ("tap",), ("pool", 3))
    + (("conv", 6, 1, 1), ("tap",), ("conv", 8, 1, 1), ("tap",), ("conv", 10, 1, 1), ("tap",))
)  # fmt: skip
_VGG = tuple(
    step
    for number, block in enumerate(((0, 2), (5, 7), (10, 12, 14), (17, 19, 21), (24, 26, 28)))
    for step in ((("pool", 2),) if number else ())
    + tuple(("conv", index, 1, 1) for index in block)
    + (("tap",),)
)
_SQUEEZE = (
    (("conv", 0, 2, 0), ("tap",), ("pool", 3), ("fire", 3), ("fire", 4), ("tap",), ("pool", 3))
    + (("fire", 6), ("fire", 7), ("tap",), ("pool", 3), ("fire", 9), ("tap",))
    + (("fire", 10), ("tap",), ("fire", 11), ("tap",), ("fire", 12), ("tap",))
)  # fmt: skip
_STEPS = {"alex": _ALEX, "vgg": _VGG, "squeeze": _SQUEEZE}
_LEAST = {"alex": 31, "vgg": 16, "squeeze": 25}  # pixels below which the last tap would be empty
_FILES = {
    "alex": "alexnet-torchvision",
    "vgg": "vgg16-torchvision",
    "squeeze": "squeezenet1_1-torchvision",
}
_SQUEEZE_ARRAYS = "squeezenet1_1_imagenet.npz"
_SHIFT = np.array([-0.030, -0.088, -0.188], np.float32)
_SCALE = np.array([0.458, 0.448, 0.450], np.float32)


def _convolve(x, arrays, name: str, stride: int, padding: int):
    kernel = arrays[f"{name}.weight"]
    edges = [[0, 0], [padding, padding], [padding, padding], [0, 0]]
    x = tf.nn.conv2d(x, kernel, stride, edges if padding else "VALID")
    return tf.nn.relu(x + arrays[f"{name}.bias"])


def _pool(x, window: int, ceil: bool):
    """Max pool, stride 2; `ceil` keeps a last partial window, as SqueezeNet's do."""
    if ceil:  # values are at least 0 after ReLU, so zeros at the end change no maximum
        size = tf.shape(x)
        odd = [[0, 0], [0, (size[1] - window) % 2], [0, (size[2] - window) % 2], [0, 0]]
        x = tf.pad(x, odd)
    return tf.nn.max_pool2d(x, window, 2, "VALID")


def backbone_tensors(arrays: dict[str, np.ndarray]) -> dict[str, tf.Tensor]:
    """Torchvision's weights as TensorFlow's, kernels (height, width, in, out)."""
    return {
        name: tf.constant(np.transpose(a, (2, 3, 1, 0)) if np.ndim(a) == 4 else a, tf.float32)
        for name, a in arrays.items()
    }


def backbone_taps(network: str, arrays: dict[str, tf.Tensor], x) -> list:
    """Runs a backbone and returns its tapped ReLU outputs.

    Args:
        network: `"alex"`, `"squeeze"` or `"vgg"`.
        arrays: From `backbone_tensors`, named `features.<index>...`.
        x: float32 `(N, H, W, 3)`, RGB standardised with ImageNet's mean and deviation.

    Returns:
        Five (squeeze: seven) float32 `(N, h, w, c)`.
    """
    taps = []
    for kind, *step in _STEPS[network]:
        if kind == "tap":
            taps.append(x)
        elif kind == "pool":
            x = _pool(x, step[0], network == "squeeze")
        elif kind == "conv":
            x = _convolve(x, arrays, f"features.{step[0]}", *step[1:])
        else:
            name = f"features.{step[0]}"
            x = _convolve(x, arrays, f"{name}.squeeze", 1, 0)
            narrow = _convolve(x, arrays, f"{name}.expand1x1", 1, 0)
            x = tf.concat([narrow, _convolve(x, arrays, f"{name}.expand3x3", 1, 1)], -1)
    return taps


class LPIPS:
    """Learned perceptual distance, v0.1.

    Args:
        network: `"alex"`, `"squeeze"` or `"vgg"`.
        backbone: torchvision's weights, `features.<index>...`; of SqueezeNet also MXNet's,
            `squeezenet0_conv<number>_...`.
        heads: The published linear heads, `lin<i>.model.1.weight` (1, C, 1, 1).

    Raises:
        ValueError: On an unknown network, or weights that are missing.

    Attributes:
        note: What a reader of the score must know, from the argument of that name.

    Reference: Zhang et al., 2018, arXiv:1801.03924, eq. (1).
    """

    def __init__(
        self,
        network: str,
        backbone: dict[str, np.ndarray],
        heads: dict[str, np.ndarray],
        note: str = "",
    ):
        if network not in _STEPS:
            raise ValueError(f"`network` must be one of {list(_STEPS)}. Received {network!r}.")
        backbone = torchvision_names(backbone)
        count = sum(step == ("tap",) for step in _STEPS[network])
        wanted = [f"lin{i}.model.1.weight" for i in range(count)]
        missing = [name for name in wanted if name not in heads]
        missing += [name for name in _backbone_names(network) if name not in backbone]
        if missing:
            raise ValueError(f"LPIPS-{network} lacks the weights {', '.join(missing[:5])}.")
        self.network, self.note = network, note
        self._arrays = backbone_tensors({k: backbone[k] for k in _backbone_names(network)})
        self._heads = [np.asarray(heads[name], np.float32).reshape(-1) for name in wanted]
        pictures = tf.TensorSpec((None, None, None, 3), tf.uint8)
        self._compiled = tf.function(
            lambda a, b: self.distance(*(tf.cast(x, tf.float32) / 127.5 - 1.0 for x in (a, b))),
            input_signature=(pictures, pictures),
        )

    def distance(self, x, y):
        """Distance of float pictures, differentiable.

        Args:
            x: float32 `(N, H, W, 3)` in [-1, 1].
            y: The same shape.

        Returns:
            float32 `(N,)`, at least 0.
        """
        x, y = (backbone_taps(self.network, self._arrays, (v - _SHIFT) / _SCALE) for v in (x, y))
        total = 0.0
        for a, b, head in zip(x, y, self._heads, strict=True):
            total += tf.reduce_mean(
                tf.reduce_sum((_unit(a) - _unit(b)) ** 2 * head, -1), axis=(1, 2)
            )
        return total

    def __call__(self, a, b) -> np.ndarray:
        """Distance of uint8 pictures, one value a pair.

        Args:
            a: uint8 `(N, H, W, 3)`.
            b: The same shape.

        Returns:
            float64 `(N,)`; 0 for identical pictures.

        Raises:
            ValueError: On other types, unequal shapes or too small pictures.
        """
        a, b = check_pair(a, b)
        least = _LEAST[self.network]
        if min(a.shape[1:3]) < least:
            raise ValueError(
                f"LPIPS-{self.network} needs pictures of at least {least}x{least} pixels. "
                f"Received {a.shape[1]}x{a.shape[2]}."
            )
        return self._compiled(a, b).numpy().astype(np.float64)


def _unit(x):
    return x / (tf.sqrt(tf.reduce_sum(x**2, -1, keepdims=True)) + 1e-10)


def _backbone_names(network: str) -> list[str]:
    names = []
    for kind, *step in _STEPS[network]:
        parts = {"conv": ("",), "fire": (".squeeze", ".expand1x1", ".expand3x3")}.get(kind, ())
        names += [f"features.{step[0]}{part}.{w}" for part in parts for w in ("weight", "bias")]
    return names


def torchvision_names(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Renames a SqueezeNet 1.1 of MXNet's naming, numbered in the order of the graph.

    Other arrays are returned as they are.
    """
    if "squeezenet0_conv0_weight" not in arrays:
        return arrays
    convolutions = [name for name in _backbone_names("squeeze") if name.endswith(".weight")]
    modules = [name.removesuffix(".weight") for name in convolutions] + ["classifier.1"]
    return {
        f"{module}.{part}": arrays[f"squeezenet0_conv{index}_{part}"]
        for index, module in enumerate(modules)
        for part in ("weight", "bias")
        if f"squeezenet0_conv{index}_{part}" in arrays
    }


@lru_cache(maxsize=3)
def load_lpips(network: str = "alex") -> LPIPS:
    """Loads LPIPS v0.1 from the published files; kept for further calls.

    Args:
        network: `"alex"`, `"squeeze"` or `"vgg"`.

    SqueezeNet may also be `squeezenet1_1_imagenet.npz`, which the perceptual losses use; the
    score then carries a note, because the heads were fitted to torchvision's weights.

    Raises:
        MissingWeightsError: When a file is nowhere; names it.
    """
    from ganime_tf.weights import MissingWeightsError, find_weights

    heads = read_torch_file(find_weights(f"lpips-{network}"))
    try:
        return LPIPS(network, read_torch_file(find_weights(_FILES[network])), heads)
    except MissingWeightsError as missing:
        if network != "squeeze":
            raise
        try:
            path = find_weights(_SQUEEZE_ARRAYS, download=False)
        except MissingWeightsError:
            raise missing from None  # the file that lpips' own numbers need
    with np.load(path, allow_pickle=False) as file:
        note = f"backbone {_SQUEEZE_ARRAYS}, not torchvision's file: other numbers than lpips'"
        return LPIPS(network, dict(file), heads, note)
