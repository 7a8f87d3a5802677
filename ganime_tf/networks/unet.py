"""The two U-Nets called Pix2Pix: the authors' and the TensorFlow tutorial's, which GANime uses."""

from typing import Literal

import keras
from keras import layers

from ganime_tf.layers.norm import batch_norm, instance_norm
from ganime_tf.layers.random import Dropout
from ganime_tf.layers.resize import NearestUpsampling

_INIT_STDDEV = 0.02


def _normal():
    return keras.initializers.RandomNormal(0.0, _INIT_STDDEV)


def _norm(kind: str, family: str, name: str):
    if kind == "instance":
        if family == "authors":
            return instance_norm(affine=False, name=name)
        return instance_norm(gamma_stddev=_INIT_STDDEV, name=name)
    if family == "authors":
        return batch_norm(gamma_stddev=_INIT_STDDEV, name=name)
    return batch_norm(epsilon=1e-3, momentum=0.99, name=name)


def _downsample(x, filters: int, use_bias: bool, name: str):
    return layers.Conv2D(
        filters, 4, 2, "same", use_bias=use_bias, kernel_initializer=_normal(), name=name
    )(x)


def _upsample(x, filters: int, use_bias: bool, kind: str, name: str):
    if kind == "resize":
        # Nearest x2 then a convolution: no overlapping kernels, hence no checkerboard pattern.
        x = NearestUpsampling(2, name=f"{name}_resize")(x)
        return layers.Conv2D(
            filters,
            3,
            padding="same",
            use_bias=use_bias,
            kernel_initializer=_normal(),
            name=name,
        )(x)
    return layers.Conv2DTranspose(
        filters, 4, 2, "same", use_bias=use_bias, kernel_initializer=_normal(), name=name
    )(x)


def build_unet(
    *,
    levels: int = 8,
    filters: int = 64,
    family: Literal["authors", "ganime"] = "authors",
    norm: Literal["batch", "instance"] = "batch",
    dropout: float = 0.5,
    upsample: Literal["transpose", "resize"] = "transpose",
    output_channels: int = 3,
    input_channels: int = 3,
    full_skip: bool = False,
    name: str = "unet",
) -> keras.Model:
    """Builds a U-Net: `levels` halvings, as many doublings, a skip at every level.

    The families differ in more than names (Isola et al. 2017, section 6.1; GANime's code):

    | | authors | ganime |
    | --- | --- | --- |
    | activation | before the convolution, LeakyReLU 0.2 | after it, LeakyReLU 0.3 |
    | skips | rectified again with the decoder | as they are |
    | concatenation | (skip, decoder) | (decoder, skip) |
    | innermost norm | none | yes |
    | batch norm | epsilon 1e-5, momentum 0.9, gamma N(1, 0.02) | 1e-3, 0.99, 1 |
    | instance norm | without scale and shift, convolutions biased | affine, gamma N(1, 0.02) |

    Args:
        levels: 7 for 128 px, 8 for 256 px, 9 for 512 px: the innermost map is 1x1.
        filters: Channels of the first level; they double up to 8 times that.
        family: "authors" or "ganime".
        norm: "batch" or "instance".
        dropout: Rate after the three innermost decoder levels (the papers' noise).
        upsample: "transpose" as published, or "resize" (nearest, then 3x3).
        output_channels: Channels of the result.
        input_channels: Channels of the input.
        full_skip: Also joins the input itself to the last level, and two 3x3 convolutions at full
            size: thin lines need not pass through a picture of half the size. Not published.
        name: Name of the model.

    Returns:
        A model from float `(N, H, W, input_channels)` to float32 `(N, H, W, output_channels)` in
        [-1, 1], H and W multiples of `2**levels`.

    Raises:
        ValueError: With fewer than 2 levels or an unknown family.
    """
    if levels < 2:
        raise ValueError(f"`levels` must be at least 2. Received {levels}.")
    if family not in ("authors", "ganime"):
        raise ValueError(f"`family` must be 'authors' or 'ganime'. Received {family!r}.")
    authors = family == "authors"
    slope = 0.2 if authors else 0.3
    # A bias before a centring norm has no effect; only the authors' instance-norm layout has it.
    use_bias = authors and norm == "instance"
    widths = [min(filters * 2**level, filters * 8) for level in range(levels)]

    image = x = keras.Input((None, None, input_channels), name="image")
    skips = []
    for level, width in enumerate(widths):
        outermost, innermost = level == 0, level == levels - 1
        if authors and not outermost:
            x = layers.LeakyReLU(slope, name=f"down{level}_act")(x)
        x = _downsample(x, width, use_bias, f"down{level}")
        if not outermost and not (authors and innermost):
            x = _norm(norm, family, f"down{level}_norm")(x)
        if not authors:
            x = layers.LeakyReLU(slope, name=f"down{level}_act")(x)
        skips.append(x)

    for level in reversed(range(1, levels)):
        if authors:
            x = layers.ReLU(name=f"up{level}_act")(x)
        x = _upsample(x, widths[level - 1], use_bias, upsample, f"up{level}")
        x = _norm(norm, family, f"up{level}_norm")(x)
        if dropout and level >= levels - 3:
            x = Dropout(dropout, name=f"up{level}_dropout")(x)
        skip = skips[level - 1]
        if not authors:
            x = layers.ReLU(name=f"up{level}_act")(x)
        x = layers.Concatenate(name=f"up{level}_skip")([skip, x] if authors else [x, skip])
    if authors:
        x = layers.ReLU(name="up0_act")(x)
    if full_skip:
        x = _upsample(x, filters, use_bias, upsample, "up0")
        x = _norm(norm, family, "up0_norm")(x)
        x = layers.ReLU(name="full_act")(x)
        x = layers.Concatenate(name="full_skip")([x, image])
        x = layers.Conv2D(filters, 3, padding="same", kernel_initializer=_normal(), name="full0")(x)
        x = layers.ReLU(name="full0_act")(x)
        x = layers.Conv2D(
            output_channels, 3, padding="same", kernel_initializer="glorot_normal", name="full1"
        )(x)
    else:
        x = _upsample(x, output_channels, True, upsample, "up0")
    x = layers.Activation("tanh", dtype="float32", name="output")(x)
    return keras.Model(image, x, name=name)
