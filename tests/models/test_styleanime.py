"""StyleAnime as a model: its step term by term, its switches, what it draws from what."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import made_batch, values

from ganime_tf.configs.styleanime import PRESETS, RELEASED19
from ganime_tf.models.styleanime import StyleAnime
from ganime_tf.models.styleanime_uses import interpolate_codes, mix_codes
from ganime_tf.models.stylegan2 import PRESETS as PRIORS
from ganime_tf.models.stylegan2 import StyleGAN2
from ganime_tf.training.borrowing import start_from

_TINY = {"image_size": 16, "load_size": 16, "channel_base": 64, "channel_max": 8, "style_size": 8,
         "latent_size": 8, "mapping_layers": 2, "filters": 4, "batch_size": 2, "group_size": 1,
         "bank_size": 40, "appearance_codes": 2}  # fmt: skip


def _make(**overrides):
    keras.utils.set_random_seed(1)
    model = StyleAnime(PRESETS["styleanime-tiny"], **{**_TINY, **overrides})
    model.compile({group: keras.optimizers.SGD(0.1) for group in model.groups})
    model.fill_bank()
    return model


def _picture(seed=0, count=1, size=16):
    return np.random.default_rng(seed).integers(0, 256, (count, size, size, 3), np.uint8)


def _map(seed=0, count=1, size=16, classes=17):
    coarse = np.random.default_rng(seed).integers(0, classes, (count, 4, 4), np.uint8)
    return np.kron(coarse, np.ones((1, size // 4, size // 4), np.uint8))


def test_step_follows_the_equations():
    """Losses and updated weights against the formulas of section 4.2, written out here."""
    model = _make(norm_weight=0.005, eyes_weight=0.5)
    batch = made_batch(model, count=2) | {
        "a_parsing": tf.constant(_map(1, 2), tf.int32),
        "b_parsing": tf.constant(_map(2, 2), tf.int32),
    }
    model.load_pretrained()
    d1, d2, g = (
        model.latent_discriminator.trainable_variables,
        model.discriminator.trainable_variables,
        model.group_variables("generator"),
    )
    before = values([*d1, *d2, *g])
    logs = {name: float(value) for name, value in model.train_step(batch).items()}
    after = values([*d1, *d2, *g])
    for variable, value in zip([*d1, *d2, *g], before, strict=True):
        variable.assign(value)

    def softplus(x):
        return tf.reduce_mean(tf.math.log1p(tf.exp(x)))

    mean = model.mapping.get_layer("mean").mean

    def codes(side):
        maps = tf.one_hot(batch[f"{side}_parsing"], 17)
        w_p = model.structure(maps, training=True)
        w_s = model.appearance(batch[side], training=True)
        return tf.convert_to_tensor(mean) + tf.concat([w_p, w_s], 1)

    w = {side: tf.constant(codes(side)) for side in "ab"}
    fake = {side: tf.constant(model.synthesis(w[side])) for side in "ab"}
    with tf.GradientTape() as tape:
        d_latent = softplus(-model.latent_discriminator(w["b"]))
        d_latent += softplus(model.latent_discriminator(w["a"]))
    gradients_1 = tape.gradient(d_latent, d1)
    with tf.GradientTape() as tape:
        with tf.GradientTape() as inner:
            inner.watch(batch["b"])
            scores = model.discriminator(batch["b"])
        slope = inner.gradient(scores, batch["b"])
        d_r1 = tf.reduce_mean(tf.reduce_sum(slope**2, axis=(1, 2, 3)))
        d_image = softplus(-scores) + sum(softplus(model.discriminator(fake[s])) for s in "ab")
        total = d_image + 0.5 * model.config.r1_weight * d_r1
    gradients_2 = tape.gradient(total, d2)
    for variable, gradient in zip([*d1, *d2], [*gradients_1, *gradients_2], strict=True):
        if gradient is not None:
            variable.assign_sub(0.1 * gradient)
    with tf.GradientTape() as tape:
        w = {side: codes(side) for side in "ab"}
        fake = {side: model.synthesis(w[side]) for side in "ab"}
        rec = tf.reduce_mean((batch["b"] - fake["b"]) ** 2)
        lpips = model._perceptual(fake["b"], batch["b"])
        latent = softplus(-model.latent_discriminator(w["a"]))
        image = sum(softplus(-model.discriminator(fake[side])) for side in "ab")
        norm = sum(tf.reduce_mean(tf.norm(tf.reshape(w[s] - mean, (2, -1)), axis=1)) for s in "ab")
        from ganime_tf.losses.styleanime import colour_preservation

        groups = ((15,), (1, 7, 8, 10, 11, 12), (2, 4), (3, 5))
        masks = np.stack([np.isin(batch["b_parsing"], group) for group in groups], 1)
        colour = colour_preservation(fake["b"], batch["b"], tf.constant(masks), (1, 1, 0.5, 0.5))
        total = 2.5 * rec + 2 * lpips + 0.1 * (colour + latent + image) + 0.005 * norm
    gradients = tape.gradient(total, g)
    wanted = {
        "d_latent": d_latent, "d_image": d_image, "d_r1": d_r1, "g_reconstruction": rec,
        "g_perceptual": lpips, "g_colour": colour, "g_latent": latent, "g_image": image,
        "g_norm": norm,
    }  # fmt: skip
    assert set(logs) == set(wanted)
    for name, value in wanted.items():
        assert logs[name] == pytest.approx(float(value), rel=1e-4), name
    expected = [np.array(v) for v in [*d1, *d2]]
    expected += [old - 0.1 * x for old, x in zip(before[len(d1) + len(d2) :], gradients,
                                                 strict=True)]  # fmt: skip
    for variable, a, b in zip([*d1, *d2, *g], after, expected, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4, rtol=1e-4, err_msg=variable.path)


def test_released_step_encodes_twice_and_judges_only_the_anime():
    one, two = _make(), _make(second_forward=True, adversarial_source=False, optimizer="ranger")
    two.compile()
    assert type(two.optimizers["generator"]).__name__ == "Ranger"
    batch = made_batch(one)
    logs = [model.train_step(batch) for model in (one, two)]
    # Without learned noise and at the same weights both draw the same at first.
    assert float(logs[0]["g_reconstruction"]) == pytest.approx(float(logs[1]["g_reconstruction"]))
    assert float(logs[0]["g_image"]) > 1.5 * float(logs[1]["g_image"])


def test_the_prior_stays_as_it_was_borrowed():
    prior = StyleGAN2(PRIORS["stylegan2-tiny"], image_size=16, load_size=16, channel_base=64,
                      channel_max=8, style_size=8, latent_size=8, mapping_layers=2, batch_size=4,
                      name="stylegan2")  # fmt: skip
    prior.mapping.get_layer("mean").mean.assign(np.arange(8, dtype=np.float32))
    model = _make()
    start_from(model, [("here", prior)])
    before = values([*model.mapping.variables, *model.synthesis.variables])
    style = np.random.default_rng(0).normal(size=(1, 6, 8)).astype(np.float32)
    average = prior.for_inference(prior.synthesis)
    np.testing.assert_allclose(model.synthesis(style), average(style), atol=1e-6)
    model.train_step(made_batch(model))
    kept = [*model.mapping.weights, *model.synthesis.weights]
    for old, new in zip(before, values([*model.mapping.variables, *model.synthesis.variables]),
                        strict=True):  # fmt: skip
        np.testing.assert_array_equal(old, new)
    assert not [v for v in kept if v.trainable]
    with pytest.raises(ValueError, match="ganime train stylegan2"):
        start_from(_make(), [])


def test_map_decides_on_structure_and_reference_on_appearance():
    model = _make()
    image, parsing = _picture(), _map()
    own = model.codes(parsing, tf.constant(image / 127.5 - 1, tf.float32)).numpy()
    other_map = model.codes(_map(5), tf.constant(image / 127.5 - 1, tf.float32)).numpy()
    assert np.abs(own - other_map)[:, :4].max() > 1e-3
    np.testing.assert_array_equal(own[:, 4:], other_map[:, 4:])
    style = model.run("style_of", reference=image)
    assert style.shape == (1, model.style_size)
    np.testing.assert_allclose(own[:, 4:].ravel(), style[0], atol=1e-5)
    given = model.run(image=image, parsing=parsing, reference=image, truncation=1.0)
    alone = model.run(image=image, parsing=parsing, truncation=1.0)
    coded = model.run(image=image, parsing=parsing, style=style, truncation=1.0)
    np.testing.assert_array_equal(given, alone)
    np.testing.assert_array_equal(coded, alone)
    other = model.run(image=image, parsing=parsing, reference=_picture(9), truncation=1.0)
    assert (other != alone).any()


def test_bank_gives_entries_and_draws_codes_towards_them():
    model = _make()
    image, parsing = _picture(), _map()
    own, drawn, anchor = (
        model.run(image=image, parsing=parsing, truncation=alpha).astype(int)
        for alpha in (1.0, model.config.bank_alpha, 0.0)
    )
    default = model.run(image=image, parsing=parsing)
    np.testing.assert_array_equal(default, drawn)
    assert (own != anchor).any()
    nearest = model.run("nearest", image=image, parsing=parsing)
    codes = model.codes(parsing, tf.constant(image / 127.5 - 1, tf.float32))
    entry = int(model.bank.nearest(codes)[0, 0])
    distances = np.sum((np.array(model.bank.codes)[:, None] - codes[0]) ** 2, axis=(1, 2))
    assert entry == distances.argmin()
    rows = tf.repeat(tf.constant(np.array(model.bank.codes)[entry][None, None]), 6, axis=1)
    picture = np.round((model.draw(rows).numpy() + 1) * 127.5)
    assert np.abs(picture - nearest).max() <= 1
    by_entry = model.run(image=image, parsing=parsing, seed=3, truncation=1.0)
    style = np.tile(np.array(model.bank.codes)[3], 2)[None]
    by_code = model.run(image=image, parsing=parsing, style=style, truncation=1.0)
    np.testing.assert_array_equal(by_entry, by_code)


def test_codes_mix_by_layer_ranges_and_interpolate():
    first, second = tf.zeros((1, 6, 8)), tf.ones((1, 6, 8))
    mixed = mix_codes([first, second], [(2, 6), (0, 2)])
    np.testing.assert_array_equal(mixed[0, :, 0], [1, 1, 0, 0, 0, 0])
    with pytest.raises(ValueError, match="each of the 6 layers once"):
        mix_codes([first, second], [(0, 3), (2, 6)])
    steps = interpolate_codes(first, second, 5)
    np.testing.assert_allclose([float(step[0, 0, 0]) for step in steps], [0, 0.25, 0.5, 0.75, 1])


@pytest.mark.parametrize(
    ("switches", "networks"),
    [
        ({"style_encoder": False, "latent_weight": 0.0, "adversarial_weight": 0.0,
          "colour_weight": 0.0}, {"structure"}),
        ({"parsing_encoder": False}, {"appearance"}),
        ({"share_parsing_encoder": False}, {"structure", "structure_of_a", "appearance"}),
        ({"share_parsing_encoder": False, "share_style_encoder": False},
         {"structure", "structure_of_a", "appearance", "appearance_of_a"}),
    ],
)  # fmt: skip
@pytest.mark.slow
def test_ablations_of_table_3_train_and_draw(switches, networks):
    model = _make(**switches)
    assert {network.name for network in model.groups["generator"]} == networks
    logs = model.train_step(made_batch(model))
    assert set(logs) == set(model.loss_names)
    assert all(np.isfinite(float(value)) for value in logs.values())
    picture = model.run(image=_picture(), parsing=_map(), reference=_picture(3))
    assert picture.shape == (1, 16, 16, 3)


def test_config_takes_the_classes_of_the_data_and_refuses_nonsense():
    class Source:
        labels = ["background", "left_eye", "hair"]

    config = PRESETS["styleanime-tiny"].for_data(Source())
    assert config.class_names == ("background", "left_eye", "hair")
    model = _make(class_names=config.class_names)
    assert model.regions.tolist() == [[0, 0, 1], [0, 0, 0], [0, 1, 0], [0, 0, 0]]
    with pytest.raises(ValueError, match="no class is hair, skin or eye"):
        _make(class_names=("a", "b"))
    with pytest.raises(ValueError, match="both off"):
        _make(parsing_encoder=False, style_encoder=False)
    with pytest.raises(ValueError, match="256 px"):
        _make(identity_weight=0.1)
    released = PRESETS["styleanime-released"]
    assert released.class_names == RELEASED19
    assert (released.optimizer, released.norm_weight, released.identity_weight) == (
        "ranger", 0.005, 0.1,
    )  # fmt: skip
