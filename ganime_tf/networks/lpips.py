"""LPIPS v0.1 as a network: perceptual distance of picture pairs (Zhang et al. 2018, 1801.03924).

The backbones are torchvision's ImageNet networks; `keras.applications` has other weights for VGG
and none for AlexNet and SqueezeNet, so those files would give other numbers and are not used.
"""

from functools import lru_cache

import keras
import numpy as np
from keras import layers, ops

from ganime_tf.networks import alexnet, squeezenet, vgg
from ganime_tf.weights import MissingWeightsError, assign, find_weights, read_tensors

_VGG_TAPS = ("block1_relu2", "block2_relu2", "block3_relu3", "block4_relu3", "block5_relu3")
_SQUEEZE_TAPS = ("conv1", "fire3", "fire5", "fire6", "fire7", "fire8", "fire9")
_SQUEEZE_ARRAYS = "squeezenet1_1_imagenet.npz"
# RGB in [-1, 1] to what the backbones expect.
SHIFT = (-0.030, -0.088, -0.188)
SCALE = (0.458, 0.448, 0.450)
SMALLEST = {"alex": 31, "vgg": 16, "squeeze": 25}
"""Pixels of a side below which the last tap would be empty."""


def _vgg(name):
    return vgg.build_vgg(_VGG_TAPS, depth=16, name=name)


def _squeezenet(name):
    return squeezenet.build_squeezenet(_SQUEEZE_TAPS, name=name)


def _alexnet(name):
    return alexnet.build_alexnet(name=name)


# Network: how it is built, its taps, how its weights are assigned, its file.
_BACKBONES = {
    "alex": (_alexnet, alexnet.ALEXNET_TAPS, alexnet.assign_alexnet, "alexnet-torchvision"),
    "vgg": (_vgg, _VGG_TAPS, vgg.assign_torchvision_vgg, "vgg16-torchvision"),
    "squeeze": (
        _squeezenet,
        _SQUEEZE_TAPS,
        squeezenet.assign_squeezenet,
        "squeezenet1_1-torchvision",
    ),
}


@keras.saving.register_keras_serializable("ganime_tf")
class TapDistance(layers.Layer):
    """Distance of two pictures' features of one tap, eq. (1) of the paper.

    Features are normalised over channels, their squared differences weighted by a non-negative
    head without bias, and averaged over the positions. Computes in float32.
    """

    def __init__(self, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})

    def build(self, input_shape):
        """Creates the weights of the head, `(C,)`."""
        shape = (input_shape[0][-1],)
        self.head = self.add_weight(name="head", shape=shape, initializer="ones", trainable=False)

    def call(self, features):
        """`[(N, h, w, C), (N, h, w, C)]` to `(N,)`."""
        x, y = (_unit(ops.cast(value, "float32")) for value in features)
        return ops.mean(ops.sum((x - y) ** 2 * self.head, -1), axis=(1, 2))


def _unit(x):
    return x / (ops.sqrt(ops.sum(x**2, -1, keepdims=True)) + 1e-10)


def build_lpips(network: str = "alex", *, name: str | None = None) -> keras.Model:
    """Builds LPIPS.

    Args:
        network: `"alex"`, `"vgg"` or `"squeeze"`.
        name: Name of the model.

    Returns:
        A frozen model from two pictures, float `(N, H, W, 3)` in [-1, 1], to their distances,
        float32 `(N,)`; differentiable. Its weights are random until `assign_lpips`.

    Raises:
        ValueError: On an unknown network.
    """
    if network not in _BACKBONES:
        raise ValueError(f"`network` must be one of {list(_BACKBONES)}. Received {network!r}.")
    build, taps, _, _ = _BACKBONES[network]
    backbone = build(f"lpips_{network}_backbone")
    inputs = [keras.Input((None, None, 3), name=side) for side in ("x", "y")]
    scale = layers.Rescaling(
        [1.0 / s for s in SCALE],
        [-m / s for m, s in zip(SHIFT, SCALE, strict=True)],
        dtype="float32",
        name="standardise",
    )
    features = [backbone(scale(picture)) for picture in inputs]
    distances = [
        TapDistance(name=f"lin{index}")([side[tap] for side in features])
        for index, tap in enumerate(taps)
    ]
    total = layers.Add(dtype="float32", name="sum")(distances)
    model = keras.Model(inputs, total, name=name or f"lpips_{network}")
    model.trainable = False
    return model


def assign_lpips(
    model: keras.Model,
    network: str,
    backbone: dict[str, np.ndarray],
    heads: dict[str, np.ndarray],
) -> None:
    """Assigns the published weights.

    Args:
        model: From `build_lpips`.
        network: The network that it was built with.
        backbone: torchvision's weights; of SqueezeNet also MXNet's.
        heads: The published linear heads, `lin<i>.model.1.weight` (1, C, 1, 1).

    Raises:
        ValueError: Listing the weights that are missing or of another shape.
    """
    taps = _BACKBONES[network][1]
    wanted = {
        f"lin{index}.model.1.weight": (model.get_layer(f"lin{index}").head, np.ravel)
        for index in range(len(taps))
    }
    assign(model.name, wanted, heads, expected=f"Expected the heads of LPIPS-{network} v0.1.")
    _BACKBONES[network][2](model.get_layer(f"lpips_{network}_backbone"), backbone)


@lru_cache(maxsize=3)
def load_lpips_network(network: str = "alex") -> tuple[keras.Model, str]:
    """Builds LPIPS with the published weights; kept for further calls.

    SqueezeNet may also be `squeezenet1_1_imagenet.npz`, which the perceptual losses use; a note
    says so then, because the heads were fitted to torchvision's weights.

    Args:
        network: `"alex"`, `"vgg"` or `"squeeze"`.

    Returns:
        The model, and what a reader of its numbers must know.

    Raises:
        MissingWeightsError: When a file is nowhere; names it.
        ValueError: On an unknown network.
    """
    model = build_lpips(network)
    heads, note = read_tensors(find_weights(f"lpips-{network}")), ""
    try:
        path = find_weights(_BACKBONES[network][3])
    except MissingWeightsError as missing:
        if network != "squeeze":
            raise
        try:
            path = find_weights(_SQUEEZE_ARRAYS, download=False)
        except MissingWeightsError:
            raise missing from None  # the file that lpips' own numbers need
        note = f"backbone {_SQUEEZE_ARRAYS}, not torchvision's file: other numbers than lpips'"
    assign_lpips(model, network, read_tensors(path), heads)
    return model, note
