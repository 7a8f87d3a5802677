"""One update of every network of CycleGAN and U-GAT-IT against PyTorch: make_unpaired.py."""

import importlib.util
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from ganime_tf.convert import cyclegan as cyclegan_layout
from ganime_tf.convert import ugatit as ugatit_layout
from ganime_tf.models.cyclegan import CycleGAN
from ganime_tf.models.ugatit import UGATIT

GOLDEN = Path(__file__).parents[1] / "golden"


def _generator_script():
    spec = importlib.util.spec_from_file_location("make_unpaired", GOLDEN / "make_unpaired.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


make = _generator_script()


def _cyclegan(**overrides):
    model = CycleGAN(
        image_size=make.SIZE,
        load_size=make.SIZE,
        filters=4,
        num_blocks=2,
        patch_size=34,
        pool_size=0,
        **overrides,
    )
    names = {
        name: name
        for name in ("generator_a2b", "generator_b2a", "discriminator_a", "discriminator_b")
    }

    def table(network):
        def kernel(value):
            return value.transpose(2, 3, 1, 0) if value.ndim == 4 else value

        return {k: (v, kernel) for k, v in cyclegan_layout.variables_of(network).items()}

    return model, names, table


def _ugatit():
    shapes = {k: v for k, v in make.SHAPES["ugatit"].items() if k != "image_size"}
    model = UGATIT(
        image_size=make.SIZE,
        load_size=make.SIZE,
        weight_decay=make.WEIGHT_DECAY["ugatit"],
        cam_weight=make.CAM_WEIGHT,
        **shapes,
    )
    return model, ugatit_layout.NETWORKS, ugatit_layout.variables_of


def _alternating():
    return _cyclegan(update_order="alternating")


BUILDERS = {"cyclegan": _cyclegan, "cyclegan_alternating": _alternating, "ugatit": _ugatit}


@pytest.mark.parametrize(("kind", "build"), list(BUILDERS.items()))
def test_a_full_update_matches_pytorch(kind, build):
    golden = np.load(GOLDEN / f"{kind}.npz")
    model, names, table = build()
    tables = {theirs: table(getattr(model, ours)) for theirs, ours in names.items()}
    stored = [key for key in golden.files if "/" in key]
    # Every tensor of the release has a variable here, and the other way round.
    assert set(stored) == {f"{net}/{key}" for net, keys in tables.items() for key in keys}

    before = {}
    for key in stored:
        network, _, name = key.partition("/")
        variable, reorder = tables[network][name]
        shape = _torch_shape(kind, network, name, variable)
        value = make.weight(network, name, shape)
        variable.assign(reorder(value))
        # Where each element of PyTorch's tensor lies in ours.
        before[key] = value, np.asarray(reorder(np.arange(value.size).reshape(shape))).ravel()

    model.compile({group: keras.optimizers.SGD(make.RATE) for group in model.groups})
    batch = {key: tf.constant(make.picture(key).transpose(0, 2, 3, 1)) for key in ("a", "b")}
    losses = tf.function(model.train_step)(batch)
    for name in model.loss_names:
        np.testing.assert_allclose(float(losses[name]), golden[name], rtol=1e-5, err_msg=name)

    for key in stored:
        network, _, name = key.partition("/")
        value, order = before[key]
        after = np.empty(value.size)
        after[order] = tables[network][name][0].numpy().ravel()
        change = after - value.ravel()
        rounding, expected = golden[key][0], golden[key][1:]
        got = np.array([np.linalg.norm(change), *change[make.places(change.size)]])
        # Float32 weights know a change to their rounding; and PyTorch's own float32 update is
        # `rounding` away from its float64 one (ReLUs near zero), which ours may be too.
        limit = 1e-4 * expected[0] + 3e-7 * np.abs(value).max() * np.sqrt(value.size)
        limit += 2.0 * rounding
        assert np.abs(got - expected).max() < limit, (key, got, expected)


def _torch_shape(kind, network, name, variable):
    """PyTorch's shape of a tensor, from ours."""
    shape = tuple(variable.shape)
    if len(shape) == 4:
        return tuple(shape[axis] for axis in (3, 2, 0, 1))
    if len(shape) == 2:
        return shape[::-1]
    if kind == "ugatit" and network.startswith("gen") and name.endswith(("rho", "gamma", "beta")):
        return (1, shape[0], 1, 1)
    return shape
