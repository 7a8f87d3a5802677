"""IR-SE50, the residual network of ArcFace and pSp, and ArcFace itself (Deng et al. 2019).

Layers are named as the modules of the released code (`body.0.res_layer.1`); `state_table` says
which entry of a state dict belongs to which variable.
"""

from pathlib import Path

import keras
import numpy as np
from keras import layers, ops

from ganime_tf.layers.attention import torch_bias, torch_kernel
from ganime_tf.layers.norm import batch_norm
from ganime_tf.weights import assign

UNITS = (3, 4, 14, 3)
"""Units of the four stages of IR-SE50."""


def convolve(x, width, size, *, stride=1, bias=False, name, **kwargs):
    """A convolution with PyTorch's padding and initial values."""
    padding = "same"
    if stride > 1 and size > 1:
        x = layers.ZeroPadding2D(size // 2, name=f"{name}.pad")(x)
        padding = "valid"
    return layers.Conv2D(
        width,
        size,
        stride,
        padding,
        use_bias=bias,
        kernel_initializer=torch_kernel(),
        bias_initializer=torch_bias(size * size * x.shape[-1]),
        name=name,
        **kwargs,
    )(x)


def _prelu(x, name):
    slope = keras.initializers.Constant(0.25)
    return layers.PReLU(slope, shared_axes=[1, 2], name=name)(x)


def residual_unit(x, width: int, stride: int, name: str):
    """Adds a unit of IR-SE: norm, convolution, PReLU, convolution, norm, and channel weights.

    Args:
        x: Float `(N, H, W, C)`.
        width: Output channels.
        stride: 1 or 2, of the second convolution and of the shortcut.
        name: Name of the unit.

    Returns:
        Float `(N, H / stride, W / stride, width)`.
    """
    residue = f"{name}.res_layer"
    y = batch_norm(name=f"{residue}.0")(x)
    y = _prelu(convolve(y, width, 3, name=f"{residue}.1"), f"{residue}.2")
    y = convolve(y, width, 3, stride=stride, name=f"{residue}.3")
    y = batch_norm(name=f"{residue}.4")(y)
    weights = layers.GlobalAveragePooling2D(keepdims=True, name=f"{residue}.5.mean")(y)
    weights = convolve(
        weights, max(width // 16, 1), 1, name=f"{residue}.5.fc1", activation="relu"
    )  # fmt: skip
    weights = convolve(weights, width, 1, name=f"{residue}.5.fc2", activation="sigmoid")
    y = layers.Multiply(name=f"{residue}.5")([y, weights])
    if x.shape[-1] == width:
        shortcut = x
        if stride > 1:
            shortcut = layers.MaxPooling2D(1, stride, name=f"{name}.shortcut_layer")(x)
    else:
        shortcut = convolve(x, width, 1, stride=stride, name=f"{name}.shortcut_layer.0")
        shortcut = batch_norm(name=f"{name}.shortcut_layer.1")(shortcut)
    return layers.Add(name=name)([y, shortcut])


def add_body(x, units, filters, num_stages):
    """The features of each stage, at a half, a quarter, an eighth and a sixteenth."""
    x = convolve(x, filters, 3, name="input_layer.0")
    x = _prelu(batch_norm(name="input_layer.1")(x), "input_layer.2")
    features, number = [], 0
    for stage in range(num_stages):
        for unit in range(units[stage]):
            x = residual_unit(x, filters << stage, 1 if unit else 2, f"body.{number}")
            number += 1
        features.append(x)
    return features


def torch_dense(x, units, name):
    """Adds a float32 dense layer with PyTorch's initial values."""
    return layers.Dense(
        units,
        kernel_initializer=torch_kernel(),
        bias_initializer=torch_bias(x.shape[-1]),
        dtype="float32",
        name=name,
    )(x)


@keras.saving.register_keras_serializable("ganime_tf")
class UnitLength(layers.Layer):
    """Scales each row to length 1, in float32."""

    def call(self, x):
        """Returns `(N, K)`."""
        x = ops.cast(x, "float32")
        return x * ops.rsqrt(ops.maximum(ops.sum(ops.square(x), -1, keepdims=True), 1e-24))


def build_identity(
    *, filters: int = 64, units=UNITS, features: int = 512, name: str = "identity"
) -> keras.Model:
    """Builds ArcFace's IR-SE50: float `(N, 112, 112, 3)` in [-1, 1] to unit rows `(N, features)`.

    The released weights are `model_ir_se50.pth`; the network is float32 and not trained.
    """
    face = keras.Input((112, 112, 3), name="face", dtype="float32")
    x = add_body(face, units, filters, 4)[-1]
    x = batch_norm(name="output_layer.0")(x)
    x = layers.Flatten(name="output_layer.2")(x)
    x = torch_dense(x, features, "output_layer.3")
    x = batch_norm(name="output_layer.4")(x)
    model = keras.Model(face, UnitLength(name="unit", dtype="float32")(x), name=name)
    model.trainable = False
    return model


_FACE = (slice(35, 223), slice(32, 220))  # rows and columns of a portrait of 256 px


def cut_face(images, side: int = 112):
    """Cuts the face out of aligned portraits, and averages it down to ArcFace's size.

    Args:
        images: float `(N, 256, 256, 3)`.
        side: Height and width of the result.

    Returns:
        float32 `(N, side, side, 3)`, PyTorch's adaptive average pooling.
    """
    face = ops.cast(images[:, _FACE[0], _FACE[1]], "float32")
    size = face.shape[1]
    matrix = np.zeros((side, size), np.float32)
    for row in range(side):
        start, end = row * size // side, -(-(row + 1) * size // side)
        matrix[row, start:end] = 1.0 / (end - start)
    face = ops.einsum("ih,nhwc->niwc", matrix, face)
    return ops.einsum("jw,niwc->nijc", matrix, face)


def state_table(network: keras.Model) -> dict[str, tuple]:
    """Returns `{entry of a state dict: (variable, function from PyTorch's array to ours)}`."""
    suffixes = {"kernel": "weight", "gamma": "weight", "alpha": "weight", "bias": "bias",
                "beta": "bias", "moving_mean": "running_mean",
                "moving_variance": "running_var"}  # fmt: skip
    table = {}
    for layer in network.layers:
        for variable in layer.variables:
            if variable.name in suffixes:
                key = f"{layer.name}.{suffixes[variable.name]}"
                table[key] = (variable, _reorder(layer, variable, network))
    return table


def _reorder(layer, variable, network):
    shape = tuple(variable.shape)
    if variable.name == "alpha":
        return lambda value: value.reshape(shape)
    if len(shape) == 4:
        return lambda value: value.transpose(2, 3, 1, 0)
    if len(shape) == 2 and layer.name == "output_layer.3":
        size = network.get_layer("output_layer.0").output.shape[1:]  # (H, W, C)

        def rows(value):  # (O, C * H * W) -> (H * W * C, O)
            value = value.reshape(-1, size[2], size[0], size[1])
            return value.transpose(2, 3, 1, 0).reshape(-1, len(value))

        return rows
    return np.transpose if len(shape) == 2 else np.asarray


def apply_state(network: keras.Model, state: dict[str, np.ndarray], ignored=()) -> None:
    """Assigns the arrays of a state dict to a network.

    Args:
        network: Whose layers are named as the modules.
        state: Arrays by name; counters of batches are left out.
        ignored: Starts of names that have no place here.

    Raises:
        ValueError: Listing every missing key, unknown key and wrong shape; nothing is assigned.
    """
    skipped = tuple(ignored)
    assign(
        network.name,
        state_table(network),
        state,
        unused=lambda key: key.endswith("num_batches_tracked") or key.startswith(skipped),
        expected="Expected the layout of zsl2018/StyleAnime.",
    )


def load_identity(path: str | Path, read) -> keras.Model:
    """Builds ArcFace's network with its released weights.

    Args:
        path: `model_ir_se50.pth`.
        read: Reads such a file: path to arrays by name.

    Raises:
        ValueError: When the file is another network's.
    """
    network = build_identity()
    apply_state(network, read(path))
    return network
