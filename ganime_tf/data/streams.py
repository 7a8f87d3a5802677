"""The training and validation streams: pure functions of the domains and of (seed, step)."""

import os
from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from ganime_tf.data.domain import Domain
from ganime_tf.data.geometry import NUM_RANDOM
from ganime_tf.data.kinds.kind import Derived
from ganime_tf.data.memory import Memory
from ganime_tf.ops.images import to_float

_STEPS_PER_PLAN = 16


def training_stream(
    domains: Sequence[Domain],
    derived: Sequence[Derived],
    *,
    batch_size: int,
    image_size: int,
    size: int,
    seed: int,
    start_step: int,
    augment: bool,
    shard: tuple[int, int],
    memory: Memory,
    next_good: Callable,
) -> tf.data.Dataset:
    """The endless stream of `Source.train`.

    Args:
        domains: Gone through and shuffled each by itself.
        derived: What is made of every sample.
        batch_size: Samples a batch of this shard.
        image_size: Side of the pictures.
        size: Side that they are resized to first.
        seed: Of everything random.
        start_step: Batches to leave out, without reading them.
        augment: Random crop and flip.
        shard: `(number, count)` of this worker.
        memory: Keeps resized pictures.
        next_good: `(domain, index, size) -> (pixels, index)` of the sample, or of the next that can
            be read.
    """
    number, count = shard
    derived = [each for each in derived if augment or each.in_validation]
    per_plan = _STEPS_PER_PLAN * batch_size * count
    own = _STEPS_PER_PLAN * batch_size

    def row(position):
        table = plan(position // own, seed, [len(d) for d in domains], per_plan, derived)
        table = [mine(column, number, count, batch_size) for column in table]
        return tuple(column[position % own] for column in table)

    def sample(row, prepared):
        indices, random, *numbers = row
        result = {}
        for stream, domain in enumerate(domains):
            position = random[stream, 3] if augment else 0.5
            pictures, index = prepared(domain, indices[stream], position)
            moves = random[stream] if augment else None
            result |= domain.augment(pictures, index, image_size, moves)
        return derive(result, derived, numbers)

    def fast(position, count, row):
        def prepared(domain, index, at):
            make = lambda: domain.prepare(domain.pixels(index, size), size, at)  # noqa: E731
            return memory.get(domain, index, make), index

        blank = lambda: {k: tf.zeros(v.shape, v.dtype) for k, v in spec.items()}  # noqa: E731
        return position, count, tf.cond(count > 0, lambda: sample(row, prepared), blank)

    def slow(position):
        def prepared(domain, index, at):
            pixels, found = next_good(domain, index, size)
            make = lambda: domain.prepare(pixels, size, at)  # noqa: E731
            return memory.get(domain, found, make), found

        return sample(row(position), prepared)

    def rows(number_of_plan):
        table = plan(number_of_plan, seed, [len(d) for d in domains], per_plan, derived)
        table = [mine(column, number, count, batch_size) for column in table]
        # One more that reads nothing: behind it all gaps of the plan are known.
        table = [tf.pad(column, [[0, 1], *[[0, 0]] * (column.shape.rank - 1)]) for column in table]
        positions = number_of_plan * own + tf.range(own + 1, dtype=tf.int64)
        return positions, tf.concat([tf.ones(own, tf.int64), [0]], 0), tuple(table)

    spec = tf.function(slow).get_concrete_function(tf.TensorSpec([], tf.int64)).structured_outputs
    first = start_step * batch_size
    first_plan, rest = divmod(first, own)
    data = tf.data.Dataset.range(first_plan, np.iinfo(np.int64).max // per_plan)
    data = data.map(plain(rows)).unbatch().skip(rest)
    data = data.map(plain(fast), num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    data = fill_gaps(data.ignore_errors(), first, slow)
    data = data.rebatch(batch_size, drop_remainder=True)
    return with_options(data.map(plain(to_model), num_parallel_calls=1).prefetch(2))


def plan(number, seed: int, lengths: Sequence[int], per_plan: int, derived: Sequence[Derived]):
    """All that is random in the samples `number * per_plan` to `(number + 1) * per_plan`.

    Args:
        number: Scalar int64 tensor.
        seed: Of the stream.
        lengths: Samples of each domain.
        per_plan: Samples of a plan.
        derived: Their numbers are drawn by themselves: adding one changes nothing else.

    Returns:
        `[index in each domain (per_plan, D), numbers of the jitter (per_plan, D, NUM_RANDOM),
        numbers (per_plan, n) of each that is derived]`.
    """
    positions = number * per_plan + tf.range(per_plan, dtype=tf.int64)
    indices = []
    for stream, length in enumerate(lengths):
        epochs = positions // length
        seeds = tf.stack(
            [tf.fill([per_plan], tf.constant(seed, tf.int64)),
             tf.fill([per_plan], tf.constant(stream, tf.int64)), epochs], axis=1
        )  # fmt: skip
        # The raw op: the public wrapper takes one seed for all positions only.
        indices.append(
            tf.raw_ops.RandomIndexShuffle(
                index=positions % length,
                seed=seeds,
                max_index=tf.constant(length - 1, tf.int64),
                rounds=4,
            )
        )
    base = tf.stack([seed, number])
    table = [
        tf.stack(indices, axis=1),
        tf.random.stateless_uniform([per_plan, len(lengths), NUM_RANDOM], base),
    ]
    for each in derived:
        own = tf.random.experimental.stateless_fold_in(base, each.stream)
        # At least one number: `unbatch` of rows of none kills the process (TensorFlow 2.21).
        table.append(tf.random.stateless_uniform([per_plan, max(1, each.num_random)], own))
    return table


def mine(values, number: int, count: int, batch_size: int):
    """The rows of worker `number` of `count`: of every batch its consecutive `batch_size`."""
    shape = values.shape.as_list()[1:]
    values = tf.reshape(values, [_STEPS_PER_PLAN, count, batch_size, *shape])
    return tf.reshape(values[:, number], [_STEPS_PER_PLAN * batch_size, *shape])


def derive(sample: dict, derived: Sequence[Derived], numbers: Sequence) -> dict:
    """Applies what is derived, in order, each with its own numbers."""
    for each, random in zip(derived, numbers, strict=True):
        sample = each.function(sample, random)
    return sample


def validation_stream(
    domains: Sequence[Domain],
    derived: Sequence[Derived],
    ids: Sequence[np.ndarray],
    *,
    batch_size: int,
    image_size: int,
) -> tf.data.Dataset:
    """The finite stream of `Source.validation`: in order, nothing random but fixed numbers.

    Args:
        domains: Read side by side.
        derived: What is made of every sample; its numbers depend on the sample's place alone.
        ids: For each domain the samples to give, equally many.
        batch_size: Samples a batch.
        image_size: Side of the pictures.
    """
    derived = [each for each in derived if each.in_validation]
    names = [os.fsencode(domains[0].names[i]) for i in ids[0]]

    def load(place, indices, name):
        result = {}
        for stream, domain in enumerate(domains):
            # By Python, which decided that it can be read: TensorFlow refuses a few files more.
            pixels = domain.read(indices[stream], image_size)
            result |= domain.finish(pixels, indices[stream], image_size, image_size)
        numbers = [
            tf.random.stateless_uniform([each.num_random], tf.stack([place, each.stream]))
            for each in derived
        ]
        return derive(result, derived, numbers) | {"name": name}

    data = tf.data.Dataset.from_tensor_slices(
        (tf.constant(np.stack(ids, axis=1), tf.int64), tf.constant(names, tf.string))
    )
    data = data.enumerate().map(
        plain(lambda place, row: load(place, *row)),
        num_parallel_calls=tf.data.AUTOTUNE,
        deterministic=True,
    )
    return with_options(data.batch(batch_size).map(plain(to_model)).prefetch(1))


def fill_gaps(data: tf.data.Dataset, first: int, slow: Callable) -> tf.data.Dataset:
    """Puts `slow(position)` where `ignore_errors` dropped an element.

    Args:
        data: Of `(position, count, sample)`; of count 0 only the position counts.
        first: Position of the first sample.
        slow: `position -> sample`.

    Returns:
        Batches of no sample, of one, or of several behind a gap.
    """

    def step(expected, item):
        position, count, sample = item
        own = {key: value[tf.newaxis] for key, value in sample.items()}
        spec = {k: tf.TensorSpec(v.shape, v.dtype) for k, v in sample.items()}

        def with_missing():
            made = tf.map_fn(slow, tf.range(expected, position), fn_output_signature=spec)
            return {k: tf.concat([made[k], tf.repeat(own[k], count, 0)], 0) for k in own}

        alone = (position == expected) & (count == 1)
        return position + count, tf.cond(alone, lambda: own, with_missing)

    return data.scan(tf.constant(first, tf.int64), plain(step))


def to_model(batch: dict) -> dict:
    """What models take: pictures float [-1, 1], label maps int32, hints as their uses get them.

    Uint8 `(N, H, W, 3)` become float32, `(N, H, W, 1)` int32 `(N, H, W)`; of `(N, H, W, 4)` the
    colours float [-1, 1] where the last channel, 0 or 1, is 1, and 0 elsewhere.
    """
    result = {}
    for key, value in batch.items():
        if value.dtype != tf.uint8:
            result[key] = value
        elif value.shape[-1] == 1:
            result[key] = tf.cast(value[..., 0], tf.int32)
        elif value.shape[-1] == 4:
            mask = tf.cast(value[..., 3:] > 127, tf.float32)
            result[key] = tf.concat([to_float(value[..., :3]) * mask, mask], -1)
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
