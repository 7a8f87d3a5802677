"""Latents of StyleGAN2: mixing, path length, and the search for a picture's latent."""

import types

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras.ops import convert_to_numpy

from ganime_tf.models.stylegan2 import PRESETS, StyleGAN2
from ganime_tf.models.stylegan2_latents import mixed_latents, perceptual_path_length
from ganime_tf.models.stylegan2_projection import (
    ProjectionConfig,
    jitter_at,
    noise_correlation,
    noise_maps,
    project,
    rate_at,
)
from ganime_tf.networks.stylegan2_distance import load_distance


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    sizes = {"image_size": 16, "load_size": 16, "channel_base": 128, "channel_max": 8,
             "latent_size": 8, "style_size": 8, "mapping_layers": 2}  # fmt: skip
    made = StyleGAN2(PRESETS["stylegan2-tiny"], **sizes)
    made.compile()
    for layer in made.for_inference(made.synthesis)._flatten_layers():
        if layer.name == "noise":
            layer.strength.assign(0.1)
    return made


def test_schedule_is_the_official_projectors():
    config = ProjectionConfig(steps=1000)
    assert rate_at(0, config) == 0
    assert rate_at(25, config) == pytest.approx(0.05)  # half of the ramp up
    assert rate_at(500, config) == pytest.approx(0.1)
    assert rate_at(875, config) == pytest.approx(0.05)  # half of the cosine
    assert jitter_at(0, config) == pytest.approx(0.05)
    assert jitter_at(375, config) == pytest.approx(0.05 / 4)
    assert jitter_at(750, config) == jitter_at(900, config) == 0


def test_noise_correlation_matches_closed_form():
    flat, board = np.ones((16, 16)), np.indices((16, 16)).sum(0) % 2 * 2 - 1
    assert float(noise_correlation([tf.constant(flat, tf.float32)])) == pytest.approx(4)
    # Neighbours of a chequerboard are opposite at its own size; averaged it is 0.
    assert float(noise_correlation([tf.constant(board, tf.float32)])) == pytest.approx(2)


def test_a_latent_for_each_layer_is_drawn_as_the_network_draws_it(model):
    own, other = (model.run("style_of", seed=np.array([seed])) for seed in (1, 2))
    mixed = mixed_latents(model, own, other, [0, 1])
    ws = np.repeat(own[:, None], model.num_styles, 1)
    ws[:, :2] = other[:, None]
    expected = np.asarray(model.for_inference(model.synthesis)(ws, training=False))
    expected = np.clip(np.round((expected + 1) * 127.5), 0, 255)
    drawn = model.run("from_style", style=mixed).astype(float)
    assert np.abs(drawn - expected).max() <= 1
    every = mixed_latents(model, own, other, range(model.num_styles))
    np.testing.assert_array_equal(
        model.run("from_style", style=every), model.run("from_style", style=other)
    )
    with pytest.raises(ValueError, match="Layers are 0 to"):
        mixed_latents(model, own, other, [model.num_styles])


def test_path_length_of_a_linear_generator_matches_closed_form():
    mapping = keras.Sequential([keras.Input((6,)), keras.layers.Rescaling(1.0)])
    synthesis = lambda ws, training: 3.0 * ws[:, 0]  # noqa: E731
    linear = types.SimpleNamespace(
        mapping=mapping, synthesis=synthesis, num_styles=2, for_inference=lambda network: network,
        config=types.SimpleNamespace(latent_size=6),
    )  # fmt: skip
    squares = lambda x, y: tf.reduce_sum(tf.square(x - y), -1)  # noqa: E731
    found = perceptual_path_length(linear, squares, num_pairs=2000, batch_size=500, epsilon=1e-2)
    # 9 |z1 - z2|^2, whose mean is 9 * 2 * 6; the trimmed hundredths take a little.
    assert found["value"] == pytest.approx(108, rel=0.05)
    assert found["pairs"] == 2000 and 1950 < found["kept"] < 2000


def test_a_drawn_picture_is_found_again(model):
    target = model.sample([5])[0]
    maps = noise_maps(model.for_inference(model.synthesis))
    before = [np.array(convert_to_numpy(noise)) for noise in maps]
    seen, distance = [], load_distance("random")
    config = ProjectionConfig(steps=80, num_samples=500, learning_rate=0.05)
    found = project(model, target, distance, config, lambda step, value: seen.append(step))
    assert seen == list(range(1, 81)) and list(found.stages) == [1, 2, 4, 8, 16, 32, 64]
    assert found.distances[-1] < 0.5 * found.distances[0]
    assert found.latent.shape == (8,)
    for old, noise in zip(before, maps, strict=True):
        np.testing.assert_array_equal(old, convert_to_numpy(noise))
    again = model.run("from_style", style=found.latent[None])[0]
    np.testing.assert_array_equal(found.redrawn, again)
    # w+ has a latent for each layer and comes nearer.
    config = ProjectionConfig(
        steps=80, space="w+", num_samples=500, learning_rate=0.05, noise_weight=0.0
    )
    nearer = project(model, target, distance, config)
    assert nearer.latent.shape == (8 * model.num_styles,)
    assert nearer.distances[-1] < found.distances[-1]
    np.testing.assert_array_equal(nearer.picture, nearer.redrawn)  # the model's own noise


def test_a_picture_of_another_size_is_refused(model):
    with pytest.raises(ValueError, match=r"must be uint8 \(16, 16, 3\)"):
        project(model, np.zeros((8, 16, 3), np.uint8), load_distance("random"))


def test_distance_is_zero_of_equals_and_has_gradients_at_every_size():
    distance = load_distance("random")
    for size in (8, 32, 512):
        x = tf.random.stateless_uniform((2, size, size, 3), (0, size), -1, 1)
        np.testing.assert_allclose(distance(x, x), 0, atol=1e-6)
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = distance(x, -x)
        assert np.isfinite(tape.gradient(value, x)).all() and (np.asarray(value) > 0).all()
    with pytest.raises(ValueError, match="`features` must be one of"):
        load_distance("vgg")
