"""What the three trainings of the disentangling paper share: sizes, codes, drawing, optimizers.

Paper: Xiang and Li 2019 (arXiv 1905.10742).
"""

import keras
import numpy as np
import tensorflow as tf

from ganime_tf.configs.disentangle import DisentangleConfig
from ganime_tf.models.optimizers import Adam, RMSpropAfterRoot
from ganime_tf.models.trainable import Trainable
from ganime_tf.models.uses import Use
from ganime_tf.networks.disentangle import (
    StyleBank,
    build_content_encoder,
    build_style_generator,
    build_style_judge,
)
from ganime_tf.ops import images as image_ops


def ramped(rate: float, steps: int):
    """A step size that grows linearly from 0 over the first steps."""
    if not steps:
        return rate
    return keras.optimizers.schedules.PolynomialDecay(0.0, steps, end_learning_rate=rate)


def rmsprop(config, rate: float):
    """PyTorch's RMSprop with a ramp."""
    return RMSpropAfterRoot(ramped(rate, config.ramp_steps), rho=0.99, epsilon=config.epsilon)


def adam(config, rate: float, epsilon: float | None = None):
    """PyTorch's Adam with a ramp."""
    epsilon = config.epsilon if epsilon is None else epsilon
    return Adam(ramped(rate, config.ramp_steps), 0.9, 0.999, epsilon, epsilon_last=True)


def plain(function):
    """Leaves a step as it is when it is traced: nothing to convert, and much quicker."""
    return tf.autograph.experimental.do_not_convert(function)


class Disentangling(Trainable):
    """What the stages share: data, sizes, codes."""

    Config = DisentangleConfig
    data_kind = "labelled"
    batch_keys = ("b", "label")

    @property
    def label_names(self) -> tuple[str, ...]:
        """The artists by number."""
        return self.config.artists or tuple(map(str, range(self.config.num_artists)))

    def _sizes(self) -> dict:
        config = self.config
        return {
            "image_size": config.image_size,
            "filters": config.filters,
            "dense": config.dense,
            "bus": config.bus,
        }

    def _judge(self, outputs: int, head: str, name: str):
        return build_style_judge(
            **self._sizes(), num_outputs=outputs, head=head, name=name, regularize=self._regular
        )

    @property
    def _regular(self) -> bool:
        return self.config.regularization_weight > 0

    def _scores_of(self, judge, pictures):
        """Scores of C1, C2 or D in a step, and its batch regularization (0 without)."""
        out = judge(pictures, training=True)
        return out if self._regular else (out, tf.constant(0.0))

    def _fit(self, pictures):
        """Resizes to the size of the networks, whose dense layers know no other."""
        size = (self.config.image_size, self.config.image_size)
        return tf.ensure_shape(tf.image.resize(pictures, size, antialias=True), (None, *size, 3))


class Drawing(Disentangling):
    """A stage with encoder, generator and style bank: pictures in the style of an artist."""

    @property
    def style_size(self) -> int:
        """Length of a style code."""
        return self.config.style_size

    def default_metrics(self, aligned: bool):
        """Of reconstructions."""
        del aligned  # a picture is compared with itself, drawn again
        return ("l1", "psnr", "ssim"), "val_ssim"

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
        noise = self.noise(tf.shape(mean)[0], mean.shape[-1], stream=stream)
        return tf.cast(mean, tf.float32) + tf.cast(std, tf.float32) * noise

    def _other_artists(self, count):
        """Artists drawn by how many pictures they have, independent of the pictures."""
        place = self.noise(count, stream="artists", uniform=True)
        edges = tf.cumsum(tf.convert_to_tensor(self.style.frequency))
        return tf.minimum(tf.searchsorted(edges, place, side="right"), self.config.num_artists - 1)

    # Use.

    def uses(self) -> dict[str, Use]:
        """Content of a picture; style of an artist, a code or a seed; and the codes themselves."""
        return {
            "default": Use(self._as_artist, ("image", "label"), help="draw it as an artist"),
            "with_style": Use(self._with_style, ("image", "style"), help="draw it by a code"),
            "with_seed": Use(
                self._with_seed, ("image", "seed"), help="draw it in a style that nobody has"
            ),
            "style_of": Use(self._style_of, ("label",), "style", help="the code of an artist"),
            "content_of": Use(
                self._content_of, ("reference",), "style", help="the content code of a picture"
            ),
        }

    def _style_of(self, label):
        return self.style(label)[0]

    def _as_artist(self, image, label):
        return self._with_style(image, self._style_of(label))

    def _content_of(self, reference):
        encoder = self.for_inference(self.encoder)
        return encoder(self._fit(reference), training=False)[0]  # the mean, when used

    def _with_style(self, image, style):
        out = self.draw_codes(self._content_of(image), style)
        return tf.clip_by_value(tf.image.resize(out, tf.shape(image)[1:3]), -1.0, 1.0)

    def draw_codes(self, content, style):
        """Pictures of the trained size, float32 about [-1, 1], of content and style codes."""
        out = self.for_inference(self.generator)([content, style], training=False)
        return out[0] if self.config.warp else out

    def _with_seed(self, image, seed):
        return self._with_style(image, self._style_of_seed(seed))

    def _style_of_seed(self, seed):
        """Codes of a normal distribution that has the second moment of all artists' codes."""
        mean, std = self.style.table()
        keys = tf.stack([tf.cast(seed, tf.int64), tf.ones_like(seed, tf.int64)], -1)
        size = sum(mean.shape)
        drawn = tf.map_fn(
            lambda key: tf.random.stateless_normal((size,), key),
            keys,
            fn_output_signature="float32",
        )
        weight = tf.convert_to_tensor(self.style.frequency)[:, None]
        spread = tf.sqrt(tf.reduce_sum(weight * tf.square(std), 0))
        count = mean.shape[0]
        return drawn[:, :count] @ (tf.sqrt(weight) * mean) + drawn[:, count:] * spread

    def call(self, x, training=False):
        """Redraws pictures `[image, label]` in the style of these artists."""
        return self._as_artist(*x)

    def evaluate_batch(self, batch: dict, first: int = 0) -> dict:
        """Pictures and their reconstruction in their own artist's style."""
        real = image_ops.to_uint8(tf.convert_to_tensor(batch["b"])).numpy()
        labels = np.asarray(batch["label"], np.int32)
        return {"real": real, "fake": self.run("default", image=real, label=labels)}

    def sample_pictures(self, batch: dict) -> dict:
        """Pictures, their reconstruction, and the styles of the batch's first artists."""
        real = image_ops.to_uint8(tf.convert_to_tensor(batch["b"])).numpy()
        labels = np.asarray(batch["label"], np.int32)
        columns = {"picture": real, "own artist": self.run("default", image=real, label=labels)}
        for label in list(dict.fromkeys(labels.tolist()))[:4]:
            columns[self.label_names[label]] = self.run("default", image=real, label=label)
        return columns
