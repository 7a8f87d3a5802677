"""The NumPy network is the Keras network, and the training goes through it."""

import dataclasses
import json

import numpy as np
import pytest
import tensorflow as tf

from ganime_tf.cli import main
from ganime_tf.colouring.drawings import training_batch
from ganime_tf.colouring.lab import colour_steps
from ganime_tf.colouring.network import (
    MATCH_ABSENT,
    MATCH_SHARPNESS,
    BarrierNetwork,
    included_network,
    load_network,
    save_network,
)
from ganime_tf.configs.colour_barrier import PRESETS
from ganime_tf.models.colour_barrier import (
    barrier_loss,
    folded_weights,
    match_loss,
    train_barrier,
)
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


def test_numpy_equals_keras_with_colours():
    network = _unsteady(build_barrier(filters=(4, 6), convs=1, channels=4))
    planes = np.random.default_rng(3).random((1, 24, 36, 4), np.float32)
    expected = network(planes).numpy()[0, ..., 0]
    ours = BarrierNetwork(folded_weights(network)).logits(planes[0])
    np.testing.assert_allclose(ours, expected, atol=1e-4 * np.ptp(expected))


def test_numpy_equals_keras_for_vectors():
    network = _unsteady(build_barrier(filters=(4, 6), convs=1, channels=4, embedding=5))
    planes = np.random.default_rng(3).random((1, 24, 36, 4), np.float32)
    expected = network(planes).numpy()[0]
    expected /= np.linalg.norm(expected, axis=-1, keepdims=True)
    ours = BarrierNetwork(folded_weights(network)).embed(planes[0])
    assert ours.shape == (12, 18, 5)
    np.testing.assert_allclose(ours, expected, atol=1e-4)


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


@pytest.mark.parametrize("task", ["barrier", "shade", "match"])
def test_training_resumes_and_writes_what_is_read(tmp_path, task):
    config = dataclasses.replace(PRESETS["colour-barrier-tiny"], task=task)
    network = train_barrier(config, tmp_path, seed=0, save_every=2)
    assert len((tmp_path / "metrics.jsonl").read_text().splitlines()) == 2
    again = train_barrier(config, tmp_path, seed=0)  # finished: nothing is trained
    for a, b in zip(network.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert load_network(tmp_path / f"{task}.npz").levels == 3


def test_a_match_loss_is_the_cross_entropy_of_colours():
    # One page point that looks like the sheet's first, one that looks like nothing there.
    up, right, down = [0.0, 1.0], [1.0, 0.0], [0.0, -1.0]
    page, sheet = [[up, down]], [[up, right]]
    points = [[(0, 0, 7), (0, 1, 9)], [(0, 0, 7), (0, 1, 8)]]
    loss = float(match_loss(tf.constant(points), tf.constant([page, sheet])))
    k = MATCH_SHARPNESS
    scores = np.array([[k, 0, k * MATCH_ABSENT], [-k, 0, k * MATCH_ABSENT]])
    total = np.log(np.exp(scores).sum(1))
    expected = np.mean([total[0] - k, total[1] - k * MATCH_ABSENT])  # 9 is not on the sheet
    np.testing.assert_allclose(loss, expected, atol=1e-6)


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
    with pytest.raises(ValueError, match="multiple of 32"):
        dataclasses.replace(PRESETS["colour-barrier"], image_size=100)


def test_the_command_trains_and_goes_on(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["train", "colour-barrier", "--preset", "colour-barrier-tiny", "--run-dir", "run"]
    assert main([*words, "--num-steps", "2"]) == 0
    assert "run/barrier.npz" in capsys.readouterr().out
    first = load_network(tmp_path / "run/barrier.npz")
    ink = np.random.default_rng(0).random((32, 32), np.float32)
    before = first.logits(ink)
    assert main([*words, "--num-steps", "3"]) == 0  # one more step
    steps = [json.loads(line)["step"] for line in open("run/metrics.jsonl", encoding="utf-8")]
    assert steps == [2, 3]
    assert not np.array_equal(load_network(tmp_path / "run/barrier.npz").logits(ink), before)
    other = [*words[:-1], "other", "--num-steps", "2", "--seed", "5", "--precision", "float32"]
    assert main([*other, "--save-every", "1"]) == 0
    steps = [json.loads(line)["step"] for line in open("other/metrics.jsonl", encoding="utf-8")]
    assert steps == [1, 2]
    assert not np.array_equal(load_network(tmp_path / "other/barrier.npz").logits(ink), before)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["colour-shade", "--num-steps", "0"], "`num_steps` must be at least 1"),
        (["colour-shade", "--learning-rate", "nan"], "must be finite"),
        (["colour-match", "--preset", "colour-shade"], "colour-match has no preset"),
        (["colour-match", "--image-size", "100"], "multiple of 32"),
    ],
)
def test_a_wrong_training_of_the_colouriser_is_one_line(words, message, capsys):
    assert main(["train", *words]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and message in said and "Error parsing" not in said
