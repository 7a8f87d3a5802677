"""Losses against numbers worked out by hand."""

import numpy as np
import pytest
import tensorflow as tf

from ganime_tf import losses


def test_bce_matches_closed_form():
    real, fake = np.array([0.0, 2.0], "float32"), np.array([-1.0], "float32")
    expected = np.mean(-np.log(1 / (1 + np.exp(-real)))) - np.log(1 - 1 / (1 + np.exp(1.0)))
    assert losses.gan_discriminator_loss(real, fake).numpy() == pytest.approx(expected, abs=1e-6)
    assert losses.gan_generator_loss(fake).numpy() == pytest.approx(np.log(1 + np.e), abs=1e-6)


def test_bce_of_extreme_scores_is_finite():
    assert losses.gan_generator_loss(np.float32([-1e4])).numpy() == pytest.approx(1e4)


def test_lsgan_matches_closed_form():
    real, fake = np.float32([0.5, 1.0]), np.float32([0.5])
    assert losses.gan_discriminator_loss(real, fake, "lsgan").numpy() == pytest.approx(0.375)
    assert losses.gan_generator_loss(fake, "lsgan").numpy() == pytest.approx(0.25)


def test_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="kind"):
        losses.gan_generator_loss(np.float32([0]), "entropy")


def test_l1_and_l2_are_means():
    x, y = np.zeros((2, 2, 2, 3), "float32"), np.full((2, 2, 2, 3), 0.5, "float32")
    assert losses.l1(x, y).numpy() == pytest.approx(0.5)
    assert losses.l2(x, y).numpy() == pytest.approx(0.25)


def test_total_variation_sum_is_tensorflows():
    images = np.random.default_rng(0).uniform(-1, 1, (3, 8, 9, 3)).astype("float32")
    expected = tf.reduce_mean(tf.image.total_variation(tf.constant(images)))
    np.testing.assert_allclose(losses.total_variation(images), expected, rtol=1e-6)


def test_total_variation_mean_matches_closed_form():
    images = np.zeros((1, 2, 3, 1), "float32")
    images[0, 1, 2, 0] = 1.0
    # vertical: one of 3 differences is 1; horizontal: one of 4.
    value = losses.total_variation(images, "mean").numpy()
    assert value == pytest.approx(1 / 3 + 1 / 4)
