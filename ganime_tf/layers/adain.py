"""Adaptive instance normalization from outside parameters, and MUNIT's layer normalization."""

import keras
import numpy as np
from keras import ops

from ganime_tf.layers.whole import WholePicture, channels_last, joined


@keras.saving.register_keras_serializable("ganime_tf")
class AdaIN(WholePicture, keras.layers.Layer):
    """Instance normalization whose scale and shift are inputs (MUNIT, Huang et al. 2018, eq. (8)).

    The scale multiplies as it is: no 1 is added.

    Args:
        epsilon: Added to the biased variance of each picture and channel; 1e-5 in the release.

    Call arguments:
        x: Features, float `(N, H, W, C)`.
        gamma: Scale, float `(N, C)`.
        beta: Shift, float `(N, C)`.

    Returns:
        Float32 `(N, H, W, C)`.
    """

    def __init__(self, *, epsilon: float = 1e-5, **kwargs):
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def build(self, x_shape, gamma_shape=None, beta_shape=None):
        """Creates nothing: the layer has no state."""

    def call(self, x, gamma, beta):
        """Normalizes `x` and applies `gamma` and `beta`."""
        x = x - ops.mean(x, axis=(1, 2), keepdims=True)
        variance = ops.mean(ops.square(x), axis=(1, 2), keepdims=True)
        scale = gamma[:, None, None, :] * ops.rsqrt(variance + self.epsilon)
        return x * scale + beta[:, None, None, :]

    def finish(self, sums, x, gamma, beta):
        """Normalizes a strip."""
        deviation = np.sqrt(sums["squares"] / sums["count"] + self.epsilon)
        scale = gamma[:, None, None, :] * channels_last(1.0 / deviation)
        return (x - channels_last(sums["mean"])) * scale + beta[:, None, None, :]

    def compute_output_shape(self, x_shape, gamma_shape=None, beta_shape=None):
        """Returns the shape of `x`."""
        return x_shape

    def get_config(self):
        """Returns the constructor arguments."""
        return {**super().get_config(), "epsilon": self.epsilon}


@keras.saving.register_keras_serializable("ganime_tf")
class PictureNorm(WholePicture, keras.layers.Layer):
    """Layer normalization over a whole picture with a scale and shift per channel, as in MUNIT.

    Divides by `std + epsilon`, std with n - 1, where `keras.layers.LayerNormalization` divides by
    `sqrt(variance + epsilon)`: the two differ where a picture's features are nearly constant.

    Args:
        epsilon: Added to the standard deviation; 1e-5 in the release.

    Call arguments:
        x: Features, float `(N, H, W, C)`.

    Returns:
        Float32 `(N, H, W, C)`. `gamma` starts uniform in [0, 1], `beta` at 0.
    """

    def __init__(self, *, epsilon: float = 1e-5, **kwargs):
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def build(self, x_shape):
        """Creates `gamma` and `beta`."""
        self.gamma = self.add_weight(
            name="gamma",
            shape=(x_shape[-1],),
            initializer=keras.initializers.RandomUniform(0.0, 1.0),
        )
        self.beta = self.add_weight(name="beta", shape=(x_shape[-1],), initializer="zeros")

    def call(self, x):
        """Normalizes `x`."""
        _, height, width, channels = ops.shape(x)
        x = x - ops.mean(x, axis=(1, 2, 3), keepdims=True)
        count = ops.cast(height * width * channels, x.dtype)
        square = ops.sum(ops.square(x), axis=(1, 2, 3), keepdims=True)
        # The tiny floor keeps the gradient of the root finite on constant features.
        deviation = ops.sqrt(ops.maximum(square / (count - 1.0), 1e-20))
        return x / (deviation + self.epsilon) * self.gamma + self.beta

    def finish(self, sums, x):
        """Normalizes a strip."""
        mean, variance = joined(sums["squares"] / sums["count"], sums["mean"])
        count = sums["count"] * sums["mean"].shape[-1]
        deviation = np.sqrt(np.maximum(variance * (count / (count - 1.0)), 1e-20))
        x = (x - channels_last(mean)) / channels_last(deviation + self.epsilon)
        return x * self.gamma + self.beta

    def compute_output_shape(self, x_shape):
        """Returns the shape of `x`."""
        return x_shape

    def get_config(self):
        """Returns the constructor arguments."""
        return {**super().get_config(), "epsilon": self.epsilon}
