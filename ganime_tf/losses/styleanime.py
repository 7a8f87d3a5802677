"""The losses of StyleAnime (Li et al. 2023): colours kept by histogram matching, codes, frames."""

import tensorflow as tf
from keras import ops

LEVELS = 256


def perceptual_distance(x, y):
    """Squared distance of unit-length features, LPIPS with one weight for every channel.

    Args:
        x: `{name: float (N, h, w, C)}`.
        y: The same names and shapes.

    Returns:
        float32 scalar: summed over the names, the mean over channels, places and pictures.
    """
    total = 0.0
    for name, features in x.items():
        total += ops.mean(ops.square(_unit(features) - _unit(y[name])))
    return total


def _unit(features):
    features = ops.cast(features, "float32")
    length = ops.sqrt(ops.sum(ops.square(features), -1, keepdims=True) + 1e-20)
    return features / (length + 1e-10)


def levels(images):
    """Turns pictures in [-1, 1] into levels in [0, 255], float32, clipped."""
    return ops.clip((ops.cast(images, "float32") + 1.0) / 2.0, 0.0, 1.0) * 255.0


def match_histograms(source, reference, masks):
    """Gives the pixels in a mask the histogram of the reference's in the same mask.

    Every level i of 1 to 254 goes to the first j of 1 to 255 with
    `ref(j - 1) <= src(i) <= ref(j)`, counts up to a level, and stays where there is none; 0 and 255
    stay. Counts are whole numbers, so that equal ones are equal.

    Args:
        source: Levels, float32 `(N, H, W, 3)` in [0, 255].
        reference: The same shape.
        masks: Booleans `(N, R, H, W)`.

    Returns:
        float32 `(N, R, H, W, 3)`, whole levels; 0 outside of the masks. No gradient.
    """
    bins = tf.cast(tf.stop_gradient(source), tf.int32)  # levels are positive: this is the floor
    wanted = tf.cast(tf.stop_gradient(reference), tf.int32)
    tables = _matching(_cumulative(bins, masks), _cumulative(wanted, masks))  # (N, R, 3, 256)
    planes = tf.transpose(bins, (0, 3, 1, 2))[:, None]  # (N, 1, 3, H, W)
    regions = tf.shape(masks)[1]
    shape = tf.shape(planes)
    flat = tf.repeat(tf.reshape(planes, (shape[0], 1, 3, -1)), regions, axis=1)
    matched = tf.gather(tables, flat, batch_dims=3)
    matched = tf.reshape(matched, (shape[0], regions, 3, shape[3], shape[4]))
    matched = tf.transpose(matched, (0, 1, 3, 4, 2))
    return tf.where(masks[..., None], tf.cast(matched, tf.float32), 0.0)


def _cumulative(bins, masks):
    """How many pixels of a mask have at most a level: int32 `(N, R, 3, 256)`."""
    count, regions = tf.shape(masks)[0], tf.shape(masks)[1]
    row = (tf.range(count)[:, None] * regions + tf.range(regions))[..., None] * 3 + tf.range(3)
    index = row[:, :, None, None] * LEVELS + bins[:, None]  # (N, R, H, W, 3)
    weights = tf.broadcast_to(tf.cast(masks, tf.int32)[..., None], tf.shape(index))
    counts = tf.math.unsorted_segment_sum(
        tf.reshape(weights, [-1]), tf.reshape(index, [-1]), count * regions * 3 * LEVELS
    )
    return tf.cumsum(tf.reshape(counts, (count, regions, 3, LEVELS)), axis=-1)


def _matching(source, reference):
    own = tf.broadcast_to(tf.range(LEVELS), tf.shape(source))
    flat = tf.reshape(source, (-1, LEVELS))
    ends = tf.reshape(reference, (-1, LEVELS))
    found = tf.searchsorted(ends[:, 1:], flat, side="left") + 1  # the first j with src <= ref(j)
    found = tf.reshape(tf.minimum(found, LEVELS - 1), tf.shape(source))
    # Only the first step can start above.
    found = tf.where((found == 1) & (source < reference[..., :1]), own, found)
    fixed = (own == 0) | (own == LEVELS - 1)
    return tf.where(fixed, own, found)


def colour_preservation(fake, real, masks, weights, kind: str = "squared"):
    """Distance of a picture to itself in the colours of another, region by region (eq. (4), (5)).

    Args:
        fake: float `(N, H, W, 3)` in [-1, 1].
        real: The same shape.
        masks: Booleans `(N, R, H, W)`, of the real picture, used for both.
        weights: R weights.
        kind: "absolute": mean absolute difference in levels of [0, 255], as the released code;
            "squared": mean squared difference of pictures in [-1, 1], as the reconstruction's.

    Returns:
        float32 scalar: the weighted sum over regions, the mean over pixels in and outside.

    Raises:
        ValueError: On another kind.
    """
    if kind not in ("absolute", "squared"):
        raise ValueError(f"`kind` must be 'absolute' or 'squared'. Received {kind!r}.")
    ours = levels(fake)
    matched = match_histograms(ours, levels(real), masks)
    difference = tf.where(masks[..., None], ours[:, None], 0.0) - matched
    if kind == "absolute":
        distances = tf.reduce_mean(tf.abs(difference), axis=(0, 2, 3, 4))
    else:
        distances = tf.reduce_mean(tf.square(difference / 127.5), axis=(0, 2, 3, 4))
    return tf.reduce_sum(distances * tf.constant(weights, tf.float32))


def code_length(codes, mean):
    """Length of codes away from the mean latent, float32 scalar: the mean over the batch.

    Args:
        codes: float32 `(N, L, K)`.
        mean: `(K,)`.
    """
    squares = ops.sum(ops.square(ops.cast(codes, "float32") - mean), axis=(1, 2))
    return ops.mean(ops.sqrt(squares + 1e-20))


def identity_distance(x, y):
    """1 minus the cosine of unit features `(N, K)`, float32 scalar mean."""
    return 1.0 - ops.mean(ops.sum(ops.cast(x, "float32") * ops.cast(y, "float32"), axis=-1))


def code_smoothness(before, codes, after):
    """Mean squared distance of a frame's codes to the mean of its neighbours' (eq. (15)).

    The paper writes a norm and no reduction; this is the mean over all numbers.

    Args:
        before: float32 `(N, L, K)`, of the frames before.
        codes: The same shape.
        after: The same shape.
    """
    middle = 0.5 * (ops.cast(before, "float32") + ops.cast(after, "float32"))
    return ops.mean(ops.square(middle - ops.cast(codes, "float32")))


def frame_interpolation(before, frame, after, interpolate=None):
    """Mean squared distance of a drawn frame to one made of its neighbours (eq. (16)).

    Args:
        before: float `(N, H, W, 3)` in [-1, 1].
        frame: The same shape.
        after: The same shape.
        interpolate: Makes the frame in between of two; the paper's is a frozen AnimeInterp. By
            default their mean, which is right where nothing moves far.
    """
    middle = interpolate or (lambda x, y: 0.5 * (x + y))
    wanted = middle(ops.cast(before, "float32"), ops.cast(after, "float32"))
    return ops.mean(ops.square(wanted - ops.cast(frame, "float32")))
