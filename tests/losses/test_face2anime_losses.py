"""Losses of Face2Anime and XGAN against numbers worked out by hand."""

import math

import numpy as np
import pytest
import tensorflow as tf

from ganime_tf.layers.gradient_reversal import GradientReversal, reverse_gradient
from ganime_tf.losses import face2anime as losses
from ganime_tf.losses.regularizers import gradient_penalty

X = np.float32([[3.0, 0.0, 4.0, 0.0], [0.0, 2.0, 0.0, 0.0]])
Y = np.zeros_like(X)


@pytest.mark.parametrize(
    ("norm", "value"),
    [("l2", (5 + 2) / 2), ("rms", (2.5 + 1) / 2), ("l1", 9 / 8), ("l1_sum", (7 + 2) / 2)],
)
def test_norm_distance_matches_closed_form(norm, value):
    assert float(losses.norm_distance(X, Y, norm)) == pytest.approx(value, rel=1e-6)


@pytest.mark.parametrize("norm", ["l2", "rms"])
def test_norm_distance_has_a_finite_gradient_where_codes_agree(norm):
    x = tf.constant(X)
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = losses.norm_distance(x, X, norm)
    assert float(loss) == pytest.approx(1e-6, abs=1e-6)
    np.testing.assert_array_equal(tape.gradient(loss, x), np.zeros_like(X))


def test_domain_losses_match_closed_form():
    a, b = np.float32([0.5, -1.0]), np.float32([2.0])
    # Eq. (2): mean(D(a)^2 + (D(b) - 1)^2).
    assert float(losses.domain_loss(a, b)) == pytest.approx((0.25 + 1) / 2 + 1)
    assert float(losses.domain_confusion(a, b)) == pytest.approx((0.25 + 4) / 2 + 4)
    assert float(losses.domain_confusion(a, b, target="confuse")) == pytest.approx(
        (0 + 2.25) / 2 + 2.25
    )
    assert float(losses.domain_confusion(a, b, target="reverse")) == pytest.approx(-1.625)
    log = lambda x: math.log(1 + math.exp(x))  # noqa: E731
    expected = (log(0.5) + log(-1)) / 2 + log(-2)
    assert float(losses.domain_loss(a, b, "bce")) == pytest.approx(expected, rel=1e-6)
    half = (log(0.5) - 0.25 + log(-1) + 0.5) / 2 + log(2) - 1
    assert float(losses.domain_confusion(a, b, "bce", "confuse")) == pytest.approx(half, rel=1e-6)


def test_confusion_at_even_scores_is_where_no_domain_is_told():
    """Least squares towards a half is 0 exactly when D_dom says nothing."""
    even = np.full(3, 0.5, np.float32)
    assert float(losses.domain_confusion(even, even, target="confuse")) == 0.0


def test_critic_losses_match_closed_form():
    real, fake = np.float32([3.0, 1.0]), np.float32([0.5, -2.5])
    assert float(losses.critic_loss(real, fake)) == -3.0
    assert float(losses.critic_generator_loss(fake)) == 1.0


def test_feature_distance_is_a_share_of_each_pictures_own_features():
    y = {"low": np.full((2, 1, 1, 2), 2.0, np.float32), "high": np.ones((2, 1, 1, 1), np.float32)}
    y["low"][1] = 100.0
    x = {"low": y["low"] * 1.5, "high": y["high"] * 3.0}
    assert float(losses.feature_distance(x, y)) == pytest.approx((0.5 + 2.0) / 2)
    assert float(losses.feature_distance(x, y, relative=False)) == pytest.approx((25.5 + 2) / 2)


def test_reversal_ramp_is_that_of_ganin_et_al():
    assert float(losses.reversal_ramp(0.0)) == 0.0
    assert float(losses.reversal_ramp(0.5)) == pytest.approx(math.tanh(2.5), rel=1e-6)
    assert float(losses.reversal_ramp(1.0)) == pytest.approx(0.9999092, rel=1e-6)


@pytest.mark.parametrize(
    "call",
    [
        lambda: losses.norm_distance(X, Y, "max"),
        lambda: losses.domain_loss(X, Y, "hinge"),
        lambda: losses.domain_confusion(X, Y, target="nothing"),
    ],
)
def test_unknown_choices_are_refused(call):
    with pytest.raises(ValueError, match="must be one of"):
        call()


def test_reversal_keeps_values_and_turns_gradients():
    x = tf.constant(X)
    layer = GradientReversal.from_config(GradientReversal(0.3).get_config())
    with tf.GradientTape() as tape:
        tape.watch(x)
        out = layer(x)
        loss = tf.reduce_sum(out**2)
    np.testing.assert_array_equal(out, X)
    np.testing.assert_allclose(tape.gradient(loss, x), -0.3 * 2 * X, rtol=1e-6)
    assert reverse_gradient(tf.cast(x, tf.float16), tf.constant(2.0)).dtype == tf.float16


def test_penalty_of_a_linear_critic_is_that_of_its_weights():
    """f(x) = <w, x>: the slope is |w| wherever it is measured."""
    w = np.float32(np.random.default_rng(0).normal(size=(4, 4, 3)))
    gradients = np.stack([w, w])
    length = float(np.linalg.norm(w))
    assert float(gradient_penalty(gradients)) == pytest.approx((length - 1) ** 2, rel=1e-6)
    assert float(gradient_penalty(0.1 * gradients / length, one_sided=True)) == 0.0
    assert float(gradient_penalty(0.1 * gradients / length)) == pytest.approx(0.81, rel=1e-5)
