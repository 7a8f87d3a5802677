"""The regularizers of StyleGAN2 (Karras et al. 2020), float32; its adversarial loss is "bce"."""

import math

from keras import ops


def r1_penalty(gradients):
    """Squared length of the scores' gradients (Mescheder et al. 2018, eq. (9)), without gamma / 2.

    Args:
        gradients: Of the sum of the scores in the real pictures, float `(N, H, W, C)`.

    Returns:
        float32 scalar: the sum over a picture, the mean over the batch.
    """
    gradients = ops.cast(gradients, "float32")
    return ops.mean(ops.sum(ops.square(gradients), axis=(1, 2, 3)))


def path_lengths(gradients):
    """Lengths of a generator's paths (section 3.2).

    Args:
        gradients: Of `sum(images * y)` in the latents, `(N, L, K)`; `y` normal with deviation
            `1 / sqrt(H * W)`, see `path_scale`.

    Returns:
        float32 `(N,)`: the root of the mean over layers of the squared lengths.
    """
    gradients = ops.cast(gradients, "float32")
    return ops.sqrt(ops.mean(ops.sum(ops.square(gradients), axis=2), axis=1))


def path_scale(height: int, width: int) -> float:
    """Returns the deviation of the noise that path lengths are measured with."""
    return 1.0 / math.sqrt(height * width)


def path_length_penalty(lengths, mean, decay: float = 0.01, batch_mean=None):
    """Deviation of path lengths from their running mean (eq. (4)).

    The gradient goes through the new mean too, as in the official code.

    Args:
        lengths: float32 `(N,)`.
        mean: Running mean, scalar.
        decay: Weight of this batch in the mean.
        batch_mean: Mean of the lengths of all replicas; by default that of `lengths`.

    Returns:
        `(penalty, mean)`: float32 scalars, the new mean without a gradient.
    """
    batch_mean = ops.mean(lengths) if batch_mean is None else batch_mean
    mean = mean + decay * (batch_mean - mean)
    return ops.mean(ops.square(lengths - mean)), ops.stop_gradient(mean)
