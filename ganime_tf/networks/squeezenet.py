"""SqueezeNet 1.1: a feature network of 5 MB (Iandola et al. 2016, arXiv 1602.07360)."""

from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
from keras import layers, ops

from ganime_tf.weights import assign, read_tensors

_MEAN = (0.485, 0.456, 0.406)
_STDDEV = (0.229, 0.224, 0.225)
# Fire modules: (squeeze channels, channels of each of the two expansions); None is a pool.
_FIRES = (None, (16, 64), (16, 64), None, (32, 128), (32, 128), None) + (
    (48, 192), (48, 192), (64, 256), (64, 256))  # fmt: skip
# torchvision's modules in the order of the convolutions.
_MODULES = (
    "features.0",
    *(
        f"features.{index}.{part}"
        for index in (3, 4, 6, 7, 9, 10, 11, 12)
        for part in ("squeeze", "expand1x1", "expand3x3")
    ),
    "classifier.1",
)
SQUEEZENET_TAPS = ("conv1", *(f"fire{index}" for index in range(2, 10)), "logits")


def preprocess_squeezenet(images):
    """Turns RGB in [-1, 1] into SqueezeNet's input: [0, 1] minus ImageNet's mean over its std."""
    images = (ops.cast(images, "float32") + 1.0) / 2.0
    mean, stddev = (ops.convert_to_tensor(value, "float32") for value in (_MEAN, _STDDEV))
    return (images - mean) / stddev


def build_squeezenet(taps: Sequence[str], *, name: str = "squeezenet") -> keras.Model:
    """Builds the part of SqueezeNet 1.1 that the taps need.

    Args:
        taps: Of `SQUEEZENET_TAPS`: "conv1" (stride 2), "fire2" and "fire3" (4), "fire4" and
            "fire5" (8), "fire6" to "fire9" (16), all after ReLU, and "logits" (1000 classes).
        name: Name of the model.

    Returns:
        A model from `preprocess_squeezenet`'s output to `{tap: features}`, float32. Its
        convolutions are named conv0 to conv25 in the order of the released weights.

    Raises:
        ValueError: On an unknown tap.
    """
    if unknown := sorted(set(taps) - set(SQUEEZENET_TAPS)):
        raise ValueError(f"Unknown tap(s) {unknown}. Taps: {', '.join(SQUEEZENET_TAPS)}.")
    if not taps:
        raise ValueError("`taps` must name at least one output. Received none.")
    deepest = max(map(SQUEEZENET_TAPS.index, taps))
    count = 0

    def conv(x, width, size, stride=1):
        nonlocal count
        x = layers.Conv2D(
            width,
            size,
            stride,
            "same" if size == 3 and stride == 1 else "valid",
            activation="relu",
            kernel_initializer="he_normal",
            dtype="float32",
            name=f"conv{count}",
        )(x)
        count += 1
        return x

    image = keras.Input((None, None, 3), name="image")
    x = conv(image, 64, 3, 2)
    outputs = {"conv1": x}
    number = 1
    for index, fire in enumerate(_FIRES):
        if number >= deepest + 1:
            break
        if fire is None:  # PyTorch's ceil_mode; zeros are harmless after ReLU
            x = layers.ZeroPadding2D(((0, 1), (0, 1)), dtype="float32", name=f"pad{index}")(x)
            x = layers.MaxPooling2D(3, 2, dtype="float32", name=f"pool{index}")(x)
            continue
        number += 1
        squeezed = conv(x, fire[0], 1)
        x = layers.Concatenate(dtype="float32", name=f"fire{number}")(
            [conv(squeezed, fire[1], 1), conv(squeezed, fire[1], 3)]
        )
        outputs[f"fire{number}"] = x
    if "logits" in taps:
        x = conv(x, 1000, 1)
        outputs["logits"] = layers.GlobalAveragePooling2D(dtype="float32", name="logits")(x)
    model = keras.Model(image, {tap: outputs[tap] for tap in taps}, name=name)
    model.trainable = False
    return model


def load_squeezenet_weights(model: keras.Model, path: str | Path) -> None:
    """Loads released weights: 26 pairs of kernel (OIHW) and bias, in the order of the network.

    Args:
        model: From `build_squeezenet`.
        path: torchvision's `squeezenet1_1-b8a52dc0.pth`, or an `.npz` of arrays
            `squeezenet0_conv<i>_weight` and `squeezenet0_conv<i>_bias`.

    Raises:
        ValueError: Listing the arrays that are missing or of another shape.
    """
    assign_squeezenet(model, read_tensors(path))


def assign_squeezenet(model: keras.Model, state: dict[str, np.ndarray]) -> None:
    """Assigns released weights under torchvision's names or MXNet's.

    Args:
        model: From `build_squeezenet`.
        state: `features.0.weight`, `features.3.squeeze.weight`, ... or `squeezenet0_conv0_weight`;
            layers that the model does not have included.

    Raises:
        ValueError: Listing the arrays that are missing or of another shape.
    """
    mxnet = "squeezenet0_conv0_weight" in state
    table = {}
    for layer in model.layers:
        if layer.weights:
            number = int(layer.name.removeprefix("conv"))
            prefix = f"squeezenet0_conv{number}_" if mxnet else f"{_MODULES[number]}."
            table[f"{prefix}weight"] = (layer.kernel, _from_torch)
            table[f"{prefix}bias"] = layer.bias
    known = ("squeezenet0_", "features.", "classifier.")
    assign(
        model.name,
        table,
        state,
        unused=lambda key: key.startswith(known),
        expected="Expected SqueezeNet 1.1.",
    )


def _from_torch(kernel):
    return kernel.transpose(2, 3, 1, 0)
