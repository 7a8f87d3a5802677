"""Instance-layer normalization and its adaptive form (U-GAT-IT, Kim et al. 2020, eq. (1))."""

import keras
import numpy as np
from keras import ops

from ganime_tf.layers.whole import WholePicture, channels_last


@keras.saving.register_keras_serializable("ganime_tf")
class UnitInterval(keras.constraints.Constraint):
    """Clips a variable to [0, 1] after every optimizer step."""

    def __call__(self, w):
        """Returns `w` clipped to [0, 1]."""
        return ops.clip(w, 0.0, 1.0)


class _InstanceLayerNorm(WholePicture, keras.layers.Layer):
    """The gated mixture of instance and layer statistics that both layers share."""

    def __init__(
        self, *, epsilon: float, rho_initial: float, rho_shift: float, unbiased: bool, **kw
    ):
        super().__init__(**kw)
        self.epsilon = epsilon
        self.rho_initial = rho_initial
        self.rho_shift = rho_shift
        self.unbiased = unbiased

    def _add_rho(self, channels: int):
        self.rho = self.add_weight(
            name="rho",
            shape=(channels,),
            initializer=keras.initializers.Constant(self.rho_initial),
            constraint=UnitInterval(),
            dtype="float32",
            autocast=False,
        )

    def _mix(self, x):
        """Returns `rho * a_I + (1 - rho) * a_L`, float32, from one pass over `x`."""
        x = ops.cast(x, "float32")
        mean = ops.mean(x, axis=(1, 2), keepdims=True)  # (N, 1, 1, C)
        variance = ops.mean(ops.square(x - mean), axis=(1, 2), keepdims=True)
        shape = ops.shape(x)
        pixels = ops.cast(shape[1] * shape[2], "float32")
        return x, *self._scale_and_offset(mean, variance, pixels)

    def _scale_and_offset(self, mean, variance, pixels):
        """From the mean and biased variance of the channels, `(N, 1, 1, C)`."""
        layer_mean = ops.mean(mean, axis=-1, keepdims=True)  # (N, 1, 1, 1)
        # Law of total variance: the layer's variance from the channels'.
        layer_variance = ops.mean(variance + ops.square(mean - layer_mean), axis=-1, keepdims=True)
        if self.unbiased:
            values = pixels * mean.shape[-1]
            variance = variance * (pixels / (pixels - 1.0))
            layer_variance = layer_variance * (values / (values - 1.0))
        rho = ops.convert_to_tensor(self.rho)
        if self.rho_shift:
            rho = ops.clip(rho - self.rho_shift, 0.0, 1.0)
        instance_scale = rho * ops.rsqrt(variance + self.epsilon)
        layer_scale = (1.0 - rho) * ops.rsqrt(layer_variance + self.epsilon)
        return instance_scale + layer_scale, instance_scale * mean + layer_scale * layer_mean

    def _apply(self, mixed, gamma, beta):
        features, scale, offset = mixed
        gamma, beta = ops.cast(gamma, "float32"), ops.cast(beta, "float32")
        out = features * (gamma * scale) + (beta - gamma * offset)
        return ops.cast(out, self.compute_dtype)

    def _from_sums(self, sums, x):
        """What `_mix` returns, for a strip."""
        count = np.float32(sums["count"])
        variance = channels_last(sums["squares"] / sums["count"])
        mean = channels_last(sums["mean"])
        return ops.cast(x, "float32"), *self._scale_and_offset(mean, variance, count)

    def get_config(self):
        """Returns the constructor arguments."""
        return {
            **super().get_config(),
            "epsilon": self.epsilon,
            "rho_initial": self.rho_initial,
            "rho_shift": self.rho_shift,
            "unbiased": self.unbiased,
        }


@keras.saving.register_keras_serializable("ganime_tf")
class AdaLIN(_InstanceLayerNorm):
    """Adaptive layer-instance normalization (U-GAT-IT, eq. (1)).

    Mixes instance- and layer-normalized features with a learned gate `rho` per channel, then
    applies a scale and shift computed from the attention features.

    Args:
        epsilon: Added to both variances; 1e-5 in both official releases.
        rho_initial: First gate in [0, 1], 1 = pure instance norm. PyTorch release 0.9, TF 1.0.
        rho_shift: Subtracted from `rho` before use, clipped to [0, 1]: 0.1 in the TF release
            ("smoothing"), which also starts at an effective 0.9 but can never exceed it.
        unbiased: Variances divided by n - 1 (PyTorch release) instead of n (TF).

    Call arguments:
        x: Features, float `(N, H, W, C)`.
        gamma: Scale, float `(N, C)`.
        beta: Shift, float `(N, C)`.

    Returns:
        Float tensor `(N, H, W, C)` in the compute dtype; statistics are float32.

    `rho` stays in [0, 1] by a constraint that the optimizer applies after each of its steps.

    Reference: [Kim et al., 2020](https://arxiv.org/abs/1907.10830)
    """

    def __init__(
        self,
        *,
        epsilon: float = 1e-5,
        rho_initial: float = 0.9,
        rho_shift: float = 0.0,
        unbiased: bool = True,
        **kwargs,
    ):
        super().__init__(
            epsilon=epsilon,
            rho_initial=rho_initial,
            rho_shift=rho_shift,
            unbiased=unbiased,
            **kwargs,
        )

    def build(self, x_shape, gamma_shape=None, beta_shape=None):
        """Creates `rho`."""
        self._add_rho(x_shape[-1])

    def call(self, x, gamma, beta):
        """Normalizes `x` and applies `gamma` and `beta`."""
        return self._apply(self._mix(x), gamma[:, None, None, :], beta[:, None, None, :])

    def finish(self, sums, x, gamma, beta):
        """Normalizes a strip."""
        mixed = self._from_sums(sums, x)
        return self._apply(mixed, gamma[:, None, None, :], beta[:, None, None, :])

    def compute_output_shape(self, x_shape, gamma_shape=None, beta_shape=None):
        """Returns the shape of `x`."""
        return x_shape


@keras.saving.register_keras_serializable("ganime_tf")
class InstanceLayerNorm(_InstanceLayerNorm):
    """Instance-layer normalization with its own scale and shift (U-GAT-IT, section 2.1).

    Args:
        epsilon: Added to both variances.
        rho_initial: First gate in [0, 1]; 0 = pure layer norm, as in both releases.
        rho_shift: As in `AdaLIN`; 0 in both releases.
        unbiased: As in `AdaLIN`.

    Call arguments:
        x: Features, float `(N, H, W, C)`.

    Returns:
        Float tensor `(N, H, W, C)` in the compute dtype; statistics are float32.
    """

    def __init__(
        self,
        *,
        epsilon: float = 1e-5,
        rho_initial: float = 0.0,
        rho_shift: float = 0.0,
        unbiased: bool = True,
        **kwargs,
    ):
        super().__init__(
            epsilon=epsilon,
            rho_initial=rho_initial,
            rho_shift=rho_shift,
            unbiased=unbiased,
            **kwargs,
        )

    def build(self, x_shape):
        """Creates `rho`, `gamma` and `beta`."""
        channels = x_shape[-1]
        self._add_rho(channels)
        self.gamma = self.add_weight(name="gamma", shape=(channels,), initializer="ones")
        self.beta = self.add_weight(name="beta", shape=(channels,), initializer="zeros")

    def call(self, x):
        """Normalizes `x`."""
        return self._apply(self._mix(x), self.gamma, self.beta)

    def finish(self, sums, x):
        """Normalizes a strip."""
        return self._apply(self._from_sums(sums, x), self.gamma, self.beta)

    def compute_output_shape(self, x_shape):
        """Returns the shape of `x`."""
        return x_shape
