"""DANet and the networks on the same backbone: the hyper-parameters of the release."""

import dataclasses
from typing import Literal

from ganime_tf.configs.fields import Count, Positive, Weight
from ganime_tf.configs.parsing import ParsingConfig


@dataclasses.dataclass(frozen=True)
class DANetConfig(ParsingConfig):
    """Hyper-parameters of DANet; the defaults are the Cityscapes release's at StyleAnime's size.

    StyleAnime gives neither size, epochs nor step size.
    """

    image_size: Count = 256
    """Height and width of a training picture in pixels."""
    load_size: Count = 286
    """Size that pictures are resized to before the random crop of `image_size`."""
    batch_size: Count = 16
    """Pictures in a step, over all replicas."""
    num_epochs: Count = 240
    """Epochs of the whole training; the learning rate follows it."""
    learning_rate: Positive = 4e-3
    """Highest step size, of the backbone."""
    head: Literal["danet", "fcn", "deeplabv3"] = "danet"
    """DANet's two attentions, a plain convolution, or DeepLab v3's pyramid of dilations."""
    depth: Literal[18, 50, 101] = 101
    """Layers of the ResNet."""
    multi_grid: bool = True
    """Dilations 4, 8, 16 in the last stage instead of 2, 4, 4."""
    deep_stem: bool = False
    """Three 3x3 convolutions at the start instead of one 7x7."""
    auxiliary_weight: Weight = 0.0
    """Weight of a further loss on stage 3 of the backbone; 0.2 as FCN and DeepLab are trained."""


PRESETS = {
    "parsing-danet": DANetConfig(),
    "parsing-fcn": DANetConfig(head="fcn", multi_grid=False, auxiliary_weight=0.2),
    "parsing-deeplabv3": DANetConfig(head="deeplabv3", multi_grid=False, auxiliary_weight=0.2),
    "parsing-danet-tiny": DANetConfig(
        image_size=64,
        load_size=68,
        batch_size=8,
        num_steps=1500,
        depth=18,
        filters=16,
        multi_grid=False,
        small_input=True,
        optimizer="adam",
        learning_rate=2e-3,
        l2_weight=0.0,
        ema_decay=0.99,
    ),
}
