"""The Inception network of 2015-12-05 that FID is defined by, in Keras.

It differs from `keras.applications.InceptionV3` and torchvision's network: other weights (1008
classes), batch norm with scale and epsilon 1e-3, and a MAX pool in the pool branch of the last
block. Average pools leave the padding out of the mean, as Keras' "same" pooling does. Batch norm
is folded into the convolutions when weights are assigned.
"""

import keras

FEATURES = (64, 192, 768, 2048)
_SIZE = 299


def _convolution(x, name: str, filters: int, kernel, strides: int = 1, padding: str = "same"):
    layer = keras.layers.Conv2D(
        filters, kernel, strides, padding, activation="relu", name=name, dtype=x.dtype
    )
    return layer(x)


def _chain(x, prefix: str, *steps):
    """Convolutions one after the other; a step is (name, filters, kernel[, strides, padding])."""
    for name, *step in steps:
        x = _convolution(x, f"{prefix}_{name}", *step)
    return x


def _average(x):
    return keras.layers.AveragePooling2D(3, 1, "same", dtype=x.dtype)(x)


def _maximum(x, strides: int = 2, padding: str = "valid"):
    return keras.layers.MaxPooling2D(3, strides, padding, dtype=x.dtype)(x)


def _join(*branches):
    return keras.layers.Concatenate(dtype=branches[0].dtype)(branches)


def _block_a(x, p: str, pool: int):
    return _join(
        _chain(x, p, ("branch1x1", 64, 1)),
        _chain(x, p, ("branch5x5_1", 48, 1), ("branch5x5_2", 64, 5)),
        _chain(
            x, p, ("branch3x3dbl_1", 64, 1), ("branch3x3dbl_2", 96, 3), ("branch3x3dbl_3", 96, 3)
        ),
        _chain(_average(x), p, ("branch_pool", pool, 1)),
    )


def _block_b(x, p: str):
    return _join(
        _chain(x, p, ("branch3x3", 384, 3, 2, "valid")),
        _chain(
            x,
            p,
            ("branch3x3dbl_1", 64, 1),
            ("branch3x3dbl_2", 96, 3),
            ("branch3x3dbl_3", 96, 3, 2, "valid"),
        ),
        _maximum(x),
    )


def _block_c(x, p: str, c: int):
    wide, tall = (1, 7), (7, 1)
    return _join(
        _chain(x, p, ("branch1x1", 192, 1)),
        _chain(x, p, ("branch7x7_1", c, 1), ("branch7x7_2", c, wide), ("branch7x7_3", 192, tall)),
        _chain(
            x,
            p,
            ("branch7x7dbl_1", c, 1),
            ("branch7x7dbl_2", c, tall),
            ("branch7x7dbl_3", c, wide),
            ("branch7x7dbl_4", c, tall),
            ("branch7x7dbl_5", 192, wide),
        ),
        _chain(_average(x), p, ("branch_pool", 192, 1)),
    )


def _block_d(x, p: str):
    return _join(
        _chain(x, p, ("branch3x3_1", 192, 1), ("branch3x3_2", 320, 3, 2, "valid")),
        _chain(
            x,
            p,
            ("branch7x7x3_1", 192, 1),
            ("branch7x7x3_2", 192, (1, 7)),
            ("branch7x7x3_3", 192, (7, 1)),
            ("branch7x7x3_4", 192, 3, 2, "valid"),
        ),
        _maximum(x),
    )


def _block_e(x, p: str, pooled):
    single = _chain(x, p, ("branch3x3_1", 384, 1))
    double = _chain(x, p, ("branch3x3dbl_1", 448, 1), ("branch3x3dbl_2", 384, 3))
    return _join(
        _chain(x, p, ("branch1x1", 320, 1)),
        _chain(single, p, ("branch3x3_2a", 384, (1, 3))),
        _chain(single, p, ("branch3x3_2b", 384, (3, 1))),
        _chain(double, p, ("branch3x3dbl_3a", 384, (1, 3))),
        _chain(double, p, ("branch3x3dbl_3b", 384, (3, 1))),
        _chain(pooled, p, ("branch_pool", 192, 1)),
    )


def build_inception(dims: int = 2048, *, dtype: str = "float32") -> keras.Model:
    """Builds the network up to one of the four layers that FID is reported on.

    Args:
        dims: 64 (first max pool), 192 (second), 768 (before the auxiliary head) or 2048 (pool3).
        dtype: Of weights and activations, `"float32"` or `"bfloat16"`; features are float32.

    Returns:
        A model: float `(N, 299, 299, 3)`, already scaled -> float32 `(N, dims)`. Its weights are
        random until `inception_weights.assign`.

    Raises:
        ValueError: On other `dims`.
    """
    if dims not in FEATURES:
        raise ValueError(f"`dims` must be one of {FEATURES}. Received {dims}.")
    inputs = keras.Input((_SIZE, _SIZE, 3), dtype="float32")
    x = keras.layers.Activation("linear", dtype=dtype)(inputs)
    x = _convolution(x, "Conv2d_1a_3x3", 32, 3, 2, "valid")
    x = _convolution(x, "Conv2d_2a_3x3", 32, 3, 1, "valid")
    x = _maximum(_convolution(x, "Conv2d_2b_3x3", 64, 3))
    if dims >= 192:
        x = _convolution(x, "Conv2d_3b_1x1", 80, 1)
        x = _maximum(_convolution(x, "Conv2d_4a_3x3", 192, 3, 1, "valid"))
    if dims >= 768:
        for name, pool in (("Mixed_5b", 32), ("Mixed_5c", 64), ("Mixed_5d", 64)):
            x = _block_a(x, name, pool)
        x = _block_b(x, "Mixed_6a")
        for name, c in (("Mixed_6b", 128), ("Mixed_6c", 160), ("Mixed_6d", 160), ("Mixed_6e", 192)):
            x = _block_c(x, name, c)
    if dims >= 2048:
        x = _block_d(x, "Mixed_7a")
        x = _block_e(x, "Mixed_7b", _average(x))
        x = _block_e(x, "Mixed_7c", _maximum(x, 1, "same"))  # the 2015 graph's max pool
    x = keras.layers.Activation("linear", dtype="float32")(x)
    x = keras.layers.GlobalAveragePooling2D(dtype="float32")(x)
    return keras.Model(inputs, x, name=f"inception_2015_{dims}")
