"""StyleAnime's losses and optimizer against the released code's numbers and closed forms."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from ganime_tf.losses import styleanime as losses
from ganime_tf.models.ranger import Ranger

_REGIONS = ({1, 10, 14, 7, 8, 11}, {17}, {4, 2}, {5, 3})


def test_histograms_match_by_hand():
    source = np.zeros((1, 3, 3, 3), np.float32)
    reference = np.zeros((1, 3, 3, 3), np.float32)
    source[0, :2, :, 0] = [[10, 10, 20], [200.5, 30, 255]]
    reference[0, :2, :, 0] = [[50, 60, 70], [80, 90, 100]]
    mask = np.zeros((1, 1, 3, 3), bool)
    mask[0, 0, :2] = True
    matched = losses.match_histograms(tf.constant(source), tf.constant(reference), mask)
    np.testing.assert_array_equal(
        matched[0, 0, :2, :, 0], [[60, 60, 70], [90, 80, 255]]
    )  # fmt: skip
    assert not np.array(matched)[0, 0, 2].any()


def test_matching_equals_a_loop_over_levels():
    random = np.random.default_rng(0)
    source = random.integers(0, 256, (2, 12, 10, 3)).astype(np.float32)
    reference = random.integers(40, 160, (2, 12, 10, 3)).astype(np.float32)
    masks = random.random((2, 3, 12, 10)) < 0.6
    masks[1, 2] = False
    found = np.array(losses.match_histograms(source, reference, tf.constant(masks)))
    for n, r, c in np.ndindex(2, 3, 3):
        inside = masks[n, r]
        x, y = source[n, ..., c][inside], reference[n, ..., c][inside]
        src = [(x <= level).sum() for level in range(256)]
        ref = [(y <= level).sum() for level in range(256)]
        table = list(range(256))
        for i in range(1, 255):
            for j in range(1, 256):
                if ref[j - 1] <= src[i] <= ref[j]:
                    table[i] = j
                    break
        wanted = np.array([table[int(level)] for level in x], np.float32)
        np.testing.assert_array_equal(found[n, r, ..., c][inside], wanted)


def test_colour_preservation_matches_the_released_code(shared):
    numbers = np.load(shared / "facts/golden_styleanime.npz")
    fake, real = (
        tf.constant(numbers[key].transpose(0, 2, 3, 1).astype(np.float32))
        for key in ("hm_fake", "hm_ref")
    )
    masks = np.stack([np.isin(numbers["hm_map"], list(region)) for region in _REGIONS])[None]
    with tf.GradientTape() as tape:
        tape.watch(fake)
        loss = losses.colour_preservation(fake, real, tf.constant(masks), [0.01] * 4, "absolute")
    # .191409 with the released code's rounding of equal counts, .188412 with whole counts.
    assert float(loss) == pytest.approx(0.188412, abs=1e-6)
    gradient = tape.gradient(loss, fake).numpy()[0].transpose(2, 0, 1)
    other = np.abs(gradient - numbers["hm_grad"]) > 1e-6
    assert other.mean() < 0.002  # two values of 1,728, at equal counts


def test_colour_preservation_needs_a_kind_and_is_0_for_the_same_picture():
    picture = tf.random.stateless_uniform((1, 8, 8, 3), (0, 1), -1, 1)
    masks = tf.ones((1, 2, 8, 8), bool)
    with pytest.raises(ValueError, match="'absolute' or 'squared'"):
        losses.colour_preservation(picture, picture, masks, [1, 1], "l3")
    shifted = losses.colour_preservation(picture, picture * 0.2, masks, [1.0, 1.0])
    same = losses.colour_preservation(picture, picture, masks, [1.0, 1.0])
    assert float(same) < 1e-4 < 0.1 < float(shifted)
    empty = losses.colour_preservation(picture, -picture, tf.zeros((1, 2, 8, 8), bool), [1, 1])
    assert float(empty) == 0.0


def test_small_terms_match_closed_form():
    codes = tf.constant([[[3.0, 0.0], [0.0, 4.0]], [[0.0, 0.0], [0.0, 1.0]]])
    assert float(losses.code_length(codes, tf.zeros(2))) == pytest.approx(3.0)
    one, two = tf.constant([[1.0, 0.0]]), tf.constant([[0.6, 0.8]])
    assert float(losses.identity_distance(one, two)) == pytest.approx(0.4)
    middle = losses.code_smoothness(codes - 1.0, codes, codes + 3.0)
    assert float(middle) == pytest.approx(1.0)
    frames = [tf.fill((1, 2, 2, 3), value) for value in (0.0, 0.5, 0.4)]
    assert float(losses.frame_interpolation(*frames)) == pytest.approx(0.09)
    wanted = losses.frame_interpolation(*frames, interpolate=lambda x, y: x + 0.5)
    assert float(wanted) == pytest.approx(0.0)
    features = {"x": tf.constant([[[[3.0, 4.0]]]]), "y": tf.constant([[[[1.0, 0.0]]]])}
    others = {"x": tf.constant([[[[4.0, 3.0]]]]), "y": tf.constant([[[[9.0, 0.0]]]])}
    assert float(losses.perceptual_distance(features, others)) == pytest.approx(0.04)


def test_ranger_matches_the_released_optimizer(shared):
    trace = np.load(shared / "facts/golden_styleanime.npz")["ranger_trace"]
    kernel = keras.Variable(np.array([[1, 2, 3], [-1, 0.5, 0]], np.float32).T)
    bias = keras.Variable([1.0, -2.0])
    optimizer = Ranger(0.01)
    optimizer.build([kernel, bias])
    factors = np.array([[1], [2], [3]], np.float32)
    for row in trace:
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.square(kernel.value) * factors) + tf.reduce_sum(bias.value**3)
        optimizer.apply(tape.gradient(loss, [kernel.value, bias.value]), [kernel, bias])
        found = np.concatenate([keras.ops.convert_to_numpy(kernel).T.ravel(),
                                keras.ops.convert_to_numpy(bias)])  # fmt: skip
        np.testing.assert_allclose(found, row, atol=1e-4)
    copy = Ranger.from_config(optimizer.get_config())
    assert copy.get_config() == optimizer.get_config()
