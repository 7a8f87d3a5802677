"""AnimeGAN, AnimeGANv2 and its lite variant: photos into the style of an anime film.

Paper: Chen, Liu and Chen, ISICA 2019 (v1); v2 has code only. Official code:
TachibanaYoshino/AnimeGAN and AnimeGANv2. The presets `animegan-ganime-*` are the three iterations
of the GANime portraits paper, section 5.1. Deviations: docs/models/animegan.md.
"""

import dataclasses
from typing import Literal

import keras
import tensorflow as tf

from ganime_tf.losses.adversarial import gan_generator_loss
from ganime_tf.losses.perceptual import content_distance, style_distance
from ganime_tf.losses.stylize import (
    colour_distance,
    squared_variation,
    weighted_discriminator_loss,
)
from ganime_tf.models.optimizers import Adam
from ganime_tf.models.phases import PhasedTranslator
from ganime_tf.models.translator import TranslatorConfig
from ganime_tf.networks.animegan import (
    build_animegan_v1,
    build_animegan_v2,
    build_animegan_v2_lite,
)
from ganime_tf.networks.cartoongan import build_edge_discriminator


@dataclasses.dataclass(frozen=True)
class AnimeGANConfig(TranslatorConfig):
    """Hyper-parameters of AnimeGAN; the defaults are v1's."""

    load_size: int = 256
    """Size that pictures are resized to before the random crop of `image_size`."""
    batch_size: int = 6
    """Pictures in a step, over all replicas."""
    num_epochs: int = 101
    """Epochs of the whole training."""
    init_epochs: int = 5
    """First epochs, in which the generator alone learns to keep the content."""
    variant: Literal["v1", "v2", "v2-lite"] = "v1"
    """Generator, and the norm of the discriminator: instance in v1, layer in v2."""
    filters: int = 0
    """Channels of the generator's first layer; 0 is the released size (v1 64, v2 32)."""
    discriminator_filters: int = 32
    """Channels of the discriminator's first layer."""
    resize: Literal["tf1", "half_pixel", "align_corners"] = "tf1"
    """Convention of v2's bilinear doubling: TensorFlow 1's, or the PyTorch port's."""
    norm_epsilon: float = 1e-12
    """Added to the variance in v2's layer norm: 1e-12 in TensorFlow, 1e-5 in PyTorch's port."""
    init_learning_rate: float = 1e-4
    """Adam's step size in the first epochs."""
    generator_learning_rate: float = 8e-5
    """Adam's step size of the generator."""
    discriminator_learning_rate: float = 16e-5
    """Adam's step size of the discriminator."""
    beta_1: float = 0.5
    """Adam's first decay."""
    beta_2: float = 0.999
    """Adam's second decay."""
    epsilon: float = 1e-8
    """Adam's epsilon."""
    adversarial: Literal["lsgan", "bce"] = "lsgan"
    """Adversarial loss: least squares or cross-entropy."""
    generator_weight: float = 300.0
    """Weight of the generator's adversarial loss."""
    discriminator_weight: float = 300.0
    """Weight of the discriminator's loss."""
    real_weight: float = 1.0
    """Weight of coloured anime (real) in the discriminator."""
    fake_weight: float = 1.0
    """Weight of generated pictures in the discriminator."""
    grey_weight: float = 1.0
    """Weight of grey anime (fake) in the discriminator, against losing the colours."""
    smooth_weight: float = 0.1
    """Weight of grey edge-smoothed anime (fake) in the discriminator, for clear edges."""
    content_weight: float = 1.5
    """Weight of the distance of features to the photo's."""
    style_weight: float = 3.0
    """Weight of the distance of Gram matrices to those of grey anime."""
    colour_weight: float = 10.0
    """Weight of the distance of YUV colours to the photo's."""
    tv_weight: float = 0.0
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


@keras.saving.register_keras_serializable("ganime_tf")
class AnimeGAN(PhasedTranslator):
    """Photos into anime; a batch is photos `a` and, unpaired, anime `b`, `b_grey`, `b_smooth_grey`.

    The first `init_epochs` train the generator on the content loss alone (`PhasedTranslator`).
    """

    Config = AnimeGANConfig
    batch_keys = ("a", "b", "b_grey", "b_smooth_grey")

    @property
    def loss_names(self) -> tuple[str, ...]:
        """Names of the losses that `train_step` returns, unweighted."""
        names = ("d_loss", "g_adversarial", "g_content", "g_style", "g_colour")
        return names + (("g_tv",) if self.config.tv_weight else ())

    @property
    def stride(self) -> int:
        """Sizes are padded to multiples of this."""
        return 8 if self.config.variant == "v2-lite" else 4

    @property
    def min_size(self) -> int:
        """Least height and width that the networks take."""
        return 2 * self.stride

    def build_networks(self):
        """Builds the generator G and the discriminator D."""
        config = self.config
        width = {"filters": config.filters} if config.filters else {}
        if config.variant == "v1":
            self.generator = build_animegan_v1(**width, name="generator")
        else:
            build = build_animegan_v2 if config.variant == "v2" else build_animegan_v2_lite
            self.generator = build(
                **width, epsilon=config.norm_epsilon, resize=config.resize, name="generator"
            )
        self.discriminator = build_edge_discriminator(
            filters=config.discriminator_filters,
            norm="instance" if config.variant == "v1" else "layer",
            spectral=True,
            name="discriminator",
        )
        return self.training_groups()

    def default_optimizers(self, steps_per_epoch):
        """Adam with constant rates: one for D and two for G, which starts with its own moments."""
        config = self.config
        rates = {
            "generator": config.generator_learning_rate,
            "discriminator": config.discriminator_learning_rate,
            "initialization": config.init_learning_rate,
        }
        return {
            group: Adam(rates[group], config.beta_1, config.beta_2, config.epsilon)
            for group in self.groups
        }

    def adversarial_step(self, batch):
        """One update of D and G, pictures float32 in [-1, 1]."""
        photo = batch["a"]
        wanted = self.content(photo)
        style = self.content(batch["b_grey"])
        with tf.GradientTape() as tape:
            fake_b = self.generator(photo, training=True)
            with tape.stop_recording():
                d_loss = self._update_discriminator(batch, fake_b)
            scores = self.discriminator(fake_b, training=True)
            g_loss, parts = self._generator_loss(scores, fake_b, photo, wanted, style)
        self.minimize(tape, g_loss, "generator")
        return self.track(d_loss=d_loss, **parts)

    def _generator_loss(self, scores, fake_b, photo, wanted, style):
        """Sum of weighted losses; `wanted` and `style` are features of photo and grey anime."""
        config = self.config
        features = self.content(fake_b)
        parts = {
            "g_adversarial": gan_generator_loss(scores, config.adversarial),
            "g_content": content_distance(features, wanted),
            "g_style": style_distance(features, style),
            "g_colour": colour_distance(fake_b, photo),
        }
        total = (
            config.generator_weight * parts["g_adversarial"]
            + config.content_weight * parts["g_content"]
            + config.style_weight * parts["g_style"]
            + config.colour_weight * parts["g_colour"]
        )
        if config.tv_weight:
            parts["g_tv"] = squared_variation(fake_b)
            total += config.tv_weight * parts["g_tv"]
        return total, parts

    def _update_discriminator(self, batch, fake_b):
        """Coloured anime is real; generated, grey, and grey edge-smoothed anime are not."""
        config = self.config
        pictures = [batch["b"], fake_b, batch["b_grey"], batch["b_smooth_grey"]]
        with tf.GradientTape() as tape:
            # One pass for all four: every norm is per picture, and u moves once.
            scores = tf.split(self.discriminator(tf.concat(pictures, axis=0), training=True), 4)
            weights = (
                config.real_weight,
                config.fake_weight,
                config.grey_weight,
                config.smooth_weight,
            )
            targets = (1.0, 0.0, 0.0, 0.0)
            d_loss = weighted_discriminator_loss(
                zip(scores, targets, weights, strict=True), config.adversarial
            )
            weighted = config.discriminator_weight * d_loss
        self.minimize(tape, weighted, "discriminator")
        return d_loss
