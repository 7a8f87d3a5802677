"""Stage 2 of the disentangling paper: pictures that a classifier takes for the artist's."""

import dataclasses

from ganime_tf.configs.disentangle import (
    CODE_DRAWING,
    SMALL_DRAWING,
    TINY_DRAWING,
    DrawingConfig,
)
from ganime_tf.configs.fields import Count, Positive, Weight


@dataclasses.dataclass(frozen=True)
class Stage2Config(DrawingConfig):
    """Hyper-parameters of stage 2; the defaults are the paper's."""

    learning_rate: Positive = 2e-5
    """RMSprop's step size of G, D and C2."""
    style_rate: Positive = 1e-2
    """Step size of S."""
    realness_weight: Weight = 1.0
    """Weight of D's loss of generated pictures."""
    artist_weight: Weight = 1.0
    """Weight of C2's loss of generated pictures."""
    content_weight: Weight = 0.05
    """Weight of the squared distance between content codes of a picture and its redrawing."""
    style_kl_weight: Weight = 2e-5
    """Weight of the divergence of the style codes."""
    warp_weight: Weight = 100.0
    """Weight of the penalty of the warp."""
    adversarial_classifier: bool = True
    """C2 also learns that generated pictures are not by their artist (Table 3's comparison)."""
    judge_steps: Count = 1
    """Updates of D and C2 for one of G and S."""


PRESETS = {
    "disentangle-stage2": Stage2Config(),
    "disentangle-stage2-code": Stage2Config(
        **CODE_DRAWING,
        style_rate=2e-3,
        content_weight=0.1,
        style_kl_weight=1e-5,
        regularization_weight=1.0,
    ),
    "disentangle-stage2-32": Stage2Config(**SMALL_DRAWING, num_steps=1500, learning_rate=1e-4),
    "disentangle-stage2-tiny": Stage2Config(**TINY_DRAWING, num_steps=1500, learning_rate=1e-4),
}
