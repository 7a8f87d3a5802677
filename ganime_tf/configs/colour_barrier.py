"""Hyper-parameters of the colour barrier."""

import dataclasses

from ganime_tf.configs.fields import Count


@dataclasses.dataclass(frozen=True)
class ColourBarrierConfig:
    """The colour barrier: where colours change, seen from the ink alone."""

    filters: tuple[Count, ...] = (24, 40, 64, 96, 96)
    """Channels of the U-Net at strides 2, 4, 8, ..."""
    convs: int = 2
    """Convolutions of a level."""
    image_size: int = 128
    """Side of a training crop in pixels."""
    sheets: int = 4
    """Drawings in a batch."""
    crops: int = 4
    """Crops of each drawing in a batch."""
    learning_rate: float = 2e-3
    """Of Adam at its height, after the warm-up."""
    warmup_steps: int = 100
    """Steps in which the rate rises from 0; it then falls as a cosine to 0 at the last step."""
    num_steps: int = 3000
    """Length of the training."""

    def __post_init__(self):
        stride = 2 ** len(self.filters)
        if self.image_size % stride or self.image_size < stride:
            raise ValueError(
                f"`image_size` must be a multiple of {stride} for {len(self.filters)} levels. "
                f"Received {self.image_size}."
            )


PRESETS = {
    "colour-barrier": ColourBarrierConfig(),
    "colour-barrier-tiny": ColourBarrierConfig(
        filters=(4, 6, 8), convs=1, image_size=32, sheets=1, crops=2, warmup_steps=2, num_steps=4
    ),
}
