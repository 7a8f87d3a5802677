"""AnimeGAN: the hyper-parameters of the paper and of its releases."""

import dataclasses
from typing import Literal

from ganime_tf.configs.base import TrainableConfig
from ganime_tf.configs.fields import Count, CountOrNone, Decay, Positive, Weight


@dataclasses.dataclass(frozen=True)
class AnimeGANConfig(TrainableConfig):
    """Hyper-parameters of AnimeGAN; the defaults are v1's."""

    load_size: Count = 256
    """Size that pictures are resized to before the random crop of `image_size`."""
    batch_size: Count = 6
    """Pictures in a step, over all replicas."""
    num_epochs: Count = 101
    """Epochs of the whole training."""
    init_epochs: CountOrNone = 5
    """First epochs, in which the generator alone learns to keep the content."""
    variant: Literal["v1", "v2", "v2-lite"] = "v1"
    """Generator, and the norm of the discriminator: instance in v1, layer in v2."""
    filters: CountOrNone = 0
    """Channels of the generator's first layer; 0 is the released size (v1 64, v2 32)."""
    discriminator_filters: Count = 32
    """Channels of the discriminator's first layer."""
    resize: Literal["tf1", "half_pixel", "align_corners"] = "tf1"
    """Convention of v2's bilinear doubling: TensorFlow 1's, or the PyTorch port's."""
    norm_epsilon: Positive = 1e-12
    """Added to the variance in v2's layer norm: 1e-12 in TensorFlow, 1e-5 in PyTorch's port."""
    init_learning_rate: Positive = 1e-4
    """Adam's step size in the first epochs."""
    generator_learning_rate: Positive = 8e-5
    """Adam's step size of the generator."""
    discriminator_learning_rate: Positive = 16e-5
    """Adam's step size of the discriminator."""
    beta_1: Decay = 0.5
    """Adam's first decay."""
    beta_2: Decay = 0.999
    """Adam's second decay."""
    epsilon: Positive = 1e-8
    """Adam's epsilon."""
    adversarial: Literal["lsgan", "bce"] = "lsgan"
    """Adversarial loss: least squares or cross-entropy."""
    generator_weight: Weight = 300.0
    """Weight of the generator's adversarial loss."""
    discriminator_weight: Weight = 300.0
    """Weight of the discriminator's loss."""
    real_weight: Weight = 1.0
    """Weight of coloured anime (real) in the discriminator."""
    fake_weight: Weight = 1.0
    """Weight of generated pictures in the discriminator."""
    grey_weight: Weight = 1.0
    """Weight of grey anime (fake) in the discriminator, against losing the colours."""
    smooth_weight: Weight = 0.1
    """Weight of grey edge-smoothed anime (fake) in the discriminator, for clear edges."""
    content_weight: Weight = 1.5
    """Weight of the distance of features to the photo's."""
    style_weight: Weight = 3.0
    """Weight of the distance of Gram matrices to those of grey anime."""
    colour_weight: Weight = 10.0
    """Weight of the distance of YUV colours to the photo's."""
    tv_weight: Weight = 0.0
    """Weight of the squared variation of the output (v2)."""
    features: Literal["vgg19", "squeezenet", "random"] = "vgg19"
    """Network that compares content and style; the weights above are meant for vgg19."""

    def __post_init__(self):
        """Checks the fields."""
        super().__post_init__()
        stride = 8 if self.variant == "v2-lite" else 4
        if self.image_size % stride:
            raise ValueError(
                f"`image_size` must be a multiple of {stride} for {self.variant}. Received "
                f"{self.image_size}."
            )
        if self.init_epochs < 0:
            raise ValueError(f"`init_epochs` must not be negative. Received {self.init_epochs}.")


_V2_HAYAO = AnimeGANConfig(
    variant="v2",
    batch_size=12,
    init_epochs=10,
    init_learning_rate=2e-4,
    generator_learning_rate=2e-5,
    discriminator_learning_rate=4e-5,
    real_weight=1.2,
    fake_weight=1.2,
    grey_weight=1.2,
    smooth_weight=0.8,
    content_weight=1.5,
    style_weight=2.5,
    colour_weight=15.0,
    tv_weight=1.0,
)
_V2_PAPRIKA = dataclasses.replace(
    _V2_HAYAO,
    real_weight=1.0,
    fake_weight=1.0,
    grey_weight=1.0,
    smooth_weight=0.005,
    content_weight=2.0,
    style_weight=0.6,
    colour_weight=50.0,
    tv_weight=0.1,
)
_V2_SHINKAI = dataclasses.replace(
    _V2_HAYAO,
    real_weight=1.7,
    fake_weight=1.7,
    grey_weight=1.7,
    smooth_weight=1.0,
    content_weight=1.2,
    style_weight=2.0,
    colour_weight=10.0,
)
# The portraits paper names what changed between its iterations, not by how much: "equal weights"
# is its words, the numbers of c and d are ours.
_GANIME_B = dataclasses.replace(
    _V2_SHINKAI,
    num_epochs=40,
    adversarial="bce",
    real_weight=1.0,
    fake_weight=1.0,
    grey_weight=1.0,
    smooth_weight=1.0,
)
_GANIME_C = dataclasses.replace(_GANIME_B, colour_weight=50.0, smooth_weight=2.0)
_GANIME_D = dataclasses.replace(
    _GANIME_C,
    num_epochs=100,
    adversarial="lsgan",
    generator_learning_rate=1e-5,
    discriminator_learning_rate=2e-5,
)

# Five times the presets' rates for a twentieth of the steps. Their weights are meant for VGG-19:
# between unrelated pictures the distances of content and Gram matrices are 7.8 and 0.4 with
# SqueezeNet's features; these let both terms start at the size of the adversarial one.
_SMALL = {
    "image_size": 64,
    "load_size": 72,
    "batch_size": 4,
    "num_epochs": 4,
    "init_epochs": 1,
    "filters": 8,
    "discriminator_filters": 8,
    "init_learning_rate": 1e-3,
    "generator_learning_rate": 1e-4,
    "discriminator_learning_rate": 2e-4,
    "features": "squeezenet",
    "content_weight": 20.0,
    "style_weight": 400.0,
}
_SMALL_D = _SMALL | {
    "num_epochs": 10,
    "init_epochs": 2,
    "generator_learning_rate": 5e-5,
    "discriminator_learning_rate": 1e-4,
}
PRESETS = {
    "animegan": AnimeGANConfig(),
    "animegan-shinkai": AnimeGANConfig(content_weight=1.1),
    "animegan-v2": _V2_HAYAO,
    "animegan-v2-paprika": _V2_PAPRIKA,
    "animegan-v2-shinkai": _V2_SHINKAI,
    "animegan-v2-lite": dataclasses.replace(_V2_HAYAO, variant="v2-lite", batch_size=20),
    "animegan-ganime-b": _GANIME_B,
    "animegan-ganime-c": _GANIME_C,
    "animegan-ganime-d": _GANIME_D,
    "animegan-ganime-b-small": dataclasses.replace(_GANIME_B, **_SMALL),
    "animegan-ganime-c-small": dataclasses.replace(_GANIME_C, **_SMALL),
    "animegan-ganime-d-small": dataclasses.replace(_GANIME_D, **_SMALL_D),
    "animegan-tiny": dataclasses.replace(
        _V2_HAYAO,
        image_size=32,
        load_size=32,
        batch_size=2,
        num_epochs=4,
        init_epochs=0,
        filters=8,
        discriminator_filters=8,
        generator_weight=1.0,
        discriminator_weight=1.0,
        colour_weight=1.0,
        tv_weight=0.1,
        features="random",
    ),
}
