"""Point-wise layer-instance normalization and its adaptive form (AniGAN, Li et al. 2021)."""

import keras
import numpy as np
from keras import ops

from ganime_tf.layers.whole import WholePicture, channels_last, joined


class _PointwiseNorm(WholePicture, keras.layers.Layer):
    """Instance- and layer-normalized features, mixed by one 1x1 convolution."""

    use_bias: bool

    def __init__(self, *, epsilon: float = 1e-5, **kwargs):
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def _add_mixer(self, channels: int):
        self.kernel = self.add_weight(
            name="kernel",
            shape=(2 * channels, channels),
            initializer=keras.initializers.VarianceScaling(2.0, "fan_in", "untruncated_normal"),
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(name="bias", shape=(channels,), initializer="zeros")

    def _mix(self, x):
        """Returns the mixed features; both variances are divided by n - 1, as in the release."""
        _, height, width, channels = ops.shape(x)
        pixels = ops.cast(height * width, x.dtype)
        values = ops.cast(height * width * channels, x.dtype)

        def normalize(axes, count):
            centered = x - ops.mean(x, axis=axes, keepdims=True)
            variance = ops.sum(ops.square(centered), axis=axes, keepdims=True) / (count - 1.0)
            return centered * ops.rsqrt(variance + self.epsilon)

        return self._combine([normalize((1, 2), pixels), normalize((1, 2, 3), values)])

    def _mix_strip(self, sums, x):
        """What `_mix` returns, for a strip."""
        pixels, channels = sums["count"], sums["mean"].shape[-1]
        variance = sums["squares"] / pixels
        layer_mean, layer_variance = joined(variance, sums["mean"])
        values = pixels * channels
        both = []
        for mean, spread in (
            (sums["mean"], variance * (pixels / (pixels - 1.0))),
            (layer_mean, layer_variance * (values / (values - 1.0))),
        ):
            scale = 1.0 / np.sqrt(spread + self.epsilon)
            both.append((x - channels_last(mean)) * channels_last(scale))
        return self._combine(both)

    def _combine(self, both):
        mixed = ops.matmul(ops.concatenate(both, axis=-1), self.kernel)
        return mixed if self.bias is None else mixed + self.bias

    def get_config(self):
        """Returns the constructor arguments."""
        return {**super().get_config(), "epsilon": self.epsilon}


@keras.saving.register_keras_serializable("ganime_tf")
class PoLIN(_PointwiseNorm):
    """Point-wise layer-instance normalization (AniGAN, section III-C).

    The mixer's input channels are the instance-normalized features, then the layer-normalized
    ones. It has a bias, as in the authors' release, and there is no other scale or shift.

    Args:
        epsilon: Added to both variances.

    Call arguments:
        x: Features, float `(N, H, W, C)` with H * W of at least 2.

    Returns:
        Float32 `(N, H, W, C)`.
    """

    use_bias = True

    def build(self, x_shape):
        """Creates the mixer."""
        self._add_mixer(x_shape[-1])

    def call(self, x):
        """Normalizes `x`."""
        return self._mix(x)

    def finish(self, sums, x):
        """Normalizes a strip."""
        return self._mix_strip(sums, x)

    def compute_output_shape(self, x_shape):
        """Returns the shape of `x`."""
        return x_shape


@keras.saving.register_keras_serializable("ganime_tf")
class AdaPoLIN(_PointwiseNorm):
    """`PoLIN` without bias, then a scale and shift that are inputs (AniGAN, section III-C).

    Args:
        epsilon: Added to both variances.

    Call arguments:
        x: Features, float `(N, H, W, C)` with H * W of at least 2.
        gamma: Scale, float `(N, C)`; no 1 is added.
        beta: Shift, float `(N, C)`.

    Returns:
        Float32 `(N, H, W, C)`.
    """

    use_bias = False

    def build(self, x_shape, gamma_shape=None, beta_shape=None):
        """Creates the mixer."""
        self._add_mixer(x_shape[-1])

    def call(self, x, gamma, beta):
        """Normalizes `x` and applies `gamma` and `beta`."""
        return self._mix(x) * gamma[:, None, None, :] + beta[:, None, None, :]

    def finish(self, sums, x, gamma, beta):
        """Normalizes a strip and applies `gamma` and `beta`."""
        return self._mix_strip(sums, x) * gamma[:, None, None, :] + beta[:, None, None, :]

    def compute_output_shape(self, x_shape, gamma_shape=None, beta_shape=None):
        """Returns the shape of `x`."""
        return x_shape
