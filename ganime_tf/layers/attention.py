"""Class activation map attention of U-GAT-IT (Kim et al. 2020, section 2.1)."""

import math

import keras
import numpy as np
from keras import ops

from ganime_tf.layers.spectral import SpectralDense
from ganime_tf.layers.whole import WholePicture


def torch_kernel() -> keras.initializers.Initializer:
    """Returns PyTorch's default initializer of kernels: kaiming_uniform(a = sqrt(5))."""
    return keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform")


def torch_bias(fan_in: int) -> keras.initializers.Initializer:
    """Returns PyTorch's default initializer of a bias: U(-1/sqrt(fan_in), 1/sqrt(fan_in))."""
    bound = 1.0 / math.sqrt(fan_in)
    return keras.initializers.RandomUniform(-bound, bound)


@keras.saving.register_keras_serializable("ganime_tf")
class CAMAttention(WholePicture, keras.layers.Layer):
    """Weights every channel by its importance to an auxiliary domain classifier.

    A linear classifier on the globally pooled features (average, and maximum) gives the logits;
    its weight vectors scale the channels; a 1x1 convolution mixes both scaled copies. Scaling and
    convolving are one product, `x (diag(w_gap) W_1 + diag(w_gmp) W_2)`: half the work and none of
    the doubled features.

    Args:
        shared: One classifier with bias for both poolings, whose attention vector is `w + b` (TF
            release); else two without bias (PyTorch release).
        spectral: Normalizes the classifier spectrally (discriminators).
        raw_attention: With `spectral`, scale by the raw weights while the logits use the
            normalized ones, as the PyTorch release does.
        negative_slope: Of the activation: 0 = ReLU (generator), 0.2 in discriminators.
        normal_stddev: Standard deviation of normal initial weights (TF: 0.02); None for PyTorch's
            default.

    Call arguments:
        x: Features, float `(N, H, W, C)`.
        training: Updates the spectral state.

    Returns:
        `(features, logits, heatmap)`: `(N, H, W, C)`, `(N, 2)` float32 in the order (average,
        maximum), and the sum of the features over channels, `(N, H, W, 1)` float32.
    """

    def __init__(
        self,
        *,
        shared: bool = False,
        spectral: bool = False,
        raw_attention: bool = True,
        negative_slope: float = 0.0,
        normal_stddev: float | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.shared = shared
        self.spectral = spectral
        self.raw_attention = raw_attention
        self.negative_slope = negative_slope
        self.normal_stddev = normal_stddev

    def build(self, input_shape):
        """Creates the classifiers and the 1x1 convolution."""
        channels = input_shape[-1]

        def kernel():
            if self.normal_stddev is None:
                return torch_kernel()
            return keras.initializers.RandomNormal(0.0, self.normal_stddev)

        def classifier(name):
            kind = SpectralDense if self.spectral else keras.layers.Dense
            layer = kind(
                1,
                use_bias=self.shared,
                kernel_initializer=kernel(),
                dtype="float32",
                name=name,
            )
            layer.build((None, channels))
            return layer

        self.gap_fc = classifier("gap_fc")
        self.gmp_fc = self.gap_fc if self.shared else classifier("gmp_fc")
        self.kernel = self.add_weight(
            name="kernel", shape=(1, 1, 2 * channels, channels), initializer=kernel()
        )
        self.bias = self.add_weight(
            name="bias",
            shape=(channels,),
            initializer="zeros" if self.normal_stddev is not None else torch_bias(2 * channels),
        )

    def _classify(self, layer, pooled, training):
        """Returns the logit `(N, 1)` and the attention vector `(C,)`."""
        # Under a mixed policy the weights read here are in the compute dtype.
        kernel = ops.cast(layer.kernel, "float32")
        effective = kernel
        if self.spectral:
            effective = ops.cast(layer.normalized_kernel(training), "float32")
        logit = ops.matmul(pooled, effective)
        attention = kernel if self.raw_attention else effective
        if self.shared:
            bias = ops.cast(layer.bias, "float32")
            logit, attention = logit + bias, attention + bias
        return logit, attention[:, 0]

    def call(self, x, training=False):
        """Returns features, logits and heat map."""
        average = ops.mean(ops.cast(x, "float32"), axis=(1, 2))
        maximum = ops.cast(ops.max(x, axis=(1, 2)), "float32")
        return self._attend(x, average, maximum, training)

    global_outputs = (False, True, False)

    def partial(self, x, *, first, height):
        """Sum and maximum of a strip's channels."""
        del first, height
        total = ops.sum(ops.cast(x, "float32"), axis=(1, 2))
        return {
            "count": np.float64(x.shape[1] * x.shape[2]),
            "total": np.asarray(total, np.float64),
            "maximum": np.asarray(ops.cast(ops.max(x, axis=(1, 2)), "float32")),
        }

    def merge(self, a, b):
        """Joins sums and maxima."""
        joined = {key: a[key] + b[key] for key in ("count", "total")}
        return joined | {"maximum": np.maximum(a["maximum"], b["maximum"])}

    def finish(self, sums, x):
        """Features, logits and heat map of a strip."""
        average = ops.convert_to_tensor((sums["total"] / sums["count"]).astype(np.float32))
        return self._attend(x, average, ops.convert_to_tensor(sums["maximum"]), False)

    def _attend(self, x, average, maximum, training):
        channels = x.shape[-1]
        gap_logit, gap = self._classify(self.gap_fc, average, training)
        gmp_logit, gmp = self._classify(self.gmp_fc, maximum, training)
        kernel = ops.cast(self.kernel[0, 0], "float32")
        mixed = gap[:, None] * kernel[:channels] + gmp[:, None] * kernel[channels:]  # (C, C)
        # A matrix product: LiteRT has no convolution by a kernel that is computed.
        shape = ops.shape(x)
        flat = ops.matmul(ops.reshape(x, (-1, channels)), ops.cast(mixed, x.dtype))
        y = ops.reshape(flat, (-1, shape[1], shape[2], channels))  # (N, H, W, C)
        y = ops.leaky_relu(y + ops.cast(self.bias, y.dtype), self.negative_slope)
        heatmap = ops.sum(ops.cast(y, "float32"), axis=-1, keepdims=True)
        return y, ops.concatenate([gap_logit, gmp_logit], axis=-1), heatmap

    def compute_output_shape(self, input_shape):
        """Returns the shapes of features, logits and heat map."""
        return input_shape, (input_shape[0], 2), (*input_shape[:-1], 1)

    def compute_output_spec(self, x, training=False):
        """Returns the symbolic outputs: logits and heat map are float32 under any policy."""
        shapes = self.compute_output_shape(x.shape)
        dtypes = (self.compute_dtype, "float32", "float32")
        return tuple(
            keras.KerasTensor(shape, dtype) for shape, dtype in zip(shapes, dtypes, strict=True)
        )

    def get_config(self):
        """Returns the constructor arguments."""
        return {
            **super().get_config(),
            "shared": self.shared,
            "spectral": self.spectral,
            "raw_attention": self.raw_attention,
            "negative_slope": self.negative_slope,
            "normal_stddev": self.normal_stddev,
        }
