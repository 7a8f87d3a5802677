"""The three trainings of the disentangling paper: what each updates, and what it is used for."""

import types

import keras
import numpy as np
import pytest
import tensorflow as tf

from ganime_tf.models.disentangle import DisentangleC2, DisentangleStage1, DisentangleStage2
from ganime_tf.models.optimizers import RMSpropAfterRoot

_SMALL = {
    "image_size": 16,
    "load_size": 16,
    "filters": (4, 8),
    "dense": 16,
    "content_size": 6,
    "style_size": 4,
    "num_artists": 3,
    "batch_size": 6,
}


def _make(kind, preset="tiny", **overrides):
    name = {"DisentangleStage1": "stage1", "DisentangleC2": "c2"}.get(kind.__name__, "stage2")
    keras.utils.set_random_seed(0)
    config = kind.presets[f"disentangle-{name}-{preset}"]
    small = {key: value for key, value in _SMALL.items() if hasattr(config, key)}  # C2 has no codes
    model = kind(config, **{**small, **overrides})
    model.compile()
    return model


def _batch():
    random = np.random.default_rng(0)
    labels = np.array([0, 1, 2, 0, 1, 2], np.int32)
    colours = np.array([[-0.8, 0, 0.5], [0.7, -0.5, 0], [0, 0.8, -0.6]], np.float32)
    pictures = colours[labels][:, None, None] + random.normal(0, 0.1, (6, 16, 16, 3))
    return {"b": tf.constant(pictures, tf.float32), "label": tf.constant(labels)}


def _values(model):
    return {
        name: [np.array(v) for v in network.trainable_variables]
        for name, network in model.networks.items()
        if "/" not in name
    }


def _moved(before, after):
    return {
        name
        for name in after
        if any((a != b).any() for a, b in zip(before.get(name, []), after[name], strict=False))
    }


def test_first_stage_moves_all_four_networks_and_learns_to_rebuild():
    model = _make(DisentangleStage1, learning_rate=3e-3, adversarial_weight=0.02)
    batch = _batch()
    before = _values(model)
    step = tf.function(model.train_step)
    first = float(step(batch)["rec"])
    assert _moved(before, _values(model)) == {
        "encoder", "generator", "style", "content_classifier",
    }  # fmt: skip
    for _ in range(80):
        model.step.assign_add(1)
        for tracker in model.loss_trackers.values():
            tracker.reset_state()
        last = float(step(batch)["rec"])
    assert last < 0.75 * first


def test_classifier_learns_the_artists():
    model = _make(DisentangleC2, learning_rate=3e-3)
    batch = _batch()
    step = tf.function(model.train_step)
    for _ in range(40):
        for tracker in model.loss_trackers.values():
            tracker.reset_state()
        accuracy = float(step(batch)["accuracy"])
    assert accuracy == 1.0
    picture = np.full((20, 30, 3), 128, np.uint8)
    assert model.run("default", reference=picture[None]).shape == (1, 3)


def test_second_stage_keeps_the_encoder_and_draws_only_when_planned():
    model = _make(DisentangleStage2, judge_steps=3)
    assert [model.plan(step)["draw"] for step in range(6)] == [False, False, True] * 2
    frozen = [np.array(v) for v in model.encoder.variables]
    before = {name: [np.array(v) for v in model.networks[name].variables]
              for name in ("generator", "style", "classifier", "discriminator")}  # fmt: skip

    def moved():
        return {
            name
            for name, old in before.items()
            if any((a != b).any() for a, b in zip(old, model.networks[name].variables, strict=True))
        }

    logs = model.train_step(_batch(), draw=False)
    assert all(np.isfinite(float(value)) for value in logs.values())
    assert moved() == {"classifier", "discriminator"}
    model.train_step(_batch(), draw=True)
    assert moved() == {"generator", "style", "classifier", "discriminator"}
    for old, new in zip(frozen, model.encoder.variables, strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_discriminator_starts_as_the_classifier():
    model = _make(DisentangleStage2)
    domain = types.SimpleNamespace(labels={"label": np.array([0, 0, 1, 2])})
    model.prepare(types.SimpleNamespace(domains=[domain]))
    np.testing.assert_allclose(model.style.frequency, [0.5, 0.25, 0.25])
    same = [
        np.array_equal(a, b)
        for a, b in zip(model.discriminator.variables, model.classifier.variables, strict=True)
    ]
    assert same.count(False) <= 2  # the head's kernel and bias


def test_artists_are_drawn_by_frequency():
    model = _make(DisentangleStage1)
    model.style.frequency.assign([0.0, 0.8, 0.2])
    drawn = np.bincount(np.asarray(model._other_artists(4000)), minlength=3) / 4000
    np.testing.assert_allclose(drawn, [0.0, 0.8, 0.2], atol=0.03)


@pytest.mark.parametrize("preset", ["tiny", "code"])
def test_uses_draw_in_the_pictures_size(preset):
    model = _make(DisentangleStage2, preset)
    picture = np.random.default_rng(1).integers(0, 256, (2, 21, 33, 3), np.uint8)
    drawn = model.run("default", image=picture, label=np.array([0, 2], np.int32))
    assert drawn.shape == picture.shape and drawn.dtype == np.uint8
    codes = model.run("style_of", label=np.array([0, 2], np.int32))
    assert codes.shape == (2, 4)
    again = model.run("with_style", image=picture, style=codes)
    np.testing.assert_array_equal(again, drawn)
    assert model.run("with_reference", image=picture, reference=picture).shape == picture.shape


def test_the_codes_variant_gains_nothing_below_chance():
    model = _make(DisentangleStage1, "code")
    logs = model.train_step(_batch())
    assert all(np.isfinite(float(value)) for value in logs.values())
    assert float(logs["c_gain"]) <= np.log(3) + 1e-5


def test_artists_come_from_the_data():
    source = types.SimpleNamespace(labels=["a", "b"])
    for kind in (DisentangleStage1, DisentangleC2, DisentangleStage2):
        assert next(iter(kind.presets.values())).for_data(source).num_artists == 2


def test_sizes_that_cannot_be_halved_are_named():
    with pytest.raises(ValueError, match="multiple of 4"):
        _make(DisentangleStage1, image_size=18, load_size=18)


def test_rmsprop_adds_epsilon_to_the_root():
    optimizer = RMSpropAfterRoot(0.1, rho=0.99, epsilon=1e-2)
    variable = keras.Variable(np.array([1.0, -2.0], np.float32))
    gradient = np.array([0.01, 0.5], np.float32)
    value, square = np.array([1.0, -2.0]), 0.0
    for _ in range(3):
        optimizer.apply([tf.constant(gradient)], [variable])
        square = 0.99 * square + 0.01 * gradient**2
        value = value - 0.1 * gradient / (np.sqrt(square) + 1e-2)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(variable), value, rtol=1e-5)


def test_styles_of_seeds_spread_as_the_artists_do():
    model = _make(DisentangleStage1)
    random = np.random.default_rng(0)
    model.style.mean.assign(random.normal(0, 2, model.style.mean.shape))
    model.style.frequency.assign([0.5, 0.3, 0.2])
    mean, std = (keras.ops.convert_to_numpy(table) for table in model.style.table())
    weight = np.array([0.5, 0.3, 0.2])[:, None]
    expected = mean.T @ (weight * mean) + np.diag((weight * std**2).sum(0))
    drawn = model._style_of_seed(tf.range(6000)).numpy()
    np.testing.assert_allclose(drawn.T @ drawn / 6000, expected, atol=0.08)
    np.testing.assert_array_equal(drawn[:2], model._style_of_seed(tf.range(2)).numpy())
    picture = random.integers(0, 256, (16, 16, 3), np.uint8)
    first, second = (model.run("with_seed", image=picture, seed=seed) for seed in (0, 1))
    assert (first != second).any()
