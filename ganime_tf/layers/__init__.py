"""Keras layers with variables or state."""

from ganime_tf.layers.norm import batch_norm, instance_norm

__all__ = ["batch_norm", "instance_norm"]
