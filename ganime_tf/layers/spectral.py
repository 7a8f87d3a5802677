"""Spectral normalization as a reparametrization: the layer computes with `W / sigma(W)`.

Keras' own `SpectralNormalization` overwrites the kernel on every training call and keeps sigma out
of the gradient, so neither its stored weights nor its gradients are those of the papers' code.
"""

import keras
from keras import ops

_EPSILON = 1e-12  # as in torch.nn.utils.spectral_norm


def _unit(x):
    return x / ops.maximum(ops.norm(x), _EPSILON)


def _unit_normal(shape, dtype=None):
    return _unit(keras.random.normal(shape, dtype=dtype or "float32"))


class _Spectral(keras.layers.Layer):
    """What both layers share: raw float32 kernel, `u`, `v`, and the normalized kernel."""

    def __init__(
        self,
        units: int,
        *,
        use_bias: bool,
        kernel_initializer,
        bias_initializer,
        power_iterations: int,
        **kwargs,
    ):
        if power_iterations < 1:
            raise ValueError(f"`power_iterations` must be at least 1. Received {power_iterations}.")
        super().__init__(**kwargs)
        self._units = units
        self.use_bias = use_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.power_iterations = power_iterations

    def _build(self, kernel_shape):
        fan_in = 1
        for size in kernel_shape[:-1]:
            fan_in *= size
        # Float32 under every dtype policy: sigma is a sum of squares.
        self.kernel = self.add_weight(
            name="kernel",
            shape=kernel_shape,
            initializer=self.kernel_initializer,
            dtype="float32",
            autocast=False,
        )
        # Every replica computes the same u and v from the same kernel: no reduction is needed.
        state = {
            "initializer": _unit_normal,
            "dtype": "float32",
            "autocast": False,
            "trainable": False,
        }
        self.u = self.add_weight(name="u", shape=(kernel_shape[-1],), **state)
        self.v = self.add_weight(name="v", shape=(fan_in,), **state)
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias", shape=(self._units,), initializer=self.bias_initializer
            )

    def normalized_kernel(self, training: bool = False):
        """Returns `kernel / sigma`, float32, differentiable in the raw kernel.

        With `training=True` one power iteration (or `power_iterations`) updates `u` and `v` first.
        `sigma = v^T W u` with constant `u` and `v`, so the gradient is that of `W / sigma`.
        """
        kernel = ops.convert_to_tensor(self.kernel)
        matrix = ops.reshape(kernel, (-1, kernel.shape[-1]))  # (kh*kw*I, O)
        u, v = ops.convert_to_tensor(self.u), ops.convert_to_tensor(self.v)
        if training:
            constant = ops.stop_gradient(matrix)
            for _ in range(self.power_iterations):
                v = _unit(ops.matmul(constant, u))
                u = _unit(ops.matmul(v, constant))
            self.u.assign(u)
            self.v.assign(v)
        u, v = ops.stop_gradient(u), ops.stop_gradient(v)
        sigma = ops.sum(v * ops.matmul(matrix, u))
        return kernel / sigma

    def _add_bias(self, x):
        return x + ops.cast(self.bias, x.dtype) if self.use_bias else x

    def get_config(self):
        """Returns the constructor arguments."""
        return {
            **super().get_config(),
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
            "power_iterations": self.power_iterations,
        }


@keras.saving.register_keras_serializable("ganime_tf")
class SpectralConv2D(_Spectral):
    """2-D convolution whose kernel is divided by its largest singular value.

    The kernel is seen as the matrix `(filters, kh * kw * channels)`. The weights are the raw
    kernel (PyTorch's `weight_orig`), the bias, and the float32 state `u` (filters,) and `v`
    (kh * kw * channels,), the latter in this layer's kernel order `(kh, kw, I)`; PyTorch's
    `weight_v` is in `(I, kh, kw)` order.

    Args:
        filters: Output channels.
        kernel_size: Height and width of the kernel, one int or two.
        strides: One int.
        padding: "valid" or "same".
        use_bias: Adds a bias, which is not normalized.
        kernel_initializer: Of the raw kernel.
        bias_initializer: Of the bias.
        power_iterations: Power iterations in each training call.

    Call arguments:
        x: Float `(N, H, W, C)`.
        training: Updates `u` and `v` before use.

    Returns:
        Float tensor in the layer's compute dtype; sigma is computed in float32.

    Reference: [Miyato et al., 2018](https://arxiv.org/abs/1802.05957), algorithm 1.
    """

    def __init__(
        self,
        filters: int,
        kernel_size,
        strides: int = 1,
        padding: str = "valid",
        *,
        use_bias: bool = True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        power_iterations: int = 1,
        **kwargs,
    ):
        if padding not in ("valid", "same"):
            raise ValueError(f"`padding` must be 'valid' or 'same'. Received {padding!r}.")
        super().__init__(
            filters,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            power_iterations=power_iterations,
            **kwargs,
        )
        size = (kernel_size, kernel_size) if isinstance(kernel_size, int) else tuple(kernel_size)
        self.filters, self.kernel_size, self.strides, self.padding = filters, size, strides, padding
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def build(self, input_shape):
        """Creates the raw kernel, `u`, `v` and the bias."""
        self._build((*self.kernel_size, input_shape[-1], self.filters))

    def call(self, x, training=False):
        """Applies the layer with the normalized kernel."""
        kernel = ops.cast(self.normalized_kernel(training), x.dtype)
        return self._add_bias(ops.conv(x, kernel, strides=self.strides, padding=self.padding))

    def compute_output_shape(self, input_shape):
        """Returns the shape of the output for a shape of `x`."""

        def size(length, kernel):
            if length is None:
                return None
            window = kernel if self.padding == "valid" else 1
            return (length - window) // self.strides + 1

        batch, height, width, _ = input_shape
        return (
            batch,
            size(height, self.kernel_size[0]),
            size(width, self.kernel_size[1]),
            self.filters,
        )

    def get_config(self):
        """Returns the constructor arguments."""
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
        }


@keras.saving.register_keras_serializable("ganime_tf")
class SpectralDense(_Spectral):
    """Dense layer whose kernel `(I, units)` is divided by its largest singular value.

    Args:
        units: Output features.
        use_bias: Adds a bias, which is not normalized.
        kernel_initializer: Of the raw kernel.
        bias_initializer: Of the bias.
        power_iterations: Power iterations in each training call.

    Call arguments:
        x: Float `(..., I)`.
        training: Updates `u` (units,) and `v` (I,) before use.

    Returns:
        Float tensor `(..., units)` in the layer's compute dtype.

    Reference: [Miyato et al., 2018](https://arxiv.org/abs/1802.05957), algorithm 1.
    """

    def __init__(
        self,
        units: int,
        *,
        use_bias: bool = True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        power_iterations: int = 1,
        **kwargs,
    ):
        super().__init__(
            units,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            power_iterations=power_iterations,
            **kwargs,
        )
        self.units = units

    def build(self, input_shape):
        """Creates the raw kernel, `u`, `v` and the bias."""
        self._build((input_shape[-1], self.units))

    def call(self, x, training=False):
        """Applies the layer with the normalized kernel."""
        return self._add_bias(ops.matmul(x, ops.cast(self.normalized_kernel(training), x.dtype)))

    def compute_output_shape(self, input_shape):
        """Returns the shape of the output for a shape of `x`."""
        return (*input_shape[:-1], self.units)

    def get_config(self):
        """Returns the constructor arguments."""
        return {**super().get_config(), "units": self.units}
