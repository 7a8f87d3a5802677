"""Disentangling style and content: three trainings, one after the other.

Paper: Xiang and Li 2019 (arXiv 1905.10742). Deviations: docs/models/disentangle.md.
"""

import keras
import numpy as np
import tensorflow as tf

from ganime_tf.configs import disentangle_c2, disentangle_stage1, disentangle_stage2
from ganime_tf.configs.disentangle import DisentangleConfig
from ganime_tf.losses import disentangle as losses
from ganime_tf.models.optimizers import Adam
from ganime_tf.models.trainable import Trainable
from ganime_tf.models.uses import Use
from ganime_tf.networks.disentangle import (
    StyleBank,
    build_content_encoder,
    build_style_generator,
    build_style_judge,
)
from ganime_tf.ops import images as image_ops


def _ramped(rate: float, steps: int):
    """A step size that grows linearly from 0 over the first steps."""
    if not steps:
        return rate
    return keras.optimizers.schedules.PolynomialDecay(0.0, steps, end_learning_rate=rate)


def _rmsprop(config, rate: float):
    # Keras divides by sqrt(v + epsilon), PyTorch by sqrt(v) + epsilon: the same floor.
    return keras.optimizers.RMSprop(
        _ramped(rate, config.ramp_steps), rho=0.99, epsilon=config.epsilon**2
    )


def _adam(config, rate: float, epsilon: float | None = None):
    return Adam(_ramped(rate, config.ramp_steps), 0.9, 0.999, epsilon or config.epsilon)


class _Disentangling(Trainable):
    """What the stages share: data, sizes, codes."""

    Config = DisentangleConfig
    data_kind = "labelled"
    batch_keys = ("b", "label")

    def _sizes(self) -> dict:
        config = self.config
        return {
            "image_size": config.image_size,
            "filters": config.filters,
            "dense": config.dense,
            "bus": config.bus,
        }

    def _judge(self, outputs: int, head: str, name: str):
        return build_style_judge(**self._sizes(), num_outputs=outputs, head=head, name=name)

    def _fit(self, pictures):
        """Resizes to the size of the networks, whose dense layers know no other."""
        size = (self.config.image_size, self.config.image_size)
        return tf.ensure_shape(tf.image.resize(pictures, size, antialias=True), (None, *size, 3))


class _Drawing(_Disentangling):
    """A stage with encoder, generator and style bank: pictures in the style of an artist."""

    validation_metrics = ("l1", "psnr", "ssim")
    best_metric = "val_ssim"

    def _build_drawing(self):
        config = self.config
        codes = {"content_size": config.content_size}
        self.encoder = build_content_encoder(**self._sizes(), **codes, name="encoder")
        self.generator = build_style_generator(
            **self._sizes(), **codes, style_size=config.style_size, warp=config.warp,
            name="generator",
        )  # fmt: skip
        self.style = StyleBank(config.num_artists, config.style_size, name="style")

    def prepare(self, source) -> None:
        """Counts how many training pictures each artist has."""
        labels = np.asarray(source.domains[0].labels["label"])
        counts = np.bincount(labels, minlength=self.config.num_artists).astype(np.float32)
        self.style.frequency.assign(counts / counts.sum())

    def _draw(self, content, style):
        """The picture, and the penalty of the warp (0 without)."""
        out = self.generator([content, style], training=True)
        return tuple(out) if self.config.warp else (out, tf.constant(0.0))

    def _sample(self, mean, std, stream: str):
        """A code from its distribution (the reparametrization)."""
        return mean + std * self.noise(tf.shape(mean)[0], mean.shape[-1], stream=stream)

    def _other_artists(self, count):
        """Artists drawn by how many pictures they have, independent of the pictures."""
        place = self.noise(count, stream="artists", uniform=True)
        edges = tf.cumsum(tf.convert_to_tensor(self.style.frequency))
        return tf.minimum(tf.searchsorted(edges, place, side="right"), len(edges) - 1)

    # Use.

    def uses(self) -> dict[str, Use]:
        """Content of a picture, style of an artist or of a code; the code of an artist."""
        return {
            "default": Use(self._as_artist, ("image", "label"), help="draw it as an artist"),
            "with_style": Use(self._with_style, ("image", "style"), help="draw it by a code"),
            "style_of": Use(self._style_of, ("label",), "style", help="the code of an artist"),
        }

    def _style_of(self, label):
        return self.style(label)[0]

    def _as_artist(self, image, label):
        return self._with_style(image, self._style_of(label))

    def _with_style(self, image, style):
        content = self.encoder(self._fit(image), training=False)[0]  # the mean, when used
        out = self.for_inference(self.generator)([content, style], training=False)
        out = out[0] if self.config.warp else out
        return tf.clip_by_value(tf.image.resize(out, tf.shape(image)[1:3]), -1.0, 1.0)

    def call(self, x, training=False):
        """Redraws pictures `[image, label]` in the style of these artists."""
        return self._as_artist(*x)

    def evaluate_batch(self, batch: dict, first: int = 0) -> dict:
        """Pictures and their reconstruction in their own artist's style."""
        real = image_ops.to_uint8(tf.convert_to_tensor(batch["b"])).numpy()
        labels = np.asarray(batch["label"], np.int32)
        return {"real": real, "fake": self.run("default", image=real, label=labels)}

    def sample_pictures(self, batch: dict) -> dict:
        """Pictures, their reconstruction, and the styles of the batch shifted by one and two."""
        real = image_ops.to_uint8(tf.convert_to_tensor(batch["b"])).numpy()
        labels = np.asarray(batch["label"], np.int32)
        columns = {"picture": real}
        for title, shift in (("same artist", 0), ("next artist", 1), ("second next", 2)):
            drawn = self.run("default", image=real, label=np.roll(labels, -shift))
            columns[title] = drawn
        return columns


@keras.saving.register_keras_serializable("ganime_tf")
class DisentangleStage1(_Drawing):
    """Stage 1: E, G and S rebuild pictures; C1 looks for traces of the artist in redrawings."""

    Config = disentangle_stage1.Stage1Config
    presets = disentangle_stage1.PRESETS
    loss_names = ("rec", "content_kl", "style_kl", "c_loss", "c_gain")

    def build_networks(self):
        """Builds E, G, S and C1."""
        self._build_drawing()
        self.content_classifier = self._judge(self.config.num_artists, "cla", "content_classifier")
        return {
            "generator": [self.encoder, self.generator],
            "style": [self.style],
            "content_classifier": [self.content_classifier],
        }

    def default_optimizers(self, steps_per_epoch):
        """Adam, much faster for S, whose rows are seldom touched."""
        config = self.config
        return {
            "generator": _adam(config, config.learning_rate),
            "style": _adam(config, config.style_rate, 1e-8),
            "content_classifier": _adam(config, config.learning_rate),
        }

    def train_step(self, batch):
        """One simultaneous update on `{"b", "label"}` (section 3.1)."""
        config = self.config
        x, labels = batch["b"], batch["label"]
        with tf.GradientTape(persistent=True) as tape:
            mean, std = self.encoder(x, training=True)
            content = self._sample(mean, std, "content")
            own = self._sample(*self.style(labels), "style")
            picture, penalty = self._draw(content, own)
            rec = losses.pixel_distance(picture, x)
            if config.clamp:
                other = tf.stop_gradient(tf.roll(own, -1, 0))
            else:
                artists = self._other_artists(tf.shape(x)[0])
                other = self._sample(*self.style(artists), "other_style")
            redrawn, _ = self._draw(content, other)
            scores, regular = self.content_classifier(redrawn, training=True)
            c_loss = losses.negative_log_likelihood(scores, labels)
            frequency = self.style.frequency if config.clamp else None
            gain = losses.confusion(scores, labels, frequency)
            content_kl = tf.reduce_sum(losses.divergence_by_dimension(mean, std))
            style_kl = tf.reduce_sum(self.style.divergence())
            total = rec - config.adversarial_weight * gain
            total += config.content_kl_weight * content_kl + config.style_kl_weight * style_kl
            total += config.warp_weight * penalty
            judge = c_loss + config.regularization_weight * regular
        self.minimize(tape, total, "generator")
        self.minimize(tape, total, "style")
        self.minimize(tape, judge, "content_classifier")
        return self.track(
            rec=rec, content_kl=content_kl, style_kl=style_kl, c_loss=c_loss, c_gain=gain
        )


@keras.saving.register_keras_serializable("ganime_tf")
class DisentangleC2(_Disentangling):
    """C2 before stage 2: the artist of a real picture."""

    Config = disentangle_c2.ClassifierConfig
    presets = disentangle_c2.PRESETS
    loss_names = ("c_loss", "accuracy")
    best_metric = "accuracy"

    def build_networks(self):
        """Builds C2."""
        self.classifier = self._judge(self.config.num_artists, "cla", "classifier")
        return {"classifier": [self.classifier]}

    def default_optimizers(self, steps_per_epoch):
        """Adam."""
        return {"classifier": _adam(self.config, self.config.learning_rate)}

    def train_step(self, batch):
        """One update on `{"b", "label"}`."""
        with tf.GradientTape() as tape:
            scores, regular = self.classifier(batch["b"], training=True)
            c_loss = losses.negative_log_likelihood(scores, batch["label"])
            total = c_loss + self.config.regularization_weight * regular
        self.minimize(tape, total, "classifier")
        right = tf.equal(tf.argmax(scores, -1, tf.int32), tf.cast(batch["label"], tf.int32))
        return self.track(c_loss=c_loss, accuracy=tf.reduce_mean(tf.cast(right, tf.float32)))

    def call(self, x, training=False):
        """Raw scores `(N, artists)` of float pictures in [-1, 1] of the trained size."""
        return self.classifier(x, training=training)[0]

    def uses(self) -> dict[str, Use]:
        """Scores of the artists of a reference picture."""
        return {"default": Use(self._scores, ("reference",), "style", help="scores of artists")}

    def _scores(self, reference):
        return tf.nn.log_softmax(self(self._fit(reference)))


@keras.saving.register_keras_serializable("ganime_tf")
class DisentangleStage2(_Drawing):
    """Stage 2: G and S learn pictures that D takes for real and C2 for the artist's."""

    Config = disentangle_stage2.Stage2Config
    presets = disentangle_stage2.PRESETS
    loss_names = ("d_loss", "c_loss", "g_realness", "g_artist", "g_content")
    parts = {
        "encoder": "disentangle-stage1",
        "generator": "disentangle-stage1",
        "style": "disentangle-stage1",
        "classifier": "disentangle-c2",
    }

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for network in (self.generator, self.style, self.classifier):
            network.trainable = True  # taken from other runs, but only E stays as it is

    def build_networks(self):
        """Builds E, G, S, C2 and D."""
        self._build_drawing()
        self.classifier = self._judge(self.config.num_artists, "cla", "classifier")
        self.discriminator = self._judge(1, "dis", "discriminator")
        return {
            "generator": [self.generator],
            "style": [self.style],
            "discriminator": [self.discriminator],
            "classifier": [self.classifier],
        }

    def default_optimizers(self, steps_per_epoch):
        """RMSprop; Adam for S where the author's code has it."""
        config = self.config
        slow = {name: _rmsprop(config, config.learning_rate)
                for name in ("generator", "discriminator", "classifier")}  # fmt: skip
        style = (
            _adam(config, config.style_rate, 1e-8)
            if config.ramp_steps
            else _rmsprop(config, config.style_rate)
        )
        return {**slow, "style": style}

    def prepare(self, source) -> None:
        """Counts the artists' pictures; D starts as C2 with a head of its own."""
        super().prepare(source)
        for ours, theirs in zip(
            self.discriminator.variables, self.classifier.variables, strict=True
        ):
            if ours.shape == theirs.shape:
                ours.assign(theirs)

    def plan(self, step: int) -> dict:
        """G and S learn in every `judge_steps`-th step."""
        return {"draw": step % self.config.judge_steps == self.config.judge_steps - 1}

    def train_step(self, batch, draw: bool = True):
        """One update of D and C2 and, with `draw`, of G and S on `{"b", "label"}`."""
        config = self.config
        x, labels = batch["b"], batch["label"]
        mean, std = self.encoder(x, training=False)
        content = self._sample(mean, std, "content")
        artists = self._other_artists(tf.shape(x)[0])
        with tf.GradientTape(persistent=True) as tape:
            style = self._sample(*self.style(artists), "style")
            fake, penalty = self._draw(content, style)
            with tape.stop_recording():
                d_loss, c_loss = self._update_judges(x, labels, fake, artists)
            realness = losses.realness(self.discriminator(fake, training=True)[0], 0.0)
            scores = self.classifier(fake, training=True)[0]
            artist = losses.negative_log_likelihood(scores, artists)
            again = self._sample(*self.encoder(fake, training=False), "content_again")
            kept = tf.reduce_mean(tf.reduce_sum(tf.square(again - content), -1))
            total = config.realness_weight * realness + config.artist_weight * artist
            total += config.content_weight * kept + config.warp_weight * penalty
            total += config.style_kl_weight * tf.reduce_sum(self.style.divergence())
        if draw:
            self.minimize(tape, total, "generator")
            self.minimize(tape, total, "style")
        return self.track(
            d_loss=d_loss, c_loss=c_loss, g_realness=realness, g_artist=artist, g_content=kept
        )

    def _update_judges(self, x, labels, fake, artists):
        weight = self.config.regularization_weight
        with tf.GradientTape() as tape:
            real_scores, regular = self.discriminator(x, training=True)
            fake_scores, _ = self.discriminator(fake, training=True)
            d_loss = losses.realness(real_scores, 1.0) + losses.realness(fake_scores, -1.0)
            d_total = d_loss + weight * regular
        self.minimize(tape, d_total, "discriminator")
        with tf.GradientTape() as tape:
            scores, regular = self.classifier(x, training=True)
            c_loss = losses.negative_log_likelihood(scores, labels)
            if self.config.adversarial_classifier:
                c_loss += losses.unlikelihood(self.classifier(fake, training=True)[0], artists)
            c_total = c_loss + weight * regular
        self.minimize(tape, c_total, "classifier")
        return d_loss, c_loss

    def uses(self) -> dict[str, Use]:
        """Those of stage 1, and the style of the artist that C2 sees in a reference."""
        reference = Use(
            self._as_reference, ("image", "reference"), help="draw it as the reference's artist"
        )
        return super().uses() | {"with_reference": reference}

    def _as_reference(self, image, reference):
        scores = self.classifier(self._fit(reference), training=False)[0]
        return self._as_artist(image, tf.argmax(scores, -1, tf.int32))
