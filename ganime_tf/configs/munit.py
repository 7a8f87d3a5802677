"""MUNIT: the hyper-parameters of the release, and of the hybrid with AniGAN's decoder."""

import dataclasses
from typing import Literal

from ganime_tf.configs.base import TrainableConfig
from ganime_tf.configs.fields import Count, CountOrNone, Decay, Positive, Share, Weight


@dataclasses.dataclass(frozen=True)
class MUNITConfig(TrainableConfig):
    """Hyper-parameters of MUNIT; the defaults are those of the authors' release."""

    load_size: Count = 256
    """Size that pictures are resized to before the random crop of `image_size`."""
    num_steps: CountOrNone = 1_000_000
    """Steps of the whole training; 0 counts in epochs."""
    learning_rate: Positive = 1e-4
    """Adam's step size, all networks."""
    decay_every: Count = 100_000
    """Steps after which the step size is multiplied by `decay_rate`."""
    decay_rate: Share = 0.5
    """Factor of the step size."""
    beta_1: Decay = 0.5
    """Adam's first decay."""
    beta_2: Decay = 0.999
    """Adam's second decay."""
    epsilon: Positive = 1e-8
    """Adam's epsilon."""
    l2_weight: Weight = 1e-4
    """Adam's coupled weight decay, on every weight."""
    decoder: Literal["munit", "anigan"] = "munit"
    """Residual AdaIN blocks and upsampling, or AniGAN's ASC and FST blocks (ganime_portraits)."""
    filters: Count = 64
    """Channels of the first layer of the encoders."""
    style_size: Count = 8
    """Length of a style code."""
    num_downsample: Count = 2
    """Halvings of the content."""
    num_blocks: Count = 4
    """Residual blocks of the content encoder, and of the decoder `munit`."""
    mlp_width: Count = 256
    """Hidden units of the MLP between style code and norms."""
    discriminator_filters: Count = 64
    """Channels of the first layer of the discriminators."""
    discriminator_layers: Count = 4
    """Halvings of a discriminator."""
    num_scales: Count = 3
    """Discriminators of a domain, each on pictures half the size of the one before."""
    adversarial: Literal["lsgan", "bce"] = "lsgan"
    """Least squares, or cross-entropy (the release's nsgan)."""
    gan_weight: Weight = 1.0
    """Weight of the adversarial loss, a sum over scales and domains."""
    image_weight: Weight = 10.0
    """Weight of the reconstruction of a picture from its own codes."""
    style_weight: Weight = 1.0
    """Weight of the reconstruction of a drawn style from the picture made with it."""
    content_weight: Weight = 1.0
    """Weight of the reconstruction of the content from the translated picture."""
    cycle_weight: Weight = 0.0
    """Weight of the cycle, translated back with the picture's own style; the authors take 10 where
    pixels keep their places, 0 where shapes change."""
    perceptual_weight: Weight = 0.0
    """Weight of the domain-invariant perceptual loss; the authors take 1 at 512 px and more."""
    perceptual: Literal["vgg16", "random"] = "vgg16"
    """Network of that loss: VGG16 up to relu5_3 without the fourth pooling, or one of random
    weights, which needs no file."""

    def __post_init__(self):
        """Checks the fields."""
        super().__post_init__()
        halvings = max(self.num_scales + self.discriminator_layers - 1, 4)
        least, factor = 2**halvings, 2**self.num_downsample
        if self.image_size < least or self.image_size % factor:
            raise ValueError(
                f"`image_size` must be a multiple of {factor} and at least {least} for "
                f"{self.num_scales} scales of {self.discriminator_layers} halvings. Received "
                f"{self.image_size}."
            )


_TINY = MUNITConfig(
    image_size=32,
    load_size=32,
    num_steps=2000,
    decay_every=1000,
    learning_rate=1e-3,
    filters=8,
    style_size=4,
    num_blocks=1,
    mlp_width=16,
    discriminator_filters=8,
    discriminator_layers=3,
    num_scales=2,
)
# Ten times the rate for a hundredth of the paper's steps.
_SMALL = MUNITConfig(
    image_size=64,
    load_size=72,
    batch_size=1,
    num_steps=0,
    num_epochs=3,
    learning_rate=1e-3,
    filters=16,
    num_blocks=2,
    mlp_width=64,
    discriminator_filters=16,
    discriminator_layers=3,
    num_scales=2,
)
PRESETS = {
    "munit": MUNITConfig(),
    "munit-cycle": MUNITConfig(cycle_weight=10.0),
    "munit-ganime": MUNITConfig(num_steps=100_000),
    "munit-anigan": MUNITConfig(decoder="anigan", num_steps=50_000),
    "munit-small": _SMALL,
    "munit-anigan-small": dataclasses.replace(_SMALL, decoder="anigan", num_epochs=2),
    "munit-tiny": _TINY,
    "munit-anigan-tiny": dataclasses.replace(_TINY, decoder="anigan"),
}
