"""The resizers that published FID implementations use; they are not interchangeable."""

from functools import lru_cache

import numpy as np
import tensorflow as tf


def bilinear(images, size: int = 299):
    """Half-pixel bilinear without antialias: PyTorch's `interpolate(align_corners=False)`.

    Args:
        images: uint8 or float `(N, H, W, C)`.
        size: Side of the square result.

    Returns:
        float32 `(N, size, size, C)`, in the range of the input.
    """
    return tf.image.resize(images, (size, size), "bilinear")


def legacy_bilinear(images, size: int = 299):
    """TensorFlow 1's bilinear: output pixel i reads input position i * H / size."""
    images = tf.cast(images, tf.float32)
    return tf.compat.v1.image.resize_bilinear(images, (size, size), align_corners=False)


def pil_bicubic(images, size: int = 299):
    """Pillow's antialiased bicubic on float channels, clipped to [0, 255]: clean-fid's resizer."""
    images = tf.cast(images, tf.float32)
    rows = tf.constant(_bicubic_matrix(images.shape[1], size))
    columns = tf.constant(_bicubic_matrix(images.shape[2], size))
    images = tf.einsum("ow,nhwc->nhoc", columns, images)  # Pillow's order: across, then down
    images = tf.einsum("oh,nhwc->nowc", rows, images)
    return tf.clip_by_value(images, 0.0, 255.0)


@lru_cache(maxsize=32)
def _bicubic_matrix(length: int, size: int) -> np.ndarray:
    """Weights `(size, length)` of Pillow's bicubic (a = -0.5), support scaled when shrinking."""
    scale = length / size
    stretch = max(scale, 1.0)
    centres = (np.arange(size) + 0.5) * scale
    first = np.maximum((centres - 2.0 * stretch + 0.5).astype(int), 0)
    last = np.minimum((centres + 2.0 * stretch + 0.5).astype(int), length)
    position = np.arange(length)
    t = np.abs((position + 0.5 - centres[:, None]) / stretch)
    near = ((1.5 * t) - 2.5) * t * t + 1.0
    far = (((t - 5.0) * t + 8.0) * t - 4.0) * -0.5
    weights = np.where(t < 1.0, near, np.where(t < 2.0, far, 0.0))
    weights *= (position >= first[:, None]) & (position < last[:, None])
    return (weights / weights.sum(1, keepdims=True)).astype(np.float32)
