"""The classifier of drawings that Face2Anime misses: hyper-parameters of the package's own."""

import dataclasses

from ganime_tf.configs.base import TrainableConfig
from ganime_tf.configs.fields import Count, CountOrNone, Decay, Positive, Weight


@dataclasses.dataclass(frozen=True)
class AnimeClassifierConfig(TrainableConfig):
    """Hyper-parameters of the classifier; no paper has them."""

    image_size: Count = 128
    """Height and width of a training picture in pixels."""
    load_size: Count = 143
    """Size that pictures are resized to before the random crop of `image_size`."""
    batch_size: Count = 32
    """Pictures in a step, over all replicas."""
    num_epochs: Count = 40
    """Epochs of the whole training."""
    num_labels: CountOrNone = 0
    """Labels; training takes as many as the data has."""
    filters: tuple[Count, ...] = (32, 64, 128, 256)
    """Channels of the levels, each of half the size: features for perceptual losses."""
    dropout: Decay = 0.3
    """Rate before the dense layer."""
    learning_rate: Positive = 1e-3
    """Adam's step size."""
    weight_decay: Weight = 1e-4
    """Coupled L2 of kernels."""

    def for_data(self, source) -> "AnimeClassifierConfig":
        """Takes the number of labels of the data."""
        labels = len(source.labels)
        return dataclasses.replace(self, num_labels=labels) if labels else self


PRESETS = {
    "anime-classifier": AnimeClassifierConfig(),
    "anime-classifier-tiny": AnimeClassifierConfig(
        image_size=32, load_size=36, batch_size=16, num_epochs=4, num_labels=44, filters=(8, 16)
    ),
}
