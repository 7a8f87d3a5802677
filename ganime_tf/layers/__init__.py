"""Keras layers with variables or state."""

from ganime_tf.layers.norm import batch_norm, instance_norm
from ganime_tf.layers.spectral import SpectralConv2D, SpectralDense

__all__ = ["SpectralConv2D", "SpectralDense", "batch_norm", "instance_norm"]
