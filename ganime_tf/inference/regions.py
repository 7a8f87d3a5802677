"""Which rows of its input an operation needs for some rows of its output, and how it makes them.

Networks run strip by strip (tiles.py) by these rules: one for each kind of layer that looks at
neighbours. Strips have the full width, so that only the height needs care. What is padded is padded
at the picture's borders and nowhere else.
"""

import contextlib
import math

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from ganime_tf.layers.padding import ReflectionPad2D
from ganime_tf.layers.resize import BilinearUpsampling


class Rows:
    """The rule of a kind of operations.

    `need(lo, hi, height)` gives the range of input rows for output rows `lo:hi`; `run(x, a, lo, hi,
    height)` makes those from `x`, which has the input rows from `a` on. `height` is the input's.
    """

    def __init__(self, operation, *extra):
        self.operation, self.extra = operation, extra
        self.shape: tuple = ()  # of the whole output, once known

    def need(self, lo: int, hi: int, height: int) -> tuple[int, int]:
        """Returns the input rows, within the picture."""
        raise NotImplementedError

    def run(self, x, a: int, lo: int, hi: int, height: int):
        """Returns the output rows."""
        raise NotImplementedError


class Convolution(Rows):
    """Convolutions and pools: a window of rows, moved by the stride."""

    def _window(self):
        layer = self.operation
        size = getattr(layer, "kernel_size", None) or layer.pool_size
        dilation = getattr(layer, "dilation_rate", 1)
        dilation = dilation if isinstance(dilation, tuple | list) else (dilation, dilation)
        extent = [(k - 1) * d + 1 for k, d in zip(size, dilation, strict=True)]
        strides = layer.strides
        return extent, strides if isinstance(strides, tuple | list) else (strides, strides)

    def _before(self, length: int, axis: int) -> tuple[int, int]:
        """Padding before and after, over the whole picture."""
        if self.operation.padding == "valid":
            return 0, 0
        (extent, stride) = (each[axis] for each in self._window())
        total = max((math.ceil(length / stride) - 1) * stride + extent - length, 0)
        return total // 2, total - total // 2

    def need(self, lo, hi, height):
        """The windows of the rows."""
        extent, strides = self._window()
        start = lo * strides[0] - self._before(height, 0)[0]
        end = (hi - 1) * strides[0] - self._before(height, 0)[0] + extent[0]
        return max(start, 0), min(end, height)

    def run(self, x, a, lo, hi, height):
        """The layer itself, without padding of its own."""
        layer = self.operation
        if layer.padding == "valid":
            return layer(x)
        extent, strides = self._window()
        start = lo * strides[0] - self._before(height, 0)[0]
        end = (hi - 1) * strides[0] - self._before(height, 0)[0] + extent[0]
        rows = (max(a - start, 0), max(end - (a + x.shape[1]), 0))
        columns = self._before(x.shape[2], 1)
        x = ops.pad(x, ((0, 0), rows, columns, (0, 0)))
        with _attribute(layer, "padding", "valid"):
            return layer(x)


class Transposed(Rows):
    """Transposed convolutions: every input row paints a window of output rows."""

    def _geometry(self):
        layer = self.operation
        size, strides = layer.kernel_size, layer.strides
        strides = strides if isinstance(strides, tuple | list) else (strides, strides)
        crop = [
            max(k - s, 0) // 2 if layer.padding == "same" else 0
            for k, s in zip(size, strides, strict=True)
        ]
        return size, strides, crop

    def need(self, lo, hi, height):
        """The rows whose windows touch."""
        (size, *_), (stride, *_), (crop, *_) = self._geometry()
        start = math.ceil((lo + crop - size + 1) / stride)
        return max(start, 0), min((hi - 1 + crop) // stride + 1, height)

    def run(self, x, a, lo, hi, height):
        """The layer without cropping of its own, then cropped."""
        _, strides, crop = self._geometry()
        width = x.shape[2]
        with _attribute(self.operation, "padding", "valid"):
            y = self.operation(x)
        start = lo + crop[0] - a * strides[0]
        y = y[:, start : start + hi - lo]
        if self.operation.padding == "same":
            y = y[:, :, crop[1] : crop[1] + width * strides[1]]
        return y


class Padding(Rows):
    """Padding: rows of the picture once more, or zeros, at its borders."""

    def __init__(self, operation, pads, mode):
        super().__init__(operation)
        self.pads, self.mode = pads, mode

    def _sources(self, lo, hi, height):
        rows = np.arange(lo, hi) - self.pads[0][0]
        if self.mode == "constant":
            return np.where((rows >= 0) & (rows < height), rows, -1)
        last = 2 * (height - 1) if self.mode == "reflect" else 2 * height - 1
        rows = np.where(rows < 0, -rows - (self.mode == "symmetric"), rows)
        return np.where(rows >= height, last - rows, rows)

    def need(self, lo, hi, height):
        """The rows that are repeated, and those between."""
        rows = self._sources(lo, hi, height)
        rows = rows[rows >= 0]
        if not len(rows):  # all of it is padding
            row = 0 if lo < self.pads[0][0] else height - 1
            return row, row + 1
        return int(rows.min()), int(rows.max()) + 1

    def run(self, x, a, lo, hi, height):
        """Gathers the rows; the width is padded as ever."""
        rows = self._sources(lo, hi, height)
        if self.mode == "constant":
            top, bottom = int((rows[: len(rows) // 2 + 1] < 0).sum()), 0
            kept = np.nonzero(rows >= 0)[0]
            if len(kept):
                top, bottom = int(kept[0]), len(rows) - 1 - int(kept[-1])
                x = x[:, rows[kept[0]] - a : rows[kept[-1]] + 1 - a]
                return ops.pad(x, ((0, 0), (top, bottom), self.pads[1], (0, 0)))
            x = ops.zeros_like(x[:, :1])
            return ops.pad(x, ((0, 0), (0, hi - lo - 1), self.pads[1], (0, 0)))
        x = tf.gather(x, rows - a, axis=1)
        return ops.pad(x, ((0, 0), (0, 0), self.pads[1], (0, 0)), mode=self.mode)


class Cropping(Rows):
    """Cropping2D."""

    def need(self, lo, hi, height):
        """The same rows, counted from the top of the input."""
        (top, _), _ = self.operation.cropping
        return lo + top, hi + top

    def run(self, x, a, lo, hi, height):
        """Crops the width."""
        left, right = self.operation.cropping[1]
        return x[:, :, left : x.shape[2] - right]


class Nearest(Rows):
    """UpSampling2D by the nearest pixel."""

    def need(self, lo, hi, height):
        """Every row serves `size` rows."""
        size = self.operation.size[0]
        return lo // size, (hi - 1) // size + 1

    def run(self, x, a, lo, hi, height):
        """The layer, then its rows."""
        start = lo - a * self.operation.size[0]
        return self.operation(x)[:, start : start + hi - lo]


class Bilinear(Rows):
    """BilinearUpsampling in each of its conventions."""

    def _weights(self, lo, hi, length, total):
        """Lower and upper source of outputs `lo:hi` of `total`, and the weight of the upper."""
        position = np.arange(lo, hi, dtype=np.float64)
        if self.operation.mode == "tf1":
            position = position * (length / total)
        elif self.operation.mode == "half_pixel":
            position = (position + 0.5) * (length / total) - 0.5
        else:
            position = position * ((length - 1) / max(total - 1, 1))
        floor = np.floor(position)
        lower = np.maximum(floor, 0).astype(np.int64)
        upper = np.minimum(floor + 1, length - 1).astype(np.int64)
        return lower, upper, (position - floor).astype(np.float32)

    def need(self, lo, hi, height):
        """Both neighbours."""
        lower, upper, _ = self._weights(lo, hi, height, self.shape[1])
        return int(lower.min()), int(upper.max()) + 1

    def run(self, x, a, lo, hi, height):
        """Rows, then columns."""
        kind, width = x.dtype, x.shape[2]
        x = tf.cast(x, tf.float32)
        lower, upper, weight = self._weights(lo, hi, height, self.shape[1])
        top, bottom = tf.gather(x, lower - a, axis=1), tf.gather(x, upper - a, axis=1)
        lower, upper, across = self._weights(0, self.shape[2], width, self.shape[2])
        across = across[None, None, :, None]

        def widen(rows):
            left, right = tf.gather(rows, lower, axis=2), tf.gather(rows, upper, axis=2)
            return left + (right - left) * across

        top, bottom = widen(top), widen(bottom)
        return tf.cast(top + (bottom - top) * weight[None, :, None, None], kind)


class Strided(Rows):
    """`x[:, ::s, ::s]`."""

    def _step(self):
        key = self.extra[0]
        return (key[1].step or 1) if len(key) > 1 else 1

    def need(self, lo, hi, height):
        """Every s-th row."""
        step = self._step()
        return lo * step, (hi - 1) * step + 1

    def run(self, x, a, lo, hi, height):
        """The slice; the strip starts at a row that is kept."""
        return x[self.extra[0]]


class Pointwise(Rows):
    """Everything that looks at one pixel at a time."""

    def need(self, lo, hi, height):
        """The same rows."""
        return lo, hi

    def run(self, x, a, lo, hi, height):
        """Not used: the operation itself is called, with all its inputs."""
        return self.operation(x)


_BY_LAYER = {
    keras.layers.Conv2D: Convolution,
    keras.layers.DepthwiseConv2D: Convolution,
    keras.layers.SeparableConv2D: Convolution,
    keras.layers.AveragePooling2D: Convolution,
    keras.layers.MaxPooling2D: Convolution,
    keras.layers.Cropping2D: Cropping,
    keras.layers.UpSampling2D: Nearest,
    BilinearUpsampling: Bilinear,
}
_POINTWISE = (
    *("ReLU", "LeakyReLU", "PReLU", "ELU", "Activation", "Add", "Subtract", "Multiply", "Average"),
    *("Concatenate", "Dropout", "SpatialDropout2D", "GaussianNoise", "BatchNormalization"),
    *("Identity", "Rescaling", "CenteredPReLU", "RatioAdd", "Relu", "LeakyRelu", "Tanh", "Sigmoid"),
    *("Cast", "Clip", "Divide", "TrueDivide", "Negative", "Abs", "Square", "Sqrt", "Concat"),
)


def rule_for(operation, arguments) -> Rows:
    """Returns the rule of an operation of a Keras graph.

    Args:
        operation: A layer or an operation of `keras.ops`.
        arguments: Its arguments in the graph.

    Raises:
        ValueError: When there is none: its network cannot run in strips.
    """
    if isinstance(operation, keras.layers.Conv2DTranspose):
        return Transposed(operation)
    if isinstance(operation, keras.layers.ZeroPadding2D):
        return Padding(operation, operation.padding, "constant")
    if isinstance(operation, ReflectionPad2D):
        return Padding(operation, (operation.padding, operation.padding), "reflect")
    name = type(operation).__name__
    if name == "Pad" and operation.mode in ("constant", "reflect", "symmetric"):
        return Padding(operation, tuple(operation.pad_width[1:3]), operation.mode)
    if name == "GetItem":
        key = arguments.args[1] if len(arguments.args) > 1 else arguments.kwargs["key"]
        sides = key[1:3] if isinstance(key, tuple) else ()
        if all(isinstance(k, slice) and k.start is None and k.stop is None for k in sides):
            return Strided(operation, key)
    for kind, rule in _BY_LAYER.items():
        if isinstance(operation, kind):
            if rule is Nearest and operation.interpolation != "nearest":
                break
            if "pool_size" in vars(operation) and operation.padding != "valid":
                break
            return rule(operation)
    if name in _POINTWISE:
        return Pointwise(operation)
    raise ValueError(
        f"{name} {getattr(operation, 'name', '')!r} cannot run in tiles: ganime_tf has no rule for "
        "it. Leave --tile out, or use a smaller picture."
    )


@contextlib.contextmanager
def _attribute(thing, name, value):
    before = getattr(thing, name)
    setattr(thing, name, value)
    try:
        yield
    finally:
        setattr(thing, name, before)
