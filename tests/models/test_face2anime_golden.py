"""One update of Face2Anime and XGAN against a PyTorch twin: tests/golden/make_face2anime.py."""

import dataclasses
import importlib.util
import sys
import zlib
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from ganime_tf import losses
from ganime_tf.losses.face2anime import domain_loss, norm_distance
from ganime_tf.models import get_model, get_presets

GOLDEN = Path(__file__).parents[1] / "golden"
sys.path.insert(0, str(GOLDEN))


def _generator_script():
    spec = importlib.util.spec_from_file_location("make_face2anime", GOLDEN / "make_face2anime.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


make = _generator_script()


def _ours(network: str, key: str, values, shape):
    """PyTorch's tensor as the variable of this shape."""
    if values.ndim == 4:
        return values.transpose(2, 3, 1, 0)
    if values.ndim == 2 and (network, key) in _FLATTENED:
        # Columns of a flattened map: channel by channel there, place by place here.
        inputs = values.shape[1]
        side = int(np.sqrt(inputs // _FLATTENED[network, key]))
        maps = values.reshape(len(values), -1, side, side)
        return maps.transpose(2, 3, 1, 0).reshape(inputs, len(values))
    return values.T.reshape(shape)


# Dense layers after a map, and how many channels it has.
_FLATTENED = {
    ("shared_encoder", "dense1/kernel"): 8 * make.XGAN["filters"],
    ("discriminator_a", "dense/kernel"): make.XGAN["filters"],
    ("discriminator_b", "dense/kernel"): make.XGAN["filters"],
}


@pytest.mark.parametrize("case", list(make.CASES))
def test_a_full_update_matches_pytorch(case):
    golden = np.load(GOLDEN / "face2anime.npz")
    model = get_model(case.partition("_")[0])(**make.CASES[case])
    variables = {
        f"{network.name}/{v.path.removeprefix(network.name + '/')}": v
        for network in model.networks.values()
        for v in network.variables
    }
    names = [str(name) for name in golden[f"{case}/names"]]
    assert set(names) == set(variables)  # every tensor of the twin is here, and no other

    before, order = {}, {}
    for name in names:
        network, _, key = name.partition("/")
        variable = variables[name]
        shape = tuple(variable.shape)
        theirs = tuple(shape[axis] for axis in (3, 2, 0, 1)) if len(shape) == 4 else shape[::-1]
        value = make.value(network, key, theirs)
        variable.assign(_ours(network, key, value, shape))
        before[name] = value.ravel().astype(np.float64)
        order[name] = _ours(network, key, np.arange(value.size).reshape(theirs), shape).ravel()

    model.compile({group: keras.optimizers.SGD(make.RATE) for group in model.groups})
    count = max(model.config.batch_size, 2)
    model.noise = lambda number, *shape, stream, uniform=False: tf.constant(
        make.alpha(stream.removeprefix("alpha_"), count).reshape(count, *shape)
    )
    batch = {key: tf.constant(make.picture(key, count).transpose(0, 2, 3, 1)) for key in ("a", "b")}
    found = model.train_step(batch)
    expected = dict(zip(golden[f"{case}/loss_names"], golden[f"{case}/losses"], strict=True))
    assert set(expected) == set(model.loss_names)
    for name, loss in expected.items():
        np.testing.assert_allclose(float(found[name]), loss, rtol=1e-5, atol=1e-6, err_msg=name)

    moved = 0
    for name, (rounding, *row) in zip(names, golden[f"{case}/changes"], strict=True):
        after = np.empty(before[name].size)
        after[order[name]] = variables[name].numpy().ravel()
        change = after - before[name]
        some = change[make.places(change.size)]
        got = np.array([np.linalg.norm(change), *some])
        row = np.array(row[: len(got)])
        # Float32 weights know a change to their rounding; and PyTorch's own float32 update is
        # `rounding` away from its float64 one, which ours may be too. Batch norm of 8 codes
        # amplifies rounding.
        limit = (5e-4 if case.startswith("xgan") else 1e-4) * row[0] + 2.0 * rounding
        limit += 3e-7 * np.abs(before[name]).max() * np.sqrt(change.size)
        assert np.abs(got - row).max() <= limit, (name, got, row)
        moved += row[0] > 10 * limit
    # The rest: biases before instance norm, whose gradient is 0, and a recognizer that is frozen.
    assert moved > 0.4 * len(names), f"only {moved} of {len(names)} changes are seen"


# Losses of R1's layers (docs/models/xgan.md) on made weights and pictures, by PyTorch networks that
# were written from its layer table with its key names: moving statistics, then the batch's.
R1_LOSSES = {
    False: (76.545753, 73.051781, 3.863497, 3.131786, 1.579475, 1.360723, 0.790475, 1.290905,
            0.604462, 1.592501),
    True: (99.399757, 91.781754, 15.083612, 11.313487, 4.994337, 3.951921, 1.806564, 1.989552,
           0.379802, 1.410094),
}  # fmt: skip
R1_NETWORKS = {
    "encoder_a": "e1", "encoder_b": "e2", "shared_encoder": "e_shared", "decoder_a": "d1",
    "decoder_b": "d2", "shared_decoder": "d_shared", "discriminator_b": "disc1",
}  # fmt: skip


def _draws(name):
    return np.random.RandomState(zlib.crc32(name.encode()) & 0xFFFFFFFF)


def _r1_key(network: str, key: str) -> str:
    """R1's name of one of our variables."""
    layer, _, part = key.partition("/")
    norm, layer = layer.endswith("_norm"), layer.removesuffix("_norm")
    if network == "domain_classifier":
        index = 3 if layer == "scores" else int(layer.removeprefix("dense")) - 1
        name = f"c_dann.crit.{index}.{int(norm)}"
    else:
        short = {"dense": "fc1", "dense1": "fc1", "dense2": "fc2"}.get(layer, layer)
        if norm:
            short = short.replace("deconv", "bd").replace("conv", "b").replace("fc", "bfc")
        name = f"{R1_NETWORKS[network]}.{short}"
    ends = {"kernel": "weight", "gamma": "weight", "bias": "bias", "beta": "bias"}
    return f"{name}.{ends[part]}"


def _r1_value(key: str, shape) -> np.ndarray:
    values = _draws(key).standard_normal(shape).astype(np.float32)
    if len(shape) > 1:
        return values * np.sqrt(2.0 / np.prod(shape[1:])).astype(np.float32)
    return 1.0 + 0.1 * values if key.endswith("weight") else 0.1 * values


@pytest.mark.parametrize("training", [False, True])
def test_the_iamigos_preset_gives_the_losses_of_its_layout(training):
    preset = dataclasses.replace(
        get_presets("xgan")["xgan-iamigos"],
        filters=4,
        code_size=16,
        classifier_widths=(8, 4, 2),
        dropout=0.0,
    )
    model = get_model("xgan")(preset)
    for network in (net for nets in model.groups.values() for net in nets):
        for variable in network.trainable_variables:
            key = variable.path.removeprefix(network.name + "/")
            shape = tuple(variable.shape)
            theirs = tuple(shape[axis] for axis in (3, 2, 0, 1)) if len(shape) == 4 else shape[::-1]
            value = _r1_value(_r1_key(network.name, key), theirs)
            variable.assign(_ours(network.name, key, value, shape))
    a, b = (
        np.tanh(_draws(name).standard_normal((4, 3, 64, 64))).transpose(0, 2, 3, 1)
        for name in ("face", "cartoon")
    )
    a, b = np.float32(a), np.float32(b)
    code_a = model.encode(model.encoder_a, a, training)
    code_b = model.encode(model.encoder_b, b, training)
    same_a = model.decode(model.decoder_a, code_a, training)
    same_b = model.decode(model.decoder_b, code_b, training)
    fake_b = model.decode(model.decoder_b, code_a, training)
    fake_a = model.decode(model.decoder_a, code_b, training)
    again_a = model.encode(model.encoder_b, fake_b, training)
    again_b = model.encode(model.encoder_a, fake_a, training)
    fake, real = (model.discriminator_b(x, training=training) for x in (fake_b, b))
    domains = (model.domain_classifier(code, training=training) for code in (code_a, code_b))
    found = [norm_distance(same_a, a, "l2"), norm_distance(same_b, b, "l2")]
    for norm in ("l1_sum", "l2"):
        found += [norm_distance(code_a, again_a, norm), norm_distance(code_b, again_b, norm)]
    found += [
        losses.gan_generator_loss(fake, "bce"),
        losses.gan_generator_loss(real, "bce"),
        losses.gan_generator_loss(-fake, "bce"),
        domain_loss(*domains, "bce"),
    ]
    np.testing.assert_allclose([float(x) for x in found], R1_LOSSES[training], rtol=1e-4)
