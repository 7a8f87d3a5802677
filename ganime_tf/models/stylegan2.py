"""StyleGAN2 with adaptive discriminator augmentation: seeds to pictures.

Papers: Karras et al. 2020 (arXiv 1912.04958, 2006.06676).
Official code: NVlabs/stylegan2-ada-pytorch, whose order of updates this follows.
Deviations: docs/models/stylegan2.md.

Code name -> paper symbol: mapping -> f, synthesis -> g, discriminator -> D, path_mean -> a,
r1_weight -> gamma.
"""

import keras
import tensorflow as tf

from ganime_tf import losses
from ganime_tf.configs.stylegan2 import PRESETS, StyleGAN2Config
from ganime_tf.layers.augment import PIPELINES, AugmentationStrength, Draws, augment
from ganime_tf.layers.random import current_randomness, random_scope
from ganime_tf.losses import stylegan2 as penalties
from ganime_tf.models.codes import normal_codes
from ganime_tf.models.optimizers import Adam
from ganime_tf.models.sampler import Sampler
from ganime_tf.models.uses import Use
from ganime_tf.networks import stylegan2 as networks


@keras.saving.register_keras_serializable("ganime_tf")
class StyleGAN2(Sampler):
    """Mapping and synthesis networks against a residual discriminator."""

    Config = StyleGAN2Config
    presets = PRESETS
    loss_names = ("d_loss", "d_r1", "g_adversarial", "g_path_length")

    @property
    def style_size(self) -> int:
        """Length of a latent w."""
        return self.config.style_size

    def build_networks(self):
        """Builds mapping, synthesis, discriminator and the state of the regularizers."""
        config = self.config
        size = {"image_size": config.image_size, "channel_base": config.channel_base,
                "channel_max": config.channel_max}  # fmt: skip
        self.mapping = networks.build_mapping(
            latent_size=config.latent_size,
            style_size=config.style_size,
            num_layers=config.mapping_layers,
        )
        self.synthesis = networks.build_synthesis(style_size=config.style_size, **size)
        self.discriminator = networks.build_stylegan2_discriminator(
            group_size=config.group_size, **size
        )
        state = {"shape": (), "trainable": False, "dtype": "float32", "aggregation": "mean"}
        self.path_mean = self.add_weight(name="path_mean", initializer="zeros", **state)
        # Between two regularizations their losses keep the last value.
        self.last_r1 = self.add_weight(name="last_r1", initializer="zeros", **state)
        self.last_path = self.add_weight(name="last_path", initializer="zeros", **state)
        self.strength = AugmentationStrength(
            target=config.augment_target, images_to_full=config.augment_images
        )
        self.num_styles = networks.num_styles(config.image_size)
        return {
            "generator": [self.mapping, self.synthesis],
            "discriminator": [self.discriminator],
        }

    def default_optimizers(self, steps_per_epoch):
        """Adam, corrected for the additional updates of lazy regularization (appendix B)."""
        del steps_per_epoch  # constant rates
        config = self.config

        def adam(interval):
            share = interval / (interval + 1)
            rate, beta_2 = config.learning_rate * share, config.beta_2**share
            return Adam(rate, 0.0, beta_2, config.epsilon, epsilon_last=True)

        lazy = config.path_length_weight > 0
        generator = adam(config.path_length_interval) if lazy else Adam(
            config.learning_rate, 0.0, config.beta_2, config.epsilon, epsilon_last=True
        )  # fmt: skip
        return {"generator": generator, "discriminator": adam(config.r1_interval)}

    def plan(self, step):
        """Which regularizers a step computes, and whether augmentation adapts after it."""
        config = self.config
        return {
            "path_length": config.path_length_weight > 0
            and step % config.path_length_interval == 0,
            "r1": config.r1_weight > 0 and step % config.r1_interval == 0,
            "adapt": config.augment != "none" and step % 4 == 3,
        }

    def average_decay(self, step):
        """Half-life in pictures, with the official ramp where `ema_ramp` is above 0."""
        config = self.config
        decay = tf.constant(config.ema_decay, tf.float32)
        if not config.ema_ramp:
            return decay
        seen = tf.cast(step - 1, tf.float32) * config.batch_size
        halving = tf.math.pow(0.5, config.batch_size / tf.maximum(config.ema_ramp * seen, 1e-8))
        return tf.minimum(decay, halving)

    def train_step(self, batch, path_length=False, r1=False, adapt=False):
        """One update of both networks on `{"b"}`, float32 `(N, S, S, 3)` in [-1, 1]."""
        if current_randomness() is None:  # a step called by hand
            with random_scope(self.seed, self.step):
                return self.train_step(batch, path_length, r1, adapt)
        real = batch["b"]
        count = tf.shape(real)[0]
        with tf.GradientTape() as tape:
            fake = self._generate(count, "g")[0]
            logits = self.discriminator(self._augment(fake, "g"), training=True)
            g_adversarial = losses.gan_generator_loss(logits)
        self.minimize(tape, g_adversarial, "generator")
        if path_length:
            self._regularize_generator(tf.maximum(count // 2, 1))
        with tf.GradientTape() as tape:
            with tape.stop_recording():
                fake = self._generate(count, "d")[0]
            fake_logits = self.discriminator(self._augment(fake, "d_fake"), training=True)
            real_logits = self.discriminator(self._augment(real, "d_real"), training=True)
            d_loss = losses.gan_discriminator_loss(real_logits, fake_logits)
        self.minimize(tape, d_loss, "discriminator")
        self._observe(real_logits)
        if r1:
            self._regularize_discriminator(real)
        if adapt:
            self.strength.update(self.config.batch_size)
        return self.track(
            d_loss=d_loss,
            d_r1=tf.convert_to_tensor(self.last_r1),
            g_adversarial=g_adversarial,
            g_path_length=tf.convert_to_tensor(self.last_path),
        )

    def _generate(self, count, stream: str):
        """Returns pictures and their latents, of new z, with style mixing (section 3.1)."""
        config, layers = self.config, self.num_styles
        z = self.noise(count, config.latent_size, stream=f"{stream}/z")
        ws = tf.repeat(self.mapping(z, training=True)[:, None], layers, axis=1)
        if config.mixing_probability:
            # One cutoff for the joined batch: the same stateless draw on every replica.
            draws = self._shared_draws(2, f"{stream}/mixing")
            cutoff = 1 + tf.cast(draws[0] * (layers - 1), tf.int32)
            cutoff = tf.where(draws[1] < config.mixing_probability, cutoff, layers)
            z = self.noise(count, config.latent_size, stream=f"{stream}/z2")
            other = self.mapping(z, training=False)[:, None]  # does not move the mean latent
            ws = tf.where((tf.range(layers) < cutoff)[None, :, None], ws, other)
        return self.synthesis(ws, training=True), ws

    def _shared_draws(self, count: int, stream: str):
        with random_scope(self.seed, self.step.value) as randomness:
            return randomness.uniform(count, (), stream)

    def _augment(self, images, stream: str):
        if self.config.augment == "none":
            return images
        probability = tf.convert_to_tensor(self.strength.probability)
        draws = Draws(current_randomness(), tf.shape(images)[0], probability, f"augment/{stream}")
        return augment(images, draws, PIPELINES[self.config.augment])

    def _observe(self, real_logits):
        if self.config.augment != "none":
            self.strength.observe(real_logits)

    def _regularize_generator(self, count):
        """Path length regularization, eq. (4), on half a batch."""
        config, size = self.config, self.config.image_size
        with tf.GradientTape() as tape:
            with tf.GradientTape() as inner:
                images, ws = self._generate(count, "path")
                y = self.noise(count, size, size, 3, stream="path/y")
                total = tf.reduce_sum(images * y * penalties.path_scale(size, size))
            lengths = penalties.path_lengths(inner.gradient(total, ws))
            replicas = tf.distribute.get_replica_context()
            penalty, mean = penalties.path_length_penalty(
                lengths,
                tf.convert_to_tensor(self.path_mean),
                config.path_length_decay,
                replicas.all_reduce("mean", tf.reduce_mean(lengths)),
            )
            loss = config.path_length_interval * config.path_length_weight * penalty
            # Biases to RGB have no part in it: a gradient of 0, not none, as in both releases, so
            # that Adam's second moment decays.
            loss += 0.0 * tf.reduce_sum(images[:, 0, 0])
        self.minimize(tape, loss, "generator")
        self.path_mean.assign(mean)
        self.last_path.assign(penalty)

    def _regularize_discriminator(self, real):
        """R1 on the pictures as they are, through their augmentation."""
        config = self.config
        with tf.GradientTape() as tape:
            with tf.GradientTape() as inner:
                inner.watch(real)
                logits = self.discriminator(self._augment(real, "r1"), training=True)
                total = tf.reduce_sum(logits)
            penalty = penalties.r1_penalty(inner.gradient(total, real))
            loss = config.r1_interval * config.r1_weight / 2 * penalty + 0.0 * total  # as above
        self.minimize(tape, loss, "discriminator")
        self._observe(logits)
        self.last_r1.assign(penalty)

    def uses(self):
        """A seed or a latent to a picture."""
        return {
            "default": Use(
                self._sample, ("seed", "truncation"), defaults={"truncation": 1.0},
                help="a picture of a seed",
            ),
            "from_style": Use(
                self._from_style, ("style", "truncation"), defaults={"truncation": 1.0},
                help="a picture of a latent w, or of one for each layer, joined",
            ),
            "style_of": Use(self._style_of, ("seed",), "style", help="the latent w of a seed"),
        }  # fmt: skip

    def _style_of(self, seed):
        z = normal_codes(seed, self.config.latent_size)
        return self.for_inference(self.mapping)(z, training=False)

    def _sample(self, seed, truncation):
        return self._from_style(self._style_of(seed), truncation)

    def _from_style(self, style, truncation):
        mean = self.for_inference(self.mapping).get_layer("mean").mean
        ws = tf.reshape(style, (tf.shape(style)[0], -1, self.config.style_size))
        ws += tf.zeros((1, self.num_styles, 1))  # one w for all layers, or each its own
        ws = networks.truncate(ws, tf.convert_to_tensor(mean), truncation)
        return self.for_inference(self.synthesis)(ws, training=False)
