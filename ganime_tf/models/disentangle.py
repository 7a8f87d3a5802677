"""Disentangling style and content: three trainings, one after the other.

Paper: Xiang and Li 2019 (arXiv 1905.10742).
Official code: stormraiser/adversarial-disentangle, a later one than the paper's.
Deviations: docs/models/disentangle-stage1.md.

Code name -> paper symbol: encoder -> E, generator -> G, style -> S, content_classifier -> C1,
classifier -> C2, discriminator -> D.
"""

import keras
import numpy as np
import tensorflow as tf

from ganime_tf.configs import disentangle_c2, disentangle_stage1, disentangle_stage2
from ganime_tf.losses import disentangle as losses
from ganime_tf.models.disentangle_base import Disentangling, Drawing, adam, plain, rmsprop
from ganime_tf.models.uses import Use
from ganime_tf.ops import images as image_ops


@keras.saving.register_keras_serializable("ganime_tf")
class DisentangleStage1(Drawing):
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
            "generator": adam(config, config.learning_rate),
            "style": adam(config, config.style_rate, 1e-8),
            "content_classifier": adam(config, config.learning_rate),
        }

    @plain
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
            scores, regular = self._scores_of(self.content_classifier, redrawn)
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
class DisentangleC2(Disentangling):
    """C2 before stage 2: the artist of a real picture."""

    Config = disentangle_c2.ClassifierConfig
    presets = disentangle_c2.PRESETS
    loss_names = ("c_loss", "accuracy")

    def default_metrics(self, aligned: bool):
        """Share of held-out pictures whose artist comes first."""
        del aligned
        return ("pixel_accuracy",), "val_pixel_accuracy"

    def build_networks(self):
        """Builds C2."""
        self.classifier = self._judge(self.config.num_artists, "cla", "classifier")
        return {"classifier": [self.classifier]}

    def default_optimizers(self, steps_per_epoch):
        """Adam."""
        return {"classifier": adam(self.config, self.config.learning_rate)}

    @plain
    def train_step(self, batch):
        """One update on `{"b", "label"}`."""
        with tf.GradientTape() as tape:
            scores, regular = self._scores_of(self.classifier, batch["b"])
            c_loss = losses.negative_log_likelihood(scores, batch["label"])
            total = c_loss + self.config.regularization_weight * regular
        self.minimize(tape, total, "classifier")
        right = tf.equal(tf.argmax(scores, -1, tf.int32), tf.cast(batch["label"], tf.int32))
        return self.track(c_loss=c_loss, accuracy=tf.reduce_mean(tf.cast(right, tf.float32)))

    def call(self, x, training=False):
        """Raw scores `(N, artists)` of float pictures in [-1, 1] of the trained size."""
        scores = self.classifier(x, training=training)
        return scores[0] if self._regular else scores

    def uses(self) -> dict[str, Use]:
        """Scores of the artists of a reference picture."""
        return {"default": Use(self._scores, ("reference",), "style", help="scores of artists")}

    def _scores(self, reference):
        return tf.nn.log_softmax(self(self._fit(reference)))

    def evaluate_batch(self, batch: dict, first: int = 0) -> dict:
        """Each picture as a map of one pixel: 0 where its artist is found, 1 where not."""
        _, right = self._judged(batch)
        wrong = (~right).astype(np.int64)[:, None, None]
        return {"truth": np.zeros_like(wrong), "classes": wrong}

    def sample_pictures(self, batch: dict) -> dict:
        """Pictures, and again with a green frame where their artist is found, else a red one."""
        real, right = self._judged(batch)
        framed, edge = real.copy(), max(1, real.shape[1] // 16)
        colours = np.where(right[:, None], (40, 170, 60), (210, 40, 40)).astype(np.uint8)
        for picture, colour in zip(framed, colours, strict=True):
            picture[:edge] = picture[-edge:] = colour
            picture[:, :edge] = picture[:, -edge:] = colour
        return {"picture": real, "found (green)": framed}

    def _judged(self, batch):
        real = image_ops.to_uint8(tf.convert_to_tensor(batch["b"])).numpy()
        found = self.run("default", reference=real).argmax(-1)
        return real, found == np.asarray(batch["label"])


@keras.saving.register_keras_serializable("ganime_tf")
class DisentangleStage2(Drawing):
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
        slow = {name: rmsprop(config, config.learning_rate)
                for name in ("generator", "discriminator", "classifier")}  # fmt: skip
        style = (
            adam(config, config.style_rate, 1e-8)
            if config.ramp_steps
            else rmsprop(config, config.style_rate)
        )
        return {**slow, "style": style}

    def prepare(self, source) -> None:
        """Counts the artists' pictures; D starts as C2 with a head of its own.

        A head whose bias is not 0 was trained before: it came with `--from`, and D stays.
        """
        super().prepare(source)
        head = self.discriminator.get_layer("dis")
        if np.any(keras.ops.convert_to_numpy(head.bias)):
            return
        kept = {id(variable) for variable in head.variables}
        pairs = zip(self.discriminator.variables, self.classifier.variables, strict=True)
        for ours, theirs in pairs:
            if id(ours) not in kept:
                ours.assign(theirs)

    def plan(self, step: int) -> dict:
        """G and S learn in every `judge_steps`-th step."""
        return {"draw": step % self.config.judge_steps == self.config.judge_steps - 1}

    @plain
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
            realness = losses.realness(self._scores_of(self.discriminator, fake)[0], 0.0)
            scores = self._scores_of(self.classifier, fake)[0]
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
            real_scores, regular = self._scores_of(self.discriminator, x)
            fake_scores, _ = self._scores_of(self.discriminator, fake)
            d_loss = losses.realness(real_scores, 1.0) + losses.realness(fake_scores, -1.0)
            d_total = d_loss + weight * regular
        self.minimize(tape, d_total, "discriminator")
        with tf.GradientTape() as tape:
            scores, regular = self._scores_of(self.classifier, x)
            c_loss = losses.negative_log_likelihood(scores, labels)
            if self.config.adversarial_classifier:
                fake_scores, _ = self._scores_of(self.classifier, fake)
                c_loss += losses.unlikelihood(fake_scores, artists)
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
        return self._as_artist(image, tf.argmax(self.artist_scores(reference), -1, tf.int32))

    def artist_scores(self, pictures):
        """C2's raw scores `(N, artists)` of float pictures in [-1, 1], of any size."""
        scores = self.classifier(self._fit(pictures), training=False)
        return scores[0] if self._regular else scores
