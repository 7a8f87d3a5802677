"""Pix2Pix: paired translation with a conditional GAN, with and without total variation.

Papers: Isola et al. 2017 (arXiv 1611.07004); GANime, Vu and Yang, section 5.2.
Official code: junyanz/pytorch-CycleGAN-and-pix2pix (family "authors"), taivu1998/GANime
(family "ganime"). Deviations: docs/models/pix2pix.md.
"""

import dataclasses
import math
from typing import Literal

import keras
import tensorflow as tf

from ganime_tf import losses
from ganime_tf.models.optimizers import decayed_adam
from ganime_tf.models.translator import Translator, TranslatorConfig
from ganime_tf.networks.patchgan import build_patchgan, check_patch_size
from ganime_tf.networks.unet import build_unet


@dataclasses.dataclass(frozen=True)
class Pix2PixConfig(TranslatorConfig):
    """Hyper-parameters of Pix2Pix; the defaults are the authors'."""

    decay_epochs: int = 100
    """Last epochs, in which the learning rate falls linearly to 0."""
    learning_rate: float = 2e-4
    """Adam's step size, both networks."""
    beta_1: float = 0.5
    """Adam's first decay."""
    beta_2: float = 0.999
    """Adam's second decay."""
    epsilon: float = 1e-8
    """Adam's epsilon."""
    family: Literal["authors", "ganime"] = "authors"
    """Networks: the authors', or GANime's (those of the TensorFlow tutorial)."""
    filters: int = 64
    """Channels of the first layer of both networks."""
    levels: int = 0
    """Levels of the U-Net; 0 takes as many as `image_size` has halvings."""
    norm: Literal["batch", "instance"] = "batch"
    """Normalization of both networks."""
    dropout: float = 0.5
    """Rate in the three innermost decoder levels, the paper's noise z."""
    upsample: Literal["transpose", "resize"] = "transpose"
    """Decoder: transposed convolutions, or resize and convolve (no checkerboard pattern)."""
    patch_size: int = 70
    """Receptive field of the discriminator: 1, 16, 34, 70, 142 or 286 pixels."""
    adversarial: Literal["bce", "lsgan"] = "bce"
    """Adversarial loss: cross-entropy or least squares."""
    l1_weight: float = 100.0
    """Weight of the L1 distance to the truth, eq. (4)."""
    tv_weight: float = 0.0
    """Weight of the total variation of the output (GANime, section 5.2)."""
    tv_reduction: Literal["sum", "mean"] = "sum"
    """Total variation as the paper's sum over a picture, or the released code's mean."""
    discriminator_scale: float = 0.5
    """Factor of the discriminator's loss: the authors halve it, GANime does not."""
    update_order: Literal["discriminator_first", "simultaneous"] = "discriminator_first"
    """The generator sees the updated discriminator (authors), or the old one (GANime)."""
    inference: Literal["deterministic", "sources"] = "deterministic"
    """Translation with moving statistics and no dropout, or as the sources test: batch statistics
    and dropout."""

    @property
    def depth(self) -> int:
        """Levels of the U-Net."""
        return self.levels or int(math.log2(self.image_size))

    def __post_init__(self):
        """Checks the fields."""
        super().__post_init__()
        if self.image_size % 2**self.depth:
            raise ValueError(
                f"`image_size` must be a multiple of 2**levels = {2**self.depth}. Received "
                f"{self.image_size}. Use a power of two, or fewer `levels`."
            )
        check_patch_size(self.patch_size, self.image_size)


_GANIME = Pix2PixConfig(
    family="ganime",
    batch_size=32,
    num_epochs=150,
    decay_epochs=0,
    epsilon=1e-7,
    discriminator_scale=1.0,
    update_order="simultaneous",
)

PRESETS = {
    "pix2pix": Pix2PixConfig(),
    "pix2pix-128": Pix2PixConfig(image_size=128, load_size=143),
    "pix2pix-512": Pix2PixConfig(image_size=512, load_size=572),
    "ganime": _GANIME,
    "ganime-tv": dataclasses.replace(_GANIME, tv_weight=1e-4),
    "pix2pix-tiny": Pix2PixConfig(
        image_size=64,
        load_size=68,
        batch_size=4,
        num_epochs=8,
        decay_epochs=4,
        filters=16,
        levels=5,
        patch_size=34,
        # Best of eight variants after 2100 steps on drawings (SSIM 0.58, authors' networks 0.54):
        # GANime's networks, and an average of noisy weights.
        family="ganime",
        discriminator_scale=1.0,
        update_order="simultaneous",
        ema_decay=0.99,
    ),
}


@keras.saving.register_keras_serializable("ganime_tf")
class Pix2Pix(Translator):
    """Conditional GAN for pairs: a U-Net generator and a PatchGAN discriminator."""

    Config = Pix2PixConfig
    data_kind = "paired"
    batch_keys = ("a", "b")

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
        return {
            group: decayed_adam(self.config, steps_per_epoch)
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

    def call(self, x, training=False):
        """A -> b, float `(N, H, W, 3)` in [-1, 1], H and W multiples of the stride."""
        if self.config.inference == "sources":
            return self.generator(x, training=True)
        return (self.generator if training else self.for_inference(self.generator))(
            x, training=training
        )
