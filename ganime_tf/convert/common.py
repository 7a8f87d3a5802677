"""What all converters share: how PyTorch lays arrays out, and the one assigner."""

from ganime_tf.weights import assign, read_networks, read_state

__all__ = ["assign", "copy_to_averages", "keras_kernel", "read_networks", "read_state"]


def keras_kernel(value):
    """PyTorch's kernel as Keras': `(O, I, h, w)` to `(h, w, I, O)`, `(O, I)` to `(I, O)`.

    A transposed convolution's `(I, O, h, w)` becomes Keras' `(h, w, O, I)` by the same permutation.
    Vectors stay as they are.
    """
    if value.ndim == 4:
        return value.transpose(2, 3, 1, 0)
    return value.T if value.ndim == 2 else value


def copy_to_averages(model) -> None:
    """Starts the moving averages of a converted model at its weights."""
    for name, average in model.ema_networks.items():
        average.set_weights(model.networks[name].get_weights())
