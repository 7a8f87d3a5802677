"""StyleGAN2 with adaptive augmentation: the hyper-parameters of the papers and of two releases."""

import dataclasses
from typing import Literal

from ganime_tf.configs.base import TrainableConfig
from ganime_tf.configs.fields import Count, CountOrNone, Decay, Positive, Share, Weight


@dataclasses.dataclass(frozen=True)
class StyleGAN2Config(TrainableConfig):
    """Hyper-parameters of StyleGAN2; the defaults are `paper256` of the official PyTorch code."""

    load_size: Count = 256
    """Size that pictures are resized to before the random crop of `image_size`: no crop."""
    batch_size: Count = 64
    """Pictures in a step, over all replicas."""
    num_steps: CountOrNone = 390_625
    """Steps of the whole training: 25 million pictures."""
    ema_decay: Decay = 0.5 ** (64 / 20_000)
    """Decay of the generator's moving average: half of it is gone after 20,000 pictures."""
    ema_ramp: Weight = 0.0
    """The half-life is at most this share of the pictures seen; 0 for no such limit."""
    latent_size: Count = 512
    """Numbers of z."""
    style_size: Count = 512
    """Numbers of w."""
    mapping_layers: Count = 8
    """Layers of the mapping network."""
    channel_base: Count = 16384
    """Channels of a resolution are this over the resolution, at most `channel_max`."""
    channel_max: Count = 512
    """Most channels of a layer."""
    group_size: Count = 8
    """Pictures that the minibatch standard deviation is taken over."""
    learning_rate: Positive = 2.5e-3
    """Adam's step size before the correction for lazy regularization."""
    beta_2: Decay = 0.99
    """Adam's second decay before that correction; the first is 0."""
    epsilon: Positive = 1e-8
    """Adam's epsilon."""
    r1_weight: Weight = 1.0
    """gamma of R1, the weight of half the squared gradient."""
    r1_interval: Count = 16
    """Steps from one R1 to the next."""
    path_length_weight: Weight = 2.0
    """Weight of path length regularization; 0 for none."""
    path_length_interval: Count = 4
    """Steps from one path length regularization to the next."""
    path_length_decay: Share = 0.01
    """Weight of a batch in the mean path length."""
    mixing_probability: Share = 0.9
    """Probability that a batch mixes two styles."""
    augment: Literal["none", "bgc", "bgcfnc"] = "none"
    """Adaptive augmentation: none, the paper's, or with filters, noise and cutout too."""
    augment_target: Share = 0.6
    """Wished mean sign of the scores of real pictures."""
    augment_images: Count = 500_000
    """Pictures in which the probability of augmentation can move by 1."""

    def __post_init__(self):
        """Checks the fields."""
        super().__post_init__()
        if self.image_size < 8 or self.image_size & (self.image_size - 1):
            raise ValueError(
                f"`image_size` must be a power of 2 from 8 on. Received {self.image_size}."
            )
        group = min(self.group_size, self.batch_size)
        if self.batch_size % group:
            raise ValueError(
                f"`batch_size` ({self.batch_size}) must be a multiple of `group_size` "
                f"({self.group_size})."
            )


_LARGE = StyleGAN2Config(channel_base=32768, r1_weight=0.5, image_size=512, load_size=512)

PRESETS = {
    "paper256": StyleGAN2Config(),
    "paper512": _LARGE,
    "paper1024": dataclasses.replace(
        _LARGE,
        image_size=1024,
        load_size=1024,
        batch_size=32,
        num_steps=781_250,
        group_size=4,
        learning_rate=2e-3,
        r1_weight=2.0,
        ema_decay=0.5 ** (32 / 10_000),
    ),
    "ffhq-256-rosinality": StyleGAN2Config(
        channel_base=32768,
        batch_size=16,
        num_steps=800_000,
        group_size=4,
        learning_rate=2e-3,
        r1_weight=10.0,
        ema_decay=0.5 ** (32 / 10_000),
    ),
    "stylegan2-tiny": StyleGAN2Config(
        image_size=32,
        load_size=32,
        batch_size=16,
        num_steps=4_000,
        channel_base=512,
        channel_max=64,
        latent_size=64,
        style_size=64,
        mapping_layers=4,
        group_size=4,
        r1_weight=0.1,
        ema_decay=0.5 ** (16 / 5_000),
        ema_ramp=0.05,
    ),
}
