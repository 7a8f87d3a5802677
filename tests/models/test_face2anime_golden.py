"""One update of Face2Anime and XGAN against a PyTorch twin: tests/golden/make_face2anime.py."""

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
    losses = model.train_step(batch)
    expected = dict(zip(golden[f"{case}/loss_names"], golden[f"{case}/losses"], strict=True))
    assert set(expected) == set(model.loss_names)
    for name, loss in expected.items():
        np.testing.assert_allclose(float(losses[name]), loss, rtol=1e-5, atol=1e-6, err_msg=name)

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
