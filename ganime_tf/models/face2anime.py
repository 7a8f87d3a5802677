"""Face2Anime: CycleGAN whose two generators should agree on what a picture means.

Paper: Girkin and Streltsov, Face2Anime (a plan: no code, sizes or results). Its open questions,
each a field of the config, are answered in docs/models/face2anime.md.

Code name -> paper symbol: encoder_a2b -> e_AB, decoder_a2b(encoder_a2b(.)) -> G_AB, encoder_b2a ->
e_BA, domain_classifier -> D_dom, discriminator_a -> D_A.
"""

import keras
import tensorflow as tf

from ganime_tf import losses
from ganime_tf.configs.face2anime import PRESETS, Face2AnimeConfig
from ganime_tf.layers.gradient_reversal import reverse_gradient
from ganime_tf.layers.image_pool import ImagePool
from ganime_tf.losses.face2anime import (
    critic_generator_loss,
    critic_loss,
    domain_confusion,
    domain_loss,
    feature_distance,
    norm_distance,
)
from ganime_tf.losses.regularizers import gradient_penalty
from ganime_tf.models.optimizers import RMSpropAfterRoot, decayed_adam
from ganime_tf.models.schedules import LinearDecay
from ganime_tf.models.translator import Translator
from ganime_tf.models.uses import Use
from ganime_tf.networks.face2anime import build_critic, build_domain_classifier, build_halves
from ganime_tf.networks.features import load_features
from ganime_tf.networks.patchgan import build_patchgan
from ganime_tf.networks.recognizer import build_recognizer

_LAYERS = {
    "vgg19": ("block3_conv4", "block4_conv4", "block5_conv4"),
    "squeezenet": ("fire3", "fire5", "fire9"),
    "random": ("block1_conv2", "block2_conv2"),
}


@keras.saving.register_keras_serializable("ganime_tf")
class Face2Anime(Translator):
    """CycleGAN with terms for what pictures mean, each with a weight of its own."""

    Config = Face2AnimeConfig
    presets = PRESETS
    data_kind = "unpaired"
    stride = 4
    min_size = 8  # reflection padding needs two pixels in the code
    _features = None

    @property
    def parts(self) -> dict[str, str]:
        """The network of the perceptual loss, where the package has trained it."""
        config = self.config
        own = config.perceptual_weight and config.perceptual == "anime-classifier"
        return {"recognizer": "anime-classifier"} if own else {}

    @property
    def loss_names(self) -> tuple[str, ...]:
        """Names of the losses that `train_step` returns: unweighted, summed over directions."""
        config = self.config
        optional = {
            "d_penalty": config.adversarial == "wgan-gp",
            "d_domain": config.domain_weight,
            "g_identity": config.identity_weight,
            "g_semantic": config.semantic_weight,
            "g_domain": config.domain_weight and config.domain_update == "alternating",
            "g_perceptual": config.perceptual_weight,
        }
        names = ("d_loss", "g_adversarial", "g_cycle", *optional)
        return tuple(name for name in names if optional.get(name, True))

    def build_networks(self):
        """Builds encoders, decoders, judges and, where it has a weight, D_dom."""
        config = self.config

        def halves(way):
            return build_halves(
                num_blocks=config.num_blocks,
                encoder_blocks=config.encoder_blocks,
                filters=config.filters,
                dropout=config.dropout,
                names=(f"encoder_{way}", f"decoder_{way}"),
            )

        def judge(name):
            sizes = {"patch_size": config.patch_size, "filters": config.filters, "name": name}
            if config.critic:
                clip = config.clip if config.adversarial == "wgan-clip" else 0.0
                return build_critic(**sizes, clip=clip)
            return build_patchgan(**sizes, norm="instance", conditional=False)

        self.encoder_a2b, self.decoder_a2b = halves("a2b")
        self.encoder_b2a, self.decoder_b2a = halves("b2a")
        self.discriminator_a, self.discriminator_b = (
            judge("discriminator_a"),
            judge("discriminator_b"),
        )
        picture = (None, config.image_size, config.image_size, 3)
        self.pool_a = ImagePool(config.pool_size, seed=1, name="pool_a")
        self.pool_b = ImagePool(config.pool_size, seed=2, name="pool_b")
        self.pool_a.build(picture)
        self.pool_b.build(picture)
        if self.parts:
            self.recognizer = build_recognizer(filters=config.classifier_filters)
        self.a2b = (self.encoder_a2b, self.decoder_a2b)
        self.b2a = (self.encoder_b2a, self.decoder_b2a)
        groups = {
            "generator": [*self.a2b, *self.b2a],
            "discriminator": [self.discriminator_a, self.discriminator_b],
        }
        if config.domain_weight:
            self.domain_classifier = build_domain_classifier(
                channels=4 * config.filters, filters=config.domain_filters
            )
            groups["domain"] = [self.domain_classifier]
        return groups

    def default_optimizers(self, steps_per_epoch):
        """One optimizer a group, decayed linearly; the generators' counts its own steps."""
        return {group: self._optimizer(group, steps_per_epoch) for group in self.groups}

    def _optimizer(self, group: str, steps_per_epoch):
        config = self.config
        if steps_per_epoch and group == "generator":
            steps_per_epoch /= self._steps_of_cycle
        if config.optimizer == "adam":
            return decayed_adam(config, steps_per_epoch, epsilon_last=True)
        rate = config.learning_rate
        if steps_per_epoch and config.decay_epochs:
            constant = max(config.num_epochs - config.decay_epochs, 0)
            rate = LinearDecay(rate, constant, config.decay_epochs, steps_per_epoch)
        return RMSpropAfterRoot(rate, rho=config.beta_2, epsilon=config.epsilon)

    def load_pretrained(self):
        """Loads the network of the perceptual loss, unless it came from another run."""
        config = self.config
        if self._features is None and config.perceptual_weight and not self.parts:
            layers = config.perceptual_layers or _LAYERS[config.perceptual]
            with tf.init_scope():
                self._features = load_features(config.perceptual, layers)

    @property
    def _steps_of_cycle(self) -> int:
        return self.config.critic_steps if self.config.critic else 1

    def plan(self, step: int) -> dict:
        """Beside critics the generators learn in every `critic_steps`-th step."""
        return {"generators": step % self._steps_of_cycle == self._steps_of_cycle - 1}

    def train_step(self, batch, generators: bool = True):
        """One update of the judges and D_dom and, before them, with `generators`, of the rest.

        Args:
            batch: `{"a", "b"}`, float32 `(N, S, S, 3)` in [-1, 1].
            generators: Whether encoders and decoders learn; without, their losses stay as logged.
        """
        a, b = batch["a"], batch["b"]
        if generators:
            parts, fakes, codes = self._update_generators(a, b)
        else:
            parts = {}
            code_a, code_b = (
                net(x, training=True) for (net, _), x in ((self.a2b, a), (self.b2a, b))
            )
            fakes = (
                self.decoder_b2a(code_b, training=True),
                self.decoder_a2b(code_a, training=True),
            )
            codes = (code_a, code_b)
        # Fakes and codes are those of before the generators' update.
        parts |= self._update_judges(a, b, *fakes)
        if self.config.domain_weight and "d_domain" not in parts:
            parts["d_domain"] = self._update_domain(*codes)
        return self.track(**parts)

    def _update_generators(self, a, b):
        config = self.config
        reversal = config.domain_weight and config.domain_update == "reversal"
        wanted = self.features(tf.concat([a, b], 0)) if config.perceptual_weight else {}
        with tf.GradientTape(persistent=bool(reversal)) as tape:
            parts_b, fake_b, code_a = self._one_way(a, b, self.a2b, self.b2a, self.discriminator_b)
            parts_a, fake_a, code_b = self._one_way(b, a, self.b2a, self.a2b, self.discriminator_a)
            parts = {key: parts_a[key] + parts_b[key] for key in parts_a}
            if config.perceptual_weight:
                found = self.features(tf.concat([fake_b, fake_a], 0))
                # The mean over both directions, times two for their sum.
                parts["g_perceptual"] = 2.0 * feature_distance(
                    found, wanted, config.perceptual_relative
                )
            total = self._weighted(parts)
            if reversal:
                # The encoders get -domain_weight times the gradient that D_dom's loss would give.
                codes = (reverse_gradient(code, config.domain_weight) for code in (code_a, code_b))
                parts["d_domain"] = self._domain_loss(*codes)
                total += parts["d_domain"]
            elif config.domain_weight:
                scores = (self.domain_classifier(code, training=True) for code in (code_a, code_b))
                parts["g_domain"] = domain_confusion(
                    *scores, config.domain_loss, config.domain_target
                )
                total += config.domain_weight * parts["g_domain"]
        self.minimize(tape, total, "generator")
        if reversal:
            self.minimize(tape, parts["d_domain"], "domain")
        return parts, (fake_a, fake_b), (code_a, code_b)

    def _one_way(self, x, y, generator, inverse, judge):
        """The terms that start with `generator`, x -> y, unweighted; its picture and x's code."""
        config = self.config
        (encode, decode), (encode_back, decode_back) = generator, inverse
        parts = {}
        if config.identity_weight:
            # One call for both uses of the generator: instance norm keeps pictures apart.
            codes = encode(tf.concat([x, y], 0), training=True)
            fake, same = tf.split(decode(codes, training=True), 2)
            code = tf.split(codes, 2)[0]
            parts["g_identity"] = losses.l1(same, y)
        else:
            code = encode(x, training=True)
            fake = decode(code, training=True)
        scores = judge(fake, training=True)
        if config.critic:
            parts["g_adversarial"] = critic_generator_loss(scores)
        else:
            parts["g_adversarial"] = losses.gan_generator_loss(scores, config.adversarial)
        code_of_fake = encode_back(fake, training=True)
        parts["g_cycle"] = losses.l1(decode_back(code_of_fake, training=True), x)
        if config.semantic_weight:
            goal = tf.stop_gradient(code) if config.semantic_detach else code
            parts["g_semantic"] = norm_distance(goal, code_of_fake, config.semantic_norm)  # eq. (1)
        return parts, fake, code

    def features(self, pictures) -> dict:
        """Returns `{layer: features}` of pictures in [-1, 1] for the perceptual loss."""
        if not self.parts:
            self.load_pretrained()
            return self._features(pictures)
        known = self.recognizer(pictures, training=False)
        layers = self.config.perceptual_layers or list(known)[1:] or list(known)
        if unknown := sorted(set(layers) - set(known)):
            raise ValueError(f"Unknown `perceptual_layers` {unknown}. There are {list(known)}.")
        return {layer: known[layer] for layer in layers}

    def _weighted(self, parts):
        """The sum of the weighted terms, but for the domains'."""
        config = self.config
        total = parts["g_adversarial"] + config.cycle_weight * parts["g_cycle"]
        if config.identity_weight:
            total += config.cycle_weight * config.identity_weight * parts["g_identity"]
        if config.semantic_weight:
            total += config.semantic_weight * parts["g_semantic"]
        if config.perceptual_weight:
            total += config.perceptual_weight * parts["g_perceptual"]
        return total

    def _domain_loss(self, code_a, code_b):
        """Eq. (2), which D_dom lowers: as written, to be raised by D_dom, it has no bound."""
        scores = (self.domain_classifier(code, training=True) for code in (code_a, code_b))
        return domain_loss(*scores, self.config.domain_loss)

    def _update_domain(self, code_a, code_b):
        with tf.GradientTape() as tape:
            loss = self._domain_loss(tf.stop_gradient(code_a), tf.stop_gradient(code_b))
        self.minimize(tape, loss, "domain")
        return loss

    def _update_judges(self, a, b, fake_a, fake_b) -> dict:
        config = self.config
        parts = {}
        with tf.GradientTape() as tape:
            sides = (
                (self.discriminator_a, a, self.pool_a(fake_a), "a"),
                (self.discriminator_b, b, self.pool_b(fake_b), "b"),
            )
            total = parts["d_loss"] = sum(self._judge_loss(*side[:3]) for side in sides)
            if config.adversarial == "wgan-gp":
                parts["d_penalty"] = sum(self._penalty(*side) for side in sides)
                total += config.penalty_weight * parts["d_penalty"]
        self.minimize(
            tape, total, "discriminator"
        )  # ends by clipping: a constraint of `build_critic`
        return parts

    def _judge_loss(self, judge, real, fake):
        real_scores, fake_scores = tf.split(judge(tf.concat([real, fake], 0), training=True), 2)
        if self.config.critic:
            return critic_loss(real_scores, fake_scores)
        loss = losses.gan_discriminator_loss(real_scores, fake_scores, self.config.adversarial)
        return self.config.discriminator_scale * loss

    def _penalty(self, critic, real, fake, name):
        alpha = self.noise(tf.shape(real)[0], 1, 1, 1, stream=f"alpha_{name}", uniform=True)
        between = real + alpha * (tf.stop_gradient(fake) - real)
        with tf.GradientTape() as tape:
            tape.watch(between)
            scores = critic(between, training=True)
            reduce = tf.reduce_mean if self.config.penalty_of == "mean" else tf.reduce_sum
            score = tf.reduce_sum(reduce(scores, axis=(1, 2, 3)))
        return gradient_penalty(tape.gradient(score, between), self.config.penalty_one_sided)

    # Use.

    def call(self, x, training=False):
        """A -> b, float `(N, H, W, 3)` in [-1, 1], H and W multiples of 4."""
        return self._generate(self.a2b, x, training)

    def uses(self):
        """Both ways."""
        return super().uses() | {
            "reverse": Use(self._backward, ("image",), help="translate b to a"),
        }

    def _backward(self, image):
        return self._generate(self.b2a, image)

    def _generate(self, halves, x, training=False):
        for network in halves:
            x = (network if training else self.for_inference(network))(x, training=training)
        return x
