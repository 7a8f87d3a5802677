"""Distances between pictures, as batch means in float32."""

from keras import ops


def l1(x, y):
    """Mean absolute difference over every element (Isola et al. 2017, eq. (3))."""
    return ops.mean(ops.abs(ops.cast(x, "float32") - ops.cast(y, "float32")))


def l2(x, y):
    """Mean squared difference over every element."""
    return ops.mean(ops.square(ops.cast(x, "float32") - ops.cast(y, "float32")))
