"""Minibatch standard deviation (Karras et al. 2018, section 3): a measure of variety."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("ganime_tf")
class MinibatchStd(keras.layers.Layer):
    """Appends one channel: the mean deviation over the pictures of a group.

    Picture i of a batch of B is in group `i mod (B / group_size)`. A batch smaller than
    `group_size` is one group. Computed in float32.

    Args:
        group_size: Pictures in a group.

    Call arguments:
        x: Float `(B, H, W, C)`, B a multiple of the group.

    Returns:
        `(B, H, W, C + 1)`.
    """

    def __init__(self, group_size: int = 4, **kwargs):
        super().__init__(**kwargs)
        if group_size < 1:
            raise ValueError(f"`group_size` must be at least 1. Received {group_size}.")
        self.group_size = group_size

    def call(self, x):
        """Appends the channel."""
        batch = ops.shape(x)[0]
        _, height, width, channels = x.shape
        group = ops.minimum(batch, self.group_size)
        y = ops.reshape(ops.cast(x, "float32"), (group, -1, height, width, channels))
        y = y - ops.mean(y, axis=0, keepdims=True)
        deviation = ops.sqrt(ops.mean(ops.square(y), axis=0) + 1e-8)  # (B / G, H, W, C)
        value = ops.mean(deviation, axis=(1, 2, 3))
        value = ops.tile(value, (group,))[:, None, None, None]
        value = ops.broadcast_to(value, (batch, height, width, 1))
        return ops.concatenate([x, ops.cast(value, x.dtype)], axis=-1)

    def compute_output_shape(self, input_shape):
        """Returns one channel more."""
        return (*input_shape[:-1], input_shape[-1] + 1)

    def get_config(self):
        """Returns the constructor arguments."""
        return {**super().get_config(), "group_size": self.group_size}
