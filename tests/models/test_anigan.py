"""AniGAN: the release's outputs and a step's losses; the parts and options by their effects."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from golden import by_name
from helpers import made_batch, tiny

from ganime_tf import losses
from ganime_tf.convert.anigan import generator_variables
from ganime_tf.models import get_preset
from ganime_tf.models.anigan import AniGAN, _matched


def _released_discriminator(model) -> dict:
    """`{the release's key: variable}` of D, whose checkpoint was never published."""
    layers = {"conv_1.conv": model.discriminator_trunk.get_layer("stem")}

    def add(network, ours, theirs):
        names = {layer.name for layer in network.layers}
        for part, name in (("0", "conv0"), ("1", "conv1"), ("s", "shortcut")):
            if f"{ours}_{name}" in names:
                layers[f"{theirs}.conv_{part}.conv"] = network.get_layer(f"{ours}_{name}")

    for i, j in itertools.product((0, 1), (0, 1)):
        add(model.discriminator_trunk, f"level{i}_block{j}", f"conv_{i + 2}.{j}")
    for number, branch in enumerate((model.discriminator_a, model.discriminator_b)):
        prefix = f"conv_domains.{number}"
        for j in (0, 1):
            add(branch, f"block{j}", f"{prefix}.conv_4.{j}")
        layers[f"{prefix}.conv_5.conv"] = branch.get_layer("deep")
        layers[f"conv_outs.{number}.conv"] = branch.get_layer("logits")
    table = {f"{key}.weight": layer.kernel for key, layer in layers.items()}
    return table | {
        f"{key}.bias": layer.bias for key, layer in layers.items() if layer.bias is not None
    }


@pytest.fixture(scope="module")
def released():
    """The full-width networks with the golden files' weights."""
    model = AniGAN(image_size=32, load_size=32, batch_size=2)
    by_name.fill_table(generator_variables(model), "gen")
    for key, variable in _released_discriminator(model).items():
        shape = tuple(variable.shape)
        theirs = tuple(shape[axis] for axis in (3, 2, 0, 1)) if len(shape) == 4 else shape
        value = by_name.fill(f"dis.{key}", theirs)
        variable.assign(value.transpose(2, 3, 1, 0) if value.ndim == 4 else value)
    return model


@pytest.mark.slow
def test_outputs_and_losses_equal_the_release(shared, released):
    golden = np.load(shared / "facts/golden/anigan_32.npz")
    wanted = dict(zip(golden["loss_names"], golden["losses"], strict=True))
    model = released
    photo, anime = (tf.constant(by_name.picture(name, 32)) for name in ("photo", "anime"))
    code = model.style_encoder(anime)
    np.testing.assert_allclose(code, golden["code"], atol=1e-4)
    content = model.content_encoder(photo)
    np.testing.assert_allclose(tf.reduce_mean(content, (1, 2)), golden["content_mean"], atol=1e-4)
    translated = model.decoder([content, code])
    np.testing.assert_allclose(translated[:1], golden["a2b"].transpose(0, 2, 3, 1), atol=1e-4)
    for domain, key in (("b", "d1"), ("a", "d0")):
        features, logits = model.judge(domain, anime)
        np.testing.assert_allclose(logits, golden[key].transpose(0, 2, 3, 1), atol=1e-3)
    for index, feature in enumerate(features):  # of branch a
        means = tf.reduce_mean(feature, (1, 2))
        np.testing.assert_allclose(means, golden[f"feature{index}_mean"], atol=1e-3)
    # The golden step judges translations by b's branch and reconstructions by a's, both by half.
    same = model.decoder([content, model.style_encoder(photo)])
    real, penalty = model._penalized("b", anime)
    fakes, fake = model.judge("b", translated)
    sames, same_logits = model.judge("a", same)
    terms = {
        "real": tf.reduce_mean(tf.nn.relu(1 - real)),
        "fake": tf.reduce_mean(tf.nn.relu(1 + fake)),
        "reg": penalty,
        "adv": (model._fooled(fake) + model._fooled(same_logits)) / 2,
        "rec": tf.reduce_mean(tf.abs(same - photo)),
    }
    for index in range(3):
        terms[f"fm_rec{index}"] = _matched(sames[index], model.judge("a", photo)[0][index])
        terms[f"fm_trans{index}"] = _matched(fakes[index], model.judge("b", anime)[0][index])
    for name, value in terms.items():
        # A gradient through both networks' float32 is rounded more than a value.
        loose = 1e-3 if name == "reg" else 1e-4
        assert float(value) == pytest.approx(wanted[name], rel=loose, abs=1e-5), name


@pytest.mark.slow
def test_gradients_equal_the_release(shared, released):
    """Of the step in FUNIT's form: photo to anime alone, reconstructions judged by half."""
    golden, model = np.load(shared / "facts/golden/anigan_32.npz"), released
    photo, anime = (tf.constant(by_name.picture(name, 32)) for name in ("photo", "anime"))
    with tf.GradientTape() as tape:
        content = model.content_encoder(photo)
        translated = model.decoder([content, model.style_encoder(anime)])
        same = model.decoder([content, model.style_encoder(photo)])
        fakes, fake = model.judge("b", translated)
        sames, same_logits = model.judge("a", same)
        goal = (model._fooled(fake) + model._fooled(same_logits)) / 2
        goal += 1.2 * tf.reduce_mean(tf.abs(same - photo))
        pairs = (sames, model.judge("a", photo)[0]), (fakes, model.judge("b", anime)[0])
        for made, wanted in pairs:
            goal += sum(_matched(x, tf.stop_gradient(y)) for x, y in zip(made, wanted, strict=True))
    table = {
        key: entry[0] if isinstance(entry, tuple) else entry
        for key, entry in generator_variables(model).items()
    }
    _check_sums(tape.gradient(goal, table), dict(_sums(golden, "gen")))
    with tf.GradientTape() as tape:
        real, penalty = model._penalized("b", anime)
        judged = model.judge("b", tf.stop_gradient(translated))[1]
        goal = losses.gan_discriminator_loss(real, judged, "hinge") + 10.0 * penalty
    table = _released_discriminator(model)
    found = tape.gradient(goal, table)
    wanted = dict(_sums(golden, "dis"))
    assert set(table) == set(wanted)
    _check_sums(found, wanted)


def _sums(golden, part):
    return zip(golden[f"names_{part}"], golden[f"grad_{part}_l1"], strict=True)


def _check_sums(gradients, wanted):
    for key, gradient in gradients.items():
        # The branch of the other domain is idle.
        found = 0.0 if gradient is None else float(tf.reduce_sum(tf.abs(gradient)))
        # Both are float32: three of 98 sums are 1.2e-4 to 1.4e-4 apart, all others below 1e-4.
        assert found == pytest.approx(wanted[key], rel=2e-4, abs=1e-6), key


def test_parameters_are_the_release_s(released):
    counts = {name: net.count_params() for name, net in released.networks.items()}
    idle = 64 + 128 + 256 + 512 + 4 * 512  # biases before instance statistics
    assert counts["content_encoder"] == 12_202_112 - idle
    assert counts["style_encoder"] == 6_990_528
    assert counts["decoder"] == 839_040 + 18_229_699
    assert counts["discriminator_trunk"] == 972_992
    assert counts["discriminator_b"] == 11_480_320


def _losses(**fields):
    model = tiny("anigan", "anigan-tiny", **fields)
    return model, {k: float(v) for k, v in model.train_step(made_batch(model)).items()}


def test_every_option_changes_what_it_says():
    model, plain = _losses()
    assert set(plain) == set(model.loss_names)
    _, halved = _losses(adversarial_reconstruction=True)
    assert halved["g_adversarial"] != pytest.approx(plain["g_adversarial"], rel=1e-3)
    assert halved["d_loss"] == pytest.approx(plain["d_loss"], rel=1e-5)
    _, both = _losses(feature_matching="both")
    assert both["g_features"] > plain["g_features"]
    _, bare = _losses(gradient_penalty=0.0, feature_weight=0.0, domain_feature_weight=0.0)
    assert set(bare) == {"d_loss", "g_adversarial", "g_reconstruction"}
    _, squared = _losses(adversarial="lsgan")
    assert squared["d_loss"] != pytest.approx(plain["d_loss"], rel=1e-3)
    parts = {name: tf.constant(1.0) for name in model.loss_names}
    assert float(model._weighted(parts)) == pytest.approx(1 + 1.2 + 1 + 1)


def test_references_give_styles_and_the_mean_stands_in(tmp_path):
    model = tiny("anigan", "anigan-tiny")
    picture, other = np.random.default_rng(0).integers(0, 256, (2, 32, 40, 3), np.uint8)
    code = model.run("style_of", reference=other)
    by_reference = model.run(image=picture, reference=other)
    np.testing.assert_array_equal(by_reference, model.run(image=picture, style=code))
    with pytest.raises(ValueError, match="a code of 8 numbers.*Received 3"):
        model.run(image=picture, style=code[:3])
    before = model.run(image=picture)
    model.set_mean_styles(b=other[None])
    np.testing.assert_array_equal(model.run(image=picture), by_reference)
    assert not np.array_equal(before, by_reference)
    model.set_mean_styles(a=picture[None])
    assert not np.array_equal(model.run("reverse", image=picture), model.run(image=picture))
    trained = tiny("anigan", "anigan-tiny")
    trained.train_step(made_batch(trained))
    assert np.abs(np.array(trained.mean_style_b)).max() > 0


def test_the_average_starts_at_once():
    model = tiny("anigan", "anigan-tiny")
    assert [float(model.average_decay(step)) for step in (0, 100)] == pytest.approx([0.999, 0.999])


def test_encoders_are_a_choice():
    config = get_preset("anigan", "anigan-ganime")
    model = AniGAN(image_size=32, load_size=32, filters=8, encoders=config.encoders)
    assert model.stride == 4 and model.style_size == 8
    assert model.decoder.input_shape[0] == (None, None, None, 32)


def test_rmsprop_with_decay_takes_pytorch_s_steps():
    model = tiny("anigan", "anigan-tiny", learning_rate=0.01, l2_weight=0.1)
    weight = keras.Variable(1.0)
    optimizer = model.default_optimizers(None)["generator"]
    optimizer.build([weight])
    values = []
    for gradient in (0.5, -0.2, 0.1):
        decayed = gradient + model.weight_decay(weight) * float(weight)
        optimizer.apply([tf.constant(decayed)], [weight])
        values.append(float(weight))
    # torch.optim.RMSprop(lr=.01, alpha=.99, weight_decay=.1)
    assert values == pytest.approx([0.90000004, 0.91812068, 0.88785326], abs=1e-6)
