"""What the three trainings of the disentangling paper have in common."""

import dataclasses

from ganime_tf.configs.base import TrainableConfig
from ganime_tf.configs.fields import Count, CountOrNone, Positive, Weight


@dataclasses.dataclass(frozen=True)
class DisentangleConfig(TrainableConfig):
    """Sizes of the networks, the same in all stages."""

    load_size: Count = 256
    """Size that pictures are resized to before the random crop of `image_size`."""
    batch_size: Count = 8
    """Pictures in a step, over all replicas."""
    num_steps: CountOrNone = 400_000
    """Steps of the whole training; 0 counts in epochs."""
    num_artists: Count = 1139
    """Artists; training takes as many as the data has."""
    artists: tuple[str, ...] = ()
    """Their names by number; training takes those of the data."""
    filters: tuple[Count, ...] = (32, 64, 128, 256, 512, 1024)
    """Channels of the levels, each of half the size."""
    dense: Count = 2048
    """Width of the fully connected layer."""
    bus: bool = False
    """Blocks that pool over the whole picture (the author's later code)."""
    ramp_steps: CountOrNone = 0
    """Steps in which step sizes grow linearly from 0; 100 in the author's code."""
    regularization_weight: Weight = 0.0
    """Weight of the batch regularization of classifiers and discriminator; 1 in the code's C2
    and D."""
    epsilon: Positive = 1e-8
    """Added to the root of the second moment; 1e-4 in the author's code."""

    def __post_init__(self):
        """Checks the fields."""
        super().__post_init__()
        if self.image_size % 2 ** len(self.filters):
            raise ValueError(
                f"`image_size` must be a multiple of {2 ** len(self.filters)} for "
                f"{len(self.filters)} `filters`. Received {self.image_size}."
            )
        if self.artists and len(self.artists) != self.num_artists:
            raise ValueError(
                f"`artists` must be as many names as `num_artists` ({self.num_artists}). "
                f"Received {len(self.artists)}."
            )

    def for_data(self, source) -> "DisentangleConfig":
        """Takes number and names of the artists of the data."""
        names = tuple(source.labels)
        if not names:
            return self
        return dataclasses.replace(self, num_artists=len(names), artists=names)


@dataclasses.dataclass(frozen=True)
class DrawingConfig(DisentangleConfig):
    """Sizes of the networks that draw, in both stages."""

    content_size: Count = 256
    """Length of the content code."""
    style_size: Count = 256
    """Length of the style code."""
    warp: bool = False
    """A last layer that also moves pixels (the author's later code)."""


CODE = {"bus": True, "ramp_steps": 100, "epsilon": 1e-4}
"""Settings of the author's code at 256 px."""
CODE_DRAWING = CODE | {"content_size": 512, "warp": True}
"""The same for the stages that draw."""

SMALL = {
    "image_size": 32,
    "load_size": 32,
    "batch_size": 16,
    "filters": (16, 32, 64),
    "dense": 128,
    "num_artists": 44,
}
"""Sizes for 32 px and tens of artists."""
SMALL_DRAWING = SMALL | {"content_size": 32, "style_size": 16}
"""The same for the stages that draw."""

TINY = SMALL | {
    "image_size": 16,
    "load_size": 16,
    "filters": (16,),
    "dense": 32,
}
"""The smallest sizes that still draw something."""
TINY_DRAWING = TINY | {"content_size": 16, "style_size": 8}
"""The same for the stages that draw."""
