"""Encoders, decoders and discriminator of MUNIT (Huang et al. 2018, appendix B.2).

The decoder also comes with AniGAN's blocks (Li et al. 2021), the hybrid of ganime_portraits.
Convolutions followed at once by instance statistics have no bias: it would change nothing.
"""

from typing import Literal

import keras
from keras import layers, ops

from ganime_tf.layers.adain import AdaIN, PictureNorm
from ganime_tf.layers.norm import instance_norm
from ganime_tf.layers.padding import ReflectionPad2D
from ganime_tf.layers.polin import AdaPoLIN, PoLIN
from ganime_tf.layers.resize import NearestUpsampling

DECODERS = ("munit", "anigan")
NUM_ASC_BLOCKS = 2  # AniGAN, figure 3


def he_normal():
    """Returns PyTorch's `kaiming_normal_`: normal, not truncated, of std `sqrt(2 / fan_in)`."""
    return keras.initializers.VarianceScaling(2.0, "fan_in", "untruncated_normal")


def convolve(x, channels, size, stride=1, pad=0, *, name, bias=True, kernel=None, **kwargs):
    """Reflection padding and a convolution without padding of its own."""
    if pad:
        x = ReflectionPad2D(pad, name=f"{name}_pad")(x)
    conv = layers.Conv2D(
        channels,
        size,
        stride,
        use_bias=bias,
        kernel_initializer=kernel or he_normal(),
        name=name,
        **kwargs,
    )
    return conv(x)


def build_content_encoder(
    *,
    filters: int = 64,
    num_downsample: int = 2,
    num_blocks: int = 4,
    name: str = "content_encoder",
) -> keras.Model:
    """Builds the content encoder.

    Args:
        filters: Channels of the first convolution; doubled by every halving.
        num_downsample: Halvings.
        num_blocks: Residual blocks.
        name: Name of the model.

    Returns:
        A model from float `(N, H, W, 3)` to float `(N, H/f, W/f, filters * f)` with
        `f = 2 ** num_downsample`, which must divide H and W.
    """
    image = keras.Input((None, None, 3), name="image")
    x = convolve(image, filters, 7, 1, 3, bias=False, name="stem")
    x = layers.ReLU(name="stem_act")(instance_norm(affine=False, name="stem_norm")(x))
    for index in range(num_downsample):
        filters *= 2
        label = f"down{index}"
        x = convolve(x, filters, 4, 2, 1, bias=False, name=label)
        x = instance_norm(affine=False, name=f"{label}_norm")(x)
        x = layers.ReLU(name=f"{label}_act")(x)
    for index in range(num_blocks):
        skip = x
        for part in (0, 1):
            label = f"block{index}_conv{part}"
            x = convolve(x, filters, 3, 1, 1, bias=False, name=label)
            x = instance_norm(affine=False, name=f"{label}_norm")(x)
            x = x if part else layers.ReLU(name=f"{label}_act")(x)
        x = layers.Add(name=f"block{index}_add")([skip, x])
    return keras.Model(image, x, name=name)


def build_style_encoder(
    *,
    filters: int = 64,
    style_dim: int = 8,
    num_downsample: int = 4,
    num_doublings: int = 2,
    name: str = "style_encoder",
) -> keras.Model:
    """Builds the style encoder, which has no normalization: it would remove the style.

    Args:
        filters: Channels of the first convolution.
        style_dim: Length of the code.
        num_downsample: Halvings.
        num_doublings: How many of the halvings, the first ones, double the channels.
        name: Name of the model.

    Returns:
        A model from float `(N, H, W, 3)`, H and W at least `2 ** num_downsample`, to float32
        `(N, style_dim)`.
    """
    image = keras.Input((None, None, 3), name="image")
    x = layers.ReLU(name="stem_act")(convolve(image, filters, 7, 1, 3, name="stem"))
    for index in range(num_downsample):
        filters *= 2 if index < num_doublings else 1
        x = convolve(x, filters, 4, 2, 1, name=f"down{index}")
        x = layers.ReLU(name=f"down{index}_act")(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    code = layers.Dense(style_dim, kernel_initializer=he_normal(), dtype="float32", name="code")(x)
    return keras.Model(image, code, name=name)


def build_style_mlp(style_dim: int, width: int, outputs: int, *, name: str = "mlp") -> keras.Model:
    """Builds the MLP from a code `(N, style_dim)` to float32 `(N, outputs)` for adaptive norms."""
    style = keras.Input((style_dim,), name="style")
    x = style
    for index in (0, 1):
        x = layers.Dense(width, "relu", kernel_initializer=he_normal(), name=f"dense{index}")(x)
    x = layers.Dense(outputs, kernel_initializer=he_normal(), dtype="float32", name="dense2")(x)
    return keras.Model(style, x, name=name)


def asc_block(x, gamma, beta, *, name: str):
    """Adaptive stacked convolutions (AniGAN, section III-C): no skip, no last activation.

    Both norms share `gamma` and `beta`, `(N, C)`; `x` and the result are `(N, H, W, C)`.
    """
    for part in (0, 1):
        label = f"{name}_conv{part}"
        x = convolve(x, x.shape[-1], 3, 1, 1, bias=False, name=label)
        x = AdaPoLIN(name=f"{label}_norm")(x, gamma, beta)
        x = x if part else layers.ReLU(name=f"{label}_act")(x)
    return x


def fst_block(x, gamma, beta, *, name: str):
    """Fine-grained style transfer (AniGAN, section III-C): doubles the side, halves the channels.

    `x` is `(N, H, W, 2C)`, `gamma` and `beta` `(N, C)`, the result `(N, 2H, 2W, C)`.
    """
    channels = x.shape[-1] // 2
    x = NearestUpsampling(name=f"{name}_up")(x)
    x = convolve(x, channels, 5, 1, 2, name=f"{name}_conv0")
    x = layers.ReLU(name=f"{name}_act0")(PoLIN(name=f"{name}_conv0_norm")(x))
    x = convolve(x, channels, 5, 1, 2, name=f"{name}_conv1")
    x = AdaPoLIN(name=f"{name}_conv1_norm")(x, gamma, beta)
    return layers.ReLU(name=f"{name}_act1")(x)


def _munit_body(x, parameters, num_downsample, num_blocks):
    """Residual AdaIN blocks, then upsampling; each slice holds the shift first, then the scale."""
    width = x.shape[-1]
    offset = 0
    for index in range(num_blocks):
        skip = x
        for part in (0, 1):
            label = f"block{index}_conv{part}"
            beta = parameters[:, offset : offset + width]
            gamma = parameters[:, offset + width : offset + 2 * width]
            offset += 2 * width
            x = convolve(x, width, 3, 1, 1, bias=False, name=label)
            x = AdaIN(name=f"{label}_norm")(x, gamma, beta)
            x = x if part else layers.ReLU(name=f"{label}_act")(x)
        x = layers.Add(name=f"block{index}_add")([skip, x])
    for index in range(num_downsample):
        width //= 2
        x = NearestUpsampling(name=f"up{index}_resize")(x)
        x = convolve(x, width, 5, 1, 2, name=f"up{index}")
        x = layers.ReLU(name=f"up{index}_act")(PictureNorm(name=f"up{index}_norm")(x))
    return x


def _anigan_body(x, parameters, num_downsample):
    """ASC, then FST blocks; each slice holds the scale first, then the shift (AniGAN's order)."""
    width = x.shape[-1]
    offset = 0

    def take(channels):
        nonlocal offset
        gamma = parameters[:, offset : offset + channels]
        beta = parameters[:, offset + channels : offset + 2 * channels]
        offset += 2 * channels
        return gamma, beta

    for index in range(NUM_ASC_BLOCKS):
        x = asc_block(x, *take(width), name=f"asc{index}")
    for index in range(num_downsample):
        width //= 2
        x = fst_block(x, *take(width), name=f"fst{index}")
    return x


def build_munit_decoder(
    *,
    filters: int = 64,
    style_dim: int = 8,
    num_downsample: int = 2,
    num_blocks: int = 4,
    mlp_width: int = 256,
    decoder: Literal["munit", "anigan"] = "munit",
    name: str = "decoder",
) -> keras.Model:
    """Builds the decoder with the MLP that turns a style code into the norms' parameters.

    Args:
        filters: As in `build_content_encoder`.
        style_dim: Length of the code.
        num_downsample: As in `build_content_encoder`; the decoder doubles the side as often.
        num_blocks: Residual blocks of "munit". "anigan" always has two ASC blocks.
        mlp_width: Hidden units of the MLP.
        decoder: "munit": residual AdaIN blocks and upsampling; "anigan": ASC and FST blocks.
        name: Name of the model.

    Returns:
        A model from `[content, style]`, float `(N, h, w, filters * f)` with
        `f = 2 ** num_downsample` and `(N, style_dim)`, to float32 `(N, h * f, w * f, 3)` in
        [-1, 1].

    Raises:
        ValueError: On an unknown `decoder`.
    """
    if decoder not in DECODERS:
        raise ValueError(f"`decoder` must be one of {DECODERS}. Received {decoder!r}.")
    width = filters * 2**num_downsample
    content = keras.Input((None, None, width), name="content")
    style = keras.Input((style_dim,), name="style")
    if decoder == "munit":
        outputs = 4 * num_blocks * width
    else:
        outputs = 2 * NUM_ASC_BLOCKS * width
        outputs += sum(2 * width // 2**index for index in range(1, num_downsample + 1))
    parameters = build_style_mlp(style_dim, mlp_width, outputs)(style)
    if decoder == "munit":
        x = _munit_body(content, parameters, num_downsample, num_blocks)
    else:
        x = _anigan_body(content, parameters, num_downsample)
    picture = convolve(x, 3, 7, 1, 3, activation="tanh", dtype="float32", name="image")
    return keras.Model([content, style], picture, name=name)


@keras.saving.register_keras_serializable("ganime_tf")
class HalveByAverage(keras.layers.Layer):
    """Means over 3x3 windows at every second pixel, in which padding is not counted.

    Call arguments:
        x: `(N, H, W, C)`.

    Returns:
        `(N, ceil(H/2), ceil(W/2), C)`.
    """

    def call(self, x):
        """Returns the halved pictures."""
        sides = ((0, 0), (1, 1), (1, 1), (0, 0))

        def pool(values):
            return ops.average_pool(
                ops.pad(values, sides), 3, 2, padding="valid", data_format="channels_last"
            )

        return pool(x) / pool(ops.ones_like(x[:1, :, :, :1]))

    def compute_output_shape(self, input_shape):
        """Returns the shape of the halved pictures."""
        batch, height, width, channels = input_shape
        return (batch, height and (height + 1) // 2, width and (width + 1) // 2, channels)


def build_multi_scale_discriminator(
    *,
    filters: int = 64,
    num_layers: int = 4,
    num_scales: int = 3,
    name: str = "discriminator",
) -> keras.Model:
    """Builds discriminators that share nothing, of the picture and of its halved copies.

    Args:
        filters: Channels of the first convolution; doubled by every further one.
        num_layers: Convolutions of stride 2 per scale.
        num_scales: Scales.
        name: Name of the model.

    Returns:
        A model from float `(N, H, W, 3)`, H and W at least `2 ** (num_scales + num_layers - 1)`,
        to a list of `num_scales` float32 logit maps, at full size first `(N, H/16, W/16, 1)`.
    """
    kernel = keras.initializers.RandomNormal(0.0, 0.02)
    image = keras.Input((None, None, 3), name="image")
    maps = []
    scaled = image
    for scale in range(num_scales):
        if scale:
            scaled = HalveByAverage(name=f"halve{scale}")(scaled)
        x = scaled
        for index in range(num_layers):
            label = f"scale{scale}_conv{index}"
            x = convolve(x, filters * 2**index, 4, 2, 1, kernel=kernel.clone(), name=label)
            x = layers.LeakyReLU(negative_slope=0.2, name=f"{label}_act")(x)
        label = f"scale{scale}_logits"
        maps.append(convolve(x, 1, 1, kernel=kernel.clone(), dtype="float32", name=label))
    return keras.Model(image, maps, name=name)
