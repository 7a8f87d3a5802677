"""Picture to picture: the base of every translation from a domain a to a domain b."""

import tensorflow as tf

from ganime_tf.models.trainable import Trainable
from ganime_tf.models.uses import Use
from ganime_tf.ops import images as image_ops


class Translator(Trainable):
    """A trainable translation from domain a to domain b.

    A subclass writes what `Trainable` asks for, and `call(x, training)`: a -> b, float32 [-1, 1].
    One that translates back too adds the use `reverse`.
    """

    batch_keys = ("a", "b")

    def default_metrics(self, aligned: bool):
        """Distances to the truth; without one, that of the sets."""
        if aligned:
            return ("l1", "psnr", "ssim"), "val_ssim"
        return ("fd_random",), "val_fd_random"

    def uses(self) -> dict[str, Use]:
        """A -> b."""
        return {"default": Use(self._forward, ("image",), help="translate a to b")}

    def _forward(self, image):
        return self(image, training=False)

    def evaluate_batch(self, batch: dict, first: int = 0) -> dict:
        """Translations of `a` beside `b`, the truth or other pictures of that domain."""
        a, b = (_levels(batch[key]) for key in ("a", "b"))
        return {"real": b, "fake": self.translate(a), "source": a}

    def sample_pictures(self, batch: dict) -> dict:
        """Inputs, outputs and `b`; both ways where the model has `reverse`.

        Args:
            batch: A validation batch of float32 `[-1, 1]` pictures.
        """
        a, b = (_levels(batch[key]) for key in ("a", "b"))
        columns = {"input": a, "output": self.translate(a)}
        if "reverse" not in self.uses():
            return columns | {"truth": b}
        return columns | {"b": b, "b to a": self.run("reverse", image=b)}


def _levels(pictures):
    return image_ops.to_uint8(tf.convert_to_tensor(pictures)).numpy()
