"""Penalties on a picture or on weights, float32."""

from keras import ops


def total_variation(images, reduction: str = "sum"):
    """Anisotropic total variation of pictures (GANime, section 5.2).

    Args:
        images: Float `(N, H, W, C)`.
        reduction: "sum" is the paper's formula: absolute differences of neighbours summed over one
            picture, averaged over the batch. "mean" is the released code's: the mean absolute
            vertical difference plus the mean absolute horizontal one.

    Returns:
        float32 scalar.
    """
    images = ops.cast(images, "float32")
    vertical = ops.abs(images[:, 1:] - images[:, :-1])
    horizontal = ops.abs(images[:, :, 1:] - images[:, :, :-1])
    if reduction == "sum":
        count = ops.cast(ops.shape(images)[0], "float32")
        return (ops.sum(vertical) + ops.sum(horizontal)) / count
    if reduction == "mean":
        return ops.mean(vertical) + ops.mean(horizontal)
    raise ValueError(f"`reduction` must be 'sum' or 'mean'. Received {reduction!r}.")
