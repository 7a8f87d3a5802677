"""Bilinear doubling under the three conventions that released checkpoints were trained with."""

from typing import Literal

import keras
import tensorflow as tf

RESIZE_MODES = ("tf1", "half_pixel", "align_corners")


@keras.saving.register_keras_serializable("ganime_tf")
class BilinearUpsampling(keras.layers.Layer):
    """Doubles height and width bilinearly; sizes may be unknown.

    Keras' own `UpSampling2D(interpolation="bilinear")` knows "half_pixel" only and fails on
    unknown sizes in Keras 3.15.1.

    Args:
        mode: "tf1" is `tf.image.resize_images` of TensorFlow 1 (pixel 2i is input pixel i),
            "half_pixel" is TensorFlow 2 and PyTorch, "align_corners" is PyTorch's
            `interpolate(align_corners=True)`.
        **kwargs: Of `keras.layers.Layer`.

    Call arguments:
        x: Float `(N, H, W, C)`.

    Returns:
        `(N, 2 * H, 2 * W, C)`, the dtype of `x`.

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

    def call(self, x):
        """Returns the doubled features."""
        doubled = tf.raw_ops.ResizeBilinear(  # float32 whatever the input
            images=x,
            size=2 * tf.shape(x)[1:3],
            align_corners=self.mode == "align_corners",
            half_pixel_centers=self.mode == "half_pixel",
        )
        doubled.set_shape(self.compute_output_shape(x.shape))
        return tf.cast(doubled, x.dtype)

    def compute_output_shape(self, input_shape):
        """Doubles what is known of the size."""
        batch, height, width, channels = input_shape
        return (batch, height and 2 * height, width and 2 * width, channels)

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return super().get_config() | {"mode": self.mode}
