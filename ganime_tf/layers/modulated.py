"""Modulated convolutions (StyleGAN2, Karras et al. 2020, section 2.2).

A style scales the input's channels instead of the weights, and demodulation scales the output's:
the same function, one ordinary convolution for the whole batch.
"""

import keras
from keras import ops

from ganime_tf.layers.equalized import EqualDense, activate, activation_gain
from ganime_tf.layers.noise import NoiseMap
from ganime_tf.layers.upfirdn import fir_taps, upfirdn2d


@keras.saving.register_keras_serializable("ganime_tf")
class ModulatedConv2D(keras.layers.Layer):
    """Style, convolution, demodulation, noise, bias and activation.

    `y = act(conv(x s_i, c W) d_o + strength * noise + b)`, `s = A(w)` with the bias of A starting
    at 1, `d_o = 1 / sqrt(sum_i,k (c W s_i)^2 + 1e-8)`, eq. (1) and (3).

    Args:
        filters: Output channels.
        kernel_size: 1 or 3.
        up: Double height and width: transposed convolution, then the filter [1, 3, 3, 1].
        demodulate: Scale outputs to unit deviation; off in the layers to RGB.
        noise: Add noise.
        activation: "linear" or "lrelu".

    Call arguments:
        x: Features, float `(N, H, W, C)`.
        w: Latents, float `(N, K)`.
        training: Draw fresh noise.

    Returns:
        `(N, H, W, filters)`, or twice as high and wide.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int = 3,
        *,
        up: bool = False,
        demodulate: bool = True,
        noise: bool = True,
        activation: str = "lrelu",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.filters, self.kernel_size, self.up = filters, kernel_size, up
        self.demodulate, self.noise, self.activation = demodulate, noise, activation

    def build(self, x_shape, w_shape):
        """Creates affine, kernel, bias and noise."""
        channels = x_shape[-1]
        self.affine = EqualDense(channels, bias_initial=1.0, dtype="float32", name="affine")
        self.affine.build(w_shape)
        self.kernel = self.add_weight(
            name="kernel",
            shape=(self.kernel_size, self.kernel_size, channels, self.filters),
            initializer=keras.initializers.RandomNormal(0.0, 1.0),
        )
        self.bias = self.add_weight(name="bias", shape=(self.filters,), initializer="zeros")
        if self.noise:
            self.noise_map = NoiseMap(dtype=self.dtype_policy, name="noise")
            self.noise_map.build(self.compute_output_shape(x_shape, w_shape))

    def call(self, x, w, training=False):
        """Returns the activations."""
        gain = activation_gain(self.activation)
        style = self.affine(w)  # (N, C)
        kernel = ops.cast(self.kernel, "float32")
        fan_in = self.kernel_size**2 * kernel.shape[2]
        kernel = kernel * fan_in**-0.5
        x = ops.cast(x, self.compute_dtype)
        if self.demodulate and self.compute_dtype == "float16":
            # Demodulation takes both scales out again: without them float16 overflows.
            style = style / ops.max(ops.abs(style), axis=1, keepdims=True)
            kernel = kernel * (fan_in**-0.5 / ops.max(ops.abs(kernel), axis=(0, 1, 2)))
        if self.demodulate:
            energy = ops.sum(ops.square(kernel), axis=(0, 1))  # (C, O)
            scale = gain * ops.rsqrt(ops.matmul(ops.square(style), energy) + 1e-8)
        else:
            kernel = kernel * gain
        x = x * ops.cast(style, x.dtype)[:, None, None, :]
        kernel = ops.cast(kernel, x.dtype)
        if self.up:
            kernel = ops.transpose(kernel, (0, 1, 3, 2))
            x = ops.conv_transpose(x, kernel, 2, "valid", data_format="channels_last")
            x = upfirdn2d(x, fir_taps(), pad=(1, 1), gain=4.0)
        else:
            x = ops.conv(x, kernel, 1, "same", data_format="channels_last")
        if self.demodulate:
            x = x * ops.cast(scale, x.dtype)[:, None, None, :]
        shift = ops.cast(self.bias, x.dtype) * gain
        if self.noise:
            shift = shift + self.noise_map(x, training=training) * gain
        return activate(x + shift, self.activation)

    def compute_output_shape(self, x_shape, w_shape):
        """Returns the shape of the result."""
        batch, height, width, _ = x_shape
        factor = 2 if self.up else 1
        return batch, height * factor, width * factor, self.filters

    def get_config(self):
        """Returns the constructor arguments."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "up": self.up,
            "demodulate": self.demodulate,
            "noise": self.noise,
            "activation": self.activation,
        }
