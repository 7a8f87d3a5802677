"""StyleGAN2 as a model: lazy steps, seeds, the average's ramp, converted checkpoints."""

import warnings

import numpy as np
import pytest
import tensorflow as tf

from ganime_tf.convert.stylegan2 import convert
from ganime_tf.convert.stylegan2_layouts import state_of
from ganime_tf.models.stylegan2 import PRESETS, StyleGAN2

TINY = {"image_size": 16, "load_size": 16, "channel_base": 128, "channel_max": 8, "batch_size": 4,
        "latent_size": 8, "style_size": 8, "mapping_layers": 2}  # fmt: skip


def tiny(**overrides):
    model = StyleGAN2(PRESETS["stylegan2-tiny"], **{**TINY, **overrides})
    model.compile()
    return model


def train(model, steps):
    images = tf.random.stateless_uniform((4, 16, 16, 3), (0, 1), -1, 1)
    data = tf.data.Dataset.from_tensors({"b": images}).repeat()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(data, steps_per_epoch=steps, epochs=1, verbose=0).history


def test_plan_is_lazy():
    model = tiny(augment="bgc")
    plans = [model.plan(step) for step in range(17)]
    assert [i for i, plan in enumerate(plans) if plan["r1"]] == [0, 16]
    assert [i for i, plan in enumerate(plans) if plan["path_length"]] == [0, 4, 8, 12, 16]
    assert [i for i, plan in enumerate(plans) if plan["adapt"]] == [3, 7, 11, 15]


def test_adam_is_corrected_for_lazy_steps():
    optimizers = tiny().optimizers
    assert optimizers["generator"].beta_2 == pytest.approx(0.9919920, abs=1e-7)
    assert optimizers["discriminator"].beta_2 == pytest.approx(0.9905855, abs=1e-7)
    assert float(optimizers["generator"].learning_rate) == pytest.approx(0.002)


def test_training_moves_everything_and_counts_lazy_updates():
    model = tiny(augment="bgc")
    before = [np.array(v) for v in model.trainable_variables]
    train(model, 5)
    assert int(model.optimizers["generator"].iterations) == 5 + 2
    assert int(model.optimizers["discriminator"].iterations) == 5 + 1
    assert float(model.path_mean) > 0
    assert float(model.last_r1) > 0
    assert float(model.strength.probability) in (0.0, pytest.approx(4 * 4 / 500_000))
    moved = [
        v.path
        for v, old in zip(model.trainable_variables, before, strict=True)
        if np.array_equal(v, old)
    ]
    assert not moved


def test_seeds_and_styles_give_the_same_pictures():
    model = tiny()
    pictures = model.sample([3, 4], truncation=0.7)
    assert pictures.shape == (2, 16, 16, 3)
    assert pictures.dtype == np.uint8
    np.testing.assert_array_equal(pictures[1], model.sample([4], truncation=0.7)[0])
    style = model.run("style_of", seed=np.array([3]))
    again = model.run("from_style", style=style, truncation=0.7)
    assert np.abs(pictures[0].astype(int) - again[0]).max() <= 1
    average = model.sample([3, 4], truncation=0.0)
    np.testing.assert_array_equal(average[0], average[1])


def test_official_values_survive_a_round_trip(tmp_path):
    torch = pytest.importorskip("torch")
    model = tiny()
    back = {}
    for network, prefix in ((model.mapping, "mapping."), (model.synthesis, "synthesis.")):
        for key, (variable, _) in state_of(network).items():
            value = np.array(variable)
            if value.ndim == 4:
                value = value.transpose(3, 2, 0, 1)
            elif key == "b4.const":
                value = value.transpose(2, 0, 1)
            elif value.ndim == 2 and "noise" not in key:
                value = value.T
            back[prefix + key] = value
    path = tmp_path / "a.pt"
    # rosinality's reader leaves names it does not know as they are: the official ones.
    state = {key: torch.tensor(np.ascontiguousarray(value)) for key, value in back.items()}
    torch.save({"g_ema": state}, path)
    again = convert([path], ema_decay=0.0)
    assert again.config.channel_base == 128
    assert again.config.mapping_layers == 2
    expected = model.synthesis(tf.ones((1, 6, 8)))
    np.testing.assert_allclose(again.synthesis(tf.ones((1, 6, 8))), expected, atol=1e-5)
