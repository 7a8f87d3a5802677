"""MUNIT: many translations of one picture, by splitting it into content and style.

Papers: Huang et al. 2018 (arXiv 1804.04732); ganime_portraits, sections 2.5 and 4.2 (the hybrid
with AniGAN's decoder, Li et al. 2021). Official code: NVlabs/MUNIT. Deviations:
docs/models/munit.md.

Code name -> paper symbol: content_encoder_a -> E^c_1, style_encoder_a -> E^s_1, decoder_a -> G_1,
discriminator_a -> D_1, style drawn for a -> s_1.
"""

import keras
import tensorflow as tf

from ganime_tf import losses
from ganime_tf.configs.munit import PRESETS, MUNITConfig
from ganime_tf.models.codes import check_code_length, normal_codes
from ganime_tf.models.optimizers import Adam
from ganime_tf.models.schedules import StepDecay
from ganime_tf.models.translator import Translator
from ganime_tf.models.uses import Use
from ganime_tf.networks import munit as networks
from ganime_tf.networks.features import load_features

_PERCEPTUAL_LAYER = {"vgg16": "block5_relu3", "random": "block5_relu3"}
_SMALLEST_REFERENCE = 16  # the style encoder halves four times


@keras.saving.register_keras_serializable("ganime_tf")
class MUNIT(Translator):
    """Multimodal unpaired translation, both ways."""

    Config = MUNITConfig
    presets = PRESETS
    data_kind = "unpaired"
    _features = None

    @property
    def loss_names(self) -> tuple[str, ...]:
        """Names of the losses that `train_step` returns: unweighted, summed over domains."""
        cycle = ("g_cycle",) if self.config.cycle_weight else ()
        perceptual = ("g_perceptual",) if self.config.perceptual_weight else ()
        always = ("d_loss", "g_adversarial", "g_image", "g_style", "g_content")
        return (*always, *cycle, *perceptual)

    @property
    def style_size(self) -> int:
        """Length of a style code."""
        return self.config.style_size

    @property
    def stride(self) -> int:
        """Sizes are padded to multiples of this."""
        return 2**self.config.num_downsample

    @property
    def min_size(self) -> int:
        """Reflection padding needs two pixels of content."""
        return 2 * self.stride

    def build_networks(self):
        """Builds encoders, decoder and discriminator of both domains; they share nothing."""
        config = self.config
        sizes = {"filters": config.filters, "num_downsample": config.num_downsample}
        generator, discriminator = [], []
        for domain in ("a", "b"):
            made = {
                "content_encoder": networks.build_content_encoder(
                    **sizes, num_blocks=config.num_blocks, name=f"content_encoder_{domain}"
                ),
                "style_encoder": networks.build_style_encoder(
                    filters=config.filters,
                    style_dim=config.style_size,
                    name=f"style_encoder_{domain}",
                ),
                "decoder": networks.build_munit_decoder(
                    **sizes,
                    style_dim=config.style_size,
                    num_blocks=config.num_blocks,
                    mlp_width=config.mlp_width,
                    decoder=config.decoder,
                    name=f"decoder_{domain}",
                ),
                "discriminator": networks.build_multi_scale_discriminator(
                    filters=config.discriminator_filters,
                    num_layers=config.discriminator_layers,
                    num_scales=config.num_scales,
                    name=f"discriminator_{domain}",
                ),
            }
            for name, network in made.items():
                setattr(self, f"{name}_{domain}", network)
                (discriminator if name == "discriminator" else generator).append(network)
        return {"generator": generator, "discriminator": discriminator}

    def default_optimizers(self, steps_per_epoch):
        """Adam, its rate falling in steps; the L2 term is in `weight_decay`."""
        config = self.config

        def adam():
            rate = StepDecay(config.learning_rate, config.decay_every, config.decay_rate)
            return Adam(rate, config.beta_1, config.beta_2, config.epsilon, epsilon_last=True)

        return {group: adam() for group in self.groups}

    def weight_decay(self, variable) -> float:
        """PyTorch's coupled weight decay, of every variable."""
        return self.config.l2_weight

    def load_pretrained(self):
        """Loads the network of the perceptual loss."""
        config = self.config
        if self._features is None and config.perceptual_weight:
            with tf.init_scope():
                self._features = load_features(
                    config.perceptual, [_PERCEPTUAL_LAYER[config.perceptual]], unpooled=(4,)
                )

    def train_step(self, batch):
        """One update of the discriminators, then of encoders and decoders.

        Args:
            batch: `{"a", "b"}`, float32 `(N, S, S, 3)` in [-1, 1].
        """
        config = self.config
        a, b = batch["a"], batch["b"]
        style_a, style_b = self._draw(a, "style_a"), self._draw(b, "style_b")
        parts = {}
        with tf.GradientTape() as tape:
            content_a = self.content_encoder_a(a, training=True)
            content_b = self.content_encoder_b(b, training=True)
            with tape.stop_recording():
                # The contents are those of the release's update of D: nothing has changed since.
                parts["d_loss"] = self._update_discriminators(a, b, content_a, content_b)
            own_a = self.style_encoder_a(a, training=True)
            own_b = self.style_encoder_b(b, training=True)
            same_a, fake_a = self._decode_both(self.decoder_a, content_a, own_a, content_b, style_a)
            same_b, fake_b = self._decode_both(self.decoder_b, content_b, own_b, content_a, style_b)
            again_a = self.content_encoder_b(fake_b, training=True)
            again_b = self.content_encoder_a(fake_a, training=True)
            parts["g_adversarial"] = self._fooled(self.discriminator_a, fake_a)
            parts["g_adversarial"] += self._fooled(self.discriminator_b, fake_b)
            parts["g_image"] = losses.l1(same_a, a) + losses.l1(same_b, b)
            # The goal is the drawn code, not the code of a picture.
            parts["g_style"] = losses.l1(self.style_encoder_a(fake_a, training=True), style_a)
            parts["g_style"] += losses.l1(self.style_encoder_b(fake_b, training=True), style_b)
            parts["g_content"] = losses.l1(again_a, content_a) + losses.l1(again_b, content_b)
            if config.cycle_weight:
                parts["g_cycle"] = losses.l1(self.decoder_a([again_a, own_a], training=True), a)
                parts["g_cycle"] += losses.l1(self.decoder_b([again_b, own_b], training=True), b)
            if config.perceptual_weight:
                parts["g_perceptual"] = self._perceptual(fake_a, b) + self._perceptual(fake_b, a)
            total = self._weighted(parts)
        self.minimize(tape, total, "generator")
        return self.track(**parts)

    def _draw(self, pictures, stream: str):
        """Styles from the prior N(0, I), one for each picture."""
        return self.noise(tf.shape(pictures)[0], self.config.style_size, stream=stream)

    def _decode_both(self, decoder, content, style, other_content, other_style):
        """Two contents through a decoder at once: its norms keep pictures apart."""
        contents = tf.concat([content, other_content], 0)
        styles = tf.concat([style, tf.cast(other_style, style.dtype)], 0)
        return tf.split(decoder([contents, styles], training=True), 2)

    def _weighted(self, parts):
        """Eq. (5), with the release's optional terms."""
        config = self.config
        weights = {
            "g_adversarial": config.gan_weight,
            "g_image": config.image_weight,
            "g_style": config.style_weight,
            "g_content": config.content_weight,
            "g_cycle": config.cycle_weight,
            "g_perceptual": config.perceptual_weight,
        }
        return sum(weights[name] * parts[name] for name in parts if name in weights)

    def _update_discriminators(self, a, b, content_a, content_b):
        """Updates D with pictures of other styles than the generators are going to learn from."""
        fake_a = self.decoder_a([content_b, self._draw(a, "judged_style_a")], training=True)
        fake_b = self.decoder_b([content_a, self._draw(b, "judged_style_b")], training=True)
        with tf.GradientTape() as tape:
            d_loss = self._told_apart(self.discriminator_a, a, fake_a)
            d_loss += self._told_apart(self.discriminator_b, b, fake_b)
            weighted = self.config.gan_weight * d_loss
        self.minimize(tape, weighted, "discriminator")
        return d_loss

    def _told_apart(self, discriminator, real, fake):
        """Sum, not mean, over the scales."""
        maps = discriminator(tf.concat([real, fake], 0), training=True)
        return sum(
            losses.gan_discriminator_loss(*tf.split(each, 2), self.config.adversarial)
            for each in maps
        )

    def _fooled(self, discriminator, fake):
        maps = discriminator(fake, training=True)
        return sum(losses.gan_generator_loss(each, self.config.adversarial) for each in maps)

    def _perceptual(self, x, y):
        """Mean squared distance of features without their style: normalized per picture."""
        self.load_pretrained()
        x, y = (self._normalized(tf.cast(pictures, tf.float32)) for pictures in (x, y))
        return losses.l2(x, y)

    def _normalized(self, pictures):
        (features,) = self._features(pictures).values()
        mean, variance = tf.nn.moments(features, (1, 2), keepdims=True)
        return (features - mean) * tf.math.rsqrt(variance + 1e-5)

    # Use.

    def call(self, x, training=False):
        """A -> b in the style of seed 0, float `(N, H, W, 3)` in [-1, 1]."""
        style = tf.repeat(normal_codes(tf.zeros(1, tf.int64), self.config.style_size),
                          tf.shape(x)[0], axis=0)  # fmt: skip
        networks = (self.content_encoder_a, self.decoder_b)
        encoder, decoder = networks if training else map(self.for_inference, networks)
        return decoder([encoder(x, training=training), style], training=training)

    def uses(self):
        """Styles of a seed, of a reference or as codes, both ways."""
        seeded = {"inputs": ("image", "seed"), "defaults": {"seed": 0}}
        return {
            "default": Use(self._by_seed, **seeded, help="translate a to b in the style of a seed"),
            "with_reference": Use(
                self._by_reference, ("image", "reference"), help="in the style of a picture of b"
            ),
            "with_style": Use(self._by_style, ("image", "style"), help="in the style of a code"),
            "style_of": Use(self._style_b, ("reference",), "style", help="code of a picture of b"),
            "style_of_seed": Use(
                self._style_of_seed, ("seed",), "style", help="code of a seed, for both ways"
            ),
            "reverse": Use(self._back_by_seed, **seeded, help="translate b to a, by a seed"),
            "reverse_with_reference": Use(
                self._back_by_reference, ("image", "reference"), help="in the style of one of a"
            ),
            "reverse_with_style": Use(
                self._back_by_style, ("image", "style"), help="b to a in the style of a code"
            ),
            "reverse_style_of": Use(
                self._style_a, ("reference",), "style", help="code of a picture of a"
            ),
        }

    def call_use(self, name: str, tensors: dict):
        """Runs one use; refuses codes of another length in one line."""
        check_code_length(tensors, self.style_size)
        return super().call_use(name, tensors)

    def _style_of_seed(self, seed):
        return normal_codes(seed, self.config.style_size)

    def _by_seed(self, image, seed):
        return self._by_style(image, self._style_of_seed(seed))

    def _by_reference(self, image, reference):
        return self._by_style(image, self._style_b(reference))

    def _by_style(self, image, style):
        return self._across(self.content_encoder_a, self.decoder_b, image, style)

    def _back_by_seed(self, image, seed):
        return self._back_by_style(image, self._style_of_seed(seed))

    def _back_by_reference(self, image, reference):
        return self._back_by_style(image, self._style_a(reference))

    def _back_by_style(self, image, style):
        return self._across(self.content_encoder_b, self.decoder_a, image, style)

    def _across(self, encoder, decoder, image, style):
        content = self.for_inference(encoder)(image, training=False)
        return self.for_inference(decoder)([content, style], training=False)

    def _style_a(self, reference):
        return self._style(self.style_encoder_a, reference)

    def _style_b(self, reference):
        return self._style(self.style_encoder_b, reference)

    def _style(self, encoder, reference):
        """The code of pictures; small ones are enlarged to what the encoder can halve."""
        size = tf.maximum(tf.shape(reference)[1:3], _SMALLEST_REFERENCE)
        return self.for_inference(encoder)(tf.image.resize(reference, size), training=False)

    def sample_pictures(self, batch: dict) -> dict:
        """Inputs, two styles of each, pictures of b, and those translated back."""
        columns = super().sample_pictures(batch)
        other = self.run("default", image=columns["input"], seed=1)
        ordered = {"input": columns.pop("input"), "output": columns.pop("output")}
        return ordered | {"another style": other} | columns
