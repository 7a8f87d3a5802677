import pytest

from ganime_tf.models.schedules import LinearDecay
from ganime_tf.models.ugatit import SecondHalfDecay


def test_linear_decay_matches_the_authors_factor_in_every_epoch():
    schedule = LinearDecay(2e-4, 100, 100, steps_per_epoch=10)
    assert float(schedule(999)) == pytest.approx(1.98e-4, abs=1e-7)  # epoch 100
    assert float(schedule(1999)) == 0.0  # epoch 200
    for epoch in (1, 50, 99, 100, 101, 150, 200):
        factor = 1 - max(0, epoch + 1 - 100) / 101  # its `lambda_rule`, called before the epoch
        for step in ((epoch - 1) * 10, epoch * 10 - 1):
            assert abs(float(schedule(step)) - 2e-4 * factor) < 1e-10


def test_without_decay_the_rate_is_constant():
    assert abs(float(LinearDecay(1e-3, 5, 0, 1)(100)) - 1e-3) < 1e-10


def test_second_half_decay_is_the_pytorch_release_step_by_step():
    schedule, rate, steps = SecondHalfDecay(1e-4, 10), 1e-4, 10
    for step in range(1, steps + 1):  # as its loop: from 1, and lowered before the update
        if step > steps // 2:
            rate -= 1e-4 / (steps // 2)
        assert abs(float(schedule(step - 1)) - rate) < 1e-10


def test_second_half_decay_by_epochs_is_the_tf1_release():
    schedule = SecondHalfDecay(1e-4, 6 * 5, steps_per_epoch=5)
    for epoch in range(6):
        rate = 1e-4 if epoch < 3 else 1e-4 * (6 - epoch) / (6 - 3)
        for step in (5 * epoch, 5 * epoch + 4):
            assert abs(float(schedule(step)) - rate) < 1e-10
