"""CartoonGAN: the hyper-parameters of the paper and of its releases."""

import dataclasses
from typing import Literal

from ganime_tf.configs.base import TrainableConfig
from ganime_tf.configs.fields import Count, CountOrNone, Decay, Positive, Weight


@dataclasses.dataclass(frozen=True)
class CartoonGANConfig(TrainableConfig):
    """Hyper-parameters of CartoonGAN; the defaults are the paper's."""

    load_size: Count = 256
    """Size that pictures are resized to before the random crop of `image_size`."""
    batch_size: Count = 8
    """Pictures in a step, over all replicas."""
    init_epochs: CountOrNone = 10
    """First epochs, in which the generator alone learns to keep the content, section 3.3."""
    learning_rate: Positive = 2e-4
    """Adam's step size, both networks."""
    beta_1: Decay = 0.5
    """Adam's first decay."""
    beta_2: Decay = 0.999
    """Adam's second decay."""
    epsilon: Positive = 1e-8
    """Adam's epsilon."""
    step_decay: bool = False
    """Divide the learning rate by 10 at one half and again at three quarters of the epochs."""
    filters: Count = 64
    """Channels of the generator's first layer."""
    num_blocks: Count = 8
    """Residual blocks of the generator."""
    discriminator_filters: Count = 32
    """Channels of the discriminator's first layer."""
    norm_epsilon: Positive = 1e-9
    """Added to the variance in the generator's instance norm."""
    adversarial: Literal["bce", "lsgan"] = "bce"
    """Adversarial loss: cross-entropy or least squares."""
    content_weight: Weight = 10.0
    """Weight of the content loss, omega in eq. (1)."""
    features: Literal["vgg19", "squeezenet", "random"] = "vgg19"
    """Network that compares content; the weights above are meant for vgg19."""

    def __post_init__(self):
        """Checks the fields."""
        super().__post_init__()
        if self.image_size % 4:
            raise ValueError(f"`image_size` must be a multiple of 4. Received {self.image_size}.")
        if self.init_epochs < 0:
            raise ValueError(f"`init_epochs` must not be negative. Received {self.init_epochs}.")


PRESETS = {
    "cartoongan": CartoonGANConfig(),
    "cartoongan-squeezenet": CartoonGANConfig(features="squeezenet"),
    "cartoongan-small": CartoonGANConfig(
        image_size=64,
        load_size=72,
        batch_size=4,
        num_epochs=17,
        init_epochs=4,  # a twentieth of so few steps teaches nothing
        filters=8,
        num_blocks=4,
        discriminator_filters=8,
        features="squeezenet",
    ),
    "cartoongan-tiny": CartoonGANConfig(
        image_size=32,
        load_size=32,
        batch_size=2,
        num_epochs=4,
        init_epochs=0,
        filters=8,
        num_blocks=2,
        discriminator_filters=8,
        features="random",
    ),
}
