"""Face2Anime: the hyper-parameters, and each reading of what the paper leaves open.

The paper proposes losses and gives no number. Every choice has its reason in
docs/models/face2anime.md.
"""

import dataclasses
from typing import Literal

from ganime_tf.configs.base import TrainableConfig
from ganime_tf.configs.fields import Count, CountOrNone, Decay, Positive, Weight
from ganime_tf.ops.patches import check_patch_size


@dataclasses.dataclass(frozen=True)
class Face2AnimeConfig(TrainableConfig):
    """Hyper-parameters of Face2Anime; what the paper calls a basic CycleGAN is CycleGAN's."""

    image_size: Count = 128
    """Height and width of a training picture in pixels."""
    load_size: Count = 143
    """Size that pictures are resized to before the random crop of `image_size`."""
    decay_epochs: CountOrNone = 100
    """Last epochs, in which the learning rate falls linearly to 0."""
    optimizer: Literal["adam", "rmsprop"] = "adam"
    """Adam (CycleGAN, WGAN-GP), or RMSprop (WGAN with clipped weights)."""
    learning_rate: Positive = 2e-4
    """Step size of all networks."""
    beta_1: Decay = 0.5
    """Adam's first decay."""
    beta_2: Decay = 0.999
    """Adam's second decay; RMSprop's only one."""
    epsilon: Positive = 1e-8
    """The optimizers' epsilon."""
    filters: Count = 64
    """Channels of the first layer of generators and discriminators."""
    num_blocks: Count = 6
    """Residual blocks of a generator: 9 for 256 px, 6 for 128 px."""
    encoder_blocks: CountOrNone = 3
    """Residual blocks that belong to the encoder: half, rounded up; 0 ends it before them."""
    dropout: Decay = 0.0
    """Rate in the residual blocks."""
    patch_size: Count = 70
    """Receptive field of the discriminators: 16, 34, 70, 142 or 286 pixels."""
    pool_size: CountOrNone = 50
    """Generated pictures kept for each discriminator; 0 (a critic's) shows the newest only."""
    adversarial: Literal["lsgan", "bce", "wgan-gp", "wgan-clip"] = "lsgan"
    """Discriminators (least squares, cross-entropy), or Wasserstein critics, kept smooth by a
    penalty of their gradient, or by clipped weights as in the cited paper [11]."""
    discriminator_scale: Weight = 0.5
    """Factor of each discriminator's loss; a critic's is not scaled."""
    critic_steps: Count = 5
    """Steps of the critics for one of the generators, each on a batch of its own."""
    penalty_weight: Weight = 10.0
    """Weight of the gradient penalty of `wgan-gp`."""
    penalty_of: Literal["mean", "sum"] = "mean"
    """Whose slope is held at 1: that of the mean of a picture's patch scores, which the loss
    estimates, or of their sum (the code of pytorch-CycleGAN-and-pix2pix)."""
    penalty_one_sided: bool = False
    """Slopes below 1 cost nothing."""
    clip: Positive = 0.01
    """Largest weight of a critic of `wgan-clip`."""
    cycle_weight: Weight = 10.0
    """Weight of both cycle terms."""
    identity_weight: Weight = 0.5
    """Weight of the identity terms as a multiple of `cycle_weight`; 0 for none."""
    semantic_weight: Weight = 1.0
    """Weight of L_semAB and L_semBA, eq. (1); 0 for none."""
    semantic_norm: Literal["rms", "l2", "l1"] = "rms"
    """Distance of two codes: Euclidean over the root of their length, plain Euclidean (as
    written), or mean absolute."""
    semantic_detach: bool = False
    """The code of the original picture is a fixed goal (one XGAN code); else both codes move."""
    domain_weight: Weight = 0.5
    """Weight of the encoders' side of L_dom, eq. (2); 0 for none."""
    domain_loss: Literal["lsgan", "bce"] = "lsgan"
    """Least squares, eq. (2), or cross-entropy (Ganin et al., [10])."""
    domain_update: Literal["alternating", "reversal"] = "alternating"
    """D_dom and encoders learn one after the other, or in one step through a reversal layer."""
    domain_target: Literal["swap", "confuse", "reverse"] = "swap"
    """What alternating encoders want of D_dom: the other domain, a half, or the opposite loss."""
    domain_filters: Count = 64
    """Channels of D_dom's first layer."""
    perceptual_weight: Weight = 1.0
    """Weight of the perceptual loss; 0 for none."""
    perceptual: Literal["vgg19", "squeezenet", "anime-classifier", "random"] = "vgg19"
    """Whose features are compared: VGG-19's or SqueezeNet's of photos, those of an
    `anime-classifier` of one's own (`--from`), or random ones (no file needed, sees little)."""
    perceptual_layers: tuple[str, ...] = ()
    """Layers that are compared; empty for the network's usual ones."""
    perceptual_relative: bool = True
    """Each layer's distance as a share of the size of its features; else the plain mean."""
    classifier_filters: tuple[Count, ...] = (32, 64, 128, 256)
    """`filters` of the `anime-classifier` that is given with `--from`."""

    @property
    def critic(self) -> bool:
        """Whether the judges are Wasserstein critics."""
        return self.adversarial.startswith("wgan")

    def __post_init__(self):
        """Checks the fields."""
        super().__post_init__()
        if self.image_size % 4:
            raise ValueError(f"`image_size` must be a multiple of 4. Received {self.image_size}.")
        check_patch_size(self.patch_size, self.image_size)
        if self.patch_size == 1:
            raise ValueError("`patch_size` must be at least 16. Received 1.")
        if self.encoder_blocks > self.num_blocks:
            raise ValueError(
                f"`encoder_blocks` ({self.encoder_blocks}) must not be more than `num_blocks` "
                f"({self.num_blocks})."
            )
        if self.domain_weight and self.image_size < 32:
            raise ValueError(
                "`image_size` must be at least 32 for a domain classifier on codes of a quarter "
                f"of it. Received {self.image_size}."
            )


_PLAIN = {"semantic_weight": 0.0, "domain_weight": 0.0, "perceptual_weight": 0.0}
_CRITIC = {"learning_rate": 1e-4, "beta_1": 0.0, "beta_2": 0.9, "pool_size": 0, "decay_epochs": 0}
_TINY = {
    "image_size": 32,
    "load_size": 36,
    "num_epochs": 8,
    "decay_epochs": 4,
    "filters": 8,
    "num_blocks": 1,
    "encoder_blocks": 1,
    "patch_size": 16,
    "pool_size": 4,
    "domain_filters": 16,
    "perceptual": "random",
    "perceptual_layers": ("block1_conv2",),
}

PRESETS = {
    "face2anime": Face2AnimeConfig(),
    "face2anime-cyclegan": Face2AnimeConfig(**_PLAIN),
    "face2anime-domain": Face2AnimeConfig(**_PLAIN | {"domain_weight": 0.5}),
    "face2anime-semantic": Face2AnimeConfig(**_PLAIN | {"semantic_weight": 1.0}),
    "face2anime-perceptual": Face2AnimeConfig(**_PLAIN | {"perceptual_weight": 1.0}),
    "face2anime-classifier": Face2AnimeConfig(perceptual="anime-classifier"),
    "face2anime-critic": Face2AnimeConfig(**_PLAIN, **_CRITIC, adversarial="wgan-gp"),
    "face2anime-clip": Face2AnimeConfig(
        **_PLAIN,
        **_CRITIC | {"learning_rate": 5e-5, "beta_2": 0.99},
        adversarial="wgan-clip",
        optimizer="rmsprop",
    ),
    "face2anime-tiny": Face2AnimeConfig(**_TINY),
}
# The ablation on the drawn world: 64 px, a minute and a half on two cores each.
_SMALL = {
    "image_size": 64,
    "load_size": 72,
    "batch_size": 2,
    "num_epochs": 4,
    "decay_epochs": 2,
    "filters": 8,
    "num_blocks": 3,
    "encoder_blocks": 2,
    "patch_size": 34,
    "domain_filters": 16,
    "perceptual": "squeezenet",
}
PRESETS |= {
    f"{name}-small": dataclasses.replace(PRESETS[name], **_SMALL)
    for name in (
        "face2anime",
        "face2anime-cyclegan",
        "face2anime-domain",
        "face2anime-semantic",
        "face2anime-perceptual",
    )
}
PRESETS["face2anime-critic-small"] = dataclasses.replace(  # its rate is meant for a million steps
    PRESETS["face2anime-critic"], **_SMALL | {"decay_epochs": 0, "learning_rate": 4e-4}
)
