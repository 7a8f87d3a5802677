"""Hyper-parameters of the colouriser's networks."""

import dataclasses
from typing import Literal

from ganime_tf.configs.fields import Count, CountOrNone, Positive, check_fields


@dataclasses.dataclass(frozen=True)
class ColourBarrierConfig:
    """The colour barrier, and the shading and matching networks, which are of the same build."""

    task: Literal["barrier", "shade", "match"] = "barrier"
    """barrier: from the ink alone, where colours change; shade: from ink and flat colours, where
    shadows lie; match: which part of a page is which part of a coloured sheet."""
    filters: tuple[Count, ...] = (24, 40, 64, 96, 96)
    """Channels of the U-Net at strides 2, 4, 8, ..."""
    convs: Count = 2
    """Convolutions of a level."""
    image_size: Count = 128
    """Side of a training crop in pixels."""
    sheets: Count = 4
    """Drawings in a batch."""
    crops: Count = 4
    """Crops of each drawing in a batch."""
    learning_rate: Positive = 2e-3
    """Of Adam at its height, after the warm-up."""
    warmup_steps: CountOrNone = 100
    """Steps in which the rate rises from 0; it then falls as a cosine to 0 at the last step."""
    num_steps: Count = 3000
    """Length of the training."""

    def __post_init__(self):
        check_fields(self)
        stride = 2 ** len(self.filters)
        if self.image_size % stride or self.image_size < stride:
            raise ValueError(
                f"`image_size` must be a multiple of {stride} for {len(self.filters)} levels. "
                f"Received {self.image_size}."
            )


PRESETS = {
    "colour-barrier": ColourBarrierConfig(),
    "colour-shade": ColourBarrierConfig(task="shade", num_steps=6000),
    "colour-match": ColourBarrierConfig(task="match", image_size=160, crops=1, num_steps=6000),
    "colour-barrier-tiny": ColourBarrierConfig(
        filters=(4, 6, 8), convs=1, image_size=32, sheets=1, crops=2, warmup_steps=2, num_steps=4
    ),
}
