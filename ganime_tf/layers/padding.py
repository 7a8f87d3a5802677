"""Reflection padding, as the PyTorch generators use it."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("ganime_tf")
class ReflectionPad2D(keras.layers.Layer):
    """Pads height and width by mirroring, without repeating the border pixel.

    Args:
        padding: Pixels on every side, or `(before, after)` for both axes. The padded sides must be
            longer than this.

    Call arguments:
        x: `(N, H, W, C)`.
    """

    def __init__(self, padding: int | tuple[int, int], **kwargs):
        super().__init__(**kwargs)
        self.padding = (padding, padding) if isinstance(padding, int) else tuple(padding)

    def call(self, x):
        """Returns `(N, H + before + after, W + before + after, C)`."""
        return ops.pad(x, ((0, 0), self.padding, self.padding, (0, 0)), mode="reflect")

    def compute_output_shape(self, input_shape):
        """Returns the shape of the output."""
        extra = sum(self.padding)
        batch, height, width, channels = input_shape
        return (
            batch,
            height and height + extra,
            width and width + extra,
            channels,
        )

    def get_config(self):
        """Returns the constructor arguments."""
        return {**super().get_config(), "padding": self.padding}
