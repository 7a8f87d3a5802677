"""PatchGAN: a discriminator that judges every patch of a picture (Isola et al. 2017, 3.2.2)."""

from typing import Literal

import keras
from keras import layers

from ganime_tf.layers.norm import batch_norm, instance_norm
from ganime_tf.ops.patches import PATCH_LAYERS, check_patch_size


def build_patchgan(
    *,
    patch_size: int = 70,
    filters: int = 64,
    family: Literal["authors", "ganime"] = "authors",
    norm: Literal["batch", "instance"] = "batch",
    conditional: bool = True,
    input_channels: int = 3,
    name: str = "patchgan",
) -> keras.Model:
    """Builds the PatchGAN of a receptive field.

    Args:
        patch_size: 1, 16, 34, 70, 142 or 286 pixels.
        filters: Channels of the first layer; they double up to 8 times that.
        family: "authors" (LeakyReLU 0.2, first layer biased, epsilon 1e-5) or "ganime"
            (LeakyReLU 0.3, first layer without bias, epsilon 1e-3).
        norm: "batch" or "instance". The authors' instance norm has no scale and shift, and their
            convolutions before it are biased.
        conditional: Takes `[condition, image]`, concatenated; else one image.
        input_channels: Channels of each picture.
        name: Name of the model.

    Returns:
        A model to float32 raw scores `(N, h, w, 1)`, 30x30 for 256 px and patch 70.

    Raises:
        ValueError: On another patch size or family.
    """
    check_patch_size(patch_size)
    if family not in ("authors", "ganime"):
        raise ValueError(f"`family` must be 'authors' or 'ganime'. Received {family!r}.")
    authors = family == "authors"
    slope = 0.2 if authors else 0.3
    biased_norm = authors and norm == "instance"
    num_strided = PATCH_LAYERS[patch_size]
    size, pad = (4, 1) if num_strided else (1, 0)

    def block(x, index, width, stride, *, normalize, use_bias, activate=True):
        # Padding by hand: "same" gives odd maps a row more than the authors' (one at stride 1).
        same = not pad or (stride == 2 and not authors)
        if not same:
            x = layers.ZeroPadding2D(pad, name=f"pad{index}")(x)
        x = layers.Conv2D(
            width,
            size,
            stride,
            "same" if same else "valid",
            use_bias=use_bias,
            kernel_initializer=keras.initializers.RandomNormal(0.0, 0.02),
            name=f"conv{index}",
        )(x)
        if normalize and norm == "instance":
            x = instance_norm(
                affine=not authors, gamma_stddev=0.0 if authors else 0.02, name=f"norm{index}"
            )(x)
        elif normalize and authors:
            x = batch_norm(gamma_stddev=0.02, name=f"norm{index}")(x)
        elif normalize:
            x = batch_norm(epsilon=1e-3, momentum=0.99, name=f"norm{index}")(x)
        return layers.LeakyReLU(slope, name=f"act{index}")(x) if activate else x

    image = keras.Input((None, None, input_channels), name="image")
    inputs = image
    x = image
    if conditional:
        condition = keras.Input((None, None, input_channels), name="condition")
        inputs = [condition, image]
        x = layers.Concatenate(name="pair")([condition, image])
    x = block(x, 0, filters, 2 if num_strided else 1, normalize=False, use_bias=authors)
    for index in range(1, max(num_strided, 1)):
        width = filters * min(2**index, 8)
        x = block(x, index, width, 2, normalize=True, use_bias=biased_norm)
    last = max(num_strided, 1)
    width = filters * min(2**last, 8)
    x = block(x, last, width, 1, normalize=True, use_bias=biased_norm)
    # The authors' PixelGAN has no bias on its last layer under batch norm.
    last_bias = bool(num_strided) or biased_norm or not authors
    x = block(x, last + 1, 1, 1, normalize=False, use_bias=last_bias, activate=False)
    x = layers.Activation("linear", dtype="float32", name="scores")(x)
    return keras.Model(inputs, x, name=name)
