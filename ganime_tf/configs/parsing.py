"""What both face parsers have in common."""

import dataclasses
from typing import Literal

from ganime_tf.configs.base import TrainableConfig
from ganime_tf.configs.fields import Count, CountOrNone, Decay, Positive, Weight


@dataclasses.dataclass(frozen=True)
class ParsingConfig(TrainableConfig):
    """Hyper-parameters of a network that names the class of every pixel."""

    num_classes: Count = 17
    """Classes, background included; training takes as many as the data has."""
    filters: Count = 64
    """Width of the ResNet's first stage; everything else scales with it."""
    small_input: bool = False
    """Keeps the size at the start, for pictures of about 64 px: all strides are an eighth."""
    optimizer: Literal["sgd", "adam"] = "sgd"
    """SGD with momentum, as released, or Adam."""
    learning_rate: Positive = 0.01
    """Highest step size, of the backbone."""
    head_rate: Positive = 10.0
    """Factor of the step size outside the backbone (SGD)."""
    momentum: Decay = 0.9
    """Of SGD; Adam's first decay."""
    l2_weight: Weight = 1e-4
    """Weight decay, added to the gradient."""
    power: Positive = 0.9
    """Exponent of the polynomial decay of the step size."""
    warmup_steps: CountOrNone = 0
    """Steps in which the step size grows from 1e-5; 0 for none."""

    def for_data(self, source) -> "ParsingConfig":
        """Takes the number of classes of the data."""
        classes = len(source.labels)
        return dataclasses.replace(self, num_classes=classes) if classes else self
