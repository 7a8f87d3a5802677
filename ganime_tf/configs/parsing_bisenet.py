"""BiSeNet for faces: the hyper-parameters of the face-parsing release."""

import dataclasses

from ganime_tf.configs.fields import Count, CountOrNone, Positive, Share, Weight
from ganime_tf.configs.parsing import ParsingConfig


@dataclasses.dataclass(frozen=True)
class BiSeNetConfig(ParsingConfig):
    """Hyper-parameters of BiSeNet; the defaults are the release's, in StyleAnime's classes."""

    image_size: Count = 448
    """Height and width of a training picture in pixels."""
    load_size: Count = 512
    """Size that pictures are resized to before the random crop of `image_size`."""
    batch_size: Count = 16
    """Pictures in a step, over all replicas."""
    num_steps: CountOrNone = 80_000
    """Steps of the whole training; 0 counts in epochs."""
    l2_weight: Weight = 5e-4
    """Weight decay, added to the gradient of the convolutions' kernels."""
    warmup_steps: CountOrNone = 1000
    """Steps in which the step size grows from 1e-5; 0 for none."""
    hard_share: Share = 1 / 16
    """Least share of the pixels whose loss counts: the hardest ones."""
    hard_threshold: Positive = 0.7
    """Pixels whose true class has a smaller probability are hard."""


PRESETS = {
    "parsing-bisenet": BiSeNetConfig(),
    "parsing-bisenet-256": BiSeNetConfig(image_size=256, load_size=286),
    "parsing-bisenet-tiny": BiSeNetConfig(
        image_size=64,
        load_size=68,
        batch_size=8,
        num_steps=3000,
        filters=16,
        small_input=True,
        optimizer="adam",
        learning_rate=2e-3,
        l2_weight=0.0,
        warmup_steps=0,
        ema_decay=0.99,
    ),
}
