"""AnimeGAN's generators: v1 (Chen et al. 2020, figure 2), v2 and v2-lite (released code).

Names of layers are `<stage>_conv<i>` and `<stage>_norm<i>` with the stages of the released
checkpoints, and `<stage>_block<k>_{expand,depthwise,project}` for inverted residual blocks.
"""

from typing import Literal

import keras
from keras import layers, ops

from ganime_tf.layers.norm import instance_norm
from ganime_tf.layers.resize import BilinearUpsampling

_HE = "he_normal"  # contrib's variance_scaling_initializer


def _pad(x, size, stride):
    """Reflected padding; at stride 2 at the bottom and right only."""
    if size == 1:
        return x
    before, after = (0, 1) if stride == 2 else (size // 2, size // 2)
    return ops.pad(x, ((0, 0), (before, after), (before, after), (0, 0)), mode="reflect")


def _conv(x, width, size, stride, name, initializer):
    return layers.Conv2D(
        width, size, stride, use_bias=False, kernel_initializer=initializer, name=name
    )(_pad(x, size, stride))


def _lrelu(x, name):
    return layers.LeakyReLU(0.2, name=name)(x)


def _output(x, image, initializer, name):
    x = _conv(x, 3, 1, 1, "out_conv", initializer)
    return keras.Model(image, layers.Activation("tanh", dtype="float32", name="rgb")(x), name=name)


def build_animegan_v1(
    *, filters: int = 64, num_blocks: int = 8, name: str = "animegan_v1"
) -> keras.Model:
    """Builds the generator of AnimeGAN: 3,956,096 parameters.

    Args:
        filters: Channels of the first layer.
        num_blocks: Inverted residual blocks.
        name: Name of the model.

    Returns:
        A model from RGB float `(N, H, W, 3)` in [-1, 1], H and W multiples of 4, to the same.
    """
    glorot = "glorot_uniform"
    depthwise_initializer = keras.initializers.TruncatedNormal(0.0, 0.02)

    def cnl(x, width, size, tag):
        x = _conv(x, width, size, 1, f"{tag}_conv", glorot)
        return _lrelu(instance_norm(name=f"{tag}_norm")(x), f"{tag}_act")

    def separable(x, width, stride, tag):
        x = layers.SeparableConv2D(
            width,
            3,
            stride,
            use_bias=False,
            depthwise_initializer=glorot,
            pointwise_initializer=glorot,
            name=f"{tag}_separable",
        )(_pad(x, 3, stride))
        # tf.contrib's own default epsilon, unlike the plain convolutions'
        return _lrelu(instance_norm(epsilon=1e-6, name=f"{tag}_norm")(x), f"{tag}_act")

    def down(x, width, tag):
        """Strided convolution plus the halved picture (TensorFlow 1's bilinear is a decimation)."""
        strided = separable(x, width, 2, f"{tag}_strided")
        halved = separable(x[:, ::2, ::2], width, 1, f"{tag}_halved")
        return layers.Add(name=f"{tag}_add")([strided, halved])

    def up(x, width, tag):
        x = BilinearUpsampling("tf1", name=f"{tag}_double")(x)
        return separable(x, width, 1, tag)

    def block(x, tag):
        hidden = _conv(x, 8 * filters, 1, 1, f"{tag}_expand", glorot)
        hidden = _lrelu(instance_norm(name=f"{tag}_expand_norm")(hidden), f"{tag}_expand_act")
        hidden = layers.DepthwiseConv2D(
            3, use_bias=False, depthwise_initializer=depthwise_initializer, name=f"{tag}_depthwise"
        )(_pad(hidden, 3, 1))
        hidden = instance_norm(name=f"{tag}_depthwise_norm")(hidden)
        hidden = _lrelu(hidden, f"{tag}_depthwise_act")
        hidden = _conv(hidden, 4 * filters, 1, 1, f"{tag}_project", glorot)
        hidden = instance_norm(name=f"{tag}_project_norm")(hidden)
        return layers.Add(name=f"{tag}_add")([x, hidden])

    image = keras.Input((None, None, 3), name="image")
    x = cnl(cnl(image, filters, 3, "b1_0"), filters, 3, "b1_1")
    x = down(x, 2 * filters, "b1_down")
    x = separable(cnl(x, 2 * filters, 3, "b2_0"), 2 * filters, 1, "b2_1")
    x = down(x, 4 * filters, "b2_down")
    x = cnl(x, 4 * filters, 3, "m_0")
    for index in range(1, num_blocks + 1):
        x = block(x, f"m_block{index}")
    x = cnl(x, 4 * filters, 3, "m_1")
    x = up(x, 2 * filters, "u2_up")
    x = cnl(separable(x, 2 * filters, 1, "u2_0"), 2 * filters, 3, "u2_1")
    x = up(x, 2 * filters, "u1_up")  # the paper's figure says 64; the code's 128 is right
    x = cnl(cnl(x, filters, 3, "u1_0"), filters, 3, "u1_1")
    return _output(x, image, glorot, name)


def _layer_norm(epsilon, name):
    """Normalizes over height, width and channels, a scale and shift per channel, in float32."""
    return layers.GroupNormalization(groups=1, epsilon=epsilon, dtype="float32", name=name)


def build_animegan_v2(
    *,
    filters: int = 32,
    epsilon: float = 1e-12,
    resize: Literal["tf1", "half_pixel", "align_corners"] = "tf1",
    name: str = "animegan_v2",
) -> keras.Model:
    """Builds the generator of AnimeGANv2: 2,143,552 parameters.

    Args:
        filters: Channels of the first layer.
        epsilon: Of layer norm: 1e-12 in TensorFlow, 1e-5 in the PyTorch port.
        resize: Convention of the bilinear doubling: TensorFlow 1's, or as the PyTorch port's
            `align_corners` says.
        name: Name of the model.

    Returns:
        A model from RGB float `(N, H, W, 3)` in [-1, 1] to the same; H and W are multiples of 4,
        with "align_corners" any of at least 8.
    """

    def cnl(x, width, stage, index, size=3, stride=1):
        x = _conv(x, width, size, stride, f"{stage}_conv{index}", _HE)
        x = _layer_norm(epsilon, f"{stage}_norm{index}")(x)
        return _lrelu(x, f"{stage}_act{index}")

    def block(x, width, tag):
        hidden = _conv(x, 2 * x.shape[-1], 1, 1, f"{tag}_expand", _HE)
        hidden = _layer_norm(epsilon, f"{tag}_expand_norm")(hidden)
        hidden = _lrelu(hidden, f"{tag}_expand_act")
        hidden = layers.DepthwiseConv2D(3, depthwise_initializer=_HE, name=f"{tag}_depthwise")(
            _pad(hidden, 3, 1)
        )
        hidden = _layer_norm(epsilon, f"{tag}_depthwise_norm")(hidden)
        hidden = _lrelu(hidden, f"{tag}_depthwise_act")
        hidden = _conv(hidden, width, 1, 1, f"{tag}_project", _HE)
        hidden = _layer_norm(epsilon, f"{tag}_project_norm")(hidden)
        if x.shape[-1] != width:
            return hidden
        return layers.Add(name=f"{tag}_add")([x, hidden])

    image = keras.Input((None, None, 3), name="image")
    x = cnl(image, filters, "a", 0, size=7)
    half = x = cnl(cnl(x, 2 * filters, "a", 1, stride=2), 2 * filters, "a", 2)
    x = cnl(cnl(x, 4 * filters, "b", 0, stride=2), 4 * filters, "b", 1)
    x = cnl(x, 4 * filters, "c", 0)
    for index in range(1, 5):
        x = block(x, 8 * filters, f"c_block{index}")
    x = cnl(x, 4 * filters, "c", 1)
    # The port's align_corners way goes back to the sizes that there were, odd ones too.
    back = (half, image) if resize == "align_corners" else (None, None)
    x = BilinearUpsampling(resize, name="d_double")(x, back[0])
    x = cnl(cnl(x, 4 * filters, "d", 0), 4 * filters, "d", 1)
    x = BilinearUpsampling(resize, name="e_double")(x, back[1])
    x = cnl(cnl(x, 2 * filters, "e", 0), 2 * filters, "e", 1)
    x = cnl(x, filters, "e", 2, size=7)
    return _output(x, image, _HE, name)


def build_animegan_v2_lite(
    *,
    filters: int = 32,
    num_blocks: int = 4,
    epsilon: float = 1e-12,
    resize: Literal["tf1", "half_pixel", "align_corners"] = "tf1",
    name: str = "animegan_v2_lite",
) -> keras.Model:
    """Builds the light generator of AnimeGANv2, with additive skips: 698,240 parameters.

    Args:
        filters: Channels of the first layer.
        num_blocks: Residual blocks.
        epsilon: Of layer norm.
        resize: Convention of the bilinear doubling.
        name: Name of the model.

    Returns:
        A model from RGB float `(N, H, W, 3)` in [-1, 1], H and W multiples of 8, to the same.
    """

    def cnl(x, width, tag, size=3, stride=1):
        x = _conv(x, width, size, stride, f"{tag}_conv", _HE)
        return _lrelu(_layer_norm(epsilon, f"{tag}_norm")(x), f"{tag}_act")

    def block(x, tag):
        hidden = cnl(x, filters, f"{tag}_0", size=1)
        hidden = _conv(cnl(hidden, filters, f"{tag}_1"), 4 * filters, 1, 1, f"{tag}_2_conv", _HE)
        return layers.Add(name=f"{tag}_add")([x, hidden])

    def double(x, width, tag):
        return cnl(BilinearUpsampling(resize, name=f"{tag}_double")(x), width, f"{tag}_0")

    image = keras.Input((None, None, 3), name="image")
    x0 = cnl(image, filters, "x0", size=7)
    x1 = cnl(cnl(x0, filters, "x1_0", stride=2), 2 * filters, "x1_1")
    x2 = cnl(cnl(x1, 2 * filters, "x2_0", stride=2), 4 * filters, "x2_1")
    x = cnl(cnl(x2, 2 * filters, "x3_0", stride=2), 4 * filters, "x3_1")
    for index in range(1, num_blocks + 1):
        x = block(x, f"x3_block{index}")
    x = double(x, 4 * filters, "x4")
    x = cnl(layers.Add(name="x4_add")([x, x2]), 2 * filters, "x4_1")
    x = double(x, 2 * filters, "x5")
    x = cnl(layers.Add(name="x5_add")([x, x1]), filters, "x5_1")
    x = double(x, filters, "x6")
    x = cnl(layers.Add(name="x6_add")([x, x0]), filters, "x6_1", size=7)
    return _output(x, image, _HE, name)
