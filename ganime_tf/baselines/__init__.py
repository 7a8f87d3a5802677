"""Methods without training that the papers compare with: neural style transfer."""

from ganime_tf.baselines.gatys import GATYS_PRESETS, GatysConfig, StyleTransfer
from ganime_tf.baselines.hub_style_transfer import HUB_HANDLE, HubStyleTransfer, open_stylizer

__all__ = [
    "GATYS_PRESETS",
    "HUB_HANDLE",
    "GatysConfig",
    "HubStyleTransfer",
    "StyleTransfer",
    "open_stylizer",
]
