"""Gradient reversal: the same values forth, the opposite gradient back (Ganin et al. 2016)."""

import keras
from keras import ops


def reverse_gradient(x, factor=1.0):
    """Returns `x`; what comes before it gets `-factor` times the gradient (section 4.1).

    One optimizer step on a sum of losses then lowers a classifier's loss in the classifier's
    weights and raises it in those of the features. Twice differentiable.

    Args:
        x: Float tensor of any shape.
        factor: Number or scalar tensor, lambda of the paper.
    """
    still = ops.stop_gradient(x)
    return still + ops.cast(factor, x.dtype) * (still - x)  # x + factor * 0


@keras.saving.register_keras_serializable("ganime_tf")
class GradientReversal(keras.layers.Layer):
    """`reverse_gradient` as a layer.

    Args:
        factor: What the reversed gradient is multiplied by.

    Call arguments:
        x: Float tensor of any shape.
    """

    def __init__(self, factor: float = 1.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor
        self.built = True

    def call(self, x):
        """Returns `x`."""
        return reverse_gradient(x, self.factor)

    def compute_output_shape(self, input_shape):
        """Returns the shape of the input."""
        return input_shape

    def get_config(self):
        """Returns the constructor's arguments."""
        return {**super().get_config(), "factor": self.factor}
