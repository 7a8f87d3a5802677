"""Losses between scores of classes and maps of class numbers, float32 scalars."""

import math

import keras
from keras import ops


def _pixel_losses(logits, labels, ignore: int):
    """Cross-entropy by pixel, 0 where ignored, and which pixels count."""
    logits = ops.cast(logits, "float32")
    labels = ops.cast(labels, "int32")
    kept = ops.not_equal(labels, ignore)
    safe = ops.where(kept, labels, 0)
    losses = keras.losses.sparse_categorical_crossentropy(safe, logits, from_logits=True)
    return ops.where(kept, losses, 0.0), kept


def cross_entropy(logits, labels, ignore: int = -1):
    """Mean cross-entropy over the pixels that count.

    Args:
        logits: Float `(N, H, W, classes)`.
        labels: Integer `(N, H, W)`.
        ignore: Class number that does not count.

    Returns:
        float32 scalar; 0 when no pixel counts.
    """
    losses, kept = _pixel_losses(logits, labels, ignore)
    return ops.sum(losses) / ops.maximum(ops.sum(ops.cast(kept, "float32")), 1.0)


def ohem_cross_entropy(logits, labels, num_hard, threshold: float = 0.7, ignore: int = -100):
    """Cross-entropy of the hard pixels (online hard example mining, the face-parsing release).

    A pixel is hard when the true class has a probability below `threshold`. With more than
    `num_hard` of them all hard ones count, else the `num_hard` hardest. Ignored pixels have loss
    0, as released.

    Args:
        logits: Float `(N, H, W, classes)`.
        labels: Integer `(N, H, W)`.
        num_hard: Least number of pixels of the batch that count, an int or a scalar tensor; a
            sixteenth in the release.
        threshold: Probability in (0, 1).
        ignore: Class number that does not count.

    Returns:
        float32 scalar.

    Raises:
        ValueError: When `threshold` is outside (0, 1) or `num_hard` is not positive.
    """
    if not 0.0 < threshold < 1.0 or (isinstance(num_hard, int) and num_hard < 1):
        raise ValueError(
            "`threshold` must be in (0, 1) and `num_hard` at least 1. Received "
            f"{threshold}, {num_hard}."
        )
    losses = ops.reshape(_pixel_losses(logits, labels, ignore)[0], (-1,))
    losses = ops.flip(ops.sort(losses), axis=0)
    count = ops.shape(losses)[0]
    position = ops.minimum(num_hard, count - 1)
    limit = -math.log(threshold)
    hard = ops.cast(losses > limit, "float32")
    first = ops.cast(ops.arange(count) < num_hard, "float32")
    chosen = ops.where(ops.take(losses, position) > limit, hard, first)
    return ops.sum(losses * chosen) / ops.maximum(ops.sum(chosen), 1.0)
