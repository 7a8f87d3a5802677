"""Face2Anime's networks: CycleGAN's generator in halves, a domain classifier, a critic."""

import keras
from keras import layers

from ganime_tf.layers.norm import instance_norm
from ganime_tf.networks.resnet import build_resnet
from ganime_tf.ops.patches import PATCH_LAYERS, check_patch_size


def build_halves(
    *,
    num_blocks: int,
    encoder_blocks: int,
    filters: int,
    dropout: float = 0.0,
    names: tuple[str, str] = ("encoder", "decoder"),
) -> tuple[keras.Model, keras.Model]:
    """Builds CycleGAN's residual generator as encoder and decoder: one after the other is it.

    Args:
        num_blocks: Residual blocks of both together.
        encoder_blocks: How many of them the encoder has; 0 ends it after the two halvings.
        filters: Channels of the first convolution; the code has four times as many.
        dropout: Rate inside the residual blocks.
        names: Of encoder and decoder.

    Returns:
        `(encoder, decoder)`: float `(N, H, W, 3)` to a code `(N, H / 4, W / 4, 4 * filters)`, and
        the code to float32 `(N, H, W, 3)` in [-1, 1].

    Raises:
        ValueError: When the encoder would have more blocks than there are.
    """
    if not 0 <= encoder_blocks <= num_blocks:
        raise ValueError(
            f"`encoder_blocks` must be between 0 and `num_blocks` ({num_blocks}). Received "
            f"{encoder_blocks}."
        )
    whole = build_resnet(num_blocks=num_blocks, filters=filters, dropout=dropout)
    last = f"block{encoder_blocks - 1}_add" if encoder_blocks else "down1_act"
    code = whole.get_layer(last).output
    encoder = keras.Model(whole.input, code, name=names[0])
    return encoder, keras.Model(code, whole.output, name=names[1])


def _convolve(x, width, stride, name):
    # Stride 2 on an even size: "same" is PyTorch's padding 1. Stride 1: pad both sides by hand.
    if stride == 1:
        x = layers.ZeroPadding2D(1, name=f"{name}_pad")(x)
    initializer = keras.initializers.RandomNormal(0.0, 0.02)
    padding = "same" if stride == 2 else "valid"
    return layers.Conv2D(width, 4, stride, padding, kernel_initializer=initializer, name=name)(x)


def build_domain_classifier(
    *, channels: int, filters: int = 64, name: str = "domain_classifier"
) -> keras.Model:
    """Builds D_dom: which domain a code comes from, by patches of the code.

    No norm: instance norm would take away the contrast that tells domains apart, batch norm would
    tell each domain by its own statistics.

    Args:
        channels: Of the code.
        filters: Channels of the first layer, twice as many in the second.
        name: Name of the model.

    Returns:
        A model from a code `(N, h, w, channels)` to float32 raw scores, a quarter of the size each
        way, less one.
    """
    code = x = keras.Input((None, None, channels), name="code")
    for index, (width, stride) in enumerate(((filters, 2), (2 * filters, 2), (1, 1))):
        x = _convolve(x, width, stride, f"conv{index}")
        if index < 2:
            x = layers.LeakyReLU(0.2, name=f"act{index}")(x)
    x = layers.Activation("linear", dtype="float32", name="scores")(x)
    return keras.Model(code, x, name=name)


@keras.saving.register_keras_serializable("ganime_tf")
class Clip(keras.constraints.Constraint):
    """Keeps weights in [-limit, limit]; optimizers apply it after each of their steps.

    Args:
        limit: Largest magnitude.
    """

    def __init__(self, limit: float):
        self.limit = limit

    def __call__(self, w):
        """Returns the clipped weights."""
        return keras.ops.clip(w, -self.limit, self.limit)

    def get_config(self):
        """Returns the constructor's arguments."""
        return {"limit": self.limit}


def build_critic(
    *,
    patch_size: int = 70,
    filters: int = 64,
    norm: str = "none",
    clip: float = 0.0,
    name: str = "critic",
) -> keras.Model:
    """Builds a PatchGAN that serves as Wasserstein critic: every picture is judged by itself.

    Batch norm has no place here: the penalty needs the gradient of each picture's own score. All
    in float32, since squares of gradients overflow in float16.

    Args:
        patch_size: Receptive field, 16, 34, 70, 142 or 286 pixels.
        filters: Channels of the first layer; they double up to 8 times that.
        norm: "none", or "instance" (no scale and shift).
        clip: Every weight and bias is kept in [-clip, clip]; 0 for no limit.
        name: Name of the model.

    Returns:
        A model from float `(N, H, W, 3)` to float32 raw scores `(N, h, w, 1)`, unbounded.

    Raises:
        ValueError: On another patch size or norm.
    """
    check_patch_size(patch_size)
    if norm not in ("none", "instance") or patch_size == 1:
        raise ValueError(
            "A critic has the `norm` 'none' or 'instance' and a `patch_size` above 1. Received "
            f"{norm!r}, {patch_size}."
        )
    strided = PATCH_LAYERS[patch_size]
    image = x = keras.Input((None, None, 3), name="image")
    for index in range(strided + 2):
        last = index == strided + 1
        if index >= strided:
            x = layers.ZeroPadding2D(1, dtype="float32", name=f"pad{index}")(x)
        constraint = Clip(clip) if clip else None
        x = layers.Conv2D(
            1 if last else filters * min(2**index, 8),
            4,
            2 if index < strided else 1,
            "same" if index < strided else "valid",
            kernel_initializer=keras.initializers.RandomNormal(0.0, 0.02),
            kernel_constraint=constraint,
            bias_constraint=constraint,
            dtype="float32",
            name=f"conv{index}",
        )(x)
        if norm == "instance" and 0 < index <= strided:
            x = instance_norm(affine=False, name=f"norm{index}")(x)
        if not last:
            x = layers.LeakyReLU(0.2, dtype="float32", name=f"act{index}")(x)
    return keras.Model(image, x, name=name)
