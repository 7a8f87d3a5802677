"""CycleGAN: the hyper-parameters of the paper and of its releases."""

import dataclasses
import math
from typing import Literal

from ganime_tf.configs.base import TrainableConfig
from ganime_tf.configs.fields import Count, CountOrNone, Decay, Positive, Weight
from ganime_tf.ops.patches import check_patch_size


@dataclasses.dataclass(frozen=True)
class CycleGANConfig(TrainableConfig):
    """Hyper-parameters of CycleGAN; the defaults are those of the authors' PyTorch release."""

    decay_epochs: CountOrNone = 100
    """Last epochs, in which the learning rate falls linearly to 0."""
    learning_rate: Positive = 2e-4
    """Adam's step size, all networks."""
    beta_1: Decay = 0.5
    """Adam's first decay."""
    beta_2: Decay = 0.999
    """Adam's second decay."""
    epsilon: Positive = 1e-8
    """Adam's epsilon."""
    generator: Literal["resnet", "unet"] = "resnet"
    """Residual generators (the authors'), or U-Nets (GANime)."""
    family: Literal["authors", "ganime"] = "authors"
    """Details of PatchGANs and U-Nets: the authors', or GANime's; see docs/models/pix2pix.md."""
    filters: Count = 64
    """Channels of the first layer of every network."""
    num_blocks: Count = 9
    """Residual blocks: 9 for 256 px, 6 for 128 px."""
    levels: CountOrNone = 0
    """Levels of the U-Net; 0 takes as many as `image_size` has halvings."""
    dropout: Decay = 0.0
    """Rate in the residual blocks, or in the three innermost decoder levels of the U-Net."""
    patch_size: Count = 70
    """Receptive field of the discriminators: 1, 16, 34, 70, 142 or 286 pixels."""
    adversarial: Literal["lsgan", "bce"] = "lsgan"
    """Adversarial loss: least squares (section 4), or cross-entropy (GANime)."""
    cycle_weight: Weight = 10.0
    """Weight lambda of both cycle terms, eq. (3)."""
    identity_weight: Weight = 0.5
    """Weight of the identity terms as a multiple of `cycle_weight` (section 5.2); 0 for none."""
    discriminator_scale: Weight = 0.5
    """Factor of each discriminator's loss."""
    pool_size: CountOrNone = 50
    """Generated pictures kept for each discriminator; 0 shows the newest only."""
    update_order: Literal["joint", "alternating"] = "joint"
    """Both generators, then both discriminators (the authors' PyTorch), or G, D_Y, F, D_X one after
    another, each seeing what the ones before it have learned (the authors' Lua)."""

    @property
    def depth(self) -> int:
        """Levels of the U-Net."""
        return self.levels or int(math.log2(self.image_size))

    def __post_init__(self):
        """Checks the fields."""
        super().__post_init__()
        stride = 2**self.depth if self.generator == "unet" else 4
        if self.image_size % stride:
            raise ValueError(
                f"`image_size` must be a multiple of {stride}. Received {self.image_size}."
            )
        check_patch_size(self.patch_size, self.image_size)
        if self.pool_size < 0:
            raise ValueError(f"`pool_size` must not be negative. Received {self.pool_size}.")


_GANIME = CycleGANConfig(
    batch_size=32,
    num_epochs=150,
    decay_epochs=0,
    epsilon=1e-7,
    generator="unet",
    family="ganime",
    dropout=0.5,
    adversarial="bce",
    identity_weight=0.0,
    pool_size=0,
)
_SMALL = CycleGANConfig(
    image_size=64,
    load_size=72,
    num_epochs=7,
    decay_epochs=4,
    filters=8,
    num_blocks=3,
    patch_size=34,
)
PRESETS = {
    "cyclegan": CycleGANConfig(),
    "cyclegan-128": CycleGANConfig(image_size=128, load_size=143, num_blocks=6),
    "cyclegan-64": dataclasses.replace(
        _SMALL, num_epochs=32, decay_epochs=16, filters=16, num_blocks=4
    ),
    "cyclegan-ganime": _GANIME,
    "cyclegan-small": _SMALL,
    "cyclegan-ganime-small": dataclasses.replace(
        _GANIME,
        image_size=64,
        load_size=72,
        batch_size=4,
        num_epochs=5,
        filters=16,
        patch_size=34,
    ),
    "cyclegan-tiny": CycleGANConfig(
        image_size=64,
        load_size=68,
        num_epochs=8,
        decay_epochs=4,
        filters=8,
        num_blocks=2,
        patch_size=34,
        pool_size=8,
    ),
}
