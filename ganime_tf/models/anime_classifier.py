"""A classifier of drawings, whose features Face2Anime's perceptual loss compares.

Girkin and Streltsov found no network that recognizes drawings and "might be forced to train such
network ourselves": this is it, on any folder of labels (artists, tags, characters).
"""

import keras
import numpy as np
import tensorflow as tf

from ganime_tf.configs.anime_classifier import PRESETS, AnimeClassifierConfig
from ganime_tf.losses.disentangle import negative_log_likelihood
from ganime_tf.models.optimizers import Adam
from ganime_tf.models.trainable import Trainable
from ganime_tf.models.uses import Use
from ganime_tf.networks.recognizer import build_class_head, build_recognizer
from ganime_tf.ops import images as image_ops
from ganime_tf.ops.pictures import class_colours


@keras.saving.register_keras_serializable("ganime_tf")
class AnimeClassifier(Trainable):
    """Picture to the number of its label; a batch is `{"b", "label"}`."""

    Config = AnimeClassifierConfig
    presets = PRESETS
    data_kind = "labelled"
    batch_keys = ("b", "label")
    loss_names = ("c_loss", "accuracy")

    def build_networks(self):
        """Builds the trunk, which others borrow, and the head."""
        config = self.config
        self.recognizer = build_recognizer(filters=config.filters)
        self.head = build_class_head(
            channels=config.filters[-1],
            num_classes=max(config.num_labels, 1),
            dropout=config.dropout,
        )
        return {"classifier": [self.recognizer, self.head]}

    def default_optimizers(self, steps_per_epoch):
        """Adam with a constant rate."""
        return {"classifier": Adam(self.config.learning_rate)}

    def weight_decay(self, variable) -> float:
        """L2 of kernels, not of norms and biases."""
        return self.config.weight_decay if variable.path.endswith("kernel") else 0.0

    def default_metrics(self, aligned: bool):
        """The share of pictures whose label is found."""
        if self.config.num_labels > 256:  # more than maps of classes hold
            return (), "accuracy"
        return ("pixel_accuracy",), "val_pixel_accuracy"

    def train_step(self, batch):
        """One update on pictures float32 in [-1, 1] and labels int `(N,)`."""
        with tf.GradientTape() as tape:
            scores = self._scores(batch["b"], training=True)
            c_loss = negative_log_likelihood(scores, batch["label"])
        self.minimize(tape, c_loss, "classifier")
        right = tf.equal(tf.argmax(scores, -1, tf.int32), tf.cast(batch["label"], tf.int32))
        return self.track(c_loss=c_loss, accuracy=tf.reduce_mean(tf.cast(right, tf.float32)))

    def _scores(self, pictures, training=False):
        last = self.recognizer(pictures, training=training)[f"level{len(self.config.filters)}"]
        return self.head(last, training=training)

    def call(self, x, training=False):
        """Raw scores `(N, labels)` of float pictures in [-1, 1]."""
        return self._scores(x, training)

    def uses(self) -> dict[str, Use]:
        """Log-probabilities of the labels of a picture."""
        use = Use(self._log_probabilities, ("reference",), "style", help="scores of the labels")
        return {"default": use}

    def _log_probabilities(self, reference):
        size = (self.config.image_size,) * 2
        pictures = tf.ensure_shape(
            tf.image.resize(reference, size, antialias=True), (None, *size, 3)
        )
        return tf.nn.log_softmax(self(pictures))

    def classify(self, images) -> np.ndarray:
        """Returns the label of every picture.

        Args:
            images: uint8 `(N, H, W, 3)`.

        Returns:
            int `(N,)`: positions in the data's list of labels.
        """
        return self.run("default", reference=images).argmax(-1)

    def evaluate_batch(self, batch: dict, first: int = 0) -> dict:
        """True and found labels, as maps of one pixel."""
        pictures = image_ops.to_uint8(tf.convert_to_tensor(batch["b"])).numpy()
        truth = np.asarray(batch["label"])[:, None, None]
        return {"truth": truth, "classes": self.classify(pictures)[:, None, None]}

    def sample_pictures(self, batch: dict) -> dict:
        """Pictures, and the found and true labels as colours."""
        pictures = image_ops.to_uint8(tf.convert_to_tensor(batch["b"])).numpy()
        labels = {"found": self.classify(pictures), "truth": np.asarray(batch["label"])}
        maps = {
            title: class_colours(np.broadcast_to(value[:, None, None] % 256, pictures.shape[:3]))
            for title, value in labels.items()
        }
        return {"picture": pictures, **maps}
