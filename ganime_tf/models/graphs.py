"""The graph of a use: what is compiled, exported and timed, raw inputs in and raw output out."""

from collections.abc import Callable

import tensorflow as tf

from ganime_tf.models.uses import INPUTS, Use
from ganime_tf.ops import images as image_ops
from ganime_tf.ops.colour import heat_colours


def input_spec(name: str, shape: tuple | None = None, batch: int | None = None) -> tf.TensorSpec:
    """A signature's entry of an input.

    Args:
        name: One of `INPUTS`.
        shape: Shape of one value; by default any that the input may have.
        batch: Values in a batch, None for any number.
    """
    entry = INPUTS[name]
    return tf.TensorSpec(
        (batch, *(entry.shape if shape is None else shape)), entry.dtype, name=name
    )


def graph_of(use: Use, stride: int, min_size: int) -> Callable:
    """Returns the function of raw tensors that is compiled, exported and run for a use.

    It pads what is framed below and to the right to the stride, converts, calls the use's function,
    crops and converts back.
    """

    def graph(**tensors):
        frame = next((tensors[name] for name in use.inputs if INPUTS[name].framed), None)
        size = None if frame is None else tf.shape(frame)[1:3]
        values = {}
        for name in use.inputs:
            value = tensors[name]
            if INPUTS[name].framed and (stride > 1 or min_size > 1):
                value = _pad(value, stride, min_size)
            values[name] = _TO_MODEL.get(name, lambda x: x)(value)
        out = use.function(**values)
        if use.output == "style":
            return tf.cast(out, tf.float32)
        if use.output == "heat" and size is not None:
            padded = tf.shape(values[next(n for n in use.inputs if INPUTS[n].framed)])[1:3]
            out = tf.image.resize(out, padded)
        if size is not None:
            out = out[:, : size[0], : size[1]]
        if use.output == "classes":
            return tf.cast(out, tf.uint8)
        return heat_colours(out) if use.output == "heat" else image_ops.to_uint8(out)

    return graph


def _pad(value, stride: int, min_size: int):
    flat = len(value.shape) == 3  # a map of classes
    padded = image_ops.pad_to_multiple(value[..., None] if flat else value, stride, min_size)
    return padded[..., 0] if flat else padded


def _hints_to_model(hints):
    colours, mask = image_ops.to_float(hints[..., :3]), tf.cast(hints[..., 3:] > 127, tf.float32)
    return tf.concat([colours * mask, mask], -1)


_TO_MODEL = {
    "image": image_ops.to_float,
    "reference": image_ops.to_float,
    "parsing": lambda maps: tf.cast(maps, tf.int32),
    "hints": _hints_to_model,
}
