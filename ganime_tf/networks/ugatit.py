"""Generator and discriminator of U-GAT-IT (Kim et al. 2020, section 2 and appendix B)."""

from typing import Literal

import keras
import numpy as np
from keras import layers, ops

from ganime_tf.layers.adalin import AdaLIN, InstanceLayerNorm
from ganime_tf.layers.attention import CAMAttention, torch_bias, torch_kernel
from ganime_tf.layers.norm import instance_norm
from ganime_tf.layers.padding import ReflectionPad2D
from ganime_tf.layers.resize import NearestUpsampling
from ganime_tf.layers.spectral import SpectralConv2D
from ganime_tf.layers.whole import WholePicture

VARIANTS = ("torch", "tf1")


def _check_variant(variant: str):
    if variant not in VARIANTS:
        raise ValueError(f"`variant` must be one of {VARIANTS}. Received {variant!r}.")


def _kernel(variant: str):
    return torch_kernel() if variant == "torch" else keras.initializers.RandomNormal(0.0, 0.02)


def antialiased(length, size: int):
    """The matrix `(size, length)` of bilinear resizing with antialiasing along one axis.

    Each row is a triangle as wide as the reduction, at least one pixel, cut at the borders and
    normalized: `tf.image.resize(..., antialias=True)`.
    """
    scale = ops.cast(length, "float32") / size
    reach = ops.maximum(scale, 1.0)
    centres = (ops.arange(size, dtype="float32") + 0.5) * scale - 0.5
    positions = ops.cast(ops.arange(length), "float32")
    distance = ops.absolute(positions[None] - centres[:, None]) / reach
    weights = ops.maximum(1.0 - distance, 0.0)
    return weights / ops.sum(weights, axis=1, keepdims=True)


@keras.saving.register_keras_serializable("ganime_tf")
class FixedGrid(WholePicture, keras.layers.Layer):
    """Resizes features to a fixed grid, so that a dense layer takes pictures of any size.

    At the training size this is the average over `factor` x `factor` cells (nothing at factor 1);
    at other sizes the grid is sampled bilinearly with antialiasing: the products with two matrices,
    which every runtime of exports has and which strips of a picture add up to.

    Args:
        grid: Height and width of the result.
        factor: Cells' side at the training size.
    """

    def __init__(self, grid: int, factor: int = 1, **kwargs):
        super().__init__(**kwargs)
        self.grid, self.factor = grid, factor

    def call(self, x):
        """Returns `(N, grid, grid, C)`."""
        trained = self.grid * self.factor
        if tuple(x.shape[1:3]) != (trained, trained):
            x = self._down(self._across(x), ops.shape(x)[1])
        return ops.average_pool(x, self.factor) if self.factor > 1 else x

    def _across(self, x):
        """Resizes the width."""
        weights = antialiased(ops.shape(x)[2], self.grid * self.factor)
        return ops.einsum("nhwc,gw->nhgc", x, ops.cast(weights, x.dtype))

    def _down(self, x, height, rows=slice(None)):
        """Resizes the height: the share of some rows."""
        weights = antialiased(height, self.grid * self.factor)[:, rows]
        return ops.einsum("nhgc,kh->nkgc", x, ops.cast(weights, x.dtype))

    global_outputs = (True,)

    def partial(self, x, *, first, height):
        """A strip's share of the grid before its cells are averaged."""
        rows = slice(first, first + x.shape[1])
        return {"grid": np.asarray(self._down(self._across(x), height, rows), np.float64)}

    def merge(self, a, b):
        """Adds shares."""
        return {"grid": a["grid"] + b["grid"]}

    def finish(self, sums, x):
        """The grid of the whole picture."""
        del x
        grid = ops.convert_to_tensor(sums["grid"].astype(np.float32))
        grid = ops.average_pool(grid, self.factor) if self.factor > 1 else grid
        return ops.cast(grid, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        """Returns the shape of the grid."""
        return (input_shape[0], self.grid, self.grid, input_shape[-1])

    def get_config(self):
        """Returns the constructor arguments."""
        return {**super().get_config(), "grid": self.grid, "factor": self.factor}


def build_ugatit_generator(
    *,
    image_size: int = 256,
    filters: int = 64,
    num_blocks: int = 4,
    light: bool = False,
    mlp_downsample: int = 1,
    variant: Literal["torch", "tf1"] = "torch",
    name: str = "generator",
) -> keras.Model:
    """Builds the attention generator.

    Args:
        image_size: Training size, which fixes the input of the full model's MLP.
        filters: Channels of the first convolution; 4 times that in the bottleneck.
        num_blocks: Residual blocks in the encoder, and AdaLIN blocks in the decoder.
        light: The MLP sees globally averaged features instead of all of them.
        mlp_downsample: Features are averaged over cells of this side before the full MLP, which
            divides its first matrix by the square.
        variant: "torch" or "tf1", the two official releases (docs/models/ugatit.md).
        name: Name of the model.

    Returns:
        A model from float `(N, H, W, 3)` to `(image, logits, heatmap)`: float32 `(N, H, W, 3)` in
        [-1, 1], `(N, 2)` and `(N, H/4, W/4, 1)`. H and W are multiples of 4, at least 8.

    Raises:
        ValueError: On an unknown variant, or sizes that do not divide.
    """
    _check_variant(variant)
    grid, rest = divmod(image_size, 4 * mlp_downsample)
    if mlp_downsample < 1 or rest:
        raise ValueError(
            "`image_size` must be a multiple of 4 * `mlp_downsample`. Received image_size="
            f"{image_size}, mlp_downsample={mlp_downsample}."
        )
    torch = variant == "torch"
    width = filters * 4

    def convolve(x, channels, size, stride, pad, name):
        x = ReflectionPad2D(pad, name=f"{name}_pad")(x)
        return layers.Conv2D(
            channels,
            size,
            stride,
            use_bias=not torch,
            kernel_initializer=_kernel(variant),
            name=name,
        )(x)

    def dense(x, name, activation=None):
        return layers.Dense(
            width,
            activation,
            use_bias=not torch,
            kernel_initializer=_kernel(variant),
            name=name,
        )(x)

    def adaptive_norm(x, gamma, beta, name):
        norm = AdaLIN(
            rho_initial=0.9 if torch else 1.0,
            rho_shift=0.0 if torch else 0.1,
            unbiased=torch,
            name=name,
        )
        return norm(x, gamma, beta)

    image = keras.Input((None, None, 3), name="image")
    x = image
    for index, (channels, size, stride, pad) in enumerate(
        [(filters, 7, 1, 3), (filters * 2, 3, 2, 1), (filters * 4, 3, 2, 1)]
    ):
        x = convolve(x, channels, size, stride, pad, f"down{index}")
        x = instance_norm(affine=not torch, name=f"down{index}_norm")(x)
        x = layers.ReLU(name=f"down{index}_act")(x)
    for index in range(num_blocks):
        skip = x
        for part in (1, 2):
            label = f"encode{index}_conv{part}"
            x = convolve(x, width, 3, 1, 1, label)
            x = instance_norm(affine=not torch, name=f"{label}_norm")(x)
            x = layers.ReLU(name=f"{label}_act")(x) if part == 1 else x
        x = layers.Add(name=f"encode{index}_add")([skip, x])

    cam = CAMAttention(
        shared=not torch, raw_attention=torch, normal_stddev=None if torch else 0.02, name="cam"
    )
    x, logits, heatmap = cam(x)

    if light:
        style = layers.GlobalAveragePooling2D(name="mlp_pool")(x)
    else:
        style = layers.Flatten(name="mlp_flatten")(
            FixedGrid(grid, mlp_downsample, name="mlp_grid")(x)
        )
    style = dense(dense(style, "mlp0", "relu"), "mlp1", "relu")
    gamma, beta = dense(style, "gamma"), dense(style, "beta")  # one pair for every block

    for index in range(num_blocks):
        skip = x
        for part in (1, 2):
            label = f"decode{index}_conv{part}"
            x = convolve(x, width, 3, 1, 1, label)
            x = adaptive_norm(x, gamma, beta, f"{label}_norm")
            x = layers.ReLU(name=f"{label}_act")(x) if part == 1 else x
        x = layers.Add(name=f"decode{index}_add")([skip, x])
    for index in range(2):
        x = NearestUpsampling(2, name=f"up{index}_resize")(x)
        x = convolve(x, filters * 2 ** (1 - index), 3, 1, 1, f"up{index}")
        x = InstanceLayerNorm(unbiased=torch, name=f"up{index}_norm")(x)
        x = layers.ReLU(name=f"up{index}_act")(x)
    x = convolve(x, 3, 7, 1, 3, "last")
    x = layers.Activation("tanh", dtype="float32", name="output")(x)
    return keras.Model(image, (x, logits, heatmap), name=name)


def build_ugatit_discriminator(
    *,
    num_layers: int = 7,
    filters: int = 64,
    variant: Literal["torch", "tf1"] = "torch",
    name: str = "discriminator",
) -> keras.Model:
    """Builds one of the spectrally normalized attention discriminators.

    Args:
        num_layers: 7 for the global one (32 times smaller maps), 5 for the local one (8 times).
        filters: Channels of the first convolution; they double in every layer up to the attention.
        variant: "torch" or "tf1".
        name: Name of the model.

    Returns:
        A model from float `(N, H, W, 3)` to `(scores, logits, heatmap)`, all float32: patch scores
        `(N, h, w, 1)` (at 256 px: torch 6 or 30 a side, tf1 8 or 32), CAM logits `(N, 2)`, and the
        heat map of the last features.

    Raises:
        ValueError: With fewer than 3 layers or an unknown variant.
    """
    _check_variant(variant)
    if num_layers < 3:
        raise ValueError(f"`num_layers` must be at least 3. Received {num_layers}.")
    torch = variant == "torch"

    def convolve(x, channels, stride, name, use_bias=True):
        # Stride 1 with an even kernel: the TF release keeps the size, PyTorch loses a pixel.
        pad = 1 if torch or stride == 2 else (1, 2)
        x = ReflectionPad2D(pad, name=f"{name}_pad")(x)
        bias = torch_bias(16 * x.shape[-1]) if torch else "zeros"
        return SpectralConv2D(
            channels,
            4,
            stride,
            use_bias=use_bias,
            kernel_initializer=_kernel(variant),
            bias_initializer=bias,
            name=name,
        )(x)

    image = keras.Input((None, None, 3), name="image")
    x = image
    for index in range(num_layers - 1):
        stride = 2 if index < num_layers - 2 else 1
        x = convolve(x, filters * 2**index, stride, f"conv{index}")
        x = layers.LeakyReLU(0.2, name=f"conv{index}_act")(x)
    cam = CAMAttention(
        shared=not torch,
        spectral=True,
        raw_attention=torch,
        negative_slope=0.2,
        normal_stddev=None if torch else 0.02,
        name="cam",
    )
    x, logits, heatmap = cam(x)
    x = convolve(x, 1, 1, "last", use_bias=not torch)
    scores = layers.Activation("linear", dtype="float32", name="scores")(x)
    return keras.Model(image, (scores, logits, heatmap), name=name)
