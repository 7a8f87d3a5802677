"""Pix2Pix against values from PyTorch: `golden/make_pix2pix.py` says what, in which order."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from golden import make_pix2pix as golden

from ganime_tf.convert.pix2pix import apply_state_dict
from ganime_tf.models.pix2pix import PRESETS, Pix2Pix

CASES = [("authors", "batch"), ("authors", "instance"), ("ganime", "batch")]
KERAS_NAMES = {
    "kernel": "kernel",
    "bias": "bias",
    "scale": "gamma",
    "offset": "beta",
    "mean": "moving_mean",
    "variance": "moving_variance",
}


def _load(variant, norm):
    return np.load(Path(golden.__file__).with_name(f"pix2pix_{variant}_{norm}.npz"))


def _variable(model, name):
    """The variable of a neutral name such as `down3.kernel` (1 = outermost) or `conv2.scale`."""
    block, kind = name.split(".")
    number = int(block.lstrip("downupcv"))
    if block.startswith("conv"):
        network, layer, norm = model.discriminator, f"conv{number - 1}", f"norm{number - 1}"
    else:
        level = number - 1 if block.startswith("down") else golden.LEVELS - number
        network, layer = model.generator, f"{block.rstrip('0123456789')}{level}"
        norm = f"{layer}_norm"
    layer = network.get_layer(layer if kind in ("kernel", "bias") else norm)
    return next(v for v in layer.weights if v.name == KERAS_NAMES[kind])


def _read(variable):
    """A variable's value in PyTorch order: both kinds of convolution are the same permutation."""
    value = variable.numpy()
    return value.transpose(3, 2, 0, 1) if value.ndim == 4 else value


def _authors_key(name):
    """The checkpoint key of a neutral name, for `golden.LEVELS` levels."""
    block, kind = name.split(".")
    number = int(block.lstrip("downupcv"))
    torch_kind = {
        "kernel": "weight",
        "bias": "bias",
        "scale": "weight",
        "offset": "bias",
        "mean": "running_mean",
        "variance": "running_var",
    }[kind]
    is_norm = kind in ("scale", "offset", "mean", "variance")
    if block.startswith("conv"):
        position = (0, 2, 5, 8, 11)[number - 1] + is_norm
        return f"model.{position}.{torch_kind}"
    down = block.startswith("down")
    level = number if down else golden.LEVELS + 1 - number
    prefix = "model.model" + ".1" * (level > 1) + ".model.3" * (level - 2)
    if level == 1:
        return f"{prefix}.{0 if down else 3}.{torch_kind}"
    position = (1 if down else 3 if level == golden.LEVELS else 5) + is_norm
    return f"{prefix}.model.{position}.{torch_kind}"


def _model(variant, norm, **overrides):
    """The model at the formula's weights; the authors' through the checkpoint layout."""
    preset = PRESETS["pix2pix" if variant == "authors" else "ganime"]
    sizes = dict(image_size=golden.SIZE, load_size=golden.SIZE, levels=golden.LEVELS)
    sizes.update(filters=golden.FILTERS, norm=norm, dropout=0.0)
    model = Pix2Pix(preset, **{**sizes, **overrides})
    for network, shapes, start in (
        (model.generator, golden.generator_shapes(variant, norm), 0),
        (model.discriminator, golden.discriminator_shapes(variant, norm), 500),
    ):
        weights = golden.formula_weights(shapes, start)
        if variant == "authors":
            apply_state_dict(network, {_authors_key(k): v for k, v in weights.items()})
            continue
        assert len(weights) == len([v for v in network.weights if "seed" not in v.name])
        for name, value in weights.items():
            _variable(model, name).assign(value.transpose(2, 3, 1, 0) if value.ndim == 4 else value)
    return model


def _num_values(name):
    """How many values of a channel the norm of a neutral name sees in a batch."""
    block = name.split(".")[0]
    number = int(block.lstrip("downup"))
    halvings = number if block.startswith("down") else golden.LEVELS - number
    return len(golden.images(1)) * (golden.SIZE // 2**halvings) ** 2


def _batch():
    a, b = (golden.images(i).transpose(0, 2, 3, 1).astype("float32") for i in (1, 2))
    return {"a": tf.constant(a), "b": tf.constant(b)}


def _changes(model, group, variant, norm, before, rate):
    """What `make_pix2pix.record` stores: picked changes and norms, over the learning rate."""
    values, norms = [], []
    for name in golden.compared(before):
        change = (_read(_variable(model, name)).astype("float64") - before[name]) / rate
        values.append(change.ravel()[golden.picks(change.size)])
        norms.append(np.linalg.norm(change))
    return np.concatenate(values), np.array(norms)


def _before(variant, norm, group):
    if group == "generator":
        shapes, start = golden.generator_shapes(variant, norm), 0
    else:
        shapes, start = golden.discriminator_shapes(variant, norm), 500
    # float32, as the model holds them: the rounding of the start is no part of the change.
    return {
        k: v.astype("float32").astype("float64")
        for k, v in golden.formula_weights(shapes, start).items()
    }


def _check_update(model, variant, norm, key, rates, tolerance):
    data = _load(variant, norm)
    for group, rate in rates.items():
        before = _before(variant, norm, group)
        values, norms = _changes(model, group, variant, norm, before, rate)
        want, want_norms = data[f"{key}_{group}_values"], data[f"{key}_{group}_norms"]
        stable = ~np.isnan(want)
        assert stable.mean() > 0.8
        scale = np.abs(want[stable]).max()
        np.testing.assert_allclose(values[stable], want[stable], rtol=0, atol=tolerance * scale)
        np.testing.assert_allclose(norms, want_norms, rtol=tolerance)


@pytest.mark.parametrize("variant, norm", CASES)
def test_forward_passes_match_pytorch(variant, norm):
    model, batch, data = _model(variant, norm), _batch(), _load(variant, norm)
    for training, key in ((True, "fake_training"), (False, "fake_inference")):
        if key not in data:
            continue  # instance norm has no statistics: both passes are one
        fake = model.generator(batch["a"], training=training).numpy().transpose(0, 3, 1, 2)
        np.testing.assert_allclose(fake[:, :, ::5, ::3], data[key], atol=1e-5)
        np.testing.assert_allclose(np.linalg.norm(fake), data[f"{key}_norm"], rtol=1e-5)
        if training:  # the batch statistics moved into the moving ones
            model = _model(variant, norm)
    scores = model.discriminator([batch["a"], batch["b"]], training=True)
    np.testing.assert_allclose(scores.numpy().transpose(0, 3, 1, 2), data["real_logits"], atol=1e-5)


@pytest.mark.parametrize("variant, norm", [case for case in CASES if case[1] == "batch"])
def test_moving_statistics_follow_one_generator_pass_per_step(variant, norm):
    model, data = _model(variant, norm), _load(variant, norm)
    model.compile()
    model.train_step(_batch())
    before = _before(variant, norm, "generator")
    names = [name for name in before if name.endswith((".mean", ".variance"))]
    old = np.concatenate([before[name] for name in names])
    new = np.concatenate([_variable(model, name).numpy() for name in names])
    momentum = 0.9 if variant == "authors" else 0.99
    # Golden statistics are biased; PyTorch and TensorFlow's fused kernel average unbiased ones.
    sizes = np.concatenate([np.full(before[name].size, _num_values(name)) for name in names])
    variances = np.concatenate([np.full(before[n].size, n.endswith(".variance")) for n in names])
    unbiased = np.where(variances, sizes / (sizes - 1), 1.0) * data["batch_statistics"]
    want = momentum * old + (1 - momentum) * unbiased
    np.testing.assert_allclose(new, want, atol=1e-5)


RUNS = [
    (variant, norm, key, overrides)
    for variant, norm in CASES
    for key, overrides in (
        ("", {}),
        ("other_order_", {"update_order": None}),
        ("lsgan_", {"adversarial": "lsgan"}),
        ("tv_sum_", {"tv_weight": golden.TV_WEIGHT, "tv_reduction": "sum"}),
        ("tv_mean_", {"tv_weight": golden.TV_WEIGHT, "tv_reduction": "mean"}),
    )
    if variant == "ganime" or not key.startswith("tv")
]


@pytest.mark.parametrize("variant, norm, key, overrides", RUNS)
def test_losses_and_gradient_step_match_pytorch(variant, norm, key, overrides):
    if "update_order" in overrides:
        other = "simultaneous" if variant == "authors" else "discriminator_first"
        overrides = {"update_order": other}
    model = _model(variant, norm, **overrides)
    model.compile({k: keras.optimizers.SGD(rate) for k, rate in golden.SGD_RATE.items()})
    logs = model.train_step(_batch())
    want = dict(
        zip(
            ("d_loss", "g_adversarial", "g_l1", "g_tv"),
            _load(variant, norm)[f"{key}losses"],
            strict=True,
        )
    )
    assert set(logs) == set(model.loss_names)
    for name, value in logs.items():
        np.testing.assert_allclose(float(value), want[name], rtol=1e-5, err_msg=name)
    _check_update(model, variant, norm, f"{key}sgd", golden.SGD_RATE, 1e-4)


@pytest.mark.parametrize("variant, norm", CASES)
def test_two_adam_steps_match_its_formula(variant, norm):
    model, batch, data = _model(variant, norm), _batch(), _load(variant, norm)
    model.compile()
    for _ in range(golden.ADAM_STEPS):
        logs = model.train_step(batch)
    # The authors' epsilon stands where PyTorch has it, GANime's where TensorFlow has it.
    own, other = ("adam_torch", "adam") if variant == "authors" else ("adam", "adam_torch")
    want = data[f"{own}_losses"].mean(0)  # the logs are means over the steps
    for name, expected in zip(("d_loss", "g_adversarial", "g_l1"), want[:3], strict=True):
        np.testing.assert_allclose(float(logs[name]), expected, rtol=1e-4, err_msg=name)
    rates = dict.fromkeys(golden.SGD_RATE, golden.ADAM_RATE)
    # A weight near 1 moves by 2e-4 in units of 6e-8: 3e-4 of the step is float32's rounding.
    _check_update(model, variant, norm, own, rates, 5e-4)
    # Over a whole network that averages out, and the place of epsilon shows.
    for group in rates:
        optimizer = model.optimizers[group]
        assert optimizer.epsilon == golden.ADAM_EPSILON[variant]
        before = _before(variant, norm, group)
        _, norms = _changes(model, group, variant, norm, before, golden.ADAM_RATE)
        want, not_ours = (np.linalg.norm(data[f"{key}_{group}_norms"]) for key in (own, other))
        assert abs(np.linalg.norm(norms) / want - 1) < 2e-5
        assert abs(not_ours / want - 1) > 4e-5


@pytest.mark.parametrize("variant, norm", CASES)
def test_golden_values_tell_the_update_orders_apart(variant, norm):
    # Otherwise the tests above could not fail for the wrong order.
    data = _load(variant, norm)
    own, other = (data[f"{key}sgd_generator_norms"] for key in ("", "other_order_"))
    assert np.median(np.abs(own / other - 1)) > 1e-2
