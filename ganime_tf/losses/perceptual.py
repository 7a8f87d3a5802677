"""Distances between features of a frozen network, which the caller supplies."""

from typing import Literal

from keras import ops

from ganime_tf.losses.reconstruction import l1


def gram_matrix(features, reduction: Literal["elements", "positions"] = "elements"):
    """Correlations of channels, `F^T F` per picture, in float32.

    Args:
        features: `(N, H, W, C)`.
        reduction: Divide by "elements", `H * W * C` (AnimeGAN), or "positions", `H * W` (the
            TensorFlow tutorial of Gatys et al., Magenta).

    Returns:
        float32 `(N, C, C)`.

    Raises:
        ValueError: On another reduction.
    """
    if reduction not in ("elements", "positions"):
        raise ValueError(f"`reduction` must be 'elements' or 'positions'. Received {reduction!r}.")
    features = ops.cast(features, "float32")  # sums of squares overflow in float16
    _, height, width, channels = ops.shape(features)
    flat = ops.reshape(features, (-1, height * width, channels))  # (N, H*W, C)
    count = ops.cast(height * width, "float32")
    if reduction == "elements":
        count *= channels
    return ops.matmul(ops.transpose(flat, (0, 2, 1)), flat) / count


def content_distance(x, y):
    """Mean absolute difference of two feature maps (Chen et al. 2018, eq. (5), as a mean)."""
    return l1(x, y)


def style_distance(x, y):
    """Mean absolute difference of two feature maps' Gram matrices (AnimeGAN, eq. (3)).

    Args:
        x: Features `(N, H, W, C)`.
        y: Features `(N, h, w, C)`.
    """
    return l1(gram_matrix(x), gram_matrix(y))
