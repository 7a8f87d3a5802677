"""Feature functions of picture batches: resizing, scaling and a network, compiled."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

RANDOM_DIM = 128


def pipeline(network: keras.Model, resize: Callable, scale: Callable) -> Callable:
    """Joins resizing, scaling and the network into one compiled function.

    Args:
        network: From `build_inception`.
        resize: uint8 `(N, H, W, 3)` -> float32 `(N, 299, 299, 3)` in [0, 255].
        scale: [0, 255] to the network's range.

    Returns:
        uint8 `(N, H, W, 3)` array -> float32 `(N, dims)` array.
    """
    run = tf.function(
        lambda x: network(scale(x), training=False),
        input_signature=[tf.TensorSpec((None, *network.input_shape[1:]), tf.float32)],
    )
    return lambda images: run(resize(tf.convert_to_tensor(images))).numpy()


def keras_inception_features(path: Path) -> Callable:
    """The network of GANime's FID: Keras' InceptionV3, 256 px, average pool.

    Pictures of another size are resized to 256x256 (bilinear with antialias); the paper's were
    256x256 already.

    Args:
        path: Keras' published weights without the top.
    """
    network = keras.applications.InceptionV3(
        include_top=False, weights=str(path), input_shape=(256, 256, 3), pooling="avg"
    )
    run = tf.function(lambda x: network(x / 127.5 - 1.0, training=False), reduce_retracing=True)

    def features(images):
        images = tf.image.resize(images, (256, 256), "bilinear", antialias=True)
        return run(images).numpy()

    return features


@cache
def _random_kernels() -> list[np.ndarray]:
    random = np.random.default_rng(0)
    widths = (3, 32, 64, RANDOM_DIM // 2)
    return [
        random.normal(0, np.sqrt(2 / (9 * fan)), (3, 3, fan, out)).astype(np.float32)
        for fan, out in zip(widths, widths[1:], strict=False)
    ]


def random_features(images) -> np.ndarray:
    """Channel means and deviations of three random convolutions of fixed seed at 64 px.

    For offline smoke runs of everything around FID. It is not FID.

    Args:
        images: uint8 `(N, H, W, 3)`.

    Returns:
        float32 `(N, 128)`.
    """
    x = tf.image.resize(images, (64, 64), "bilinear", antialias=True) / 127.5 - 1.0
    for kernel in _random_kernels():
        x = tf.nn.relu(tf.nn.conv2d(x, kernel, 2, "SAME"))
    mean, variance = tf.nn.moments(x, (1, 2))
    return tf.concat([mean, tf.sqrt(variance + 1e-12)], -1).numpy()
