"""CycleGAN: unpaired translation in both directions with cycle consistency.

Papers: Zhu et al. 2017 (arXiv 1703.10593); GANime, Vu and Yang, section 5.3.
Official code: junyanz/pytorch-CycleGAN-and-pix2pix (family "authors"), taivu1998/GANime
(family "ganime"). Deviations: docs/models/cyclegan.md.

Code name -> paper symbol: generator_a2b -> G, generator_b2a -> F, discriminator_a -> D_X,
discriminator_b -> D_Y, cycle_weight -> lambda.
"""

import keras
import tensorflow as tf

from ganime_tf import losses
from ganime_tf.configs.cyclegan import PRESETS, CycleGANConfig
from ganime_tf.layers.image_pool import ImagePool
from ganime_tf.models.optimizers import decayed_adam
from ganime_tf.models.translator import Translator
from ganime_tf.models.uses import Use
from ganime_tf.networks.patchgan import build_patchgan
from ganime_tf.networks.resnet import build_resnet
from ganime_tf.networks.unet import build_unet


@keras.saving.register_keras_serializable("ganime_tf")
class CycleGAN(Translator):
    """Cycle-consistent GANs for two sets without pairs."""

    Config = CycleGANConfig
    presets = PRESETS
    data_kind = "unpaired"

    @property
    def loss_names(self) -> tuple[str, ...]:
        """Names of the losses that `train_step` returns: unweighted, summed over directions."""
        identity = ("g_identity",) if self.config.identity_weight else ()
        return ("d_loss", "g_adversarial", "g_cycle", *identity)

    @property
    def stride(self) -> int:
        """Sizes are padded to multiples of this."""
        return 2**self.config.depth if self.config.generator == "unet" else 4

    @property
    def min_size(self) -> int:
        """Reflection padding needs two pixels in the bottleneck."""
        return max(self.stride, 8)

    def build_networks(self):
        """Builds both generators, both discriminators and their pools."""
        config = self.config

        def generator(name):
            if config.generator == "unet":
                return build_unet(
                    levels=config.depth,
                    filters=config.filters,
                    family=config.family,
                    norm="instance",
                    dropout=config.dropout,
                    name=name,
                )
            return build_resnet(
                num_blocks=config.num_blocks,
                filters=config.filters,
                dropout=config.dropout,
                name=name,
            )

        def discriminator(name):
            return build_patchgan(
                patch_size=config.patch_size,
                filters=config.filters,
                family=config.family,
                norm="instance",
                conditional=False,
                name=name,
            )

        self.generator_a2b, self.generator_b2a = (
            generator("generator_a2b"),
            generator("generator_b2a"),
        )
        self.discriminator_a = discriminator("discriminator_a")
        self.discriminator_b = discriminator("discriminator_b")
        picture = (None, config.image_size, config.image_size, 3)
        self.pool_a = ImagePool(config.pool_size, seed=1, name="pool_a")
        self.pool_b = ImagePool(config.pool_size, seed=2, name="pool_b")
        self.pool_a.build(picture)
        self.pool_b.build(picture)
        if config.update_order == "alternating":
            return {
                network.name: [network]
                for network in (
                    self.generator_a2b,
                    self.discriminator_b,
                    self.generator_b2a,
                    self.discriminator_a,
                )
            }
        return {
            "generator": [self.generator_a2b, self.generator_b2a],
            "discriminator": [self.discriminator_a, self.discriminator_b],
        }

    def default_optimizers(self, steps_per_epoch):
        """An Adam for every group, with linear decay."""
        config = self.config
        torch = config.family == "authors" and config.update_order != "alternating"  # not Torch 7
        return {
            group: decayed_adam(config, steps_per_epoch, epsilon_last=torch)
            for group in self.groups
        }

    def train_step(self, batch):
        """One update of all networks on `{"a", "b"}`, float32 `(N, S, S, 3)` in [-1, 1]."""
        a, b = batch["a"], batch["b"]
        forth = (self.generator_a2b, self.generator_b2a, self.discriminator_b)
        back = (self.generator_b2a, self.generator_a2b, self.discriminator_a)
        if self.config.update_order == "alternating":
            d_loss_b, parts_b = self._update_one_way(a, b, *forth, self.pool_b)
            d_loss_a, parts_a = self._update_one_way(b, a, *back, self.pool_a)
            parts = {key: parts_a[key] + parts_b[key] for key in parts_a}
            return self.track(d_loss=d_loss_a + d_loss_b, **parts)
        with tf.GradientTape() as tape:
            parts_b, fake_b = self._one_way(a, b, *forth)
            parts_a, fake_a = self._one_way(b, a, *back)
            parts = {key: parts_a[key] + parts_b[key] for key in parts_a}
            g_loss = self._weighted(parts)
        self.minimize(tape, g_loss, "generator")
        # The fakes are those of before the update, so this order and GANime's simultaneous one
        # compute the same numbers.
        with tf.GradientTape() as tape:
            d_loss = self._discriminator_loss(self.discriminator_a, a, self.pool_a(fake_a))
            d_loss += self._discriminator_loss(self.discriminator_b, b, self.pool_b(fake_b))
        self.minimize(tape, d_loss, "discriminator")
        return self.track(d_loss=d_loss, **parts)

    def _update_one_way(self, x, y, generator, inverse, discriminator, pool):
        """Updates the generator of x -> y, then the discriminator of y."""
        with tf.GradientTape() as tape:
            parts, fake = self._one_way(x, y, generator, inverse, discriminator)
            # The other way's cycle ends in this generator.
            cycled = generator(inverse(y, training=True), training=True)
            g_loss = self._weighted(parts) + self.config.cycle_weight * losses.l1(cycled, y)
        self.minimize(tape, g_loss, generator.name)
        with tf.GradientTape() as tape:
            d_loss = self._discriminator_loss(discriminator, y, pool(fake))
        self.minimize(tape, d_loss, discriminator.name)
        return d_loss, parts

    def _one_way(self, x, y, generator, inverse, discriminator):
        """The terms of eq. (3) that start with `generator`, x -> y, unweighted; and the fakes."""
        parts = {}
        if self.config.identity_weight:
            # One call for both uses of the generator: instance norm keeps pictures apart.
            fake, same = tf.split(generator(tf.concat([x, y], 0), training=True), 2)
            parts["g_identity"] = losses.l1(same, y)
        else:
            fake = generator(x, training=True)
        scores = discriminator(fake, training=True)
        parts["g_adversarial"] = losses.gan_generator_loss(scores, self.config.adversarial)
        parts["g_cycle"] = losses.l1(inverse(fake, training=True), x)
        return parts, fake

    def _weighted(self, parts):
        """Eq. (3): L_GAN + lambda * (L_cyc + the multiple of L_identity)."""
        config = self.config
        total = parts["g_adversarial"] + config.cycle_weight * parts["g_cycle"]
        if config.identity_weight:
            total += config.cycle_weight * config.identity_weight * parts["g_identity"]
        return total

    def _discriminator_loss(self, discriminator, real, fake):
        scores = discriminator(tf.concat([real, fake], 0), training=True)
        real_scores, fake_scores = tf.split(scores, 2)
        loss = losses.gan_discriminator_loss(real_scores, fake_scores, self.config.adversarial)
        return self.config.discriminator_scale * loss

    def call(self, x, training=False):
        """A -> b, float `(N, H, W, 3)` in [-1, 1], H and W multiples of the stride."""
        return self._generate(self.generator_a2b, x, training)

    def uses(self):
        """Both ways."""
        return super().uses() | {
            "reverse": Use(self._backward, ("image",), help="translate b to a"),
        }

    def _backward(self, image):
        return self._generate(self.generator_b2a, image)

    def _generate(self, network, x, training=False):
        return (network if training else self.for_inference(network))(x, training=training)
