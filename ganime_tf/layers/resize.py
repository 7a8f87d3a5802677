"""Doubling: by the nearest pixel, and bilinear as released checkpoints were trained with it."""

from typing import Literal

import keras
import tensorflow as tf

RESIZE_MODES = ("tf1", "half_pixel", "align_corners")


@keras.saving.register_keras_serializable("ganime_tf")
class BilinearUpsampling(keras.layers.Layer):
    """Doubles height and width bilinearly, or resizes to another picture's; sizes may be unknown.

    Keras' own `UpSampling2D(interpolation="bilinear")` knows "half_pixel" only and fails on
    unknown sizes in Keras 3.15.1.

    Args:
        mode: "tf1" is `tf.image.resize_images` of TensorFlow 1 (pixel 2i is input pixel i),
            "half_pixel" is TensorFlow 2 and PyTorch, "align_corners" is PyTorch's
            `interpolate(align_corners=True)`.
        **kwargs: Of `keras.layers.Layer`.

    Call arguments:
        x: Float `(N, H, W, C)`.
        like: Float `(N, h, w, ...)`, or None: with it, the result has its height and width.

    Returns:
        `(N, 2 * H, 2 * W, C)`, or `(N, h, w, C)`, the dtype of `x`.

    Raises:
        ValueError: On another mode.
    """

    def __init__(
        self, mode: Literal["tf1", "half_pixel", "align_corners"] = "half_pixel", **kwargs
    ):
        super().__init__(**kwargs)
        if mode not in RESIZE_MODES:
            raise ValueError(f"`mode` must be one of {RESIZE_MODES}. Received {mode!r}.")
        self.mode = mode

    def call(self, x, like=None):
        """Returns the resized features."""
        doubled = tf.raw_ops.ResizeBilinear(  # float32 whatever the input
            images=x,
            size=2 * tf.shape(x)[1:3] if like is None else tf.shape(like)[1:3],
            align_corners=self.mode == "align_corners",
            half_pixel_centers=self.mode == "half_pixel",
        )
        doubled.set_shape(self.compute_output_shape(x.shape, getattr(like, "shape", None)))
        return tf.cast(doubled, x.dtype)

    def compute_output_shape(self, x_shape, like_shape=None):
        """Doubles what is known of the size, or takes the other's."""
        batch, height, width, channels = x_shape
        if like_shape is not None:
            return (batch, *like_shape[1:3], channels)
        return (batch, height and 2 * height, width and 2 * width, channels)

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return super().get_config() | {"mode": self.mode}


@keras.saving.register_keras_serializable("ganime_tf")
class NearestUpsampling(keras.layers.UpSampling2D):
    """Keras' UpSampling2D by the nearest pixel, in a form that exports at unknown sizes.

    Keras repeats rows and columns; where a size is unknown, LiteRT's converter loses the number of
    channels on that way and the next convolution with it.
    """

    def call(self, x):
        """Returns `(N, f * H, f * W, C)`."""
        if None not in x.shape[1:3]:
            return super().call(x)
        size = tf.shape(x)[1:3] * tf.constant(self.size)
        y = tf.raw_ops.ResizeNearestNeighbor(images=x, size=size)
        y.set_shape(self.compute_output_shape(x.shape))
        return y
