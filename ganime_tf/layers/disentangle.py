"""Layers of the disentangling network (Xiang and Li 2019, and the author's later code)."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

# Mean and deviation of a PReLU of slope 1/4 on normal numbers, as in the author's code.
_CENTRE, _SCALE = 0.29920671, 0.66462421


@keras.saving.register_keras_serializable("ganime_tf")
class UnitFilters(keras.initializers.Initializer):
    """Uniform weights, each output filter scaled to one length.

    Args:
        transposed: The kernel is `(h, w, out, in)` instead of `(..., in, out)`.
        length: Of a filter; 2 for the author's transposed convolutions.
        seed: Of the draw.
    """

    def __init__(self, transposed: bool = False, length: float = 1.0, seed=None):
        self.transposed, self.length = transposed, length
        self._seed = seed
        self.seed = seed if seed is not None else keras.random.SeedGenerator()

    def __call__(self, shape, dtype=None, **kwargs):
        """Returns a kernel."""
        kernel = keras.random.uniform(shape, -1.0, 1.0, dtype=dtype, seed=self.seed)
        out = len(shape) - (2 if self.transposed else 1)
        axes = [axis for axis in range(len(shape)) if axis != out]
        norm = ops.sqrt(ops.sum(ops.square(kernel), axis=axes, keepdims=True))
        return self.length * kernel / norm

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {"transposed": self.transposed, "length": self.length, "seed": self._seed}


@keras.saving.register_keras_serializable("ganime_tf")
class CenteredPReLU(layers.Layer):
    """PReLU with a slope per channel, shifted and scaled to mean 0 and deviation 1 at its start.

    Call arguments:
        x: Float `(..., C)`.
    """

    def build(self, input_shape):
        """Makes the slopes."""
        self.slope = self.add_weight(
            shape=(input_shape[-1],),
            initializer=keras.initializers.Constant(0.25),
            name="slope",
        )
        self.built = True

    def call(self, x):
        """Returns the same shape."""
        y = ops.where(x >= 0, x, ops.cast(self.slope, x.dtype) * x)
        return (y - _CENTRE) / _SCALE

    def compute_output_shape(self, input_shape):
        """The shape is kept."""
        return input_shape


@keras.saving.register_keras_serializable("ganime_tf")
class RatioAdd(layers.Layer):
    """`shortcut * b + residue * a` with factors per channel, `a**2 + b**2 = 1` at the start.

    Args:
        ratio: The residue's share of the variance at the start, in (0, 1).
        **kwargs: Of `keras.layers.Layer`.
    """

    def __init__(self, ratio: float, **kwargs):
        super().__init__(**kwargs)
        self.ratio = ratio

    def build(self, shortcut_shape, residue_shape=None):
        """Makes the factors."""
        for name, share in (("residue_ratio", self.ratio), ("shortcut_ratio", 1.0 - self.ratio)):
            start = keras.initializers.Constant(share**0.5)
            weight = self.add_weight(shape=(shortcut_shape[-1],), initializer=start, name=name)
            setattr(self, name, weight)
        self.built = True

    def call(self, shortcut, residue):
        """Returns the sum, in the shape of `shortcut`."""
        scale = [ops.cast(w, shortcut.dtype) for w in (self.shortcut_ratio, self.residue_ratio)]
        return shortcut * scale[0] + residue * scale[1]

    def compute_output_shape(self, shortcut_shape, residue_shape=None):
        """The shape of the shortcut."""
        return shortcut_shape

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return super().get_config() | {"ratio": self.ratio}


@keras.saving.register_keras_serializable("ganime_tf")
class WeightedPool(layers.Layer):
    """Mean of values over all positions, weighted by softplus of scores: `(N, 1, 1, C)`.

    Call arguments:
        values: Float `(N, H, W, C)`.
        scores: The same shape.
    """

    def call(self, values, scores):
        """Returns the mean, computed in float32."""
        weights = ops.softplus(ops.cast(scores, "float32"))
        total = ops.sum(ops.cast(values, "float32") * weights, axis=(1, 2), keepdims=True)
        mean = total / (ops.sum(weights, axis=(1, 2), keepdims=True) + 1e-4)
        return ops.cast(mean, values.dtype)

    def compute_output_shape(self, values_shape, scores_shape=None):
        """One pixel a picture."""
        return (values_shape[0], 1, 1, values_shape[-1])


@keras.saving.register_keras_serializable("ganime_tf")
class Warp(layers.Layer):
    """Moves the first channels of a picture by offsets in its last two, bilinearly.

    Offsets are in half pixels nearly: a coordinate runs over [-1, 1] from first to last pixel
    and gets `offset / size`; outside is clamped. The penalty is above 0 where the picture would
    fold over itself.

    Call arguments:
        x: Float `(N, H, W, C + 2)`; the offsets are to the right, then down.

    Returns:
        float32 `(N, H, W, C)` and the penalty, a float32 scalar.
    """

    def call(self, x):
        """Returns the moved picture and the penalty."""
        x = ops.cast(x, "float32")
        picture, right, down = x[..., :-2], x[..., -2], x[..., -1]
        shape = tf.shape(x)
        height, width = shape[1], shape[2]

        def pixel(offset, size, axis):
            size_f = tf.cast(size, tf.float32)
            line = tf.linspace(-1.0, 1.0, size)
            line = line[:, None] if axis == 0 else line[None]
            place = tf.clip_by_value(line + offset / size_f, -1.0, 1.0)
            return (place + 1.0) * 0.5 * (size_f - 1.0)

        row, column = pixel(down, height, 0), pixel(right, width, 1)
        flat = tf.reshape(picture, (shape[0], height * width, picture.shape[-1]))
        top, left = tf.floor(row), tf.floor(column)
        moved = 0.0
        for y, weight_y in ((top, 1.0 - (row - top)), (top + 1.0, row - top)):
            for z, weight_z in ((left, 1.0 - (column - left)), (left + 1.0, column - left)):
                y_index = tf.minimum(tf.cast(y, tf.int32), height - 1)
                z_index = tf.minimum(tf.cast(z, tf.int32), width - 1)
                index = tf.reshape(y_index * width + z_index, (shape[0], -1))
                corner = tf.reshape(tf.gather(flat, index, batch_dims=1), tf.shape(picture))
                moved += corner * (weight_y * weight_z)[..., None]
        moved.set_shape(picture.shape)
        return moved, self.penalty(right, down)

    @staticmethod
    def penalty(right, down):
        """How far neighbours overtake each other, mean over positions."""

        def folds(offset):
            high = tf.maximum(offset[:, 1:], offset[:, :-1])
            low = tf.minimum(offset[:, 1:], offset[:, :-1])
            return tf.minimum(0.0, low[:, :, 1:] + 1.0 - high[:, :, :-1])

        across, along = folds(right), folds(tf.transpose(down, (0, 2, 1)))
        return -(tf.reduce_mean(across) + tf.reduce_mean(along))

    def compute_output_spec(self, x):
        """Two channels less, and a scalar."""
        shape = (*x.shape[:-1], x.shape[-1] - 2)
        return keras.KerasTensor(shape, "float32"), keras.KerasTensor((), "float32")


@keras.saving.register_keras_serializable("ganime_tf")
class BatchRegularization(layers.Layer):
    """A loss that asks activations for mean 0 and variance 1 after a learnt shift and scale.

    `mean_c(m**2 + l**2)` with the mean m and the logarithm l of the unbiased variance of
    `(x - pre_mean) / softplus(pre_pstd)` over batch and positions; the activations themselves do
    not change.

    Call arguments:
        x: Float `(N, C)` or `(N, H, W, C)`, N at least 2.

    Returns:
        float32 scalar.
    """

    def build(self, input_shape):
        """Makes shift and scale."""
        shape = (input_shape[-1],)
        start = keras.initializers.Constant(float(np.log(np.e - 1.0)))  # softplus gives 1
        self.pre_mean = self.add_weight(shape=shape, initializer="zeros", name="pre_mean")
        self.pre_pstd = self.add_weight(shape=shape, initializer=start, name="pre_pstd")
        self.built = True

    def call(self, x):
        """Returns the loss."""
        shift, scale = ops.cast(self.pre_mean, "float32"), ops.cast(self.pre_pstd, "float32")
        y = (ops.cast(x, "float32") - shift) / ops.softplus(scale)
        axes = tuple(range(len(y.shape) - 1))
        mean, square = ops.mean(y, axis=axes), ops.mean(ops.square(y), axis=axes)
        count = ops.cast(ops.shape(y)[0], "float32")
        if tf.distribute.in_cross_replica_context():
            replicas = 1  # the network is being built
        else:
            context = tf.distribute.get_replica_context()
            replicas = context.num_replicas_in_sync
            if replicas > 1:  # the batch is the one of all replicas together
                mean, square = context.all_reduce("mean", [mean, square])
        count *= replicas
        variance = (square - ops.square(mean)) * count / ops.maximum(count - 1.0, 1.0)
        return ops.mean(ops.square(mean) + ops.square(ops.log(ops.maximum(variance, 1e-12))))

    def compute_output_shape(self, input_shape):
        """A scalar."""
        return ()

    def compute_output_spec(self, x):
        """A float32 scalar."""
        return keras.KerasTensor((), "float32")
