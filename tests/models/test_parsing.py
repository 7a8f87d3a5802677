"""The parsers: optimizer and schedule as released, learning, parsing of any size."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from ganime_tf.configs import parsing_bisenet, parsing_danet
from ganime_tf.models.parsing import HeadSGD, ParsingBiSeNet, ParsingDANet
from ganime_tf.models.schedules import PolynomialDecay

try:
    import torch
except ImportError:  # the comparisons with PyTorch are skipped, the others run
    torch = None

needs_torch = pytest.mark.skipif(torch is None, reason="torch is not installed")


_TINY = {
    ParsingBiSeNet: parsing_bisenet.PRESETS["parsing-bisenet-tiny"],
    ParsingDANet: parsing_danet.PRESETS["parsing-danet-tiny"],
}


def _batch(size=16, classes=3):
    """Squares of three colours: the class is the colour."""
    random = np.random.default_rng(0)
    labels = random.integers(0, classes, (4, size // 8, size // 8)).repeat(8, 1).repeat(8, 2)
    colours = np.array([[-1, -1, -1], [1, -1, 0], [0, 1, 1]], np.float32)
    noise = random.normal(0, 0.1, (4, size, size, 3))
    pictures = np.clip(colours[labels] + noise, -1, 1)
    return {
        "b": tf.constant(pictures, tf.float32),
        "parsing": tf.constant(labels, tf.int32),
    }


def test_schedule_warms_up_and_decays_as_released():
    schedule = PolynomialDecay(1e-2, 1100, 0.9, 100, 1e-5)
    for step in (0, 1, 50, 100, 101, 600, 1099):
        warm = 1e-5 * (1000.0 ** (1 / 100)) ** step
        late = 1e-2 * (1 - (step - 100) / 1000) ** 0.9 if step > 100 else 0.0
        expected = warm if step <= 100 else late
        np.testing.assert_allclose(schedule(step), expected, rtol=1e-4)
    assert float(schedule(5000)) == 0.0
    plain = PolynomialDecay(4e-3, 10)
    np.testing.assert_allclose(plain(5), 4e-3 * 0.5**0.9, rtol=1e-5)
    again = PolynomialDecay.from_config(schedule.get_config())
    np.testing.assert_allclose(again(70), schedule(70))


@needs_torch
def test_optimizer_equals_pytorchs_with_a_faster_head():
    inputs = keras.Input((3,))
    x = keras.layers.Dense(4, name="body.first")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(2, name="head.last")(x))
    variables = model.trainable_variables
    twins = [torch.tensor(v.numpy(), requires_grad=True) for v in variables]
    theirs = torch.optim.SGD(
        [{"params": twins[:2], "lr": 0.1}, {"params": twins[2:], "lr": 1.0}], 0.1, momentum=0.9
    )
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([1], [0.1, 0.05])
    ours = HeadSGD(schedule, 0.9, backbone="body.", head_rate=10.0)
    ours.build(variables)
    random = np.random.default_rng(0)
    for step in range(4):
        gradients = [random.normal(size=v.shape).astype(np.float32) for v in variables]
        for group, rate in zip(theirs.param_groups, (0.1, 1.0), strict=True):
            group["lr"] = rate if step <= 1 else rate / 2
        for twin, gradient in zip(twins, gradients, strict=True):
            twin.grad = torch.tensor(gradient)
        theirs.step()
        ours.apply([tf.constant(gradient) for gradient in gradients], variables)
    for variable, twin in zip(variables, twins, strict=True):
        np.testing.assert_allclose(variable, twin.detach().numpy(), atol=1e-6)
    again = HeadSGD.from_config(ours.get_config())
    assert (again.backbone, again.head_rate) == ("body.", 10.0)


@pytest.mark.parametrize("kind", list(_TINY))
def test_learns_colours_and_parses_any_size(kind):
    model = kind(_TINY[kind], num_classes=3, filters=4, ema_decay=0.0)
    model.compile()
    batch = _batch()
    step = tf.function(model.train_step)
    first = float(step(batch)["result"])
    for tracker in model.loss_trackers.values():
        tracker.reset_state()
    for _ in range(60):
        for tracker in model.loss_trackers.values():
            tracker.reset_state()
        last = float(step(batch)["result"])
    assert last < 0.6 * first
    picture = np.random.default_rng(1).integers(0, 256, (19, 27, 3), np.uint8)
    maps = model.parse(picture)
    assert maps.shape == (19, 27) and maps.dtype == np.uint8 and maps.max() < 3


@pytest.mark.parametrize("kind", list(_TINY))
def test_pixels_of_minus_one_do_not_count(kind):
    model = kind(_TINY[kind], num_classes=3, filters=4)
    scores = tf.random.stateless_normal((1, 8, 8, 3), (1, 2))
    labels = np.zeros((1, 8, 8), np.int32)
    labels[:, 4:] = -1
    changed = tf.concat([scores[:, :4], 9.0 * scores[:, 4:]], 1)
    assert float(model._loss(scores, labels)) == pytest.approx(float(model._loss(changed, labels)))


def test_weight_decay_is_the_releases():
    bisenet = ParsingBiSeNet(_TINY[ParsingBiSeNet], l2_weight=5e-4, filters=4)
    for variable in bisenet.network.trainable_variables:
        assert bisenet.weight_decay(variable) == (5e-4 if len(variable.shape) == 4 else 0.0)
    danet = ParsingDANet(_TINY[ParsingDANet], l2_weight=1e-4, filters=4)
    assert all(danet.weight_decay(v) == 1e-4 for v in danet.network.trainable_variables)


@pytest.mark.parametrize("head", ["fcn", "deeplabv3"])
def test_other_heads_train_with_a_further_loss(head):
    model = ParsingDANet(
        _TINY[ParsingDANet], head=head, auxiliary_weight=0.2, num_classes=3, filters=4
    )
    model.compile()
    logs = model.train_step(_batch())
    assert float(logs["loss"]) > float(logs["result"])


def test_classes_come_from_the_data():
    class Data:
        labels = list("abcde")

    config = parsing_danet.PRESETS["parsing-danet"].for_data(Data())
    assert config.num_classes == 5
