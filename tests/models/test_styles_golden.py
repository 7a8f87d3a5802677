"""One update of every network of MUNIT and AniGAN against PyTorch: make_styles.py."""

import importlib.util
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from ganime_tf.models import get_model

GOLDEN = Path(__file__).parents[1] / "golden"
sys.path.insert(0, str(GOLDEN))


def _generator_script():
    spec = importlib.util.spec_from_file_location("make_styles", GOLDEN / "make_styles.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


make = _generator_script()


def _variables(network) -> dict:
    """A network's variables by the names of the twin's tensors."""
    found = {}
    for variable in network.variables:
        layer, name = variable.path.split("/")[-2:]
        layer = layer.replace("_shortcut", ".shortcut").replace("block0_conv", "block0.conv")
        layer = layer.replace("block1_conv", "block1.conv")
        if not network.name.startswith("discriminator_"):
            layer = layer.replace(".", "_")
        found[f"{layer}.{'weight' if name == 'kernel' else name}"] = variable
    return found


def _torch_shape(variable) -> tuple:
    shape = tuple(variable.shape)
    return tuple(shape[axis] for axis in (3, 2, 0, 1)) if len(shape) == 4 else shape[::-1]


def _ours(values):
    return values.transpose(2, 3, 1, 0) if values.ndim == 4 else values.T


@pytest.mark.parametrize("case", list(make.CASES))
def test_a_full_update_matches_pytorch(case):
    family = make.family(case)
    golden, size = np.load(GOLDEN / f"{family}.npz"), make.SIZES[family]
    model = get_model(family)(
        image_size=size, load_size=size, batch_size=make.BATCH, l2_weight=make.WEIGHT_DECAY,
        **make.CASES[case],
    )  # fmt: skip
    variables = {
        f"{network.name}/{key}": variable
        for networks in model.groups.values()
        for network in networks
        for key, variable in _variables(network).items()
    }
    names = [str(name) for name in golden[f"{case}/names"]]
    assert set(names) == set(variables)  # every tensor of the twin is here, and no other
    before = {}
    for name in names:
        network, _, key = name.partition("/")
        before[name] = make.weight(network, key, _torch_shape(variables[name]))
        variables[name].assign(_ours(before[name]))

    model.compile({group: keras.optimizers.SGD(make.RATE) for group in model.groups})
    model.noise = lambda count, size, stream: tf.constant(make.style(stream, size))
    batch = {d: tf.constant(make.picture(d, size).transpose(0, 2, 3, 1)) for d in "ab"}
    losses = model.train_step(batch)
    wanted = {key for key in golden.files if key.startswith(f"{case}/loss/")}
    assert wanted == {f"{case}/loss/{name}" for name in model.loss_names}
    for name in model.loss_names:
        stored = golden[f"{case}/loss/{name}"]
        np.testing.assert_allclose(float(losses[name]), stored, rtol=1e-5, err_msg=name)

    for name, stored in zip(names, golden[f"{case}/changes"], strict=True):
        value = before[name]
        order = _ours(np.arange(value.size).reshape(value.shape)).ravel()
        after = np.empty(value.size)
        after[order] = variables[name].numpy().ravel()
        change = after - value.ravel()
        rounding, norm, *expected = stored.astype(float)
        places = make.places(change.size)
        got = np.array([np.linalg.norm(change), *change[places]])
        # Float32 weights know a change to their rounding; and PyTorch's own float32 update is
        # `rounding` away from its float64 one (ReLUs near zero), which ours may be too.
        limit = 1e-4 * norm + 3e-7 * np.abs(value).max() * np.sqrt(value.size) + 2.0 * rounding
        off = np.abs(got - [norm, *expected[: len(places)]]).max()
        assert off < limit, (name, got, stored)
