"""Seed to picture: the base of generators that need no input picture."""

import numpy as np
import tensorflow as tf

from ganime_tf.models.trainable import Trainable
from ganime_tf.ops import images as image_ops


class Sampler(Trainable):
    """A trainable generator of pictures of a domain b.

    A subclass writes what `Trainable` asks for; its use `default` takes a seed.
    """

    batch_keys = ("b",)
    data_kind = "pictures"

    def default_metrics(self, aligned: bool):
        """The distance of the sets: samples have no truth."""
        return ("fd_random",), "val_fd_random"

    def sample(self, seeds, **inputs) -> np.ndarray:
        """Draws pictures.

        Args:
            seeds: int `(N,)`: the same seed gives the same picture.
            **inputs: Further inputs of the model's `default` use, e.g. `truncation`.

        Returns:
            uint8 `(N, H, W, 3)`.
        """
        return self.run("default", seed=np.atleast_1d(np.asarray(seeds, np.int64)), **inputs)

    def evaluate_batch(self, batch: dict, first: int = 0) -> dict:
        """Real pictures and as many samples, of the seeds from `first` on."""
        real = image_ops.to_uint8(tf.convert_to_tensor(batch["b"])).numpy()
        return {"real": real, "fake": self.sample(first + np.arange(len(real)))}

    def sample_pictures(self, batch: dict) -> dict:
        """Real pictures, and the samples of the first seeds: the same in every grid."""
        real = image_ops.to_uint8(tf.convert_to_tensor(batch["b"])).numpy()
        count = len(real)
        return {
            "real": real,
            **{
                f"seeds {start} to {start + count - 1}": self.sample(start + np.arange(count))
                for start in (0, count)
            },
        }
