"""The networks of XGAN (Royer et al. 2017, arXiv 1711.05139): a dual auto-encoder, its judges.

Sizes are those of 64 px: four halvings to 4x4, a code without places, five doublings back. Kernels,
order of norms and the code's end differ between descriptions; see docs/models/xgan.md.
"""

from collections.abc import Sequence
from typing import Literal

import keras
from keras import layers

from ganime_tf.layers.norm import batch_norm
from ganime_tf.layers.random import Dropout

Order = Literal["norm_first", "activation_first"]


def _normalize(x, order: str, name: str, slope: float = 0.0):
    activate = (
        layers.LeakyReLU(slope, name=f"{name}_act") if slope else layers.ReLU(name=f"{name}_act")
    )
    norm = batch_norm(name=f"{name}_norm")
    return activate(norm(x)) if order == "norm_first" else norm(activate(x))


def _halve(x, width, name, *, use_bias=False):
    # PyTorch pads both sides; "same" would pad bottom and right only.
    x = layers.ZeroPadding2D(1, name=f"{name}_pad")(x)
    return layers.Conv2D(width, 3, 2, use_bias=use_bias, kernel_initializer="he_normal", name=name)(
        x
    )


def build_own_encoder(*, filters: int, order: Order, name: str) -> keras.Model:
    """Builds a domain's first layers: float `(N, S, S, 3)` to `(N, S / 4, S / 4, 2 * filters)`.

    Args:
        filters: Channels of the first layer.
        order: Norm before the activation, or after it.
        name: Name of the model.
    """
    image = x = keras.Input((None, None, 3), name="image")
    for index in (1, 2):
        x = _normalize(_halve(x, filters * index, f"conv{index}"), order, f"conv{index}")
    return keras.Model(image, x, name=name)


def build_shared_encoder(
    *,
    image_size: int,
    filters: int,
    code_size: int,
    order: Order,
    code_end: Literal["norm", "relu"],
    dropout: float,
    name: str = "shared_encoder",
) -> keras.Model:
    """Builds the last layers of both encoders: features to a code `(N, code_size)`.

    Args:
        image_size: Of the pictures, a multiple of 16.
        filters: As `build_own_encoder`.
        code_size: Length of the code.
        order: Norm before the activation, or after it.
        code_end: What follows the last dense layer: "norm", batch norm alone; "relu", what `order`
            says, so that codes are one-sided.
        dropout: Rate between the dense layers.
        name: Name of the model.
    """
    side = image_size // 4
    features = x = keras.Input((side, side, 2 * filters), name="features")
    for index, width in ((3, 4 * filters), (4, 8 * filters)):
        x = _normalize(_halve(x, width, f"conv{index}"), order, f"conv{index}")
    x = layers.Flatten(name="flat")(x)  # (N, S / 16 * S / 16 * 8 * filters)

    def dense(x, name):
        return layers.Dense(
            code_size, use_bias=False, kernel_initializer="he_normal", name=name
        )(x)  # fmt: skip

    x = _normalize(dense(x, "dense1"), order, "dense1")
    if dropout:
        x = Dropout(dropout, name="dropout")(x)
    x = dense(x, "dense2")
    x = batch_norm(name="dense2_norm")(x) if code_end == "norm" else _normalize(x, order, "dense2")
    x = layers.Activation("linear", dtype="float32", name="code")(x)
    return keras.Model(features, x, name=name)


def _double(x, width, kernel, name, use_bias=False):
    return layers.Conv2DTranspose(
        width, kernel, 2, "same", use_bias=use_bias,
        kernel_initializer="glorot_normal" if use_bias else "he_normal", name=name,
    )(x)  # fmt: skip


def build_shared_decoder(
    *, image_size: int, filters: int, code_size: int, order: Order, up_kernel: int,
    name: str = "shared_decoder",
) -> keras.Model:  # fmt: skip
    """Builds the first layers of both decoders: a code to `(N, S / 8, S / 8, 8 * filters)`.

    Args:
        image_size: Of the pictures; the first layer's kernel is a sixteenth of it.
        filters: As `build_own_encoder`.
        code_size: Length of the code.
        order: Norm before the activation, or after it.
        up_kernel: Kernel of the doublings: 4, or 2.
        name: Name of the model.
    """
    code = keras.Input((code_size,), name="code")
    x = layers.Reshape((1, 1, code_size), name="place")(code)
    x = layers.Conv2DTranspose(
        16 * filters, image_size // 16, 1, use_bias=False, kernel_initializer="he_normal",
        name="deconv1",
    )(x)  # fmt: skip
    x = _normalize(x, order, "deconv1")
    x = _normalize(_double(x, 8 * filters, up_kernel, "deconv2"), order, "deconv2")
    return keras.Model(code, x, name=name)


def build_own_decoder(*, filters: int, order: Order, up_kernel: int, name: str) -> keras.Model:
    """Builds a domain's last layers: `(N, S / 8, S / 8, 8 * filters)` to pictures in [-1, 1].

    Args:
        filters: As `build_own_encoder`.
        order: Norm before the activation, or after it.
        up_kernel: Kernel of the doublings: 4, or 2.
        name: Name of the model.

    Returns:
        A model to float32 `(N, S, S, 3)`.
    """
    features = x = keras.Input((None, None, 8 * filters), name="features")
    for index, width in ((3, 4 * filters), (4, 2 * filters)):
        x = _normalize(_double(x, width, up_kernel, f"deconv{index}"), order, f"deconv{index}")
    x = _double(x, 3, up_kernel, "deconv5", use_bias=True)
    x = layers.Activation("tanh", dtype="float32", name="output")(x)
    return keras.Model(features, x, name=name)


def build_xgan_discriminator(
    *, image_size: int, filters: int, order: Order, name: str
) -> keras.Model:
    """Builds the judge of a domain: four halvings and one score a picture.

    Args:
        image_size: Of the pictures, a multiple of 16.
        filters: Channels of the later layers, half as many of the first.
        order: Norm before the activation, or after it; the first and the last have none.
        name: Name of the model.

    Returns:
        A model from `(N, S, S, 3)` to float32 raw scores `(N, 1)`.
    """
    image = x = keras.Input((image_size, image_size, 3), name="image")
    for index, width in enumerate((filters // 2, filters, filters, filters), 1):
        plain = index in (1, 4)
        x = _halve(x, width, f"conv{index}", use_bias=plain)
        if plain:
            x = layers.LeakyReLU(0.2, name=f"conv{index}_act")(x)
        else:
            x = _normalize(x, order, f"conv{index}", slope=0.2)
    x = layers.Flatten(name="flat")(x)
    x = layers.Dense(1, kernel_initializer="glorot_normal", name="dense")(x)
    x = layers.Activation("linear", dtype="float32", name="scores")(x)
    return keras.Model(image, x, name=name)


def build_code_classifier(
    *, code_size: int, widths: Sequence[int], norm: bool = False, name: str = "domain_classifier"
) -> keras.Model:
    """Builds the classifier of a code's domain: dense layers, LeakyReLU 0.2.

    Args:
        code_size: Length of the code.
        widths: Of the hidden layers.
        norm: Batch norm before each activation; it would see each domain's statistics apart, and
            couples the samples of a gradient penalty.
        name: Name of the model.

    Returns:
        A model from `(N, code_size)` to float32 raw scores `(N, 1)`.
    """
    code = x = keras.Input((code_size,), name="code")
    for index, width in enumerate(widths, 1):
        x = layers.Dense(
            width, kernel_initializer="he_normal", dtype="float32", name=f"dense{index}"
        )(x)  # fmt: skip
        if norm:
            x = batch_norm(name=f"dense{index}_norm")(x)
        x = layers.LeakyReLU(0.2, dtype="float32", name=f"dense{index}_act")(x)
    x = layers.Dense(
        1, kernel_initializer="glorot_normal", dtype="float32", name="scores"
    )(x)  # fmt: skip
    return keras.Model(code, x, name=name)
