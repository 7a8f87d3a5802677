"""Adaptive augmentation against golden values of the official code."""

import numpy as np
import pytest
import tensorflow as tf

from ganime_tf.layers.augment import PIPELINES, AugmentationStrength, Draws, augment
from ganime_tf.layers.augment_ops import filter_bank
from ganime_tf.layers.random import Randomness

NAMES = {
    "xflip": "flip", "rotate90": "quarter_turn", "xint": "whole_shift", "scale": "scale",
    "rotate": "rotation", "aniso": "anisotropy", "xfrac": "fractional_shift",
    "brightness": "brightness", "contrast": "contrast", "lumaflip": "luma_flip", "hue": "hue",
    "saturation": "saturation", "cutout": "cutout",
}  # fmt: skip


class Percentile(Draws):
    """Every draw is the given percentile, as the official code's debugging does it."""

    def __init__(self, q: float, count: int = 1):
        self.q, self.count, self.probability = q, count, tf.constant(1.0)

    def uniform(self, name, *shape):
        q = 0.5 if name == "second_rotation" else self.q  # no second rotation
        return tf.fill((self.count, *shape), q)

    def normal(self, name, *shape):
        return tf.fill((self.count, *shape), tf.math.erfinv(self.q * 2 - 1))

    def happens(self, name, probability=None):
        return tf.fill((self.count,), True)


def golden_images(golden):
    return golden["image"].astype(np.float32).transpose(1, 2, 0)[None]


@pytest.fixture
def golden(shared):
    return np.load(shared / "facts/golden_ada_augment.npz")


@pytest.mark.parametrize("official", NAMES)
def test_transform_matches_golden(golden, official):
    ours = augment(golden_images(golden), Percentile(0.7), (NAMES[official],))[0]
    theirs = golden[f"{official}@0.7"].transpose(1, 2, 0)
    height, width = theirs.shape[:2]
    np.testing.assert_allclose(ours[:height, :width], theirs, atol=1e-4)


@pytest.mark.parametrize(("key", "q"), [("geom_all@0.3", 0.3), ("bgc@0.7", 0.7)])
def test_all_together_match_golden(golden, key, q):
    names = PIPELINES["bgc"] if key.startswith("bgc") else PIPELINES["bgc"][:7]
    ours = augment(golden_images(golden), Percentile(q), names)[0]
    np.testing.assert_allclose(ours, golden[key].transpose(1, 2, 0), atol=1e-4)


def test_filter_bank_matches_golden(golden):
    np.testing.assert_allclose(filter_bank(), golden["Hz_fbank"], atol=1e-6)
    identity = np.zeros(43)
    identity[21] = 1
    np.testing.assert_allclose(filter_bank().sum(0), identity, atol=1e-6)


def test_probability_zero_changes_nothing_and_streams_differ():
    images = tf.random.stateless_uniform((4, 32, 32, 3), (0, 1), -1, 1)
    randomness = Randomness(0, 0, 0, 1)
    same = augment(images, Draws(randomness, 4, tf.constant(0.0), "a"), PIPELINES["bgcfnc"])
    np.testing.assert_allclose(same, images, atol=1e-4)
    one = augment(images, Draws(randomness, 4, tf.constant(1.0), "a"), PIPELINES["bgcfnc"])
    two = augment(images, Draws(randomness, 4, tf.constant(1.0), "b"), PIPELINES["bgcfnc"])
    assert np.isfinite(one).all() and np.abs(one - two).max() > 0.1


def test_gradient_is_that_of_differences():
    images = tf.random.stateless_uniform((1, 32, 32, 3), (0, 1), -1, 1)
    direction = tf.random.stateless_normal(images.shape, (0, 2))

    def loss(x):
        draws = Draws(Randomness(3, 0, 0, 1), 1, tf.constant(1.0), "a")
        return tf.reduce_sum(augment(x, draws) ** 2)

    with tf.GradientTape() as tape:
        tape.watch(images)
        value = loss(images)
    slope = tf.reduce_sum(tape.gradient(value, images) * direction)
    step = 1e-2
    measured = (loss(images + step * direction) - loss(images - step * direction)) / (2 * step)
    np.testing.assert_allclose(slope, measured, rtol=1e-2)


def test_unknown_transform_is_named():
    with pytest.raises(ValueError, match=r"Unknown transform\(s\) \['blur'\]"):
        augment(tf.zeros((1, 32, 32, 3)), Percentile(0.5), ("blur",))


def test_strength_follows_the_signs_and_never_falls_below_zero():
    strength = AugmentationStrength(images_to_full=640)
    strength.observe(tf.ones((16, 1)))
    strength.update(16)
    assert float(strength.probability) == pytest.approx(0.1)
    for _ in range(3):
        strength.observe(tf.constant([[1.0], [-1.0]]))
        strength.update(16)
    assert float(strength.probability) == 0.0
