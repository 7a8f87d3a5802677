"""AlexNet as a feature network (Krizhevsky 2014, arXiv 1404.5997), with torchvision's weights."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import layers

from ganime_tf.weights import assign

# Convolutions: torchvision's index, channels, kernel, stride, padding; a pool follows where told.
_CONVS = (
    ("conv1", 0, 64, 11, 4, 2, True),
    ("conv2", 3, 192, 5, 1, 2, True),
    ("conv3", 6, 384, 3, 1, 1, False),
    ("conv4", 8, 256, 3, 1, 1, False),
    ("conv5", 10, 256, 3, 1, 1, False),
)
ALEXNET_TAPS = tuple(name for name, *_ in _CONVS)


def build_alexnet(taps: Sequence[str] = ALEXNET_TAPS, *, name: str = "alexnet") -> keras.Model:
    """Builds the part of AlexNet that the taps need.

    Args:
        taps: Of `ALEXNET_TAPS`, "conv1" (stride 4) to "conv5" (16), all after ReLU.
        name: Name of the model.

    Returns:
        A model from RGB standardised with ImageNet's mean and deviation, float32
        `(N, H, W, 3)`, at least 31 pixels a side, to `{tap: features}`.

    Raises:
        ValueError: On no or an unknown tap.
    """
    if unknown := sorted(set(taps) - set(ALEXNET_TAPS)):
        raise ValueError(f"Unknown tap(s) {unknown}. Taps: {', '.join(ALEXNET_TAPS)}.")
    if not taps:
        raise ValueError("`taps` must name at least one output. Received none.")
    deepest = max(map(ALEXNET_TAPS.index, taps))
    image = x = keras.Input((None, None, 3), name="image")
    outputs = {}
    for conv, _, width, size, stride, padding, pooled in _CONVS[: deepest + 1]:
        x = layers.ZeroPadding2D(padding, dtype="float32", name=f"{conv}_pad")(x)
        x = layers.Conv2D(
            width,
            size,
            stride,
            activation="relu",
            kernel_initializer="he_normal",
            dtype="float32",
            name=conv,
        )(x)
        outputs[conv] = x
        if pooled:
            x = layers.MaxPooling2D(3, 2, dtype="float32", name=f"{conv}_pool")(x)
    model = keras.Model(image, {tap: outputs[tap] for tap in taps}, name=name)
    model.trainable = False
    return model


def assign_alexnet(model: keras.Model, state: dict[str, np.ndarray]) -> None:
    """Assigns torchvision's weights (`features.0.weight`, ...) to a network of `build_alexnet`.

    Args:
        model: From `build_alexnet`.
        state: Of the file, layers that the model does not have included.

    Raises:
        ValueError: Listing every missing key and wrong shape.
    """
    modules = {name: f"features.{index}" for name, index, *_ in _CONVS}
    table = {}
    for layer in model.layers:
        if layer.weights:
            module = modules[layer.name]
            table[f"{module}.weight"] = (layer.kernel, lambda kernel: kernel.transpose(2, 3, 1, 0))
            table[f"{module}.bias"] = layer.bias
    assign(
        model.name,
        table,
        state,
        unused=lambda key: key.startswith(("features.", "classifier.")),
        expected="Expected torchvision's AlexNet.",
    )
