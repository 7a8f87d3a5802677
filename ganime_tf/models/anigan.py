"""AniGAN: a face redrawn in the style of an anime reference, local shapes included.

Papers: Li et al. 2021 (arXiv 2102.12593); ganime_portraits, sections 2.6 and 4.3. Official code:
bing-li-ai/AniGAN (networks only), cut from NVlabs/FUNIT. Deviations: docs/models/anigan.md.

Code name -> paper symbol: content_encoder -> E_c, style_encoder -> E_s, decoder -> F,
discriminator_trunk -> D_U, discriminator_a, discriminator_b -> the branches D_X, D_Y.
"""

import keras
import tensorflow as tf

from ganime_tf import losses
from ganime_tf.configs.anigan import PRESETS, AniGANConfig
from ganime_tf.models.codes import check_code_length
from ganime_tf.models.optimizers import Adam, RMSpropAfterRoot
from ganime_tf.models.translator import Translator
from ganime_tf.models.uses import Use
from ganime_tf.networks import anigan as networks
from ganime_tf.networks import munit

_SMALLEST = 16  # the style encoder halves four times
_MEAN_DECAY = 0.999


@keras.saving.register_keras_serializable("ganime_tf")
class AniGAN(Translator):
    """Reference-guided translation between two domains, both ways by one generator."""

    Config = AniGANConfig
    presets = PRESETS
    data_kind = "unpaired"

    @property
    def loss_names(self) -> tuple[str, ...]:
        """Names of the losses that `train_step` returns: unweighted, summed over domains."""
        config = self.config
        terms = {
            "d_loss": True,
            "d_penalty": config.gradient_penalty,
            "g_adversarial": True,
            "g_reconstruction": True,
            "g_features": config.feature_weight,
            "g_domain_features": config.domain_feature_weight,
        }
        return tuple(name for name, there in terms.items() if there)

    @property
    def style_size(self) -> int:
        """Length of a style code."""
        return self.config.style_size

    @property
    def stride(self) -> int:
        """Sizes are padded to multiples of this."""
        return 4 if self.config.encoders == "munit" else 8

    @property
    def min_size(self) -> int:
        """Reflection padding needs two pixels of content."""
        return 2 * self.stride

    def build_networks(self):
        """Builds one generator for both ways, the trunk of D and a branch for each domain."""
        config = self.config
        filters = config.filters
        if config.encoders == "munit":
            self.content_encoder = munit.build_content_encoder(filters=filters)
            self.style_encoder = munit.build_style_encoder(filters=filters)
            self.decoder = munit.build_munit_decoder(
                filters=filters, mlp_width=config.mlp_width, decoder="anigan"
            )
        else:
            self.content_encoder, self.style_encoder = networks.build_anigan_encoders(
                filters=filters
            )
            self.decoder = networks.build_anigan_decoder(
                filters=filters, mlp_width=config.mlp_width
            )
        self.discriminator_trunk = networks.build_discriminator_trunk(filters=filters)
        self.discriminator_a, self.discriminator_b = (
            networks.build_discriminator_branch(filters=filters, name=f"discriminator_{domain}")
            for domain in ("a", "b")
        )
        # The mean codes of the domains: what a picture is translated by without a reference.
        self.mean_style_a, self.mean_style_b = (
            self.add_weight(
                name=f"mean_style_{domain}", shape=(config.style_size,), initializer="zeros",
                trainable=False, dtype="float32", aggregation="mean",
            )
            for domain in ("a", "b")
        )  # fmt: skip
        return {
            "generator": [self.content_encoder, self.style_encoder, self.decoder],
            "discriminator": [
                self.discriminator_trunk, self.discriminator_a, self.discriminator_b,
            ],
        }  # fmt: skip

    def default_optimizers(self, steps_per_epoch):
        """RMSprop or Adam, constant rates; the L2 term is in `weight_decay`."""
        config = self.config

        def one():
            rate = config.learning_rate
            if config.optimizer == "adam":
                return Adam(rate, config.beta_1, config.beta_2, config.epsilon, epsilon_last=True)
            return RMSpropAfterRoot(rate, rho=config.beta_2, epsilon=config.epsilon)

        return {group: one() for group in self.groups}

    def weight_decay(self, variable) -> float:
        """PyTorch's coupled weight decay, of every variable."""
        return self.config.l2_weight

    def average_decay(self, step):
        """The release's average is kept from the first step on, without a warm-up."""
        del step
        return tf.constant(self.config.ema_decay)

    def train_step(self, batch):
        """One update of the discriminator, then of the generator, both ways.

        Args:
            batch: `{"a", "b"}`, float32 `(N, S, S, 3)` in [-1, 1].
        """
        a, b = batch["a"], batch["b"]
        parts = {}
        with tf.GradientTape() as tape:
            content = self.content_encoder(tf.concat([a, b], 0), training=True)
            style = self.style_encoder(tf.concat([a, b], 0), training=True)
            content_a, content_b = tf.split(content, 2)
            style_a, style_b = tf.split(style, 2)
            contents = tf.concat([content_a, content_b, content_a, content_b], 0)
            styles = tf.concat([style_b, style_a, style_a, style_b], 0)
            fake_b, fake_a, same_a, same_b = tf.split(
                self.decoder([contents, styles], training=True), 4
            )
            with tape.stop_recording():
                self._keep_means(style_a, style_b)
                parts |= self._update_discriminator(a, b, fake_a, fake_b)
            rows = {"a": (a, same_a, fake_a), "b": (b, same_b, fake_b)}
            terms = [self._generator_terms(domain, *row) for domain, row in rows.items()]
            parts |= {name: sum(each[name] for each in terms) for name in terms[0]}
            total = self._weighted(parts)
        self.minimize(tape, total, "generator")
        return self.track(**{name: parts[name] for name in self.loss_names})

    def judge(self, domain: str, pictures):
        """Features of D at three depths, and the logits of a domain's branch."""
        branch = self.discriminator_a if domain == "a" else self.discriminator_b
        shared = self.discriminator_trunk(pictures, training=True)
        own, logits = branch(shared[-1], training=True)
        return [*shared, own], logits

    def _generator_terms(self, domain, picture, same, fake):
        """The terms of what is to be of one domain: `picture`, redrawn, and the other one's."""
        config = self.config
        features, logits = self.judge(domain, tf.concat([fake, same], 0))
        fake_logits, same_logits = tf.split(logits, 2)
        parts = {"g_adversarial": self._fooled(fake_logits)}
        if config.adversarial_reconstruction:
            parts["g_adversarial"] = (parts["g_adversarial"] + self._fooled(same_logits)) / 2.0
        parts["g_reconstruction"] = losses.l1(same, picture)
        if config.feature_weight or config.domain_feature_weight:
            wanted, _ = self.judge(domain, picture)
            wanted = [tf.stop_gradient(each) for each in wanted]
            fakes, sames = zip(*(tf.split(each, 2) for each in features), strict=True)
            matched = [_matched(x, y) for x, y in zip(sames, wanted, strict=True)]
            if config.feature_matching == "both":
                # A translation's reference is the domain's own picture of the batch.
                again = [_matched(x, y) for x, y in zip(fakes, wanted, strict=True)]
                matched = [x + y for x, y in zip(matched, again, strict=True)]
            parts["g_features"], parts["g_domain_features"] = matched[0] + matched[1], matched[2]
        return parts

    def _weighted(self, parts):
        config = self.config
        weights = {
            "g_adversarial": 1.0,
            "g_reconstruction": config.reconstruction_weight,
            "g_features": config.feature_weight,
            "g_domain_features": config.domain_feature_weight,
        }
        return sum(weight * parts[name] for name, weight in weights.items() if name in parts)

    def _keep_means(self, style_a, style_b):
        for mean, style in ((self.mean_style_a, style_a), (self.mean_style_b, style_b)):
            now = tf.reduce_mean(tf.cast(style, tf.float32), axis=0)
            mean.assign(now + _MEAN_DECAY * (tf.convert_to_tensor(mean) - now))

    def _update_discriminator(self, a, b, fake_a, fake_b):
        config = self.config
        parts = {"d_loss": 0.0, "d_penalty": 0.0}
        with tf.GradientTape() as tape:
            for domain, real, fake in (("a", a, fake_a), ("b", b, fake_b)):
                if config.gradient_penalty:
                    real_logits, penalty = self._penalized(domain, real)
                    parts["d_penalty"] += penalty
                else:
                    _, real_logits = self.judge(domain, real)
                _, fake_logits = self.judge(domain, fake)
                parts["d_loss"] += losses.gan_discriminator_loss(
                    real_logits, fake_logits, config.adversarial
                )
            total = parts["d_loss"] + config.gradient_penalty * parts["d_penalty"]
        self.minimize(tape, total, "discriminator")
        return parts

    def _penalized(self, domain, real):
        """Logits of real pictures, and the release's penalty of their gradient.

        It differentiates the mean over batch and map, so it falls with the square of the batch: of
        the whole one, so that replicas change nothing.
        """
        with tf.GradientTape() as tape:
            tape.watch(real)
            _, logits = self.judge(domain, real)
            score = tf.reduce_sum(tf.reduce_mean(logits, axis=(1, 2, 3)))
        gradient = tf.cast(tape.gradient(score, real), tf.float32)
        squared = tf.reduce_mean(tf.reduce_sum(tf.square(gradient), axis=(1, 2, 3)))
        return logits, squared / float(self.config.batch_size) ** 2

    def _fooled(self, fake):
        return losses.gan_generator_loss(fake, self.config.adversarial)

    # Use.

    def call(self, x, training=False):
        """A -> b in the mean style of b, float `(N, H, W, 3)` in [-1, 1]."""
        if training:
            style = self._repeated(self.mean_style_b, x)
            return self.decoder([self.content_encoder(x, training=True), style], training=True)
        return self._by_style(x, self._repeated(self.mean_style_b, x))

    def uses(self):
        """Styles of a reference, as codes, or a domain's mean."""
        return {
            "default": Use(self._forward, ("image",), help="translate a to b, in b's mean style"),
            "with_reference": Use(
                self._by_reference, ("image", "reference"), help="in the style of a picture"
            ),
            "with_style": Use(self._by_style, ("image", "style"), help="in the style of a code"),
            "style_of": Use(self._style_of, ("reference",), "style", help="the code of a picture"),
            "reverse": Use(self._backward, ("image",), help="translate b to a, in a's mean style"),
        }

    def call_use(self, name: str, tensors: dict):
        """Runs one use; refuses codes of another length in one line."""
        check_code_length(tensors, self.style_size)
        return super().call_use(name, tensors)

    def _repeated(self, mean, pictures):
        return tf.repeat(tf.convert_to_tensor(mean)[None], tf.shape(pictures)[0], axis=0)

    def _backward(self, image):
        return self._by_style(image, self._repeated(self.mean_style_a, image))

    def _by_reference(self, image, reference):
        return self._by_style(image, self._style_of(reference))

    def _by_style(self, image, style):
        content = self.for_inference(self.content_encoder)(image, training=False)
        return self.for_inference(self.decoder)([content, style], training=False)

    def _style_of(self, reference):
        size = tf.maximum(tf.shape(reference)[1:3], _SMALLEST)
        pictures = tf.image.resize(reference, size)
        return self.for_inference(self.style_encoder)(pictures, training=False)

    def set_mean_styles(self, a=None, b=None) -> None:
        """Sets what a picture is translated by without a reference, e.g. after a conversion.

        Args:
            a: uint8 `(N, H, W, 3)` pictures of domain a.
            b: Likewise of b.
        """
        for mean, pictures in ((self.mean_style_a, a), (self.mean_style_b, b)):
            if pictures is not None:
                mean.assign(self.run("style_of", reference=pictures).mean(0))


def _matched(x, y):
    """Distance of the features' means over the places."""
    x, y = (tf.reduce_mean(tf.cast(each, tf.float32), axis=(1, 2)) for each in (x, y))
    return losses.l1(x, y)
