"""DANet (Fu et al. 2019) and the FCN and DeepLab v3 heads on the same dilated ResNet.

The strongest parser of StyleAnime's Table 1, and two it is compared with. Layers are named as the
modules of the PyTorch release (`head.sa.query_conv`).
"""

from typing import Literal

import keras
from keras import layers, ops

from ganime_tf.layers.norm import batch_norm
from ganime_tf.layers.random import Dropout
from ganime_tf.layers.segmentation import ChannelAttention, PositionAttention, ResizeLike
from ganime_tf.networks.backbones import add_resnet, convolve, imagenet_input

HEADS = ("danet", "fcn", "deeplabv3")
_RATES = (12, 24, 36)  # DeepLab v3's dilations at stride 8


def _torch_uniform():
    """PyTorch's own start of a convolution: U(+-1 / sqrt(fan-in))."""
    return keras.initializers.VarianceScaling(1.0 / 3.0, "fan_in", "uniform")


def _conv_bn(x, width, size, name, first=0, dilation=1):
    """Convolution, batch norm and ReLU, modules `first` and `first + 1` of a sequence."""
    x = convolve(
        x, width, size, dilation=dilation, name=f"{name}.{first}", initializer=_torch_uniform
    )
    x = batch_norm(name=f"{name}.{first + 1}")(x)
    return layers.ReLU(name=f"{name}.{first + 2}")(x)


def _classify(x, num_classes, rate, name, index):
    x = Dropout(rate, spatial=True, name=f"{name}.{index - 1}")(x)
    return convolve(
        x, num_classes, 1, use_bias=True, name=f"{name}.{index}", initializer=_torch_uniform
    )


def add_danet_head(x, num_classes: int, prefix: str = "head.") -> list:
    """Adds DANet's head: two attentions side by side, each and their sum classified.

    Args:
        x: Float `(N, h, w, C)`; inside, a quarter of the channels is used.
        num_classes: Classes, background included.
        prefix: Put before the names of the layers.

    Returns:
        Scores `(N, h, w, num_classes)` of the sum, of the positions and of the channels.
    """
    width = x.shape[-1] // 4
    position = _conv_bn(x, width, 3, f"{prefix}conv5a")
    position = PositionAttention(name=f"{prefix}sa")(position)
    position = _conv_bn(position, width, 3, f"{prefix}conv51")
    channel = _conv_bn(x, width, 3, f"{prefix}conv5c")
    channel = ChannelAttention(name=f"{prefix}sc")(channel)
    channel = _conv_bn(channel, width, 3, f"{prefix}conv52")
    both = layers.Add(name=f"{prefix}sum")([position, channel])
    return [
        _classify(y, num_classes, 0.1, prefix + label, 1)
        for label, y in (("conv8", both), ("conv6", position), ("conv7", channel))
    ]


def add_fcn_head(x, num_classes: int, prefix: str = "head.") -> list:
    """Adds the head of a fully convolutional network (Long et al. 2015), as released."""
    y = _conv_bn(x, x.shape[-1] // 4, 3, f"{prefix}conv5")
    return [_classify(y, num_classes, 0.1, f"{prefix}conv5", 4)]


@keras.saving.register_keras_serializable("ganime_tf")
class SpreadLike(layers.Layer):
    """Repeats one pixel `(N, 1, 1, C)` over the size of another tensor."""

    def call(self, x, like):
        """Returns `(N, H, W, C)`."""
        shape = ops.shape(like)
        return ops.broadcast_to(x, (shape[0], shape[1], shape[2], x.shape[-1]))

    def compute_output_shape(self, x_shape, like_shape):
        """Channels of `x`, the rest of `like`."""
        return (*like_shape[:-1], x_shape[-1])


def add_deeplabv3_head(x, num_classes: int, prefix: str = "head.") -> list:
    """Adds DeepLab v3's pyramid of dilations 12, 24, 36 (Chen et al. 2017, section 3.3)."""
    width = x.shape[-1] // 8
    branches = [_conv_bn(x, width, 1, f"{prefix}aspp.b0")]
    for index, rate in enumerate(_RATES, 1):
        branches.append(_conv_bn(x, width, 3, f"{prefix}aspp.b{index}", dilation=rate))
    mean = layers.GlobalAveragePooling2D(keepdims=True, name=f"{prefix}aspp.b4.gap.0")(x)
    mean = _conv_bn(mean, width, 1, f"{prefix}aspp.b4.gap", first=1)
    branches.append(SpreadLike(name=f"{prefix}aspp.b4")(mean, x))
    y = layers.Concatenate(name=f"{prefix}aspp.concat")(branches)
    y = _conv_bn(y, width, 1, f"{prefix}aspp.project")
    y = Dropout(0.5, spatial=True, name=f"{prefix}aspp.project.3")(y)
    y = _conv_bn(y, width, 3, f"{prefix}block")
    return [_classify(y, num_classes, 0.1, f"{prefix}block", 4)]


_ADD = {"danet": add_danet_head, "fcn": add_fcn_head, "deeplabv3": add_deeplabv3_head}


def build_danet(
    *,
    num_classes: int = 17,
    depth: int = 101,
    filters: int = 64,
    head: Literal["danet", "fcn", "deeplabv3"] = "danet",
    multi_grid: tuple[int, int, int] | None = None,
    deep_stem: bool = False,
    auxiliary: bool = False,
    small_input: bool = False,
    normalize: bool = True,
    name: str = "danet",
) -> keras.Model:
    """Builds a dilated ResNet with one of the heads.

    Args:
        num_classes: Classes, background included.
        depth: 50 or 101 as released, 18 for small ones.
        filters: Width of the backbone's first stage; 64 in the papers.
        head: "danet", "fcn" or "deeplabv3".
        multi_grid: Dilations of the last three blocks, (4, 8, 16) in the Cityscapes release.
        deep_stem: Three 3x3 convolutions at the start.
        auxiliary: Adds a last output: an FCN head on stage 3, which helps training.
        small_input: A first convolution that keeps the size: all strides are an eighth.
        normalize: Takes pictures in [-1, 1]; else already normalized as ImageNet's.
        name: Name of the model.

    Returns:
        A model from float `(N, H, W, 3)` to a list of float32 scores `(N, H, W, num_classes)`,
        the result first; DANet has two more. H and W are multiples of 8.

    Raises:
        ValueError: On an unknown head or depth, or fewer than 2 classes.
    """
    if head not in HEADS:
        raise ValueError(f"`head` must be one of {HEADS}. Received {head!r}.")
    if num_classes < 2:
        raise ValueError(f"`num_classes` must be at least 2. Received {num_classes}.")
    image = keras.Input((None, None, 3), name="image")
    x = imagenet_input(image) if normalize else image
    stages = add_resnet(
        x,
        depth=depth,
        filters=filters,
        dilated=True,
        multi_grid=multi_grid,
        deep_stem=deep_stem,
        small_input=small_input,
        prefix="pretrained.",
    )
    scores = _ADD[head](stages[3], num_classes)
    if auxiliary:
        scores += add_fcn_head(stages[2], num_classes, "auxlayer.")
    outputs = [
        ResizeLike(name=f"resize{index}")(score, image) for index, score in enumerate(scores)
    ]
    return keras.Model(image, outputs, name=name)
