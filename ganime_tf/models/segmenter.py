"""Picture to classes: the base of networks that say what every pixel shows."""

import numpy as np
import tensorflow as tf

from ganime_tf.models.trainable import Trainable
from ganime_tf.models.uses import Use
from ganime_tf.ops import images as image_ops
from ganime_tf.ops.pictures import class_colours


class Segmenter(Trainable):
    """A trainable map from pictures `b` to the class of every pixel.

    A subclass writes what `Trainable` asks for, and `call(x, training)`: float32 `[-1, 1]` pictures
    to float32 scores `(N, H, W, classes)`.
    """

    batch_keys = ("b", "parsing")
    data_kind = "parsing"

    def default_metrics(self, aligned: bool):
        """The classes' overlap with the truth."""
        return ("miou", "pixel_accuracy"), "val_miou"

    def uses(self) -> dict[str, Use]:
        """Picture -> classes."""
        return {"default": Use(self._parse, ("image",), "classes", help="class of every pixel")}

    def _parse(self, image):
        return tf.argmax(self(image, training=False), axis=-1, output_type=tf.int32)

    def parse(self, images) -> np.ndarray:
        """Returns the class of every pixel.

        Args:
            images: uint8 `(N, H, W, 3)` or `(H, W, 3)`.

        Returns:
            uint8 `(N, H, W)` or `(H, W)`.
        """
        return self.run("default", image=images)

    def evaluate_batch(self, batch: dict, first: int = 0) -> dict:
        """True and found classes."""
        pictures = image_ops.to_uint8(tf.convert_to_tensor(batch["b"])).numpy()
        return {"truth": np.asarray(batch["parsing"]), "classes": self.parse(pictures)}

    def sample_pictures(self, batch: dict) -> dict:
        """Pictures, found classes and true ones, in colours."""
        pictures = image_ops.to_uint8(tf.convert_to_tensor(batch["b"])).numpy()
        return {
            "picture": pictures,
            "classes": class_colours(self.parse(pictures)),
            "truth": class_colours(np.asarray(batch["parsing"])),
        }
