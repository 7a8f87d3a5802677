"""Dense layers and convolutions with equalized learning rates (Karras et al. 2018, section 4.1).

Weights are stored with unit variance and scaled where they are used, so that Adam moves every layer
at the same relative speed. Activations have the gain sqrt(2); it is folded into the weights.
"""

import keras
from keras import ops

from ganime_tf.layers.upfirdn import fir_taps, upfirdn2d

ACTIVATION_GAIN = 2.0**0.5
CLAMP = 256.0
"""Largest activation in float16, as in the official code."""
ACTIVATIONS = ("linear", "lrelu")


def check_activation(activation: str) -> None:
    """Raises a ValueError unless `activation` is one of `ACTIVATIONS`."""
    if activation not in ACTIVATIONS:
        raise ValueError(f"`activation` must be one of {ACTIVATIONS}. Received {activation!r}.")


def activation_gain(activation: str) -> float:
    """Returns the gain that is to be folded into weights, bias and noise before `activate`."""
    return ACTIVATION_GAIN if activation == "lrelu" else 1.0


def activate(x, activation: str):
    """Applies leaky ReLU 0.2 to what is scaled already, and clamps in float16."""
    if activation == "lrelu":
        x = ops.leaky_relu(x, 0.2)
    if keras.backend.standardize_dtype(x.dtype) == "float16":
        x = ops.clip(x, -CLAMP, CLAMP)
    return x


@keras.saving.register_keras_serializable("ganime_tf")
class EqualDense(keras.layers.Layer):
    """Dense layer `x (c W) + m b`, `c = m / sqrt(inputs)`, m the multiplier of the learning rate.

    Args:
        units: Outputs.
        activation: "linear", or "lrelu": leaky ReLU 0.2 times sqrt(2).
        lr_multiplier: 0.01 in the mapping network.
        bias_initial: First value of the bias.

    Call arguments:
        x: Float `(N, inputs)`.

    Returns:
        `(N, units)` in the compute dtype.
    """

    def __init__(
        self,
        units: int,
        *,
        activation: str = "linear",
        lr_multiplier: float = 1.0,
        bias_initial: float = 0.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_activation(activation)
        self.units, self.activation = units, activation
        self.lr_multiplier, self.bias_initial = lr_multiplier, bias_initial

    def build(self, input_shape):
        """Creates kernel and bias."""
        self.kernel = self.add_weight(
            name="kernel",
            shape=(input_shape[-1], self.units),
            initializer=keras.initializers.RandomNormal(0.0, 1.0 / self.lr_multiplier),
        )
        self.bias = self.add_weight(
            name="bias",
            shape=(self.units,),
            initializer=keras.initializers.Constant(self.bias_initial),
        )

    def call(self, x):
        """Returns the activations."""
        gain = self.lr_multiplier * activation_gain(self.activation)
        x = ops.cast(x, self.compute_dtype)
        kernel = ops.cast(self.kernel, x.dtype) * (gain * self.kernel.shape[0] ** -0.5)
        return activate(ops.matmul(x, kernel) + ops.cast(self.bias, x.dtype) * gain,
                        self.activation)  # fmt: skip

    def compute_output_shape(self, input_shape):
        """Returns `(..., units)`."""
        return (*input_shape[:-1], self.units)

    def get_config(self):
        """Returns the constructor arguments."""
        return {
            **super().get_config(),
            "units": self.units,
            "activation": self.activation,
            "lr_multiplier": self.lr_multiplier,
            "bias_initial": self.bias_initial,
        }


@keras.saving.register_keras_serializable("ganime_tf")
class EqualConv2D(keras.layers.Layer):
    """Convolution with zero padding and `c = 1 / sqrt(k * k * channels)`.

    Args:
        filters: Output channels.
        kernel_size: 1 or 3.
        down: Halve height and width with the filter [1, 3, 3, 1].
        activation: "linear" or "lrelu".
        use_bias: Learn a bias.
        gain: Factor of the result, e.g. sqrt(1/2) of a residual sum.

    Call arguments:
        x: Float `(N, H, W, C)`.

    Returns:
        `(N, H, W, filters)`, or half as high and wide.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int = 3,
        *,
        down: bool = False,
        activation: str = "lrelu",
        use_bias: bool = True,
        gain: float = 1.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_activation(activation)
        if kernel_size not in (1, 3):
            raise ValueError(f"`kernel_size` must be 1 or 3. Received {kernel_size}.")
        self.filters, self.kernel_size, self.down = filters, kernel_size, down
        self.activation, self.use_bias, self.gain = activation, use_bias, gain

    def build(self, input_shape):
        """Creates kernel and bias."""
        self.kernel = self.add_weight(
            name="kernel",
            shape=(self.kernel_size, self.kernel_size, input_shape[-1], self.filters),
            initializer=keras.initializers.RandomNormal(0.0, 1.0),
        )
        if self.use_bias:
            self.bias = self.add_weight(name="bias", shape=(self.filters,), initializer="zeros")

    def call(self, x):
        """Returns the activations."""
        gain = self.gain * activation_gain(self.activation)
        size, channels = self.kernel_size, self.kernel.shape[2]
        x = ops.cast(x, self.compute_dtype)
        kernel = ops.cast(self.kernel, x.dtype) * (gain * (size * size * channels) ** -0.5)
        stride, padding = 1, "same"
        if self.down and size == 1:  # filter and keep every second: a quarter of the products
            x = upfirdn2d(x, fir_taps(), down=2, pad=(1, 1))
        elif self.down:
            x = upfirdn2d(x, fir_taps(), pad=(2, 2))
            stride, padding = 2, "valid"
        x = ops.conv(x, kernel, stride, padding, data_format="channels_last")
        if self.use_bias:
            x = x + ops.cast(self.bias, x.dtype) * gain
        return activate(x, self.activation)

    def compute_output_shape(self, input_shape):
        """Returns the shape of the result."""
        batch, height, width, _ = input_shape
        if self.down:
            height, width = height // 2, width // 2
        return batch, height, width, self.filters

    def get_config(self):
        """Returns the constructor arguments."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "down": self.down,
            "activation": self.activation,
            "use_bias": self.use_bias,
            "gain": self.gain,
        }
