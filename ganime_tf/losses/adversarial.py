"""Adversarial losses on raw scores ("logits"), as batch means. Real is 1, fake is 0."""

import keras
from keras import ops

KINDS = ("bce", "lsgan", "hinge")


def _score(logits, target: float, kind: str):
    logits = ops.cast(logits, "float32")
    if kind == "bce":
        # log(1 + exp(-x)) for target 1, log(1 + exp(x)) for target 0.
        return ops.mean(ops.softplus(-logits if target == 1.0 else logits))
    if kind == "lsgan":
        return ops.mean(ops.square(logits - target))
    if kind == "hinge":
        return ops.mean(ops.relu(1.0 - logits if target == 1.0 else 1.0 + logits))
    raise ValueError(f"`kind` must be one of {KINDS}. Received {kind!r}.")


def gan_discriminator_loss(real, fake, kind: str = "bce") -> keras.KerasTensor:
    """Discriminator loss: real towards 1 plus fake towards 0, not halved.

    Args:
        real: Scores of real pictures, any shape.
        fake: Scores of generated pictures, any shape.
        kind: "bce" (sigmoid cross-entropy, Isola et al. 2017, eq. (1)) or "lsgan" (least squares,
            Mao et al. 2017, eq. (2) without the 1/2) or "hinge" (Lim and Ye 2017).

    Returns:
        float32 scalar: the sum of the two means.
    """
    return _score(real, 1.0, kind) + _score(fake, 0.0, kind)


def gan_generator_loss(fake, kind: str = "bce") -> keras.KerasTensor:
    """Non-saturating generator loss: fake towards 1 (hinge: upwards), float32 scalar mean."""
    if kind == "hinge":
        return -ops.mean(ops.cast(fake, "float32"))
    return _score(fake, 1.0, kind)
