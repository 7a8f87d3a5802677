"""Noise maps that a generator adds to its features (StyleGAN, Karras et al. 2019, section 2)."""

import keras
from keras import ops

from ganime_tf.layers.random import current_randomness


@keras.saving.register_keras_serializable("ganime_tf")
class NoiseMap(keras.layers.Layer):
    """One map of noise for all channels, times a learned strength that starts at 0.

    In training each picture gets fresh noise, the same numbers for any number of replicas; else
    all get the map that was drawn when the layer was made.

    Args:
        seed: Of fresh noise outside of a training step.

    Call arguments:
        x: Features, float `(N, H, W, C)`: their shape is used.
        training: Draw fresh noise.

    Returns:
        What to add: `(N, H, W, 1)` or `(1, H, W, 1)` in the dtype of `x`.
    """

    def __init__(self, seed: int | None = None, **kwargs):
        super().__init__(**kwargs)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape):
        """Creates map and strength."""
        self.map = self.add_weight(
            name="map",
            shape=tuple(input_shape[1:3]),
            initializer=keras.initializers.RandomNormal(0.0, 1.0),
            trainable=False,
        )
        self.strength = self.add_weight(name="strength", shape=(), initializer="zeros")

    def call(self, x, training=False):
        """Returns noise times strength."""
        if not training:
            noise = ops.convert_to_tensor(self.map)[None, :, :, None]
        else:
            randomness = current_randomness()
            height, width = x.shape[1:3]
            if randomness is None:
                shape = (ops.shape(x)[0], height, width, 1)
                noise = keras.random.normal(shape, seed=self.seed_generator)
            else:
                noise = randomness.normal(ops.shape(x)[0], (height, width, 1))
        return ops.cast(noise, x.dtype) * ops.cast(self.strength, x.dtype)

    def compute_output_shape(self, input_shape):
        """Returns `(N, H, W, 1)`."""
        return (*input_shape[:-1], 1)

    def get_config(self):
        """Returns the constructor arguments."""
        return {**super().get_config(), "seed": self.seed}
