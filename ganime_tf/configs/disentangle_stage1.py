"""Stage 1 of the disentangling paper: a content code without style."""

import dataclasses

from ganime_tf.configs.disentangle import (
    CODE_DRAWING,
    SMALL_DRAWING,
    TINY_DRAWING,
    DrawingConfig,
)
from ganime_tf.configs.fields import Positive, Weight


@dataclasses.dataclass(frozen=True)
class Stage1Config(DrawingConfig):
    """Hyper-parameters of stage 1; the defaults are the paper's."""

    learning_rate: Positive = 5e-5
    """Adam's step size of E, G and C1."""
    style_rate: Positive = 5e-3
    """Adam's step size of S."""
    adversarial_weight: Weight = 0.2
    """Weight of C1's loss that E and G raise."""
    content_kl_weight: Weight = 1e-4
    """Weight of the divergence of the content codes."""
    style_kl_weight: Weight = 2e-5
    """Weight of the divergence of the style codes."""
    warp_weight: Weight = 100.0
    """Weight of the penalty of the warp."""
    clamp: bool = False
    """No gain for E and G below chance, and other styles by shifting the batch (the code);
    else other artists drawn by their frequency (the paper)."""


PRESETS = {
    "disentangle-stage1": Stage1Config(),
    "disentangle-stage1-code": Stage1Config(
        **CODE_DRAWING, clamp=True, content_kl_weight=1e-5, style_kl_weight=1e-5
    ),
    "disentangle-stage1-32": Stage1Config(
        **SMALL_DRAWING,
        num_steps=1500,
        learning_rate=3e-4,
        content_kl_weight=1e-5,
        style_kl_weight=2e-6,
    ),
    "disentangle-stage1-tiny": Stage1Config(
        **TINY_DRAWING,
        num_steps=1500,
        learning_rate=3e-4,
        content_kl_weight=1e-5,
        style_kl_weight=2e-6,
    ),
}
