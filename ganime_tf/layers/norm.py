"""Normalization layers with the papers' constants instead of Keras' defaults."""

import keras
import tensorflow as tf
from keras import ops

from ganime_tf.layers.whole import PictureGroupNorm


def instance_norm(
    *, affine: bool = True, epsilon: float = 1e-5, gamma_stddev: float = 0.0, name=None
):
    """Instance normalization: zero mean, unit biased variance per picture and channel.

    Args:
        affine: Learn a scale and shift per channel. The PyTorch releases of CycleGAN and U-GAT-IT
            do not; the TensorFlow ones do.
        epsilon: Added to the variance. 1e-5 in the releases; Keras' own default is 1e-3.
        gamma_stddev: Standard deviation of the initial scale around 1.
        name: Name of the layer.

    Returns:
        A `GroupNormalization` with one group per channel, computed in float32.
    """
    return PictureGroupNorm(
        groups=-1,
        epsilon=epsilon,
        center=affine,
        scale=affine,
        gamma_initializer=keras.initializers.RandomNormal(1.0, gamma_stddev)
        if gamma_stddev
        else "ones",
        dtype="float32",
        name=name,
    )


@keras.saving.register_keras_serializable("ganime_tf")
class BatchNormalization(keras.layers.BatchNormalization):
    """Batch normalization whose moving variance is unbiased, as PyTorch and TensorFlow's fused one.

    A batch is normalized by its biased variance everywhere; Keras also averages that one, which is
    n / (n - 1) too small for n values a channel: a quarter at 2x2 maps and batch 1.
    """

    def call(self, inputs, training=None, mask=None):
        """Normalizes `(N, ..., C)`; in training by the batch, whose statistics are averaged."""
        if not (training and self.trainable) or mask is not None or self.renorm:
            return super().call(inputs, training=training, mask=mask)
        x = ops.cast(inputs, "float32")
        axes = [axis for axis in range(len(x.shape)) if axis != self.axis % len(x.shape)]
        mean, variance = ops.moments(x, axes=axes, synchronized=self.synchronized)
        values = ops.cast(ops.size(x) // x.shape[self.axis], "float32")
        if self.synchronized:
            values = values * float(tf.distribute.get_strategy().num_replicas_in_sync)
        unbiased = variance * values / ops.maximum(values - 1.0, 1.0)
        old, new = self.momentum, 1.0 - self.momentum
        self.moving_mean.assign(self.moving_mean * old + mean * new)
        self.moving_variance.assign(self.moving_variance * old + unbiased * new)
        x = ops.batch_normalization(
            x, mean, variance, self.axis, self.beta, self.gamma, epsilon=self.epsilon
        )
        return ops.cast(x, self.compute_dtype)


def batch_norm(
    *, epsilon: float = 1e-5, momentum: float = 0.9, gamma_stddev: float = 0.0, name=None
):
    """Batch normalization, over the global batch when built for several replicas.

    Keras' synchronized path squares before it subtracts the mean, which loses digits, so one
    replica takes the plain one.

    Args:
        epsilon: Added to the variance. PyTorch's 1e-5; Keras' own default is 1e-3.
        momentum: Weight of the old moving statistics: Keras' 0.9 is PyTorch's 0.1.
        gamma_stddev: Standard deviation of the initial scale around 1.
        name: Name of the layer.
    """
    return BatchNormalization(
        epsilon=epsilon,
        momentum=momentum,
        synchronized=tf.distribute.get_strategy().num_replicas_in_sync > 1,
        gamma_initializer=keras.initializers.RandomNormal(1.0, gamma_stddev)
        if gamma_stddev
        else "ones",
        name=name,
    )
