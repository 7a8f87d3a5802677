"""One step of AnimeGAN and CartoonGAN against PyTorch's numbers, and their two phases."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from golden import stylize_states as states
from helpers import made_batch, run_steps, values

from ganime_tf.convert import animegan2, cartoongan
from ganime_tf.convert.common import keras_kernel
from ganime_tf.models.animegan import PRESETS, AnimeGAN
from ganime_tf.models.cartoongan import PRESETS as CARTOON_PRESETS
from ganime_tf.models.cartoongan import CartoonGAN
from ganime_tf.networks.features import FeatureExtractor
from ganime_tf.networks.vgg import build_vgg

RATE = 1e-3
GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "stylize.npz"


def golden_features():
    network = build_vgg(["block4_conv4"], filters=2)
    state = states.vgg_state()
    for layer in network.layers:
        if layer.weights:
            kernel = state[f"{layer.name}.weight"].transpose(2, 3, 1, 0)
            layer.set_weights([kernel, state[f"{layer.name}.bias"]])
    return FeatureExtractor(network, lambda images: images, "random")


def golden_model(cls, **fields):
    model = cls(
        image_size=32, load_size=32, init_epochs=0, discriminator_filters=2, features="random",
        **fields,
    )  # fmt: skip
    model._features = golden_features()
    state = states.discriminator_state()
    for layer in model.discriminator.layers:
        for variable in layer.weights:
            name = {"kernel": "weight", "gamma": "weight", "beta": "shift"}.get(variable.name)
            if variable.name == "u":
                variable.assign(state[f"{layer.name}.u"])
            elif name:
                value = state[f"{layer.name}.{name}"]
                variable.assign(value.transpose(2, 3, 1, 0) if value.ndim == 4 else value)
    model.compile({group: keras.optimizers.SGD(RATE) for group in model.groups})
    return model


def assert_step_matches(name, model, rename, back):
    golden = np.load(GOLDEN)
    batch = {key: tf.constant(x) for key, x in states.pictures(model.batch_keys).items()}
    networks = {"generator": model.generator, "discriminator": model.discriminator}
    before = {key: values(net.weights) for key, net in networks.items()}
    logs = model.train_step(batch)
    for key in model.loss_names:
        np.testing.assert_allclose(logs[key], golden[f"{name}/loss/{key}"], rtol=2e-5)
    compared = 0
    for group, network in networks.items():
        owners = [layer for layer in network.layers for _ in layer.weights]
        for layer, variable, old in zip(owners, network.weights, before[group], strict=True):
            key = rename(layer.name, variable.name, group)
            if f"{name}/{group}/{key}" not in golden.files:
                continue
            gradient = (old - np.array(variable)) / RATE
            expected = back(key, golden[f"{name}/{group}/{key}"]).reshape(gradient.shape)
            # A gradient is read from a step of 1e-3 on float32 weights of size 1: 2e-4 at best.
            np.testing.assert_allclose(gradient, expected, rtol=2e-3, atol=5e-4, err_msg=key)
            compared += 1
    assert compared == sum(key.startswith(name) and "/loss/" not in key for key in golden.files)


def discriminator_key(layer, variable):
    if variable in ("u", "v"):
        return variable
    return f"{layer}.{'shift' if variable == 'beta' else 'weight'}"


def test_animegan_step_matches_pytorch():
    model = golden_model(
        AnimeGAN, variant="v2", filters=2, resize="align_corners", norm_epsilon=1e-5,
        real_weight=1.2, fake_weight=1.2, grey_weight=1.2, smooth_weight=0.8, content_weight=1.5,
        style_weight=2.5, colour_weight=15.0, tv_weight=1.0, generator_weight=3.0,
        discriminator_weight=3.0,
    )  # fmt: skip
    state = states.animegan_state()
    named = {animegan2._torch_name(key): keras_kernel(value) for key, value in state.items()}
    animegan2.apply_state(model.generator, named)
    keys = {animegan2._torch_name(key): key for key in state}

    def rename(layer, variable, group):
        if group == "discriminator":
            return discriminator_key(layer, variable)
        return keys[f"{layer}/{variable}"]

    def back(key, value):
        if value.ndim == 4 and ".1.1.weight" in key and ".layers." in key:  # depthwise
            return value.transpose(2, 3, 0, 1)
        return value.transpose(2, 3, 1, 0) if value.ndim == 4 else value

    assert_step_matches("animegan", model, rename, back)


def test_cartoongan_step_matches_pytorch():
    model = golden_model(CartoonGAN, filters=2, num_blocks=1)
    cartoongan.apply_state_dict(model.generator, states.cartoon_state())
    suffix = {"kernel": "weight", "bias": "bias", "gamma": "scale", "beta": "shift"}

    def rename(layer, variable, group):
        if group == "discriminator":
            return discriminator_key(layer, variable)
        return f"{layer}.{suffix[variable]}"

    def back(key, value):
        layer, kind = key.split(".")
        variable = next(name for name, given in suffix.items() if given == kind)
        return cartoongan._reorder(layer, variable)(value)

    assert_step_matches("cartoongan", model, rename, back)


TINY = {AnimeGAN: PRESETS["animegan-tiny"], CartoonGAN: CARTOON_PRESETS["cartoongan-tiny"]}


def phased(cls, steps_per_epoch=2):
    keras.utils.set_random_seed(0)
    model = cls(TINY[cls], init_epochs=1)
    model.compile(steps_per_epoch=steps_per_epoch)
    return model


def iterations(model):
    return {group: int(o.iterations.numpy()) for group, o in model.optimizers.items()}


def test_the_step_decides_on_the_phase():
    model = phased(CartoonGAN, steps_per_epoch=3)
    assert [model.plan(step)["initialize"] for step in range(5)] == [True] * 3 + [False] * 2
    assert not CartoonGAN(TINY[CartoonGAN]).config.init_epochs


@pytest.mark.slow
def test_first_epochs_move_the_generator_alone_with_its_own_adam(tmp_path):
    model = phased(CartoonGAN)
    batch = made_batch(model)
    before = values(model.discriminator.variables)
    logs = run_steps(model, [batch])
    assert logs["d_loss"] == 0.0 and logs["g_content"] > 0.0
    for old, new in zip(before, values(model.discriminator.variables), strict=True):
        np.testing.assert_array_equal(old, new)
    # A saved model goes on inside the phase, and leaves it after the same step.
    model.save(tmp_path / "model.keras")
    for each in (model, keras.models.load_model(tmp_path / "model.keras")):
        assert run_steps(each, [batch])["d_loss"] == 0.0
        assert not each.plan(int(each.step))["initialize"]
        assert run_steps(each, [batch])["d_loss"] > 0.0
        assert iterations(each) == {"generator": 1, "discriminator": 1, "initialization": 2}


def test_animegan_has_the_same_first_phase():
    model = phased(AnimeGAN, steps_per_epoch=1)
    batch = made_batch(model)
    before = values(model.discriminator.variables)
    assert run_steps(model, [batch])["d_loss"] == 0.0
    for old, new in zip(before, values(model.discriminator.variables), strict=True):
        np.testing.assert_array_equal(old, new)
    assert not model.plan(int(model.step))["initialize"]
    assert run_steps(model, [batch])["d_loss"] > 0.0
    assert iterations(model) == {"generator": 1, "discriminator": 1, "initialization": 1}


def test_a_model_loads_and_translates_without_the_files_of_its_feature_network(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("GANIME_OFFLINE", "1")
    monkeypatch.setenv("GANIME_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("GANIME_CACHE", str(tmp_path))
    model = CartoonGAN(TINY[CartoonGAN])
    model.compile()
    model.config = CartoonGAN.Config(**{**vars(model.config), "features": "vgg19"})
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.translate(np.zeros((8, 8, 3), np.uint8)).shape == (8, 8, 3)
    with pytest.raises(FileNotFoundError, match="vgg19_weights"):
        loaded.train_step(made_batch(loaded))


def test_presets_hold_the_released_weights_of_each_style():
    assert PRESETS["animegan"].content_weight == 1.5
    assert PRESETS["animegan-v2-paprika"].colour_weight == 50.0
    assert PRESETS["animegan-v2-shinkai"].real_weight == 1.7
    b, c, d = (PRESETS[f"animegan-ganime-{key}"] for key in "bcd")
    assert b.adversarial == c.adversarial == "bce" and d.adversarial == "lsgan"
    assert b.real_weight == b.fake_weight == b.grey_weight
    assert c.colour_weight > b.colour_weight and c.smooth_weight > b.smooth_weight
    assert d.num_epochs == 100 and d.generator_learning_rate < c.generator_learning_rate
