"""Closed forms of the Gram, colour, Huber, variation and edge-promoting losses."""

import colorsys

import numpy as np
import pytest
import tensorflow as tf

from ganime_tf.losses.perceptual import content_distance, gram_matrix, style_distance
from ganime_tf.losses.stylize import (
    colour_distance,
    huber,
    squared_variation,
    weighted_discriminator_loss,
)
from ganime_tf.ops.colour import match_colours, rgb_to_yuv, transfer_luminance

RNG = np.random.default_rng(0)


def test_gram_matrix_matches_closed_form():
    x = np.array([[[[1.0, 2.0], [3.0, 4.0]]]])  # 1x2 pixels, 2 channels
    products = np.array([[[10.0, 14.0], [14.0, 20.0]]])
    np.testing.assert_allclose(gram_matrix(x), products / 4)
    np.testing.assert_allclose(gram_matrix(x, "positions"), products / 2)
    with pytest.raises(ValueError, match="reduction"):
        gram_matrix(x, "none")


def test_gram_matrix_does_not_overflow_in_float16():
    x = tf.fill((1, 8, 8, 2), tf.constant(300.0, tf.float16))
    np.testing.assert_allclose(gram_matrix(x, "positions"), 9e4, rtol=1e-3)


def test_style_ignores_where_and_content_does_not():
    x = RNG.normal(size=(1, 4, 4, 3)).astype(np.float32)
    assert float(style_distance(x, x[:, ::-1])) < 1e-6
    assert float(content_distance(x, x[:, ::-1])) > 0.1


def test_huber_is_quadratic_then_linear():
    np.testing.assert_allclose(huber([0.5], [0.0]), 0.125)
    np.testing.assert_allclose(huber([3.0], [0.0]), 2.5)


def test_yuv_equals_tensorflows():
    x = RNG.uniform(size=(2, 3, 4, 3)).astype(np.float32)
    np.testing.assert_allclose(rgb_to_yuv(x), tf.image.rgb_to_yuv(x), atol=1e-6)


def test_colour_distance_of_black_and_white_is_one():
    white, black = np.ones((1, 2, 2, 3)), -np.ones((1, 2, 2, 3))
    np.testing.assert_allclose(colour_distance(white, black), 1.0, atol=1e-6)
    # Pure red against black: Y 0.299, U 0.147, V 0.615 (half the squares for U and V).
    red = black + np.array([2.0, 0.0, 0.0])
    expected = 0.299 + 0.5 * 0.14714119**2 + 0.5 * 0.61497538**2
    np.testing.assert_allclose(colour_distance(red, black), expected, rtol=1e-5)


def test_squared_variation_matches_closed_form():
    x = np.zeros((1, 2, 3, 1))
    x[0, 0, 1] = 2.0  # of 3 vertical differences one is 2, of 4 horizontal ones two are
    np.testing.assert_allclose(squared_variation(x), 0.5 * (4 / 3 + 8 / 4), rtol=1e-6)


def test_discriminator_terms_match_closed_form():
    terms = [(np.array([2.0]), 1.0, 1.5), (np.array([3.0]), 0.0, 0.5)]
    np.testing.assert_allclose(weighted_discriminator_loss(terms), 1.5 * 1.0 + 0.5 * 9.0)
    expected = 1.5 * np.log1p(np.exp(-2.0)) + 0.5 * np.log1p(np.exp(3.0))
    np.testing.assert_allclose(weighted_discriminator_loss(terms, "bce"), expected, rtol=1e-6)
    with pytest.raises(ValueError, match="kind"):
        weighted_discriminator_loss(terms, "hinge")


def test_transferred_luminance_keeps_hue():
    grey = np.full((2, 2, 3), 0.5)
    colour = np.full((2, 2, 3), (0.4, 0.3, 0.2))
    out = transfer_luminance(grey, colour)
    np.testing.assert_allclose(rgb_to_yuv(out)[..., 0], 0.5, atol=1e-5)
    assert abs(colorsys.rgb_to_hsv(*out[0, 0])[0] - colorsys.rgb_to_hsv(0.4, 0.3, 0.2)[0]) < 1e-3


def test_matched_colours_have_the_reference_mean_and_covariance():
    picture = RNG.uniform(0.3, 0.6, (16, 16, 3))
    reference = RNG.uniform(0.4, 0.6, (8, 8, 3)) * (0.9, 1.0, 0.6)
    out = match_colours(picture, reference).reshape(-1, 3)
    np.testing.assert_allclose(out.mean(0), reference.reshape(-1, 3).mean(0), atol=1e-4)
    covariance = np.cov(reference.reshape(-1, 3).T, bias=True)
    np.testing.assert_allclose(np.cov(out.T, bias=True), covariance, atol=2e-5)
