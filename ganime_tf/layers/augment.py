"""Adaptive discriminator augmentation (Karras et al. 2020, arXiv 2006.06676, appendix B)."""

import math

import keras
import tensorflow as tf

from ganime_tf.layers import augment_ops as transforms
from ganime_tf.layers.random import Randomness

GEOMETRY = (
    "flip", "quarter_turn", "whole_shift", "scale", "rotation", "anisotropy", "fractional_shift"
)  # fmt: skip
COLOUR = ("brightness", "contrast", "luma_flip", "hue", "saturation")
OTHERS = ("filter", "noise", "cutout")
PIPELINES = {"bgc": (*GEOMETRY, *COLOUR), "bgcfnc": (*GEOMETRY, *COLOUR, *OTHERS)}
"""Named sets of transforms; "bgc" is the paper's default."""


class Draws:
    """The random numbers of one call: fresh ones for each picture, the same for any replicas.

    Args:
        randomness: Of the training step.
        count: Pictures on this replica.
        probability: p of the paper, scalar tensor.
        stream: Name of this call; calls of another name draw other numbers.
    """

    def __init__(self, randomness: Randomness, count, probability, stream: str):
        self.randomness, self.count, self.probability = randomness, count, probability
        self.stream = stream

    def uniform(self, name: str, *shape):
        """Returns `(count, *shape)` in [0, 1)."""
        return self.randomness.uniform(self.count, shape, f"{self.stream}/{name}")

    def normal(self, name: str, *shape):
        """Returns `(count, *shape)` of mean 0 and deviation 1."""
        return self.randomness.normal(self.count, shape, f"{self.stream}/{name}")

    def happens(self, name: str, probability=None):
        """Returns whether a transform happens to each picture, bool `(count,)`."""
        limit = self.probability if probability is None else probability
        return self.uniform(f"{name}/happens") < limit


def augment(images, draws: Draws, names=PIPELINES["bgc"]):
    """Transforms pictures so that the discriminator sees more than there are.

    Each transform happens to each picture with probability p; rotations, of which there are two,
    with `1 - sqrt(1 - p)` each. Differentiable, twice, in the pictures.

    Args:
        images: float32 `(N, H, W, 3)` in [-1, 1].
        draws: The random numbers.
        names: Transforms, of `GEOMETRY`, `COLOUR` and `OTHERS`; their order here is of no account.

    Returns:
        float32 `(N, H, W, 3)`, not clipped.

    Raises:
        ValueError: On an unknown transform.
    """
    known = (*GEOMETRY, *COLOUR, *OTHERS)
    if unknown := sorted(set(names) - set(known)):
        raise ValueError(f"Unknown transform(s) {unknown}. There are {', '.join(known)}.")
    names, images = set(names), tf.cast(images, tf.float32)
    if names & set(GEOMETRY):
        images = transforms.warp(images, _geometry(draws, names, *images.shape[1:3]))
    if names & set(COLOUR):
        images = transforms.recolour(images, *_colour(draws, names))
    if "filter" in names:
        images = transforms.filter_rows_and_columns(images, _filters(draws))
    if "noise" in names:
        deviation = tf.where(draws.happens("noise"), tf.abs(draws.normal("noise_level")) * 0.1, 0.0)
        images += draws.normal("noise", *images.shape[1:]) * deviation[:, None, None, None]
    if "cutout" in names:
        images *= _cutout(draws, *images.shape[1:3])
    return images


def _geometry(draws, names, height: int, width: int):
    """Returns the matrices from the result's pixels to the picture's, `(N, 3, 3)`."""
    total = tf.eye(3)[None]
    turn = 2 * math.pi

    def chosen(name, value, otherwise, probability=None):
        happens = draws.happens(name, probability)
        if value.shape.rank == 2:
            happens = happens[:, None]
        return tf.where(happens, value, otherwise)

    if "flip" in names:
        flip = chosen("flip", tf.floor(draws.uniform("flip") * 2), 0.0)
        total @= transforms.scale(1 - 2 * flip, 1)
    if "quarter_turn" in names:
        turns = chosen("quarter_turn", tf.floor(draws.uniform("quarter_turn") * 4), 0.0)
        total @= transforms.rotation(turn / 4 * turns)
    if "whole_shift" in names:
        moved = chosen("whole_shift", (draws.uniform("whole_shift", 2) * 2 - 1) * 0.125, 0.0)
        total @= transforms.shift(
            -tf.round(moved[:, 0] * width), -tf.round(moved[:, 1] * height)
        )  # fmt: skip
    if "scale" in names:
        factor = chosen("scale", 2.0 ** (draws.normal("scale") * 0.2), 1.0)
        total @= transforms.scale(1 / factor, 1 / factor)
    rotating = 1 - tf.sqrt(tf.clip_by_value(1 - draws.probability, 0.0, 1.0))
    for stage in ("rotation", "second_rotation"):
        if "rotation" in names:
            angle = (draws.uniform(stage) - 0.5) * turn
            total @= transforms.rotation(chosen(stage, angle, 0.0, rotating))
        if stage == "rotation" and "anisotropy" in names:
            factor = chosen("anisotropy", 2.0 ** (draws.normal("anisotropy") * 0.2), 1.0)
            total @= transforms.scale(1 / factor, factor)
    if "fractional_shift" in names:
        moved = chosen("fractional_shift", draws.normal("fractional_shift", 2) * 0.125, 0.0)
        total @= transforms.shift(-moved[:, 0] * width, -moved[:, 1] * height)
    return total


def _colour(draws, names):
    """Returns linear parts `(N, 3, 3)` and offsets `(N, 3)` of the maps of colours."""
    luma = tf.constant(transforms.LUMA @ transforms.LUMA.T)
    linear, offset = tf.eye(3)[None], tf.zeros((1, 3))

    def then(matrix):
        return matrix @ linear, tf.linalg.matvec(matrix, offset)

    def chosen(name, value, otherwise):
        return tf.where(draws.happens(name), value, otherwise)[:, None, None]

    if "brightness" in names:
        offset += chosen("brightness", draws.normal("brightness") * 0.2, 0.0)[:, 0]
    if "contrast" in names:
        factor = chosen("contrast", 2.0 ** (draws.normal("contrast") * 0.5), 1.0)
        linear, offset = then(factor * tf.eye(3))
    if "luma_flip" in names:
        flip = chosen("luma_flip", tf.floor(draws.uniform("luma_flip") * 2), 0.0)
        linear, offset = then(tf.eye(3) - 2 * luma * flip)
    if "hue" in names:
        angle = chosen("hue", (draws.uniform("hue") * 2 - 1) * math.pi, 0.0)[:, 0, 0]
        linear, offset = then(transforms.turn_hue(angle))
    if "saturation" in names:
        factor = chosen("saturation", 2.0 ** draws.normal("saturation"), 1.0)
        linear, offset = then(luma + (tf.eye(3) - luma) * factor)
    count = tf.shape(draws.uniform("count"))[0]
    linear = tf.broadcast_to(linear, (count, 3, 3))
    return linear, tf.broadcast_to(offset, (count, 3))


def _filters(draws):
    """Returns one filter a picture, `(N, 43)`: four bands made stronger or weaker."""
    power = tf.constant([10.0, 1.0, 1.0, 1.0]) / 13.0  # of pictures, 1 / f
    gains = 1.0
    for band in range(4):
        name = f"filter{band}"
        value = tf.where(draws.happens(name), 2.0 ** draws.normal(name), 1.0)
        gain = 1.0 + tf.one_hot(band, 4)[None] * (value[:, None] - 1.0)
        gains *= gain * tf.math.rsqrt(tf.reduce_sum(power * gain**2, -1, keepdims=True))
    return gains @ tf.constant(transforms.filter_bank())


def _cutout(draws, height: int, width: int):
    """Returns masks `(N, H, W, 1)` with a rectangle of half the size at 0."""
    size = tf.where(draws.happens("cutout"), 0.5, 0.0)[:, None, None]
    centre = draws.uniform("cutout", 2)[:, :, None, None]
    x = (tf.range(width, dtype=tf.float32) + 0.5)[None, None] / width
    y = (tf.range(height, dtype=tf.float32) + 0.5)[None, :, None] / height
    outside = (tf.abs(x - centre[:, 0]) >= size / 2) | (tf.abs(y - centre[:, 1]) >= size / 2)
    return tf.cast(outside, tf.float32)[..., None]


@keras.saving.register_keras_serializable("ganime_tf")
class AugmentationStrength(keras.layers.Layer):
    """The probability p, moved so that the discriminator is right about as often as wished.

    Args:
        target: Wished mean sign of the scores of real pictures, 0.6 in the paper.
        images_to_full: Real pictures in which p can move by 1: 500,000, or 100,000 when resuming.
        interval: Steps between updates.
        initial: First p.
    """

    def __init__(
        self,
        *,
        target: float = 0.6,
        images_to_full: int = 500_000,
        interval: int = 4,
        initial: float = 0.0,
        **kwargs,
    ):
        kwargs["dtype"] = "float32"
        super().__init__(**kwargs)
        self.target, self.images_to_full = target, images_to_full
        self.interval, self.initial = interval, initial
        state = {"shape": (), "trainable": False, "aggregation": "mean"}
        self.probability = self.add_weight(
            name="probability", initializer=keras.initializers.Constant(initial), **state
        )
        self.signs = self.add_weight(name="signs", initializer="zeros", **state)
        self.count = self.add_weight(name="count", initializer="zeros", **state)
        self.built = True

    def observe(self, real_logits) -> None:
        """Adds the scores of real pictures, of the loss and of R1, float `(N, 1)`."""
        logits = tf.cast(real_logits, tf.float32)
        self.signs.assign(self.signs + tf.reduce_sum(tf.sign(logits)))
        self.count.assign(self.count + tf.cast(tf.size(logits), tf.float32))

    def update(self, batch_size: int) -> None:
        """Moves p after `interval` steps of `batch_size` pictures and forgets the scores."""
        rate = batch_size * self.interval / self.images_to_full
        mean = self.signs / tf.maximum(self.count, 1.0)
        moved = self.probability + tf.sign(mean - self.target) * rate
        self.probability.assign(tf.maximum(moved, 0.0))
        self.signs.assign(0.0 * self.signs)
        self.count.assign(0.0 * self.count)

    def get_config(self):
        """Returns the constructor arguments."""
        config = super().get_config()
        config.pop("dtype")
        return {
            **config,
            "target": self.target,
            "images_to_full": self.images_to_full,
            "interval": self.interval,
            "initial": self.initial,
        }
