"""Layers that look at the whole picture, in a form that also works from strips of it.

Each gives, beside `call`, the sums of a strip (`partial`), how sums of strips join (`merge`), and
its outputs for a strip once the sums of all are known (`finish`). inference/tiles.py runs networks
of any size with them.
"""

import keras
import numpy as np
from keras import ops


def moments(x) -> dict[str, np.ndarray]:
    """Count, mean and sum of squared distances from the mean of a strip's channels.

    Args:
        x: Features `(N, h, W, C)`.

    Returns:
        float64 `count` (), `mean` and `squares` `(N, C)`. Squares are taken around the strip's own
        mean: those around 0 would lose the digits of a small variance.
    """
    x = ops.cast(x, "float32")
    mean = ops.mean(x, axis=(1, 2), keepdims=True)
    squares = ops.sum(ops.square(x - mean), axis=(1, 2))
    return {
        "count": np.float64(x.shape[1] * x.shape[2]),
        "mean": np.asarray(mean, np.float64)[:, 0, 0],
        "squares": np.asarray(squares, np.float64),
    }


def merge_moments(a: dict, b: dict) -> dict[str, np.ndarray]:
    """Joins the `moments` of two strips (Chan, Golub and LeVeque 1979)."""
    count = a["count"] + b["count"]
    shift = b["mean"] - a["mean"]
    return {
        "count": count,
        "mean": a["mean"] + shift * (b["count"] / count),
        "squares": a["squares"]
        + b["squares"]
        + np.square(shift) * (a["count"] * b["count"] / count),
    }


def joined(variance, mean, axis: int = -1):
    """Mean and variance over several channels, from those of each (law of total variance)."""
    total = mean.mean(axis, keepdims=True)
    return total, (variance + np.square(mean - total)).mean(axis, keepdims=True)


def channels_last(value) -> np.ndarray:
    """`(N, C)` statistics as float32 `(N, 1, 1, C)`."""
    return np.asarray(value, np.float32)[:, None, None, :]


class WholePicture:
    """Mixin of layers whose output at a pixel depends on the whole picture.

    The default sums are `moments`, of the first input.

    Attributes:
        global_outputs: For each output, whether it has no height and width: codes and logits.
    """

    global_outputs: tuple[bool, ...] = (False,)

    def partial(self, x, *, first: int, height: int) -> dict:
        """Sums of the rows `first...` of a picture of `height` rows.

        Args:
            x: `(N, h, W, C)`.
            first: Number of its first row.
            height: Rows of the whole picture.
        """
        del first, height
        return moments(x)

    def merge(self, a: dict, b: dict) -> dict:
        """Joins the sums of two strips."""
        return merge_moments(a, b)

    def finish(self, sums: dict, x, *others):
        """The layer's outputs for a strip.

        Args:
            sums: Of the whole picture.
            x: `(N, h, W, C)`, rows of it; None when only the global outputs are wanted.
            *others: Further inputs of `call`.
        """
        raise NotImplementedError


@keras.saving.register_keras_serializable("ganime_tf")
class PictureGroupNorm(WholePicture, keras.layers.GroupNormalization):
    """Keras' GroupNormalization; with one group a channel it is instance norm."""

    def finish(self, sums, x, *others):
        """Normalizes a strip."""
        return normalize_groups(self, sums, x)


def normalize_groups(layer: keras.layers.GroupNormalization, sums: dict, x):
    """Applies a GroupNormalization to a strip by the sums of the whole picture."""
    mean, variance = sums["mean"], sums["squares"] / sums["count"]
    number, channels = mean.shape
    groups = channels if layer.groups == -1 else layer.groups
    grouped = (number, groups, channels // groups)
    mean, variance = joined(variance.reshape(grouped), mean.reshape(grouped))
    shape = (number, channels)
    mean = np.broadcast_to(mean, grouped).reshape(shape)
    scale = 1.0 / np.sqrt(np.broadcast_to(variance, grouped).reshape(shape) + layer.epsilon)
    x = (ops.cast(x, "float32") - channels_last(mean)) * channels_last(scale)
    if layer.scale:
        x = x * ops.cast(layer.gamma, "float32")
    if layer.center:
        x = x + ops.cast(layer.beta, "float32")
    return ops.cast(x, layer.compute_dtype)


class _Pooled(WholePicture):
    """Keras' GlobalAveragePooling2D, seen through strips."""

    global_outputs = (True,)

    def __init__(self, layer):
        self._layer = layer

    def finish(self, sums, x, *others):
        """The means."""
        del x
        means = np.asarray(sums["mean"], np.float32)
        if self._layer.keepdims:
            means = means[:, None, None, :]
        return ops.cast(ops.convert_to_tensor(means), self._layer.compute_dtype)


class _Grouped(WholePicture):
    """Keras' own GroupNormalization, seen through strips."""

    def __init__(self, layer):
        self._layer = layer

    def finish(self, sums, x, *others):
        """Normalizes a strip."""
        return normalize_groups(self._layer, sums, x)


def whole_picture(operation) -> WholePicture | None:
    """Returns what knows an operation's sums; None where it looks at no whole picture."""
    if isinstance(operation, WholePicture):
        return operation
    if isinstance(operation, keras.layers.GroupNormalization):
        return _Grouped(operation)
    if isinstance(operation, keras.layers.GlobalAveragePooling2D):
        return _Pooled(operation)
    return None
