"""AniGAN: the hyper-parameters of the paper, and of the trial of ganime_portraits."""

import dataclasses
from typing import Literal

from ganime_tf.configs.base import TrainableConfig
from ganime_tf.configs.fields import Count, CountOrNone, Decay, Positive, Weight


@dataclasses.dataclass(frozen=True)
class AniGANConfig(TrainableConfig):
    """Hyper-parameters of AniGAN; the defaults are the authors'."""

    image_size: Count = 128
    """Height and width of a training picture in pixels, a multiple of 16."""
    load_size: Count = 128
    """Size that pictures are resized to before the random crop of `image_size`."""
    batch_size: Count = 4
    """Pictures in a step, over all replicas."""
    num_steps: CountOrNone = 100_000
    """Steps of the whole training; 0 counts in epochs."""
    ema_decay: Decay = 0.999
    """Decay of the generator's moving average, from the first step on; 0 for none."""
    optimizer: Literal["rmsprop", "adam"] = "rmsprop"
    """RMSprop (the paper), or Adam (ganime_portraits)."""
    learning_rate: Positive = 1e-4
    """Step size of all networks."""
    beta_1: Decay = 0.5
    """Adam's first decay."""
    beta_2: Decay = 0.99
    """Adam's second decay, RMSprop's only one."""
    epsilon: Positive = 1e-8
    """The optimizers' epsilon, added to the root."""
    l2_weight: Weight = 1e-4
    """Coupled weight decay, on every weight."""
    encoders: Literal["anigan", "munit"] = "anigan"
    """The paper's encoders (three halvings, two blocks, codes of `filters`) and decoder, or MUNIT's
    (two halvings, four blocks, codes of 8) and its hybrid's decoder."""
    filters: Count = 64
    """Channels of the first layer of every network."""
    mlp_width: Count = 256
    """Hidden units of the MLP between style code and norms."""
    adversarial: Literal["hinge", "lsgan", "bce"] = "hinge"
    """The adversarial loss; ganime_portraits leaves the hinge out."""
    adversarial_reconstruction: bool = False
    """Judge reconstructions too, both by half (FUNIT, whose code this one was cut from)."""
    gradient_penalty: Weight = 10.0
    """Weight of the penalty of D's gradient at real pictures, 0 for none."""
    reconstruction_weight: Weight = 1.2
    """Weight of the reconstruction of a picture from its own codes."""
    feature_weight: Weight = 1.0
    """Weight of feature matching in the layers that the domains share."""
    domain_feature_weight: Weight = 1.0
    """Weight of feature matching in a domain's own branch."""
    feature_matching: Literal["reconstruction", "both"] = "reconstruction"
    """Match reconstructions with their pictures (the paper), and translations with their references
    too (FUNIT)."""

    def __post_init__(self):
        """Checks the fields."""
        super().__post_init__()
        if self.image_size % 16:
            raise ValueError(f"`image_size` must be a multiple of 16. Received {self.image_size}.")

    @property
    def style_size(self) -> int:
        """Length of a style code."""
        return 8 if self.encoders == "munit" else self.filters


PRESETS = {
    "anigan": AniGANConfig(),
    "anigan-ganime": AniGANConfig(
        image_size=256,
        load_size=256,
        batch_size=1,
        encoders="munit",
        adversarial="lsgan",
        gradient_penalty=0.0,
        ema_decay=0.0,
        optimizer="adam",
        beta_2=0.999,
    ),
    "anigan-small": AniGANConfig(
        image_size=64,
        load_size=72,
        batch_size=2,
        num_steps=0,
        num_epochs=2,
        filters=16,
        mlp_width=64,
        learning_rate=3e-4,  # with 1e-3 one seed of three runs away
        ema_decay=0.99,  # .999 reaches back over more than the whole run
    ),
    "anigan-tiny": AniGANConfig(
        image_size=32, load_size=32, batch_size=2, num_steps=2000, filters=8, mlp_width=16
    ),
}
