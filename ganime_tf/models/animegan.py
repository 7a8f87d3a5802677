"""AnimeGAN, AnimeGANv2 and its lite variant: photos into the style of an anime film.

Paper: Chen, Liu and Chen, ISICA 2019 (v1); v2 has code only. Official code:
TachibanaYoshino/AnimeGAN and AnimeGANv2. The presets `animegan-ganime-*` are the three iterations
of the GANime portraits paper, section 5.1. Deviations: docs/models/animegan.md.
"""

import keras
import tensorflow as tf

from ganime_tf.configs.animegan import PRESETS, AnimeGANConfig
from ganime_tf.losses.adversarial import gan_generator_loss
from ganime_tf.losses.perceptual import content_distance, style_distance
from ganime_tf.losses.stylize import (
    colour_distance,
    squared_variation,
    weighted_discriminator_loss,
)
from ganime_tf.models.optimizers import Adam
from ganime_tf.models.stylizer import Stylizer
from ganime_tf.networks.animegan import (
    build_animegan_v1,
    build_animegan_v2,
    build_animegan_v2_lite,
)
from ganime_tf.networks.cartoongan import build_edge_discriminator


@keras.saving.register_keras_serializable("ganime_tf")
class AnimeGAN(Stylizer):
    """Photos into anime; a batch is photos `a` and, unpaired, anime `b`, `b_grey`, `b_smooth_grey`.

    The first `init_epochs` train the generator on the content loss alone (`Stylizer`).
    """

    Config = AnimeGANConfig
    presets = PRESETS
    batch_keys = ("a", "b", "b_grey", "b_smooth_grey")

    @property
    def loss_names(self) -> tuple[str, ...]:
        """Names of the losses that `train_step` returns, unweighted."""
        names = ("d_loss", "g_adversarial", "g_content", "g_style", "g_colour")
        return names + (("g_tv",) if self.config.tv_weight else ())

    @property
    def stride(self) -> int:
        """Sizes are padded to multiples of this."""
        if self.config.variant == "v2" and self.config.resize == "align_corners":
            return 1  # the PyTorch port interpolates back to the sizes that it saw
        return 8 if self.config.variant == "v2-lite" else 4

    @property
    def min_size(self) -> int:
        """Least height and width that the networks take."""
        return 16 if self.config.variant == "v2-lite" else 8

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
