"""Pix2Pix: the hyper-parameters of the paper and of its releases."""

import dataclasses
import math
from typing import Literal

from ganime_tf.configs.base import TrainableConfig
from ganime_tf.configs.fields import Count, CountOrNone, Decay, Positive, Weight
from ganime_tf.ops.patches import check_patch_size


@dataclasses.dataclass(frozen=True)
class Pix2PixConfig(TrainableConfig):
    """Hyper-parameters of Pix2Pix; the defaults are the authors'."""

    decay_epochs: CountOrNone = 100
    """Last epochs, in which the learning rate falls linearly to 0."""
    learning_rate: Positive = 2e-4
    """Adam's step size, both networks."""
    beta_1: Decay = 0.5
    """Adam's first decay."""
    beta_2: Decay = 0.999
    """Adam's second decay."""
    epsilon: Positive = 1e-8
    """Adam's epsilon."""
    family: Literal["authors", "ganime"] = "authors"
    """Networks: the authors', or GANime's (those of the TensorFlow tutorial)."""
    filters: Count = 64
    """Channels of the first layer of both networks."""
    levels: CountOrNone = 0
    """Levels of the U-Net; 0 takes as many as `image_size` has halvings."""
    norm: Literal["batch", "instance"] = "batch"
    """Normalization of both networks."""
    dropout: Decay = 0.5
    """Rate in the three innermost decoder levels, the paper's noise z."""
    upsample: Literal["transpose", "resize"] = "transpose"
    """Decoder: transposed convolutions, or resize and convolve (no checkerboard pattern)."""
    full_skip: bool = False
    """Also join the sketch itself to the last layer, at full size: thin lines stay clean. Not of
    the paper, whose generator sees them at half the size."""
    patch_size: Count = 70
    """Receptive field of the discriminator: 1, 16, 34, 70, 142 or 286 pixels."""
    adversarial: Literal["bce", "lsgan"] = "bce"
    """Adversarial loss: cross-entropy or least squares."""
    l1_weight: Weight = 100.0
    """Weight of the L1 distance to the truth, eq. (4)."""
    tv_weight: Weight = 0.0
    """Weight of the total variation of the output (GANime, section 5.2)."""
    tv_reduction: Literal["sum", "mean"] = "sum"
    """Total variation as the paper's sum over a picture, or the released code's mean."""
    discriminator_scale: Weight = 0.5
    """Factor of the discriminator's loss: the authors halve it, GANime does not."""
    update_order: Literal["discriminator_first", "simultaneous"] = "discriminator_first"
    """The generator sees the updated discriminator (authors), or the old one (GANime)."""
    inference: Literal["deterministic", "sources"] = "deterministic"
    """Translation with moving statistics and no dropout, or as the sources test: batch statistics
    and dropout."""

    @property
    def depth(self) -> int:
        """Levels of the U-Net."""
        return self.levels or int(math.log2(self.image_size))

    def __post_init__(self):
        """Checks the fields."""
        super().__post_init__()
        if self.image_size % 2**self.depth:
            raise ValueError(
                f"`image_size` must be a multiple of 2**levels = {2**self.depth}. Received "
                f"{self.image_size}. Use a power of two, or fewer `levels`."
            )
        check_patch_size(self.patch_size, self.image_size)


_GANIME = Pix2PixConfig(
    family="ganime",
    batch_size=32,
    num_epochs=150,
    decay_epochs=0,
    epsilon=1e-7,
    discriminator_scale=1.0,
    update_order="simultaneous",
)

# Of docs/papers.md, as all presets `-small`: 64 px, a minute or two on two cores. Batch statistics
# in testing, as the paper's code has it: over four maps of 1x1 the moving ones lag so far behind
# that the colours go wrong (SSIM 0.46 and 0.37 two epochs apart).
_GANIME_SMALL = dataclasses.replace(
    _GANIME,
    image_size=64,
    load_size=72,
    batch_size=4,
    num_epochs=15,
    filters=16,
    patch_size=34,
    inference="sources",
)
PRESETS = {
    "pix2pix": Pix2PixConfig(),
    "pix2pix-128": Pix2PixConfig(image_size=128, load_size=143),
    "pix2pix-512": Pix2PixConfig(image_size=512, load_size=572),
    # Clean fills in minutes: see docs/models/pix2pix.md.
    "pix2pix-64": Pix2PixConfig(
        image_size=64,
        load_size=68,
        batch_size=4,
        num_epochs=10,
        decay_epochs=5,
        filters=16,
        levels=5,
        patch_size=34,
        family="ganime",
        upsample="resize",
        full_skip=True,
        dropout=0.0,
        l1_weight=1000.0,
        learning_rate=1e-3,
        discriminator_scale=1.0,
        update_order="simultaneous",
        ema_decay=0.99,
    ),
    "ganime": _GANIME,
    "ganime-tv": dataclasses.replace(_GANIME, tv_weight=1e-4),
    "ganime-small": _GANIME_SMALL,
    # The sum over a picture of a quarter of the side is a quarter: four times the weight.
    "ganime-tv-small": dataclasses.replace(_GANIME_SMALL, tv_weight=4e-4),
    "pix2pix-tiny": Pix2PixConfig(
        image_size=64,
        load_size=68,
        batch_size=4,
        num_epochs=8,
        decay_epochs=4,
        filters=16,
        levels=5,
        patch_size=34,
        # Best of eight variants after 2100 steps on drawings (SSIM 0.58, authors' networks 0.54):
        # GANime's networks, and an average of noisy weights.
        family="ganime",
        discriminator_scale=1.0,
        update_order="simultaneous",
        ema_decay=0.99,
    ),
}
