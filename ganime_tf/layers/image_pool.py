"""The history of generated pictures that CycleGAN shows its discriminators."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("ganime_tf")
class ImagePool(keras.layers.Layer):
    """Returns a mixture of the newest and older pictures (Shrivastava et al. 2017, section 2.3).

    Picture by picture: until the pool is full, the picture is stored and returned; afterwards it
    is, with probability 1/2, swapped against a stored one drawn at random, else returned.

    Pictures, count and random state are non-trainable weights: they are part of the graph and of
    every checkpoint. With several replicas there is one pool for all of them: every replica sees
    the pictures of all (one all-reduce), makes the same draws and the same swaps, and returns its
    own share. So the replicas' copies stay equal, a checkpoint of one is a checkpoint of all, and
    N replicas return what one device returns for the joined batch.

    Args:
        size: Pictures kept; 0 returns the input. 50 in the paper.
        seed: Seed of the draws.

    Call arguments:
        images: float `(N, H, W, C)`, the size given to `build`; the same N on every replica.

    Returns:
        float32 `(N, H, W, C)` without gradient.
    """

    def __init__(self, size: int = 50, seed: int = 0, **kwargs):
        if size < 0:
            raise ValueError(f"`size` must not be negative. Received {size}.")
        kwargs["dtype"] = "float32"
        super().__init__(**kwargs)
        self.size = size
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape):
        """Creates the empty pool for pictures of `input_shape[1:]`."""
        state = {"initializer": "zeros", "trainable": False}
        if self.size:
            self.images = self.add_weight(
                name="images", shape=(self.size, *input_shape[1:]), **state
            )
            self.count = self.add_weight(name="count", shape=(), dtype="int32", **state)

    def call(self, images):
        """Stores and draws pictures."""
        images = tf.stop_gradient(tf.cast(images, "float32"))
        if not self.size:
            return images
        context = tf.distribute.get_replica_context()
        num = tf.shape(images)[0]
        if context is None or context.num_replicas_in_sync == 1:
            return self._query(images, num)
        replica, replicas = context.replica_id_in_sync_group, context.num_replicas_in_sync
        # Each replica's pictures in its own rows, zeros elsewhere: the sum joins them exactly.
        slots = tf.reshape(tf.one_hot(replica, replicas), (-1, 1, 1, 1, 1))
        joined = context.all_reduce("sum", slots * images[None])  # (replicas, N, H, W, C)
        joined = tf.reshape(joined, (replicas * num, *images.shape[1:]))
        returned = self._query(joined, replicas * num)
        return tf.ensure_shape(returned[replica * num : (replica + 1) * num], images.shape)

    def _query(self, images, num):
        draws = tf.random.stateless_uniform((2, num), seed=self.seed_generator.next())
        slots = tf.cast(draws[1] * self.size, "int32")
        buffer, count = self.images.value, self.count

        def step(index, returned):
            image = images[index]
            stored = tf.minimum(tf.convert_to_tensor(count), self.size)
            filling = stored < self.size
            swap = draws[0, index] < 0.5
            slot = tf.where(filling, stored, slots[index])
            old = tf.gather(buffer, slot)
            result = tf.where(tf.logical_and(swap, ~filling), old, image)
            kept = tf.where(tf.logical_or(swap, filling), image, old)
            with tf.control_dependencies([result, kept]):
                buffer.scatter_update(tf.IndexedSlices(kept, slot))
                count.assign(tf.minimum(stored + 1, self.size))
            return index + 1, returned.write(index, result)

        returned = tf.TensorArray("float32", size=num, element_shape=images.shape[1:])
        _, returned = tf.while_loop(lambda index, _: index < num, step, (0, returned))
        return tf.ensure_shape(returned.stack(), images.shape)

    def compute_output_shape(self, input_shape):
        """Returns the shape of `images`."""
        return input_shape

    def get_config(self):
        """Returns the constructor arguments."""
        config = super().get_config()
        config.pop("dtype")
        return {**config, "size": self.size, "seed": self.seed}
