"""LiteRT files as models."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from ganime_tf.inference import load
from ganime_tf.lite.litert import LiteRTModel
from ganime_tf.ops.litert import run_fitted

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def write(path, function, *shapes, dtype=tf.float32):
    specs = [tf.TensorSpec(shape, dtype) for shape in shapes]
    concrete = tf.function(function).get_concrete_function(*specs)
    path.write_bytes(tf.lite.TFLiteConverter.from_concrete_functions([concrete]).convert())
    return path


def test_fixed_size_network_takes_any_size(tmp_path):
    path = write(tmp_path / "negative.tflite", lambda x: -x, (1, 16, 16, 3))
    model = load(path)
    assert isinstance(model, LiteRTModel) and model.input_size == (16, 16)
    exact = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3)).astype(np.uint8)
    np.testing.assert_array_equal(model.translate(exact), 255 - exact)
    flat = np.full((9, 40, 3), 200, np.uint8)
    np.testing.assert_array_equal(model.translate(flat), np.full_like(flat, 55))


def test_free_size_network_runs_at_the_size_of_the_picture(tmp_path):
    path = write(tmp_path / "negative.tflite", lambda x: -x, (1, None, None, 3))
    model = LiteRTModel(path)
    assert model.input_size is None
    for shape in ((5, 7, 3), (8, 4, 3), (5, 7, 3)):
        image = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
        np.testing.assert_array_equal(model.translate(image), 255 - image)


def test_other_networks_and_files_are_refused(tmp_path):
    grey = write(tmp_path / "grey.tflite", lambda x: x[..., :1], (1, 16, 16, 3))
    with pytest.raises(ValueError, match="must map one RGB picture"):
        LiteRTModel(grey)
    (tmp_path / "noise.tflite").write_bytes(b"noise")
    with pytest.raises(ValueError, match="cannot be run"):
        LiteRTModel(tmp_path / "noise.tflite")
    with pytest.raises(FileNotFoundError):
        LiteRTModel(tmp_path / "absent.tflite")
    model = LiteRTModel(write(tmp_path / "same.tflite", lambda x: x + 0.0, (1, 16, 16, 3)))
    with pytest.raises(ValueError, match="uint8"):
        model.translate(np.zeros((16, 16, 3), np.float32))


def test_fitting_keeps_the_aspect():
    seen = []
    image = np.zeros((10, 40, 3), np.uint8)
    image[:, 20:] = 255
    out = run_fitted(image, (32, 32), lambda picture: seen.append(picture) or picture)
    assert seen[0].shape == (32, 32, 3) and out.shape == image.shape
    assert (seen[0][:, :14] == 0).all() and (seen[0][:, 18:] == 255).all()


def test_keras_network_round_trip(tmp_path):
    network = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(3, 1)])
    path = write(tmp_path / "conv.tflite", lambda x: network(x), (1, 8, 8, 3))
    image = np.random.default_rng(0).integers(0, 256, (8, 8, 3)).astype(np.uint8)
    expected = (np.array(network(image[None] / np.float32(127.5) - 1.0))[0] + 1.0) * 127.5
    np.testing.assert_allclose(
        LiteRTModel(path).translate(image), np.clip(expected, 0, 255), atol=0.51
    )
