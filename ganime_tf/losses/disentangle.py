"""Losses of the disentangling paper (Xiang and Li 2019, arXiv:1905.10742), float32 scalars."""

from keras import ops


def pixel_distance(x, y, weights=None):
    """Mean over pixels of the Euclidean distance of colours, not squared.

    Args:
        x: Float `(N, H, W, 3)`.
        y: The same shape.
        weights: Float `(N, H, W)`, how much a pixel counts; normalized in each picture.
    """
    difference = ops.cast(x, "float32") - ops.cast(y, "float32")
    # The root's slope is infinite at 0 without the addition.
    distance = ops.sqrt(ops.sum(ops.square(difference), axis=-1) + 1e-8)
    if weights is None:
        return ops.mean(distance)
    weights = ops.cast(weights, "float32")
    total = ops.maximum(ops.sum(weights, axis=(1, 2)), 1e-8)
    return ops.mean(ops.sum(distance * weights, axis=(1, 2)) / total)


def _picked(scores, labels):
    """Log p of the given classes, `(N,)`, from raw scores."""
    logs = ops.log_softmax(ops.cast(scores, "float32"), axis=-1)
    return ops.take_along_axis(logs, ops.cast(labels, "int32")[:, None], axis=-1)[:, 0]


def negative_log_likelihood(scores, labels):
    """`-log p(label)`: the classifiers' loss on what really is by these artists."""
    return -ops.mean(_picked(scores, labels))


def unlikelihood(scores, labels):
    """`-log(1 - p(label))`: what C2 should not take for these artists (equation of NLU).

    Bounded in effect, unlike maximizing the negative log-likelihood; 1e-6 is added inside the
    logarithm as in the author's code.
    """
    return -ops.mean(ops.log(1.0 - ops.exp(_picked(scores, labels)) + 1e-6))


def confusion(scores, labels, frequency=None):
    """What E and G take from C1's loss: its negative log-likelihood, up to chance.

    Args:
        scores: Raw scores `(N, artists)`.
        labels: Integer `(N,)`.
        frequency: Float `(artists,)`: nothing is gained below this probability (the author's
            code); None for the paper's unbounded loss.
    """
    picked = _picked(scores, labels)
    if frequency is not None:
        picked = ops.maximum(picked, ops.log(ops.take(frequency, labels)))
    return -ops.mean(picked)


def divergence_by_dimension(mean, std):
    """KL divergence of N(mean, std**2) to N(0, 1), batch mean by dimension: `(K,)`."""
    mean, std = ops.cast(mean, "float32"), ops.cast(std, "float32")
    return ops.mean(0.5 * (ops.square(mean) + ops.square(std)) - ops.log(std) - 0.5, axis=0)


def realness(scores, target: float):
    """Mean of `(score - target)**2`: 1 and -1 for D, 0 for G."""
    return ops.mean(ops.square(ops.cast(scores, "float32") - target))
