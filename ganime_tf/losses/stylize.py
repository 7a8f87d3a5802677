"""Losses of CartoonGAN and AnimeGAN that are not perceptual. Pictures are RGB in [-1, 1]."""

from keras import ops

from ganime_tf.losses.reconstruction import l1
from ganime_tf.ops.colour import rgb_to_yuv


def huber(x, y, delta: float = 1.0):
    """Mean Huber distance: half the square up to `delta`, linear beyond."""
    distance = ops.abs(ops.cast(x, "float32") - ops.cast(y, "float32"))
    near = ops.minimum(distance, delta)
    return ops.mean(0.5 * ops.square(near) + delta * (distance - near))


def colour_distance(x, y):
    """Mean |difference| of Y plus Huber distances of U and V (AnimeGAN, eq. (5)).

    Args:
        x: Generated picture, `(N, H, W, 3)` in [-1, 1].
        y: The photo.
    """
    x, y = (rgb_to_yuv((ops.cast(image, "float32") + 1.0) / 2.0) for image in (x, y))
    return l1(x[..., 0], y[..., 0]) + huber(x[..., 1], y[..., 1]) + huber(x[..., 2], y[..., 2])


def squared_variation(images):
    """Half the mean square of vertical plus horizontal differences of neighbours (AnimeGANv2)."""
    images = ops.cast(images, "float32")
    vertical = images[:, 1:] - images[:, :-1]
    horizontal = images[:, :, 1:] - images[:, :, :-1]
    return 0.5 * (ops.mean(ops.square(vertical)) + ops.mean(ops.square(horizontal)))


def weighted_discriminator_loss(terms, kind: str = "lsgan"):
    """Sum of weighted adversarial terms, each a batch mean.

    With real, generated and edge-smoothed pictures at weight 1 this is CartoonGAN's edge-promoting
    loss (Chen et al. 2018, eq. (3)); AnimeGAN adds grey pictures and weighs each.

    Args:
        terms: Iterable of `(scores, target, weight)`; target 1 is real, 0 is fake.
        kind: "bce" (sigmoid cross-entropy of raw scores) or "lsgan" (least squares).

    Returns:
        float32 scalar.

    Raises:
        ValueError: On another kind.
    """
    if kind not in ("bce", "lsgan"):
        raise ValueError(f"`kind` must be 'bce' or 'lsgan'. Received {kind!r}.")
    total = 0.0
    for scores, target, weight in terms:
        scores = ops.cast(scores, "float32")
        if kind == "lsgan":
            total += weight * ops.mean(ops.square(scores - target))
        else:  # log(1 + exp(x)) - target * x
            total += weight * ops.mean(ops.softplus(scores) - target * scores)
    return total
