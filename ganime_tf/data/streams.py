"""Steps of the training and validation streams: gaps of bad files, model input, options."""

from collections.abc import Callable

import tensorflow as tf

from ganime_tf.ops.images import to_float


def fill_gaps(data: tf.data.Dataset, first: int, slow: Callable) -> tf.data.Dataset:
    """Puts `slow(position)` where `ignore_errors` dropped an element of `(position, sample)`.

    Returns:
        Batches of one sample, or of several where one follows a gap.
    """

    def step(expected, item):
        position, sample = item
        single = {key: value[tf.newaxis] for key, value in sample.items()}
        spec = {k: tf.TensorSpec(v.shape, v.dtype) for k, v in sample.items()}

        def with_missing():
            made = tf.map_fn(slow, tf.range(expected, position), fn_output_signature=spec)
            return {key: tf.concat([made[key], single[key]], 0) for key in single}

        return position + 1, tf.cond(position == expected, lambda: single, with_missing)

    return data.scan(tf.constant(first, tf.int64), plain(step))


def to_model(batch: dict) -> dict:
    """uint8 pictures to float [-1, 1], label maps `(N, H, W, 1)` to int32 `(N, H, W)`."""
    result = {}
    for key, value in batch.items():
        if value.dtype != tf.uint8:
            result[key] = value
        elif value.shape[-1] == 1:
            result[key] = tf.cast(value[..., 0], tf.int32)
        else:
            result[key] = to_float(value)
    return result


def plain(function: Callable) -> Callable:
    """Keeps AutoGraph away from a function that has no Python control flow on tensors."""
    return tf.autograph.experimental.do_not_convert(function)


def with_options(data: tf.data.Dataset) -> tf.data.Dataset:
    """Keeps the order, and leaves sharding to `Source`."""
    options = tf.data.Options()
    options.deterministic = True
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
    return data.with_options(options)
