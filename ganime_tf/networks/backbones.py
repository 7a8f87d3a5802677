"""ResNets without their classifier, plain and dilated (He et al. 2016; Yu and Koltun 2017).

Layers are named as the modules of the PyTorch releases (`layer3.0.conv2`), so that a state dict
maps by name.
"""

import keras
from keras import layers

from ganime_tf.layers.norm import batch_norm

_BLOCKS = {18: (2, 2, 2, 2), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}

# ImageNet's mean and standard deviation of RGB in [0, 1], which the released weights expect.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def imagenet_input(x, name: str = "imagenet"):
    """Turns pictures in [-1, 1] into what networks pre-trained on ImageNet expect."""
    scale = [0.5 / std for std in IMAGENET_STD]
    offset = [(0.5 - mean) / std for mean, std in zip(IMAGENET_MEAN, IMAGENET_STD, strict=True)]
    return layers.Rescaling(scale, offset, name=name)(x)


def convolve(x, width, size, *, stride=1, dilation=1, use_bias=False, name, initializer):
    """A convolution with PyTorch's symmetric padding."""
    padding = "same"
    if stride > 1 and size > 1:  # "same" would pad bottom and right only
        x = layers.ZeroPadding2D(dilation * (size // 2), name=f"{name}.pad")(x)
        padding = "valid"
    return layers.Conv2D(
        width,
        size,
        stride,
        padding,
        dilation_rate=dilation,
        use_bias=use_bias,
        kernel_initializer=initializer(),
        name=name,
    )(x)


def he_fan_out():
    """He's normal initial weights over the fan-out, as torchvision's ResNets start."""
    return keras.initializers.VarianceScaling(2.0, "fan_out", "untruncated_normal")


def add_resnet(
    x,
    *,
    depth: int = 18,
    filters: int = 64,
    dilated: bool = False,
    multi_grid: tuple[int, int, int] | None = None,
    deep_stem: bool = False,
    small_input: bool = False,
    prefix: str = "",
    initializer=he_fan_out,
) -> list:
    """Adds a ResNet to a functional graph.

    Args:
        x: Float `(N, H, W, 3)`, H and W multiples of 32 (of 8 when dilated).
        depth: 18 (two-convolution blocks), 50 or 101 (bottlenecks, four times as wide).
        filters: Width of the first stage; 64 in the papers.
        dilated: Stages 3 and 4 keep the size and dilate by 2 and 4 instead: stride 8 in all.
        multi_grid: Dilations of the blocks of stage 4 instead of 2, 4, 4.
        deep_stem: Three 3x3 convolutions at the start instead of one 7x7.
        small_input: Starts with one 3x3 convolution that keeps the size, for pictures of 64 px:
            stage 2 keeps it too, and every stride below is an eighth.
        prefix: Put before the names of the layers.
        initializer: A function that makes a kernel initializer.

    Returns:
        The features of the four stages, of 1, 2, 4, 8 times `filters` channels (4 times that
        with bottlenecks), at strides 4, 8, 16, 32 (4, 8, 8, 8 when dilated).

    Raises:
        ValueError: On another depth.
    """
    if depth not in _BLOCKS:
        raise ValueError(f"`depth` must be one of {sorted(_BLOCKS)}. Received {depth}.")
    bottleneck = depth > 18

    def conv(x, name, width, size, activate=True, bn=None, **kwargs):
        x = convolve(x, width, size, name=prefix + name, initializer=initializer, **kwargs)
        norm = prefix + (bn or name.replace("conv", "bn"))
        x = batch_norm(name=norm)(x)
        return layers.ReLU(name=f"{norm}.relu")(x) if activate else x

    def block(x, name, width, stride, first_dilation, dilation):
        out_width = 4 * width if bottleneck else width
        if bottleneck:
            y = conv(x, f"{name}.conv1", width, 1)
            y = conv(y, f"{name}.conv2", width, 3, stride=stride, dilation=first_dilation)
            y = conv(y, f"{name}.conv3", out_width, 1, activate=False)
        else:
            y = conv(x, f"{name}.conv1", width, 3, stride=stride, dilation=first_dilation)
            y = conv(y, f"{name}.conv2", width, 3, activate=False, dilation=dilation)
        if stride > 1 or x.shape[-1] != out_width:
            down = f"{name}.downsample"
            x = conv(x, f"{down}.0", out_width, 1, stride=stride, activate=False, bn=f"{down}.1")
        x = layers.Add(name=f"{prefix}{name}.add")([y, x])
        return layers.ReLU(name=f"{prefix}{name}.relu")(x)

    if small_input:
        x = conv(x, "conv1", filters, 3)
    elif deep_stem:
        x = conv(x, "conv1.0", filters, 3, stride=2, bn="conv1.1")
        x = conv(x, "conv1.3", filters, 3, bn="conv1.4")
        x = conv(x, "conv1.6", 2 * filters, 3, bn="bn1")
    else:
        x = conv(x, "conv1", filters, 7, stride=2)
    if not small_input:
        # Zeros are as good as PyTorch's minus infinity here: nothing after a ReLU is smaller.
        x = layers.ZeroPadding2D(1, name=f"{prefix}maxpool.pad")(x)
        x = layers.MaxPooling2D(3, 2, name=f"{prefix}maxpool")(x)
    stages = []
    for stage, count in enumerate(_BLOCKS[depth]):
        stride = 1 if stage <= small_input or (dilated and stage > 1) else 2
        dilation = {2: 2, 3: 4}.get(stage, 1) if dilated else 1
        for index in range(count):
            # The first block of a dilated stage still has the rate of the stage before.
            first = max(dilation // 2, 1) if index == 0 else dilation
            if multi_grid and stage == 3:
                first = dilation_now = multi_grid[index]
            else:
                dilation_now = dilation
            x = block(
                x,
                f"layer{stage + 1}.{index}",
                filters * 2**stage,
                stride if index == 0 else 1,
                first,
                dilation_now,
            )
        stages.append(x)
    return stages
