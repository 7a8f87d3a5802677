"""The NumPy network is the Keras network, and the training goes through it."""

import numpy as np
import pytest

from ganime_tf.colouring.drawings import training_batch
from ganime_tf.colouring.lab import colour_steps
from ganime_tf.colouring.network import BarrierNetwork, included_network, load_network, save_network
from ganime_tf.configs.colour_barrier import PRESETS
from ganime_tf.models.colour_barrier import barrier_loss, folded_weights, train_barrier
from ganime_tf.networks.barrier import build_barrier


def _unsteady(network):
    """Normalisation statistics and gains as after a training."""
    rng = np.random.default_rng(1)
    for variable in network.variables:
        if variable.name in ("gamma", "moving_variance"):
            variable.assign(rng.uniform(0.5, 1.5, variable.shape))
        elif variable.name in ("beta", "moving_mean", "bias"):
            variable.assign(rng.normal(0, 0.3, variable.shape))
    return network


def test_numpy_equals_keras(tmp_path):
    network = _unsteady(build_barrier())
    assert network.count_params() < 1_000_000
    ink = np.random.default_rng(2).random((1, 96, 64, 1), np.float32)
    expected = network(ink).numpy()[0, ..., 0]
    weights = folded_weights(network)
    np.testing.assert_allclose(
        BarrierNetwork(weights).logits(ink[0, ..., 0]), expected, atol=2e-4 * np.ptp(expected)
    )
    save_network(tmp_path / "b.npz", weights)
    half = load_network(tmp_path / "b.npz").logits(ink[0, ..., 0])
    np.testing.assert_allclose(half, expected, atol=0.01 * np.ptp(expected))


def test_any_size_goes_through():
    barrier = BarrierNetwork(folded_weights(build_barrier(filters=(4, 6), convs=1)))
    out = barrier(np.zeros((37, 51), np.float32))
    assert out.shape == (37, 51) and (0 <= out).all() and (out <= 1).all()


def test_a_batch_is_a_pure_function_of_seed_and_step():
    first, again = training_batch(1, 3, 2, 2, 64), training_batch(1, 3, 2, 2, 64)
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)
        assert a.shape == (4, 64, 64, 1) and a.dtype == np.float32 and 0 <= a.min() <= a.max() <= 1
    assert np.abs(first[0] - training_batch(1, 4, 2, 2, 64)[0]).max() > 0


def test_steps_are_where_the_colour_changes():
    sheet = np.full((8, 10, 3), 255, np.uint8)
    sheet[:, 5:] = (200, 30, 30)
    steps = colour_steps(sheet)
    assert (steps[:, 4:6] == 1).all() and steps[:, :4].max() == 0 and steps[:, 6:].max() == 0


def test_training_resumes_and_lowers_the_loss(tmp_path):
    config = PRESETS["colour-barrier-tiny"]
    network = train_barrier(config, tmp_path, seed=0, save_every=2)
    assert len((tmp_path / "metrics.jsonl").read_text().splitlines()) == 2
    again = train_barrier(config, tmp_path, seed=0)  # finished: nothing is trained
    for a, b in zip(network.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_included_weights_find_borders_that_ink_alone_does_not():
    network = included_network()
    ours, plain = [], []
    for step in range(2):
        ink, truth = training_batch(77_001, step, 2, 2)
        logits = np.stack([network.logits(x[..., 0]) for x in ink])[..., None]
        ours.append(float(barrier_loss(truth, logits)))
        rate = np.clip(truth.mean(), 1e-3, 1)
        near = np.clip(ink * 0.5, rate / 2, 0.5)
        plain.append(float(barrier_loss(truth, np.log(near / (1 - near)))))
    assert np.mean(ours) < 0.75 * np.mean(plain)


def test_a_size_that_does_not_fit_the_levels_is_refused():
    import dataclasses

    with pytest.raises(ValueError, match="multiple of 32"):
        dataclasses.replace(PRESETS["colour-barrier"], image_size=100)
