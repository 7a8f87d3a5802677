"""XGAN: two auto-encoders that share the code, so that a face can be drawn by the other's decoder.

Paper: Royer et al. 2017 (arXiv 1711.05139). No official code; open choices: docs/models/xgan.md.

Code name -> paper symbol: encoder_a -> the first layers of e1, shared_encoder -> the rest of e1 and
e2, decoder_b -> the last layers of d2, domain_classifier -> c_dann, code -> shared embedding.
"""

import keras
import tensorflow as tf

from ganime_tf import losses
from ganime_tf.configs.xgan import PRESETS, XGANConfig
from ganime_tf.layers.gradient_reversal import reverse_gradient
from ganime_tf.losses.face2anime import (
    domain_confusion,
    domain_loss,
    norm_distance,
    reversal_ramp,
)
from ganime_tf.models.optimizers import Adam
from ganime_tf.models.translator import Translator
from ganime_tf.models.uses import Use
from ganime_tf.networks import xgan as networks
from ganime_tf.networks.features import load_features
from ganime_tf.networks.recognizer import build_recognizer

# The last features of a teacher, and how many channels they have.
_TEACHERS = {
    "vgg19": ("block5_conv4", 512),
    "squeezenet": ("fire9", 512),
    "random": ("block2_conv2", 16),
}


@keras.saving.register_keras_serializable("ganime_tf")
class XGAN(Translator):
    """A dual auto-encoder with a shared code."""

    Config = XGANConfig
    presets = PRESETS
    data_kind = "unpaired"
    _features = None

    @property
    def parts(self) -> dict[str, str]:
        """The teacher, where the package has trained it."""
        own = self.config.teacher_weight and self.config.teacher == "anime-classifier"
        return {"recognizer": "anime-classifier"} if own else {}

    @property
    def loss_names(self) -> tuple[str, ...]:
        """Names of the losses that `train_step` returns: unweighted, summed over domains."""
        config = self.config
        terms = {
            "d_loss": config.gan_weight,
            "d_domain": config.domain_weight,
            "g_reconstruction": True,
            "g_semantic": config.semantic_weight,
            "g_domain": config.domain_weight and config.domain_update == "alternating",
            "g_adversarial": config.gan_weight,
            "g_teacher": config.teacher_weight,
        }
        return tuple(name for name, there in terms.items() if there)

    def build_networks(self):
        """Builds the auto-encoders, their judges, and a head for the teacher where one is due."""
        config = self.config
        own = {"filters": config.filters, "order": config.order}
        sizes = {"image_size": config.image_size, "code_size": config.code_size}
        self.encoder_a = networks.build_own_encoder(**own, name="encoder_a")
        self.encoder_b = networks.build_own_encoder(**own, name="encoder_b")
        self.shared_encoder = networks.build_shared_encoder(
            **own, **sizes, code_end=config.code_end, dropout=config.dropout
        )
        up = {"up_kernel": config.up_kernel}
        self.shared_decoder = networks.build_shared_decoder(**own, **sizes, **up)
        self.decoder_a = networks.build_own_decoder(**own, **up, name="decoder_a")
        self.decoder_b = networks.build_own_decoder(**own, **up, name="decoder_b")
        groups = {
            "generator": [
                self.encoder_a, self.encoder_b, self.shared_encoder,
                self.shared_decoder, self.decoder_a, self.decoder_b,
            ]
        }  # fmt: skip
        if config.gan_weight:
            self.judges = {}
            for domain in ("a", "b") if config.gan == "both" else ("b",):
                name = f"discriminator_{domain}"
                judge = networks.build_xgan_discriminator(
                    image_size=config.image_size, **own, name=name
                )
                setattr(self, name, judge)
                self.judges[domain] = judge
            groups["discriminator"] = list(self.judges.values())
        if config.domain_weight:
            self.domain_classifier = networks.build_code_classifier(
                code_size=config.code_size,
                widths=config.classifier_widths,
                norm=config.classifier_norm,
            )
            groups["domain"] = [self.domain_classifier]
        if config.teacher_weight:
            if self.parts:
                self.recognizer = build_recognizer(filters=config.teacher_filters)
                width = config.teacher_filters[-1]
            else:
                width = _TEACHERS[config.teacher][1]
            self.teacher_head = None
            if width != config.code_size:
                # The paper's teacher has the code's length; another one is met by a linear map.
                self.teacher_head = keras.Sequential(
                    [keras.Input((config.code_size,)), keras.layers.Dense(width, dtype="float32")],
                    name="teacher_head",
                )
                groups["generator"].append(self.teacher_head)
        return groups

    def default_optimizers(self, steps_per_epoch):
        """Adam with constant rates."""
        config = self.config
        return {
            group: Adam(
                config.learning_rate if group == "generator" else config.judge_rate,
                config.beta_1,
                config.beta_2,
            )
            for group in self.groups
        }

    def load_pretrained(self):
        """Loads the teacher, unless it came from another run."""
        config = self.config
        if self._features is None and config.teacher_weight and not self.parts:
            with tf.init_scope():
                self._features = load_features(config.teacher, [_TEACHERS[config.teacher][0]])

    def encode(self, own, x, training=True):
        """The code of pictures by a domain's own encoder."""
        return self.shared_encoder(own(x, training=training), training=training)

    def decode(self, own, code, training=True):
        """Pictures of a code by a domain's own decoder."""
        return own(self.shared_decoder(code, training=training), training=training)

    def teach(self, x):
        """The teacher's embedding of pictures, float32 `(N, K)`."""
        if self.parts:
            features = self.recognizer(x, training=False)
            features = features[f"level{len(features)}"]
        else:
            self.load_pretrained()
            (features,) = self._features(x).values()
        return tf.reduce_mean(tf.cast(features, tf.float32), axis=(1, 2))

    def domain_factor(self):
        """Weight of L_dann in this step: Ganin et al.'s ramp over the run, or constant."""
        config = self.config
        if config.domain_schedule == "constant" or not self.steps_per_epoch:
            return tf.constant(config.domain_weight)
        total = config.total_steps(self.steps_per_epoch)
        progress = tf.cast(self.step.value, tf.float32) / total
        return config.domain_weight * reversal_ramp(tf.minimum(progress, 1.0))

    def train_step(self, batch):
        """One update: the judges on detached pictures and codes, then the auto-encoders.

        Args:
            batch: `{"a", "b"}`, float32 `(N, S, S, 3)` in [-1, 1].
        """
        config = self.config
        a, b = batch["a"], batch["b"]
        reversal = config.domain_weight and config.domain_update == "reversal"
        taught = self.teach(a) if config.teacher_weight else None
        parts = {}
        with tf.GradientTape(persistent=bool(reversal)) as tape:
            # Domains pass one after the other: batch norm sees each by itself, as in the paper.
            code_a, code_b = self.encode(self.encoder_a, a), self.encode(self.encoder_b, b)
            same_a, same_b = (
                self.decode(self.decoder_a, code_a),
                self.decode(self.decoder_b, code_b),
            )
            fake_b, fake_a = (
                self.decode(self.decoder_b, code_a),
                self.decode(self.decoder_a, code_b),
            )
            with tape.stop_recording():
                if config.gan_weight:
                    parts["d_loss"] = self._update_judges({"a": (a, fake_a), "b": (b, fake_b)})
                if config.domain_weight and not reversal:
                    parts["d_domain"] = self._update_domain(code_a, code_b)
            parts["g_reconstruction"] = norm_distance(same_a, a, "l2") + norm_distance(
                same_b, b, "l2"
            )
            total = config.reconstruction_weight * parts["g_reconstruction"]
            if config.semantic_weight:
                parts["g_semantic"] = self._semantic(code_a, fake_b, self.encoder_b)
                parts["g_semantic"] += self._semantic(code_b, fake_a, self.encoder_a)
                total += config.semantic_weight * parts["g_semantic"]
            if config.gan_weight:
                fakes = {"a": fake_a, "b": fake_b}
                parts["g_adversarial"] = sum(
                    losses.gan_generator_loss(judge(fakes[domain], training=True), "bce")
                    for domain, judge in self.judges.items()
                )
                total += config.gan_weight * parts["g_adversarial"]
            if config.teacher_weight:
                embedding = code_a if self.teacher_head is None else self.teacher_head(code_a)
                parts["g_teacher"] = norm_distance(embedding, taught, config.teacher_norm)
                total += config.teacher_weight * parts["g_teacher"]
            if reversal:
                factor = self.domain_factor()
                codes = (reverse_gradient(code, factor) for code in (code_a, code_b))
                parts["d_domain"] = self._domain_loss(*codes)
                total += parts["d_domain"]
            elif config.domain_weight:
                scores = (self.domain_classifier(code, training=True) for code in (code_a, code_b))
                parts["g_domain"] = domain_confusion(
                    *scores, config.domain_loss, config.domain_target
                )
                total += self.domain_factor() * parts["g_domain"]
        self.minimize(tape, total, "generator")
        if reversal:
            self.minimize(tape, parts["d_domain"], "domain")
        return self.track(**parts)

    def _semantic(self, code, fake, encoder):
        goal = tf.stop_gradient(code) if self.config.semantic_detach else code
        return norm_distance(goal, self.encode(encoder, fake), self.config.semantic_norm)

    def _domain_loss(self, code_a, code_b):
        scores = (self.domain_classifier(code, training=True) for code in (code_a, code_b))
        return domain_loss(*scores, self.config.domain_loss)

    def _update_domain(self, code_a, code_b):
        with tf.GradientTape() as tape:
            loss = self._domain_loss(code_a, code_b)
        self.minimize(tape, loss, "domain")
        return loss

    def _update_judges(self, pictures):
        with tf.GradientTape() as tape:
            d_loss = 0.0
            for domain, judge in self.judges.items():
                real, fake = pictures[domain]
                # Apart: batch norm would see real and generated pictures as one set.
                scores = judge(real, training=True), judge(fake, training=True)
                d_loss += losses.gan_discriminator_loss(*scores, "bce")
        self.minimize(tape, d_loss, "discriminator")
        return d_loss

    # Use.

    def call(self, x, training=False):
        """A -> b, float `(N, S, S, 3)` in [-1, 1]."""
        return self._across(self.encoder_a, self.decoder_b, x)

    def uses(self):
        """Both ways, and the code of a picture of either domain."""
        return super().uses() | {
            "reverse": Use(self._backward, ("image",), help="translate b to a"),
            "code_of_a": Use(self._code_a, ("reference",), "style", help="the code of a picture a"),
            "code_of_b": Use(self._code_b, ("reference",), "style", help="the code of a picture b"),
        }

    def _across(self, encoder, decoder, x):
        encoder, decoder, shared_encoder, shared_decoder = (
            self.for_inference(network)
            for network in (encoder, decoder, self.shared_encoder, self.shared_decoder)
        )
        code = shared_encoder(encoder(x, training=False), training=False)
        return decoder(shared_decoder(code, training=False), training=False)

    def _forward(self, image):
        return self._resized(self.encoder_a, self.decoder_b, image)

    def _backward(self, image):
        return self._resized(self.encoder_b, self.decoder_a, image)

    def _resized(self, encoder, decoder, image):
        """The networks know one size: there and back; padding would move the face."""
        out = self._across(encoder, decoder, self._fit(image))
        return tf.clip_by_value(tf.image.resize(out, tf.shape(image)[1:3]), -1.0, 1.0)

    def _fit(self, pictures):
        size = (self.config.image_size,) * 2
        return tf.ensure_shape(tf.image.resize(pictures, size, antialias=True), (None, *size, 3))

    def _code_a(self, reference):
        return self._code(self.encoder_a, reference)

    def _code_b(self, reference):
        return self._code(self.encoder_b, reference)

    def _code(self, encoder, pictures):
        own = self.for_inference(encoder)(self._fit(pictures), training=False)
        return self.for_inference(self.shared_encoder)(own, training=False)
