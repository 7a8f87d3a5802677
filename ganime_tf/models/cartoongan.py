"""CartoonGAN: photos into cartoons with an edge-promoting adversarial loss.

Paper: Chen, Lai and Liu, CVPR 2018. Weights: Yijunmaverick/CartoonGAN-Test-Pytorch-Torch, the
generator only; no official training code exists. Choices that the paper leaves open:
docs/models/cartoongan.md.
"""

import keras
import tensorflow as tf

from ganime_tf.configs.cartoongan import PRESETS, CartoonGANConfig
from ganime_tf.losses.adversarial import gan_generator_loss
from ganime_tf.losses.perceptual import content_distance
from ganime_tf.losses.stylize import weighted_discriminator_loss
from ganime_tf.models.optimizers import Adam
from ganime_tf.models.stylizer import Stylizer
from ganime_tf.networks.cartoongan import build_cartoon_generator, build_edge_discriminator


@keras.saving.register_keras_serializable("ganime_tf")
class CartoonGAN(Stylizer):
    """Photos into cartoons; a batch is photos `a`, cartoons `b`, edge-smoothed ones `b_smooth`.

    The first `init_epochs` train the generator on the content loss alone (`Stylizer`).
    """

    Config = CartoonGANConfig
    presets = PRESETS
    batch_keys = ("a", "b", "b_smooth")
    loss_names = ("d_loss", "g_adversarial", "g_content")
    # Sides that are no multiples of 4 come out up to 3 pixels longer, as the authors' pictures do:
    # they are cropped, not padded, so that the pixels are the authors'.
    stride = 1
    min_size = 8

    def build_networks(self):
        """Builds the generator G and the discriminator D."""
        config = self.config
        self.generator = build_cartoon_generator(
            filters=config.filters,
            num_blocks=config.num_blocks,
            epsilon=config.norm_epsilon,
            name="generator",
        )
        self.discriminator = build_edge_discriminator(
            filters=config.discriminator_filters, name="discriminator"
        )
        return self.training_groups()

    def default_optimizers(self, steps_per_epoch):
        """Adam for each network, and one for the initialization phase."""
        config = self.config

        def adam(decay):
            rate = config.learning_rate
            if decay and steps_per_epoch:
                total = config.num_epochs * steps_per_epoch
                rate = keras.optimizers.schedules.PiecewiseConstantDecay(
                    [total // 2, 3 * total // 4], [rate, rate / 10.0, rate / 100.0]
                )
            return Adam(rate, config.beta_1, config.beta_2, config.epsilon)

        decays = {"generator": config.step_decay, "discriminator": config.step_decay}
        return {group: adam(decays.get(group, False)) for group in self.groups}

    def adversarial_step(self, batch):
        """One update of D and G, pictures float32 in [-1, 1]."""
        photo = batch["a"]
        wanted = self.content(photo)
        with tf.GradientTape() as tape:
            fake_b = self.generator(photo, training=True)
            with tape.stop_recording():
                d_loss = self._update_discriminator(batch, fake_b)
            g_adversarial = gan_generator_loss(
                self.discriminator(fake_b, training=True), self.config.adversarial
            )
            g_content = content_distance(self.content(fake_b), wanted)
            g_loss = g_adversarial + self.config.content_weight * g_content  # eq. (1)
        self.minimize(tape, g_loss, "generator")
        return self.track(d_loss=d_loss, g_adversarial=g_adversarial, g_content=g_content)

    def _update_discriminator(self, batch, fake_b):
        """Equation (3): cartoons are real, generated and edge-smoothed pictures are not."""
        pictures = tf.concat([batch["b"], fake_b, batch["b_smooth"]], axis=0)
        with tf.GradientTape() as tape:
            real, fake, smooth = tf.split(self.discriminator(pictures, training=True), 3)
            terms = [(real, 1.0, 1.0), (fake, 0.0, 1.0), (smooth, 0.0, 1.0)]
            d_loss = weighted_discriminator_loss(terms, self.config.adversarial)
        self.minimize(tape, d_loss, "discriminator")
        return d_loss
