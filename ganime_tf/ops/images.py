"""The image convention: NHWC RGB, uint8 outside a model, float32 in [-1, 1] inside."""

import tensorflow as tf

from ganime_tf.ops.checks import check_uint8

__all__ = ["check_uint8", "pad_to_multiple", "to_float", "to_uint8"]


def to_float(images):
    """Converts uint8 [0, 255] to float32 [-1, 1].

    Args:
        images: uint8 `(..., H, W, 3)`.

    Raises:
        ValueError: When `images` is not uint8.
    """
    images = tf.convert_to_tensor(images)
    if images.dtype != tf.uint8:
        raise ValueError(
            f"`images` must be uint8 in [0, 255]. Received {images.dtype.name}. "
            "Float pictures in [-1, 1] need no conversion."
        )
    return tf.cast(images, tf.float32) / 127.5 - 1.0


def to_uint8(images):
    """Converts float [-1, 1] to uint8 [0, 255], rounding to nearest and clipping.

    Raises:
        ValueError: When `images` is not a float tensor.
    """
    images = tf.convert_to_tensor(images)
    if not images.dtype.is_floating:
        raise ValueError(f"`images` must be float in [-1, 1]. Received {images.dtype.name}.")
    levels = (tf.cast(images, tf.float32) + 1.0) * 127.5
    return tf.cast(tf.round(tf.clip_by_value(levels, 0.0, 255.0)), tf.uint8)


def _reflected_indices(length, total):
    """Positions 0..total of an axis of `length`, reflected at its end as often as needed."""
    period = tf.maximum(2 * (length - 1), 1)
    position = tf.range(total) % period
    return tf.minimum(position, period - position)


def pad_to_multiple(images, multiple: int, minimum: int = 0):
    """Reflects pictures below and to the right to a size divisible by `multiple`.

    The top left corner stays where it is, so that a network computes there what it computes for the
    picture alone. Unlike `tf.pad(mode="REFLECT")`, pictures smaller than the padding work too.

    Args:
        images: `(N, H, W, C)`, any dtype.
        multiple: The network's stride.
        minimum: Least height and width of the result.

    Returns:
        The padded pictures; the original is `[:, :H, :W]`.
    """
    height, width = tf.shape(images)[1], tf.shape(images)[2]
    padded_height = tf.maximum(-(-height // multiple) * multiple, minimum)
    padded_width = tf.maximum(-(-width // multiple) * multiple, minimum)
    images = tf.gather(images, _reflected_indices(height, padded_height), axis=1)
    return tf.gather(images, _reflected_indices(width, padded_width), axis=2)
