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


def gradient_penalty(gradients, one_sided: bool = False):
    """Deviation of a critic's slope from 1 (Gulrajani et al. 2017, eq. (3)), without lambda.

    Args:
        gradients: Of each sample's score in the sample itself, `(N, ...)`, at points between real
            and generated ones. The score of a patch critic is the mean of its patches.
        one_sided: Slopes below 1 cost nothing (WGAN-LP).

    Returns:
        float32 scalar: `mean_i (||g_i|| - 1)**2`, the norm over all values of a sample.
    """
    gradients = ops.cast(gradients, "float32")
    axes = tuple(range(1, len(gradients.shape)))
    excess = ops.sqrt(ops.sum(ops.square(gradients), axis=axes) + 1e-12) - 1.0
    return ops.mean(ops.square(ops.maximum(excess, 0.0) if one_sided else excess))
