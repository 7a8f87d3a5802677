"""MUNIT against the release: losses and weights of two steps, and the uses by their effects."""

import numpy as np
import pytest
import tensorflow as tf
from golden import by_name
from helpers import made_batch, tiny

from ganime_tf.convert.munit import discriminator_variables, generator_variables
from ganime_tf.models.munit import MUNIT
from ganime_tf.models.schedules import StepDecay
from ganime_tf.toy import render, sample_scene

DRAWS = ("judged_style_a", "judged_style_b", "style_a", "style_b")


def _golden_model(**fields):
    model = MUNIT(
        image_size=16, load_size=16, filters=4, style_size=3, num_blocks=2, mlp_width=8,
        discriminator_filters=4, discriminator_layers=3, num_scales=2, **fields,
    )  # fmt: skip
    model.compile()
    for domain in ("a", "b"):
        by_name.fill_table(generator_variables(model, domain), f"gen_{domain}")
        network = getattr(model, f"discriminator_{domain}")
        by_name.fill_table(discriminator_variables(network), f"dis_{domain}")
    return model


@pytest.mark.parametrize(
    ("run", "fields"),
    [
        ("munit", {}),
        ("munit_cyc", {"cycle_weight": 10.0}),
        ("munit_ns", {"adversarial": "bce"}),
    ],
)
def test_two_steps_equal_the_release(shared, run, fields):
    golden = np.load(shared / "facts/golden/munit_tiny.npz")
    model = _golden_model(**fields)
    wanted = dict(zip(golden[f"{run}_loss_names"], golden[f"{run}_losses"].T, strict=True))
    batch = {"a": tf.constant(by_name.picture("a", 16)), "b": tf.constant(by_name.picture("b", 16))}
    for step in range(2):

        def noise(count, *shape, stream, step=step):
            number = 4 * step + DRAWS.index(stream) + 1
            return tf.constant(by_name.random(f"draw{number}").standard_normal((2, 3)), tf.float32)

        object.__setattr__(model, "noise", noise)
        model.reset_metrics()
        logs = {key: float(value) for key, value in model.train_step(batch).items()}
        terms = {
            "d_loss": "dis_{}", "g_adversarial": "gen_adv_{}", "g_image": "gen_recon_x_{}",
            "g_style": "gen_recon_s_{}", "g_content": "gen_recon_c_{}",
            "g_cycle": "gen_cycrecon_x_{}",
        }  # fmt: skip
        for name, value in logs.items():
            pair = [wanted["loss_" + terms[name].format(domain)][step] for domain in "ab"]
            assert value == pytest.approx(sum(pair), rel=1e-4), (step, name)
    for domain in "ab":
        table = generator_variables(model, domain)
        sums = dict(zip(golden["names_gen"], golden[f"{run}_after_gen_{domain}_l1"], strict=True))
        for key, entry in table.items():
            variable = entry[0] if isinstance(entry, tuple) else entry
            assert np.abs(np.array(variable)).sum() == pytest.approx(sums[key], rel=1e-4), key
        table = discriminator_variables(getattr(model, f"discriminator_{domain}"))
        sums = dict(zip(golden["names_dis"], golden[f"{run}_after_dis_{domain}_l1"], strict=True))
        for key, (variable, *_) in (
            (k, e if isinstance(e, tuple) else (e,)) for k, e in table.items()
        ):
            assert np.abs(np.array(variable)).sum() == pytest.approx(sums[key], rel=1e-4), key


def test_the_rate_is_halved_one_step_early_as_the_release_does():
    rate = StepDecay(1e-4, 100, 0.5)
    assert [round(float(rate(step)) * 1e6, 3) for step in (0, 98, 99, 198, 199)] == [
        100, 100, 50, 50, 25,
    ]  # fmt: skip


@pytest.fixture(scope="module")
def model():
    return tiny("munit", "munit-tiny")


def test_styles_come_from_seeds_references_and_codes(model):
    picture, other = np.random.default_rng(0).integers(0, 256, (2, 32, 36, 3), np.uint8)
    run = model.run
    assert np.array_equal(run(image=picture), run(image=picture, seed=0))
    assert not np.array_equal(run(image=picture, seed=0), run(image=picture, seed=1))
    code = run("style_of", reference=other)
    assert code.shape == (4,)
    np.testing.assert_array_equal(
        run(image=picture, reference=other), run(image=picture, style=code)
    )
    back = run("reverse", image=picture, seed=1)
    assert not np.array_equal(back, run("default", image=picture, seed=1))
    assert not np.allclose(code, run("reverse_style_of", reference=other))
    small = np.full((5, 9, 3), 200, np.uint8)
    assert run(image=picture, reference=small).shape == picture.shape


def test_a_result_does_not_depend_on_its_neighbours(model):
    pictures = np.random.default_rng(1).integers(0, 256, (3, 32, 32, 3), np.uint8)
    together = model.run(image=pictures, seed=5)
    alone = model.run(image=pictures[1], seed=5)
    assert np.abs(together[1].astype(int) - alone).max() <= 1


def test_every_weight_counts_and_optional_terms_are_named():
    plain = tiny("munit", "munit-tiny")
    full = tiny("munit", "munit-tiny", cycle_weight=1.0, perceptual_weight=1.0, perceptual="random")
    assert set(full.loss_names) - set(plain.loss_names) == {"g_cycle", "g_perceptual"}
    logs = full.train_step(made_batch(full))
    assert float(logs["g_perceptual"]) > 0 and float(logs["g_cycle"]) > 0
    parts = {name: tf.constant(1.0) for name in full.loss_names}
    assert float(full._weighted(parts)) == pytest.approx(1 + 10 + 1 + 1 + 1 + 1)


def test_too_small_pictures_are_refused():
    with pytest.raises(ValueError, match="at least 64 for 3 scales of 4 halvings. Received 32"):
        MUNIT(image_size=32, load_size=32)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "preset", "fields", "loss", "most"),
    [
        ("munit", "munit-tiny", {}, "g_image", 0.16),
        ("munit", "munit-anigan-tiny", {}, "g_image", 0.18),
        ("anigan", "anigan-tiny", {"learning_rate": 1e-3, "batch_size": 4}, "g_reconstruction",
         0.42),
    ],
)  # fmt: skip
def test_four_pictures_a_side_are_learned_by_heart(name, preset, fields, loss, most):
    """L1 in [-1, 1] of their reconstruction after 300 steps; their own mean colour has 0.4."""
    model = tiny(name, preset, **fields)
    sides = {"a": "portrait", "b": "colour"}
    batch = {
        key: tf.constant(
            np.stack([render(sample_scene(0, k), what, 32) for k in range(4)]) / 127.5 - 1.0,
            tf.float32,
        )
        for key, what in sides.items()
    }
    mean = [tf.reduce_mean(x, (1, 2), keepdims=True) - x for x in batch.values()]
    assert np.mean([np.abs(x).mean() for x in mean]) > 0.35
    data = tf.data.Dataset.from_tensors(batch).repeat()
    history = model.fit(data, steps_per_epoch=100, epochs=3, verbose=0).history[loss]
    assert history[-1] / 2 < min(most, history[0] / 2)
