"""StyleAnime's encoders into the latents of StyleGAN2 (Li et al. 2023), after pSp.

A residual network with squeeze and excitation (IR-SE50) feeds a pyramid of three levels; every
latent has a head of its own on one of them. Layers are named as the modules of the released code
(`body.0.res_layer.1`), so that a state dict maps by name.
"""

import math

import keras
from keras import layers

from ganime_tf.layers.equalized import EqualDense
from ganime_tf.layers.segmentation import ResizeLike
from ganime_tf.networks.ir_se import UNITS, add_body, convolve, torch_dense
from ganime_tf.networks.stylegan2 import check_image_size


def split_codes(image_size: int, appearance: int = 4) -> tuple[int, int]:
    """Returns how many latents are structure's and how many appearance's: 10 and 4 at 256 px.

    Raises:
        ValueError: When no latent would be left for the structure.
    """
    check_image_size(image_size)
    structure = 2 * int(math.log2(image_size)) - 2 - appearance
    if structure < 1:
        raise ValueError(
            f"At {image_size} px there are {structure + appearance} latents; `appearance` "
            f"({appearance}) leaves none for the structure."
        )
    return structure, appearance


def structure_heads(structure: int) -> tuple[int, int, int]:
    """Heads of the parsing encoder by level: up to 3 coarse, the rest on the middle level."""
    coarse = min(3, (structure + 1) // 2)
    return coarse, structure - coarse, 0


def whole_heads(structure: int, appearance: int) -> tuple[int, int, int]:
    """Heads of an encoder of every latent, as pSp has them: 3, 4 and 7 at 256 px."""
    coarse = min(3, (structure + 1) // 2)
    middle = min(4, structure - coarse)
    return coarse, middle, structure + appearance - coarse - middle


def map_to_style(x, size: int, width: int, name: str):
    """Adds a head: strided convolutions to one pixel, then a dense layer (pSp's map2style).

    Args:
        x: Features, float `(N, size, size, C)`.
        size: Their height and width, a power of 2: log2(size) convolutions.
        width: Length of the latent.
        name: Name of the head.

    Returns:
        float32 `(N, 1, width)`.
    """
    for index in range(int(math.log2(size))):
        x = convolve(x, width, 3, stride=2, bias=True, name=f"{name}.convs.{2 * index}")
        x = layers.LeakyReLU(0.01, name=f"{name}.convs.{2 * index + 1}")(x)
    x = layers.GlobalAveragePooling2D(dtype="float32", name=f"{name}.pixel")(x)
    x = EqualDense(width, dtype="float32", name=f"{name}.linear")(x)
    return layers.Reshape((1, width), dtype="float32", name=f"{name}.row")(x)


def build_pyramid_encoder(
    *,
    image_size: int = 256,
    in_channels: int = 3,
    heads: tuple[int, int, int] = (3, 4, 7),
    units: tuple[int, int, int, int] = UNITS,
    filters: int = 64,
    style_size: int = 512,
    name: str = "encoder",
) -> keras.Model:
    """Builds an encoder of pictures or one-hot maps to latents, relative to the mean latent.

    Args:
        image_size: Side of the pictures, a power of 2 from 16 on.
        in_channels: 3, or the number of classes of a map.
        heads: Latents from the coarse (a sixteenth), middle (an eighth) and fine level (a quarter).
            The parsing encoder has (3, 7, 0), the appearance encoder (0, 0, 4).
        units: Residual units of the four stages.
        filters: Channels of the first stage; each further one has twice as many.
        style_size: Length of a latent.
        name: Name of the model.

    Returns:
        A model from float `(N, S, S, in_channels)` to float32 `(N, sum(heads), style_size)`.

    Raises:
        ValueError: On a size below 16 or no power of 2, or when there is no head.
    """
    check_image_size(image_size)
    if image_size < 16 or sum(heads) < 1 or len(heads) != 3 or len(units) != 4:
        raise ValueError(
            "An encoder needs pictures of at least 16 px, `heads` of three levels with at least "
            f"one head, and `units` of four stages. Received {image_size}, {heads}, {units}."
        )
    picture = keras.Input((None, None, in_channels), name="picture")
    _, fine, middle, coarse = add_body(picture, units, filters, 4)
    width = coarse.shape[-1]

    def joined(deep, x, name):
        """The deeper level, enlarged corners on corners, plus a 1x1 convolution of this one."""
        up = ResizeLike(name=f"{name}.up")(deep, x)
        return layers.Add(name=f"{name}.sum")([up, convolve(x, width, 1, bias=True, name=name)])

    levels = [coarse]
    if heads[1] or heads[2]:
        levels.append(joined(coarse, middle, "latlayer1"))
    if heads[2]:
        levels.append(joined(levels[1], fine, "latlayer2"))
    rows = []
    for level, count in enumerate(heads):
        for _ in range(count):
            size = (image_size // 16) << level
            rows.append(map_to_style(levels[level], size, style_size, f"styles.{len(rows)}"))
    if len(rows) > 1:
        rows = [layers.Concatenate(axis=1, dtype="float32", name="latents")(rows)]
    return keras.Model(picture, rows[0], name=name)


def build_latent_discriminator(
    *,
    num_styles: int = 14,
    style_size: int = 512,
    width: int = 512,
    released: bool = False,
    name: str = "latent_discriminator",
) -> keras.Model:
    """Builds the judge of latents: float32 `(N, num_styles, style_size)` to scores `(N, 1)`.

    Args:
        num_styles: Latents of a picture, judged together.
        style_size: Length of a latent.
        width: Units of the hidden layers.
        released: Five layers, the first without activation, as the released code; else the four of
            the paper. Leaky ReLU 0.2 between them.
        name: Name of the model.
    """
    codes = keras.Input((num_styles, style_size), name="codes", dtype="float32")
    x = layers.Flatten(dtype="float32", name="flat")(codes)
    # Numbers of the modules of the released code; the paper's has no layer 1.
    for number in (1, 2, 4, 6) if released else (2, 4, 6):
        x = torch_dense(x, width, f"mlp.{number}")
        if number > 1:
            x = layers.LeakyReLU(0.2, dtype="float32", name=f"mlp.{number + 1}")(x)
    return keras.Model(codes, torch_dense(x, 1, "mlp.8"), name=name)
