"""LPIPS of uint8 pictures; the network is `networks.lpips`."""

from functools import lru_cache

import keras
import numpy as np
import tensorflow as tf

from ganime_tf.metrics.similarity import check_pair
from ganime_tf.networks.lpips import SMALLEST, load_lpips_network


class LPIPS:
    """Learned perceptual distance, v0.1.

    Args:
        network: `"alex"`, `"squeeze"` or `"vgg"`.
        model: Its model, from `networks.lpips`.
        note: What a reader of the score must know.

    Reference: Zhang et al., 2018, arXiv:1801.03924, eq. (1).
    """

    def __init__(self, network: str, model: keras.Model, note: str = ""):
        self.network, self.model, self.note = network, model, note
        pictures = tf.TensorSpec((None, None, None, 3), tf.uint8)
        self._compiled = tf.function(
            lambda a, b: self.distance(*(tf.cast(x, tf.float32) / 127.5 - 1.0 for x in (a, b))),
            input_signature=(pictures, pictures),
        )

    def distance(self, x, y):
        """Distance of float pictures, differentiable.

        Args:
            x: float32 `(N, H, W, 3)` in [-1, 1].
            y: The same shape.

        Returns:
            float32 `(N,)`, at least 0.
        """
        return self.model([x, y], training=False)

    def __call__(self, a, b) -> np.ndarray:
        """Distance of uint8 pictures, one value a pair.

        Args:
            a: uint8 `(N, H, W, 3)`.
            b: The same shape.

        Returns:
            float64 `(N,)`; 0 for identical pictures.

        Raises:
            ValueError: On other types, unequal shapes or too small pictures.
        """
        a, b = check_pair(a, b)
        least = SMALLEST[self.network]
        if min(a.shape[1:3]) < least:
            raise ValueError(
                f"LPIPS-{self.network} needs pictures of at least {least}x{least} pixels. "
                f"Received {a.shape[1]}x{a.shape[2]}."
            )
        return self._compiled(a, b).numpy().astype(np.float64)


@lru_cache(maxsize=3)
def load_lpips(network: str = "alex") -> LPIPS:
    """Loads LPIPS v0.1 from the published files; kept for further calls.

    Args:
        network: `"alex"`, `"squeeze"` or `"vgg"`.

    Raises:
        MissingWeightsError: When a file is nowhere; names it.
    """
    return LPIPS(network, *load_lpips_network(network))
