"""Colour spaces and colour statistics. Pictures are float RGB in [0, 1] unless said otherwise."""

import tensorflow as tf
from keras import ops

from ganime_tf.ops.recolour import RGB_TO_YUV, match_colours, transfer_luminance

__all__ = ["heat_colours", "match_colours", "rgb_to_yuv", "transfer_luminance"]


def rgb_to_yuv(images):
    """Converts RGB in [0, 1] to YUV: Y in [0, 1], |U| <= 0.436, |V| <= 0.615, float32.

    Args:
        images: Tensor `(..., 3)`.
    """
    return ops.matmul(ops.cast(images, "float32"), ops.convert_to_tensor(RGB_TO_YUV, "float32"))


def heat_colours(heat):
    """Colours of a heat map, each picture stretched to its own range.

    Args:
        heat: Float `(N, H, W, 1)`.

    Returns:
        uint8 `(N, H, W, 3)`: dark blue (least) over green to dark red (most), the "jet" scale.
    """
    heat = tf.cast(heat, tf.float32)
    low = tf.reduce_min(heat, axis=(1, 2, 3), keepdims=True)
    high = tf.reduce_max(heat, axis=(1, 2, 3), keepdims=True)
    share = (heat - low) / tf.maximum(high - low, 1e-12)
    centres = tf.constant([3.0, 2.0, 1.0])  # red, green, blue
    colours = tf.clip_by_value(1.5 - tf.abs(4.0 * share - centres), 0.0, 1.0)
    return tf.cast(tf.round(colours * 255.0), tf.uint8)
