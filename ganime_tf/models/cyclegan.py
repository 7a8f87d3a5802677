"""CycleGAN: unpaired translation in both directions with cycle consistency.

Papers: Zhu et al. 2017 (arXiv 1703.10593); GANime, Vu and Yang, section 5.3.
Official code: junyanz/pytorch-CycleGAN-and-pix2pix (family "authors"), taivu1998/GANime
(family "ganime"). Deviations: docs/models/cyclegan.md.

Code name -> paper symbol: generator_a2b -> G, generator_b2a -> F, discriminator_a -> D_X,
discriminator_b -> D_Y, cycle_weight -> lambda.
"""

import dataclasses
import math
from typing import Literal

import keras
import tensorflow as tf

from ganime_tf import losses
from ganime_tf.layers.image_pool import ImagePool
from ganime_tf.models.optimizers import decayed_adam
from ganime_tf.models.translator import Translator, TranslatorConfig
from ganime_tf.networks.patchgan import build_patchgan, check_patch_size
from ganime_tf.networks.resnet import build_resnet
from ganime_tf.networks.unet import build_unet

DIRECTIONS = ("a2b", "b2a")


def check_direction(direction: str) -> None:
    """Raises ValueError when `direction` is neither "a2b" nor "b2a"."""
    if direction not in DIRECTIONS:
        raise ValueError(f"`direction` must be 'a2b' or 'b2a'. Received {direction!r}.")


@dataclasses.dataclass(frozen=True)
class CycleGANConfig(TranslatorConfig):
    """Hyper-parameters of CycleGAN; the defaults are those of the authors' PyTorch release."""

    decay_epochs: int = 100
    """Last epochs, in which the learning rate falls linearly to 0."""
    learning_rate: float = 2e-4
    """Adam's step size, all networks."""
    beta_1: float = 0.5
    """Adam's first decay."""
    beta_2: float = 0.999
    """Adam's second decay."""
    epsilon: float = 1e-8
    """Adam's epsilon."""
    generator: Literal["resnet", "unet"] = "resnet"
    """Residual generators (the authors'), or U-Nets (GANime)."""
    family: Literal["authors", "ganime"] = "authors"
    """Details of PatchGANs and U-Nets: the authors', or GANime's; see docs/models/pix2pix.md."""
    filters: int = 64
    """Channels of the first layer of every network."""
    num_blocks: int = 9
    """Residual blocks: 9 for 256 px, 6 for 128 px."""
    levels: int = 0
    """Levels of the U-Net; 0 takes as many as `image_size` has halvings."""
    dropout: float = 0.0
    """Rate in the residual blocks, or in the three innermost decoder levels of the U-Net."""
    patch_size: int = 70
    """Receptive field of the discriminators: 1, 16, 34, 70, 142 or 286 pixels."""
    adversarial: Literal["lsgan", "bce"] = "lsgan"
    """Adversarial loss: least squares (section 4), or cross-entropy (GANime)."""
    cycle_weight: float = 10.0
    """Weight lambda of both cycle terms, eq. (3)."""
    identity_weight: float = 0.5
    """Weight of the identity terms as a multiple of `cycle_weight` (section 5.2); 0 for none."""
    discriminator_scale: float = 0.5
    """Factor of each discriminator's loss."""
    pool_size: int = 50
    """Generated pictures kept for each discriminator; 0 shows the newest only."""
    update_order: Literal["joint", "alternating"] = "joint"
    """Both generators, then both discriminators (the authors' PyTorch), or G, D_Y, F, D_X one after
    another, each seeing what the ones before it have learned (the authors' Lua)."""

    @property
    def depth(self) -> int:
        """Levels of the U-Net."""
        return self.levels or int(math.log2(self.image_size))

    def __post_init__(self):
        """Checks the fields."""
        super().__post_init__()
        stride = 2**self.depth if self.generator == "unet" else 4
        if self.image_size % stride:
            raise ValueError(
                f"`image_size` must be a multiple of {stride}. Received {self.image_size}."
            )
        check_patch_size(self.patch_size, self.image_size)
        if self.pool_size < 0:
            raise ValueError(f"`pool_size` must not be negative. Received {self.pool_size}.")


PRESETS = {
    "cyclegan": CycleGANConfig(),
    "cyclegan-128": CycleGANConfig(image_size=128, load_size=143, num_blocks=6),
    "cyclegan-ganime": CycleGANConfig(
        batch_size=32,
        num_epochs=150,
        decay_epochs=0,
        epsilon=1e-7,
        generator="unet",
        family="ganime",
        dropout=0.5,
        adversarial="bce",
        identity_weight=0.0,
        pool_size=0,
    ),
    "cyclegan-tiny": CycleGANConfig(
        image_size=64,
        load_size=68,
        num_epochs=8,
        decay_epochs=4,
        filters=8,
        num_blocks=2,
        patch_size=34,
        pool_size=8,
    ),
}


@keras.saving.register_keras_serializable("ganime_tf")
class CycleGAN(Translator):
    """Cycle-consistent GANs for two sets without pairs."""

    Config = CycleGANConfig
    data_kind = "unpaired"
    batch_keys = ("a", "b")

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
        return {group: decayed_adam(self.config, steps_per_epoch) for group in self.groups}

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

    def call(self, x, training=False, direction="a2b"):
        """Translates float `(N, H, W, 3)` in [-1, 1], H and W multiples of the stride.

        Args:
            x: Pictures of domain a, or of b with `direction="b2a"`.
            training: Uses dropout and the trained weights instead of their moving average.
            direction: "a2b" or "b2a".
        """
        check_direction(direction)
        network = self.generator_a2b if direction == "a2b" else self.generator_b2a
        return (network if training else self.for_inference(network))(x, training=training)

    def sample_pictures(self, batch):
        """Columns of a sample grid: both translations beside their inputs."""
        columns = super().sample_pictures(batch)
        return {
            "input": columns["input"],
            "output": columns["output"],
            "b": columns["truth"],
            "b to a": self.translate(columns["truth"], direction="b2a"),
        }

    def endpoints(self):
        """Exported signatures: a -> b as the default, b -> a as `reverse`."""
        return {
            "serving_default": self.translate_tensor,
            "reverse": lambda images: self.translate_tensor(images, direction="b2a"),
        }
