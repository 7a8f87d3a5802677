"""Resampling against a slow reference; modulated convolutions by differences."""

import numpy as np
import pytest
import tensorflow as tf

from ganime_tf.layers.minibatch_std import MinibatchStd
from ganime_tf.layers.modulated import ModulatedConv2D
from ganime_tf.layers.upfirdn import downsample2d, fir_taps, upfirdn2d, upsample2d


def slow(x, taps, up, down, pad, gain):
    """The definition, with explicit zeros and loops."""
    n, h, w, c = x.shape
    grown = np.zeros((n, h * up, w * up, c))
    grown[:, ::up, ::up] = x
    before, after = pad
    grown = np.pad(grown, [(0, 0), *[(max(before, 0), max(after, 0))] * 2, (0, 0)])
    a, b = max(-before, 0), max(-after, 0)
    grown = grown[:, a : grown.shape[1] - b, a : grown.shape[2] - b]
    kernel = gain * np.outer(taps, taps)[::-1, ::-1]
    size = len(taps)
    out = np.zeros((n, grown.shape[1] - size + 1, grown.shape[2] - size + 1, c))
    for i in range(out.shape[1]):
        for j in range(out.shape[2]):
            patch = grown[:, i : i + size, j : j + size]
            out[:, i, j] = (patch * kernel[None, :, :, None]).sum((1, 2))
    return out[:, ::down, ::down]


@pytest.mark.parametrize("size", [4, 5, 12])
@pytest.mark.parametrize(
    ("up", "down", "pad"),
    [(1, 1, (6, 5)), (2, 1, (7, 6)), (1, 2, (6, 6)), (2, 2, (8, 7)), (3, 1, (6, 7)),
     (2, 1, (-1, 9)), (1, 2, (9, -1)), (2, 3, (10, 9))],
)  # fmt: skip
def test_matches_the_definition(size, up, down, pad):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 6, 7, 3)).astype(np.float32)
    taps = rng.normal(size=size)
    ours = upfirdn2d(tf.constant(x), taps, up=up, down=down, pad=pad, gain=4.0)
    np.testing.assert_allclose(ours, slow(x, taps, up, down, pad, 4.0), rtol=1e-4, atol=1e-4)


def test_constants_keep_their_value_when_resampled():
    x = tf.ones((1, 8, 8, 2))
    np.testing.assert_allclose(upsample2d(x)[:, 2:-2, 2:-2], 1.0, atol=1e-6)
    np.testing.assert_allclose(downsample2d(x)[:, 1:-1, 1:-1], 1.0, atol=1e-6)


def test_too_small_a_picture_is_named():
    with pytest.raises(ValueError, match="fewer than 12 taps"):
        upfirdn2d(tf.ones((1, 4, 4, 1)), fir_taps(np.ones(12)))


@pytest.mark.parametrize("up", [False, True])
def test_modulated_second_derivatives_are_those_of_differences(up):
    layer = ModulatedConv2D(4, up=up, noise=False)
    x = tf.random.stateless_normal((2, 4, 4, 3), (0, 1))
    w = tf.random.stateless_normal((2, 5), (0, 2))
    layer(x, w)
    y = tf.random.stateless_normal(layer(x, w).shape, (0, 3))
    kernel = layer.kernel
    kernel.assign(tf.random.stateless_normal(kernel.shape, (0, 5)))
    direction = tf.random.stateless_normal(kernel.shape, (0, 4))

    def penalty():
        with tf.GradientTape() as tape:
            tape.watch(w)
            value = tf.reduce_sum(layer(x, w) ** 2 * y)
        return tf.reduce_sum(tape.gradient(value, w) ** 2)

    with tf.GradientTape() as outer:
        value = penalty()
    slope = tf.reduce_sum(outer.gradient(value, kernel.value) * direction)
    start, step, ends = tf.identity(kernel.value), 1e-3, []
    for sign in (1, -1):
        kernel.assign(start + sign * step * direction)
        ends.append(penalty())
    np.testing.assert_allclose(slope, (ends[0] - ends[1]) / (2 * step), rtol=2e-2)


def test_groups_of_the_minibatch_deviation_are_interleaved():
    x = tf.random.stateless_normal((8, 4, 4, 3), (0, 1))
    channel = MinibatchStd(4)(x)[:, 0, 0, -1].numpy()
    np.testing.assert_allclose(channel[::2], channel[0], rtol=1e-6)
    np.testing.assert_allclose(channel[1::2], channel[1], rtol=1e-6)
    expected = np.sqrt(x.numpy()[::2].var(0) + 1e-8).mean()
    np.testing.assert_allclose(channel[0], expected, rtol=1e-5)
