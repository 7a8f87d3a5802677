"""CartoonGAN's networks (Chen et al. 2018, section 3.1), the generator exactly as released."""

from typing import Literal

import keras
from keras import layers, ops

from ganime_tf.layers.norm import instance_norm

_NORMAL = keras.initializers.RandomNormal


def _reflect(x, size):
    return ops.pad(x, ((0, 0), (size, size), (size, size), (0, 0)), mode="reflect")


def build_cartoon_generator(
    *,
    filters: int = 64,
    num_blocks: int = 8,
    epsilon: float = 1e-9,
    name: str = "cartoon_generator",
) -> keras.Model:
    """Builds the generator of the released weights: 11,129,667 parameters.

    Two convolutions share one instance norm in the down and up blocks; padding is reflected in the
    7x7 and residual convolutions and zero elsewhere. Layers carry the names of the release.

    Args:
        filters: Channels of the first layer.
        num_blocks: Residual blocks.
        epsilon: Of instance norm, 1e-9 in the release.
        name: Name of the model.

    Returns:
        A model from RGB float `(N, H, W, 3)` in [-1, 1] to the same, float32.
    """

    def conv(x, width, size, stride, suffix, *, reflect=False):
        if reflect:
            x = _reflect(x, size // 2)
        else:  # PyTorch's padding=1; "same" would pad the bottom and right only at stride 2
            x = layers.ZeroPadding2D(size // 2, name=f"pad_{suffix}")(x)
        return layers.Conv2D(
            width, size, stride, kernel_initializer=_NORMAL(0.0, 0.02), name=suffix
        )(x)

    def norm(x, suffix, *, relu=True):
        x = instance_norm(epsilon=epsilon, name=f"in{suffix}")(x)
        return layers.ReLU(name=f"relu{suffix}")(x) if relu else x

    def double(x, width, suffix):
        x = layers.Conv2DTranspose(
            width, 3, 2, kernel_initializer=_NORMAL(0.0, 0.02), name=f"deconv{suffix}_1"
        )(x)
        # (2n + 1) without the first row and column: PyTorch's padding=1, output_padding=1
        x = layers.Cropping2D(((1, 0), (1, 0)), name=f"crop{suffix}")(x)
        return conv(x, width, 3, 1, f"deconv{suffix}_2")

    image = keras.Input((None, None, 3), name="image")
    x = norm(conv(image, filters, 7, 1, "conv01_1", reflect=True), "01_1")
    x = conv(x, 2 * filters, 3, 2, "conv02_1")
    x = norm(conv(x, 2 * filters, 3, 1, "conv02_2"), "02_1")
    x = conv(x, 4 * filters, 3, 2, "conv03_1")
    x = norm(conv(x, 4 * filters, 3, 1, "conv03_2"), "03_1")
    for index in range(4, 4 + num_blocks):
        shortcut = x
        x = norm(conv(x, 4 * filters, 3, 1, f"conv{index:02}_1", reflect=True), f"{index:02}_1")
        x = conv(x, 4 * filters, 3, 1, f"conv{index:02}_2", reflect=True)
        x = norm(x, f"{index:02}_2", relu=False)
        x = layers.Add(name=f"add{index:02}")([shortcut, x])
    x = norm(double(x, 2 * filters, "01"), "12_1")
    x = norm(double(x, filters, "02"), "13_1")
    x = conv(x, 3, 7, 1, "deconv03_1", reflect=True)
    return keras.Model(image, layers.Activation("tanh", dtype="float32", name="rgb")(x), name=name)


def build_edge_discriminator(
    *,
    filters: int = 32,
    norm: Literal["instance", "layer"] = "instance",
    spectral: bool = False,
    name: str = "discriminator",
) -> keras.Model:
    """Builds the patch discriminator of CartoonGAN and AnimeGAN: 1,128,800 parameters.

    Chen et al. 2018, figure 2. No convolution has a bias, as in the TensorFlow re-implementation
    that AnimeGAN's code descends from.

    Args:
        filters: Channels of the first layer.
        norm: "instance" (CartoonGAN, AnimeGAN v1) or "layer" (v2: over height, width and channels,
            a scale and shift per channel).
        spectral: Spectral normalization of every convolution (AnimeGAN).
        name: Name of the model.

    Returns:
        A model from float `(N, H, W, 3)` in [-1, 1] to float32 raw scores `(N, H / 4, W / 4, 1)`.

    Raises:
        ValueError: On an unknown norm.
    """
    if norm not in ("instance", "layer"):
        raise ValueError(f"`norm` must be 'instance' or 'layer'. Received {norm!r}.")
    conv_class = layers.Conv2D
    if spectral:
        from ganime_tf.layers.spectral import SpectralConv2D as conv_class

    def conv(x, width, stride, index, *, normalize=False, activate=True):
        x = layers.ZeroPadding2D(1, name=f"pad{index}")(x)
        x = conv_class(
            width,
            3,
            strides=stride,
            use_bias=False,
            kernel_initializer=_NORMAL(0.0, 0.02),
            name=f"conv{index}",
        )(x)
        if normalize and norm == "instance":
            x = instance_norm(name=f"norm{index}")(x)
        elif normalize:
            x = layers.GroupNormalization(
                groups=1, epsilon=1e-12, dtype="float32", name=f"norm{index}"
            )(x)
        return layers.LeakyReLU(0.2, name=f"act{index}")(x) if activate else x

    image = keras.Input((None, None, 3), name="image")
    x = conv(image, filters, 1, 0)
    x = conv(x, 2 * filters, 2, 1)
    x = conv(x, 4 * filters, 1, 2, normalize=True)
    x = conv(x, 4 * filters, 2, 3)
    x = conv(x, 8 * filters, 1, 4, normalize=True)
    x = conv(x, 8 * filters, 1, 5, normalize=True)
    x = conv(x, 1, 1, 6, activate=False)
    x = layers.Activation("linear", dtype="float32", name="scores")(x)
    return keras.Model(image, x, name=name)
