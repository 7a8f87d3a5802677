"""Pix2Pix: paired translation with a conditional GAN, with and without total variation.

Papers: Isola et al. 2017 (arXiv 1611.07004); GANime, Vu and Yang, section 5.2.
Official code: junyanz/pytorch-CycleGAN-and-pix2pix (family "authors"), taivu1998/GANime
(family "ganime"). Deviations: docs/models/pix2pix.md.
"""

import keras
import tensorflow as tf

from ganime_tf import losses
from ganime_tf.configs.pix2pix import PRESETS, Pix2PixConfig
from ganime_tf.models.optimizers import decayed_adam
from ganime_tf.models.translator import Translator
from ganime_tf.networks.patchgan import build_patchgan
from ganime_tf.networks.unet import build_unet


@keras.saving.register_keras_serializable("ganime_tf")
class Pix2Pix(Translator):
    """Conditional GAN for pairs: a U-Net generator and a PatchGAN discriminator."""

    Config = Pix2PixConfig
    presets = PRESETS
    data_kind = "paired"

    @property
    def loss_names(self) -> tuple[str, ...]:
        """Names of the losses that `train_step` returns, unweighted."""
        return ("d_loss", "g_adversarial", "g_l1") + (("g_tv",) if self.config.tv_weight else ())

    @property
    def stride(self) -> int:
        """Sizes are padded to multiples of this."""
        return 2**self.config.depth

    def build_networks(self):
        """Builds the generator G and the discriminator D."""
        config = self.config
        self.generator = build_unet(
            levels=config.depth,
            filters=config.filters,
            family=config.family,
            norm=config.norm,
            dropout=config.dropout,
            upsample=config.upsample,
            full_skip=config.full_skip,
            name="generator",
        )
        self.discriminator = build_patchgan(
            patch_size=config.patch_size,
            filters=config.filters,
            family=config.family,
            norm=config.norm,
            name="discriminator",
        )
        return {"generator": [self.generator], "discriminator": [self.discriminator]}

    def default_optimizers(self, steps_per_epoch):
        """Adam for each network, with the authors' linear decay."""
        torch = self.config.family == "authors"
        return {
            group: decayed_adam(self.config, steps_per_epoch, epsilon_last=torch)
            for group in ("generator", "discriminator")
        }

    def train_step(self, batch):
        """One update of both networks on `{"a", "b"}`, float32 `(N, S, S, 3)` in [-1, 1]."""
        if self.config.update_order == "simultaneous":
            return self._simultaneous_step(batch["a"], batch["b"])
        a, b = batch["a"], batch["b"]
        with tf.GradientTape() as tape:
            fake_b = self.generator(a, training=True)  # one forward pass serves both updates
            with tape.stop_recording():
                d_loss = self._update_discriminator(a, b, fake_b)
            scores = self.discriminator([a, fake_b], training=True)
            g_loss, parts = self._generator_loss(scores, fake_b, b)
        self.minimize(tape, g_loss, "generator")
        return self.track(d_loss=d_loss, **parts)

    def _update_discriminator(self, a, b, fake_b):
        with tf.GradientTape() as tape:
            fake = self.discriminator([a, fake_b], training=True)
            real = self.discriminator([a, b], training=True)
            d_loss = losses.gan_discriminator_loss(real, fake, self.config.adversarial)
            d_loss *= self.config.discriminator_scale
        self.minimize(tape, d_loss, "discriminator")
        return d_loss

    def _simultaneous_step(self, a, b):
        """Both gradients from the old weights, D's scores of the fake computed once (GANime)."""
        with tf.GradientTape() as g_tape, tf.GradientTape() as d_tape:
            fake_b = self.generator(a, training=True)
            real = self.discriminator([a, b], training=True)
            fake = self.discriminator([a, fake_b], training=True)
            g_loss, parts = self._generator_loss(fake, fake_b, b)
            d_loss = losses.gan_discriminator_loss(real, fake, self.config.adversarial)
            d_loss *= self.config.discriminator_scale
        self.minimize(g_tape, g_loss, "generator")
        self.minimize(d_tape, d_loss, "discriminator")
        return self.track(d_loss=d_loss, **parts)

    def _generator_loss(self, scores, fake_b, b):
        """Eq. (4) of Isola et al.: L_cGAN + lambda * L_L1, plus GANime's total variation."""
        config = self.config
        parts = {
            "g_adversarial": losses.gan_generator_loss(scores, config.adversarial),
            "g_l1": losses.l1(fake_b, b),
        }
        total = parts["g_adversarial"] + config.l1_weight * parts["g_l1"]
        if config.tv_weight:
            parts["g_tv"] = losses.total_variation(fake_b, config.tv_reduction)
            total += config.tv_weight * parts["g_tv"]
        return total, parts

    @property
    def batch_limit(self) -> int:
        """Batch statistics are those of single pictures, as the sources test."""
        return 1 if self.config.inference == "sources" else 8

    def call(self, x, training=False):
        """A -> b, float `(N, H, W, 3)` in [-1, 1], H and W multiples of the stride."""
        if self.config.inference == "sources":
            return self.generator(x, training=True)
        return (self.generator if training else self.for_inference(self.generator))(
            x, training=training
        )
