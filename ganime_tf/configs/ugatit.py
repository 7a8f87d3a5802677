"""UGATIT: the hyper-parameters of the paper and of its releases."""

import dataclasses
from typing import Literal

from ganime_tf.configs.base import TrainableConfig
from ganime_tf.configs.fields import Count, Decay, Positive, Weight


@dataclasses.dataclass(frozen=True)
class UGATITConfig(TrainableConfig):
    """Hyper-parameters of U-GAT-IT; the defaults are those of the official PyTorch release."""

    num_epochs: Count = 294
    """Epochs of the whole training: 1,000,000 steps over the 3,400 pictures of selfie2anime."""
    variant: Literal["torch", "tf1"] = "torch"
    """Which official release to follow where they differ; see docs/models/ugatit.md."""
    light: bool = False
    """The MLP of gamma and beta sees averaged features: 11 instead of 279 million parameters."""
    mlp_downsample: Count = 1
    """Side of the cells that features are averaged over before the full MLP."""
    filters: Count = 64
    """Channels of the first layer of every network."""
    num_blocks: Count = 4
    """Residual blocks of the encoder, and AdaLIN blocks of the decoder."""
    global_layers: Count = 7
    """Layers of the global discriminators."""
    local_layers: Count = 5
    """Layers of the local discriminators."""
    learning_rate: Positive = 1e-4
    """Adam's step size."""
    beta_1: Decay = 0.5
    """Adam's first decay."""
    beta_2: Decay = 0.999
    """Adam's second decay."""
    epsilon: Positive = 1e-8
    """Adam's epsilon."""
    decay: bool = True
    """Linear decay of the learning rate to 0 over the second half of the training."""
    weight_decay: Weight = 1e-4
    """Coupled L2: this times the weight is added to its gradient."""
    adversarial_weight: Weight = 1.0
    """Weight of the adversarial losses of scores and CAM logits, eq. (6)."""
    cycle_weight: Weight = 10.0
    """Weight of the cycle loss, eq. (6)."""
    identity_weight: Weight = 10.0
    """Weight of the identity loss, eq. (6)."""
    cam_weight: Weight = 1000.0
    """Weight of the generators' CAM loss, eq. (6)."""
    recompute: bool = False
    """Computes the generators' activations again in the backward pass instead of keeping them."""

    def __post_init__(self):
        """Checks the fields."""
        super().__post_init__()
        if self.image_size % (4 * self.mlp_downsample):
            raise ValueError(
                "`image_size` must be a multiple of 4 * `mlp_downsample` = "
                f"{4 * self.mlp_downsample}. Received {self.image_size}."
            )
        for name in ("global_layers", "local_layers"):
            value = getattr(self, name)
            if value < 3:
                raise ValueError(f"`{name}` must be at least 3. Received {value}.")
            least = 3 * 2 ** (value - 2)  # 3 pixels before the layers of stride 1
            if self.image_size < least:
                raise ValueError(
                    f"`image_size` {self.image_size} is too small for `{name}` = {value}. Use at "
                    f"least {least} pixels, or fewer layers."
                )


_GANIME = {"mlp_downsample": 4, "adversarial_weight": 2.0, "identity_weight": 20.0}
_SMALL = {
    "image_size": 64,
    "load_size": 72,
    "filters": 8,
    "num_blocks": 2,
    "global_layers": 5,
    "local_layers": 3,
}
PRESETS = {
    "ugatit": UGATITConfig(),
    "ugatit-light": UGATITConfig(light=True),
    "ugatit-64": UGATITConfig(
        light=True, **_SMALL | {"filters": 16, "num_blocks": 3}, num_epochs=24
    ),
    "ugatit-ganime": UGATITConfig(**_GANIME),
    "ugatit-tf1": UGATITConfig(variant="tf1", num_epochs=100),
    "ugatit-small": UGATITConfig(**_GANIME, **_SMALL, batch_size=2, num_epochs=7),
    "ugatit-tiny": UGATITConfig(
        image_size=32,
        load_size=36,
        num_epochs=8,
        light=True,
        filters=8,
        num_blocks=1,
        global_layers=4,
        local_layers=3,
        cam_weight=100.0,
    ),
}
