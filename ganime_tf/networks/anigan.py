"""Encoders, decoder and double-branch discriminator of AniGAN (Li et al. 2021, section III).

The encoders are MUNIT's with other numbers of layers; the blocks stand in `networks.munit`.
"""

import keras
from keras import layers

from ganime_tf.layers.padding import ReflectionPad2D
from ganime_tf.layers.polin import PoLIN
from ganime_tf.layers.resize import NearestUpsampling
from ganime_tf.networks.munit import (
    NUM_ASC_BLOCKS,
    asc_block,
    build_content_encoder,
    build_style_encoder,
    build_style_mlp,
    convolve,
    fst_block,
)

_NUM_FST_BLOCKS = 2


def build_anigan_encoders(*, filters: int = 64) -> tuple[keras.Model, keras.Model]:
    """Builds the content and the style encoder.

    Args:
        filters: Channels of the first layer; the content has 8 times as many, the code as many.

    Returns:
        Models from float `(N, H, W, 3)`, H and W multiples of 8 and at least 16, to float
        `(N, H/8, W/8, 8 * filters)` and to float32 `(N, filters)`.
    """
    content = build_content_encoder(filters=filters, num_downsample=3, num_blocks=2)
    return content, build_style_encoder(filters=filters, style_dim=filters, num_doublings=3)


def build_anigan_decoder(
    *, filters: int = 64, mlp_width: int = 256, name: str = "decoder"
) -> keras.Model:
    """Builds the decoder: two ASC blocks, two FST blocks, a plain doubling, the picture.

    The MLP also has outputs for the plain doubling, which nothing reads, as in the release.

    Args:
        filters: As in `build_anigan_encoders`.
        mlp_width: Hidden units of the MLP.
        name: Name of the model.

    Returns:
        A model from `[content, style]`, float `(N, h, w, 8 * filters)` and `(N, filters)`, to
        float32 `(N, 8h, 8w, 3)` in [-1, 1].
    """
    width = 8 * filters
    content = keras.Input((None, None, width), name="content")
    style = keras.Input((filters,), name="style")
    parameters = build_style_mlp(filters, mlp_width, 46 * filters)(style)
    offset = 0

    def take(channels):
        nonlocal offset
        gamma = parameters[:, offset : offset + channels]
        beta = parameters[:, offset + channels : offset + 2 * channels]
        offset += 2 * channels
        return gamma, beta

    x = content
    for index in range(NUM_ASC_BLOCKS):
        x = asc_block(x, *take(width), name=f"asc{index}")
    for index in range(_NUM_FST_BLOCKS):
        width //= 2
        x = fst_block(x, *take(width), name=f"fst{index}")
    x = NearestUpsampling(name="up_resize")(x)
    x = convolve(x, filters, 5, 1, 2, name="up")
    x = layers.ReLU(name="up_act")(PoLIN(name="up_norm")(x))
    picture = convolve(x, 3, 7, 1, 3, activation="tanh", dtype="float32", name="image")
    return keras.Model([content, style], picture, name=name)


def _leaky(x, name):
    return layers.LeakyReLU(negative_slope=0.2, name=f"{name}_act")(x)


def _residual(x, channels, name):
    """Two convolutions after their activations; the shortcut takes the input as it is."""
    own = x.shape[-1]
    y = convolve(_leaky(x, f"{name}_0"), min(own, channels), 3, 1, 1, name=f"{name}_conv0")
    y = convolve(_leaky(y, f"{name}_1"), channels, 3, 1, 1, name=f"{name}_conv1")
    if own != channels:
        x = convolve(x, channels, 1, bias=False, name=f"{name}_shortcut")
    return layers.Add(name=f"{name}_add")([x, y])


def _halve(x, name):
    x = ReflectionPad2D(1, name=f"{name}_pad")(x)
    return layers.AveragePooling2D(3, 2, name=name)(x)


def build_discriminator_trunk(
    *, filters: int = 64, name: str = "discriminator_trunk"
) -> keras.Model:
    """Builds the shallow layers that both domains share.

    Args:
        filters: Channels of the first layer.
        name: Name of the model.

    Returns:
        A model from float `(N, H, W, 3)` to the features `(N, H/2, W/2, 2 * filters)` and
        `(N, H/4, W/4, 4 * filters)`.
    """
    image = keras.Input((None, None, 3), name="image")
    x = convolve(image, filters, 7, 1, 3, name="stem")
    features = []
    for level in (0, 1):
        width = filters * 2**level
        x = _residual(x, width, f"level{level}_block0")
        x = _residual(x, 2 * width, f"level{level}_block1")
        x = _halve(x, f"level{level}_pool")
        features.append(x)
    return keras.Model(image, features, name=name)


def build_discriminator_branch(*, filters: int = 64, name: str) -> keras.Model:
    """Builds the deep layers and the head of one domain.

    Args:
        filters: As in the trunk.
        name: Name of the model.

    Returns:
        A model from the trunk's last feature to the feature `(N, H/16, W/16, 16 * filters)` and
        float32 logits `(N, H/16, W/16, 1)`, of H and W the picture's.
    """
    shared = keras.Input((None, None, 4 * filters), name="shared")
    x = _residual(shared, 4 * filters, "block0")
    x = _residual(x, 8 * filters, "block1")
    x = _leaky(_halve(x, "pool"), "pool")
    x = layers.ZeroPadding2D(1, name="deep_pad")(x)
    feature = _leaky(convolve(x, 16 * filters, 4, 2, name="deep"), "deep")
    x = layers.ZeroPadding2D(1, name="logits_pad")(feature)
    logits = convolve(x, 1, 3, bias=False, dtype="float32", name="logits")
    return keras.Model(shared, [feature, logits], name=name)
