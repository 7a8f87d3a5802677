import numpy as np
import pytest
import tensorflow as tf

from ganime_tf.ops.images import check_uint8, pad_to_multiple, to_float, to_uint8


def test_every_level_survives_the_round_trip():
    levels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, -1)
    np.testing.assert_array_equal(to_uint8(to_float(levels)), levels)


def test_out_of_range_floats_are_clipped():
    x = tf.constant([[[[-2.0, 0.0, 2.0]]]])
    np.testing.assert_array_equal(to_uint8(x), [[[[0, 128, 255]]]])


@pytest.mark.parametrize("images", [np.zeros((1, 4, 4, 3), "float32"), np.zeros((4, 4), "uint8")])
def test_other_inputs_are_refused_with_what_was_received(images):
    with pytest.raises(ValueError, match="Received"):
        check_uint8(images)


def test_padding_matches_numpy_reflection_and_crops_back():
    x = np.random.default_rng(0).normal(size=(2, 5, 6, 3)).astype("float32")
    padded = pad_to_multiple(x, 8)
    np.testing.assert_array_equal(padded, np.pad(x, ((0, 0), (0, 3), (0, 2), (0, 0)), "reflect"))
    np.testing.assert_array_equal(padded[:, :5, :6], x)


def test_a_picture_smaller_than_its_padding_is_reflected_repeatedly():
    x = np.arange(3, dtype="float32").reshape(1, 1, 3, 1)
    padded = pad_to_multiple(x, 16)
    np.testing.assert_array_equal(
        padded[0], np.pad(x, ((0, 0), (0, 15), (0, 13), (0, 0)), "reflect")[0]
    )
