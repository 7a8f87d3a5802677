"""Random numbers of a training step that do not depend on how many replicas compute it.

A number is a pure function of (seed, step, stream): nothing is stored, and a step computed by N
replicas draws what one device draws for the joined batch. Each replica draws all of it and takes
its share.
"""

import contextlib
import threading
import zlib

import keras
import tensorflow as tf
from keras import ops

_CURRENT = threading.local()  # replicas are traced in threads of their own


class Randomness:
    """The random numbers of one step on one replica.

    Args:
        seed: Seed of the run, an int.
        step: Number of the step, an integer tensor.
        replica: Number of this replica.
        replicas: How many there are.
    """

    def __init__(self, seed: int, step, replica, replicas: int):
        start = tf.stack([tf.constant(seed, tf.int64), tf.cast(step, tf.int64)])
        self._start = start
        self._replica, self._replicas = replica, replicas
        self._calls = 0

    def next_stream(self) -> int:
        """Returns a stream that nobody else has in this step: the order of calls decides."""
        self._calls += 1
        return -self._calls

    def uniform(self, count, shape=(), stream: int | str | None = None):
        """Draws float32 `(count, *shape)` in [0, 1): this replica's rows of the joined batch."""
        return self._draw(tf.random.stateless_uniform, count, shape, stream)

    def normal(self, count, shape=(), stream: int | str | None = None):
        """Draws float32 `(count, *shape)`, mean 0, deviation 1; see `uniform`."""
        return self._draw(tf.random.stateless_normal, count, shape, stream)

    def _draw(self, function, count, shape, stream):
        if stream is None:
            stream = self.next_stream()
        elif isinstance(stream, str):
            stream = zlib.crc32(stream.encode())
        seed = tf.random.experimental.stateless_fold_in(self._start, stream)
        count = tf.convert_to_tensor(count, tf.int32)
        static = tf.get_static_value(count)
        total = count * self._replicas
        values = function(tf.concat([[total], tf.cast(tf.stack([*shape]), tf.int32)], 0)
                          if len(shape) else [total], seed)  # fmt: skip
        if self._replicas > 1:
            values = values[self._replica * count : (self._replica + 1) * count]
        fixed = [tf.get_static_value(size) if tf.is_tensor(size) else size for size in shape]
        return tf.ensure_shape(values, [static, *fixed])


@contextlib.contextmanager
def random_scope(seed: int, step, replica=0, replicas: int = 1):
    """Makes a `Randomness` the current one of this thread; see its arguments."""
    previous = getattr(_CURRENT, "value", None)
    _CURRENT.value = Randomness(seed, step, replica, replicas)
    try:
        yield _CURRENT.value
    finally:
        _CURRENT.value = previous


def current_randomness() -> Randomness | None:
    """The randomness of the running training step, or None outside of one."""
    return getattr(_CURRENT, "value", None)


@keras.saving.register_keras_serializable("ganime_tf")
class Dropout(keras.layers.Layer):
    """Dropout whose mask in a training step is the same for any number of replicas.

    Outside of a training step (a network called with `training=True` by hand) the mask comes from
    a seed generator of the layer's own.

    Args:
        rate: Share of values set to 0, in [0, 1); the others grow by 1 / (1 - rate).
        spatial: Drop whole channels of `(N, H, W, C)`, as PyTorch's Dropout2d.
        seed: Of the layer's own generator.
    """

    def __init__(self, rate: float, spatial: bool = False, seed: int | None = None, **kwargs):
        super().__init__(**kwargs)
        if not 0 <= rate < 1:
            raise ValueError(f"`rate` must be in [0, 1). Received {rate}.")
        self.rate, self.spatial, self.seed = rate, spatial, seed
        self.supports_masking = True
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.built = True

    def call(self, inputs, training=False):
        """Drops values of float `(N, ...)` in training."""
        if not training or not self.rate:
            return inputs
        randomness = current_randomness()
        shape = ops.shape(inputs)
        if self.spatial:
            shape = (shape[0], 1, 1, shape[3])
        if randomness is None:
            return keras.random.dropout(inputs, self.rate, shape, seed=self.seed_generator)
        kept = randomness.uniform(shape[0], shape[1:]) >= self.rate
        return ops.where(kept, inputs / (1.0 - self.rate), ops.zeros_like(inputs))

    def compute_output_shape(self, input_shape):
        """Returns the shape of the input."""
        return input_shape

    def get_config(self):
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "rate": self.rate,
            "spatial": self.spatial,
            "seed": self.seed,
        }
