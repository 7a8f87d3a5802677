"""The residual generator of CycleGAN (Zhu et al. 2017, section 7.2; after Johnson et al. 2016)."""

import keras
from keras import layers

from ganime_tf.layers.norm import instance_norm
from ganime_tf.layers.padding import ReflectionPad2D
from ganime_tf.layers.random import Dropout


def build_resnet(
    *,
    num_blocks: int = 9,
    filters: int = 64,
    dropout: float = 0.0,
    output_channels: int = 3,
    name: str = "resnet",
) -> keras.Model:
    """Builds the authors' generator: 7x7, two halvings, residual blocks, two doublings, 7x7.

    Instance norm has no scale and shift, every convolution has a bias, weights start from
    N(0, 0.02), as in the authors' PyTorch release.

    Args:
        num_blocks: Residual blocks: 9 for 256 px, 6 for 128 px.
        filters: Channels of the first convolution.
        dropout: Rate inside the residual blocks; 0.5 with the authors' `--dropout`.
        output_channels: Channels of the result.
        name: Name of the model.

    Returns:
        A model from float `(N, H, W, 3)` to float32 `(N, H, W, output_channels)` in [-1, 1]; H and
        W are multiples of 4, at least 8.

    Raises:
        ValueError: When `num_blocks` is negative.
    """
    if num_blocks < 0:
        raise ValueError(f"`num_blocks` must not be negative. Received {num_blocks}.")

    def convolve(x, width, size, stride, name, kind=layers.Conv2D):
        initializer = keras.initializers.RandomNormal(0.0, 0.02)
        return kind(width, size, stride, kernel_initializer=initializer, name=name)(x)

    def normalize(x, name, activate=True):
        x = instance_norm(affine=False, name=f"{name}_norm")(x)
        return layers.ReLU(name=f"{name}_act")(x) if activate else x

    image = keras.Input((None, None, 3), name="image")
    x = ReflectionPad2D(3, name="first_pad")(image)
    x = normalize(convolve(x, filters, 7, 1, "first"), "first")
    for index in range(2):
        # PyTorch pads both sides; "same" would pad bottom and right only.
        x = layers.ZeroPadding2D(1, name=f"down{index}_pad")(x)
        x = normalize(convolve(x, filters * 2 ** (index + 1), 3, 2, f"down{index}"), f"down{index}")
    for index in range(num_blocks):
        skip = x
        for part in (1, 2):
            label = f"block{index}_conv{part}"
            x = ReflectionPad2D(1, name=f"{label}_pad")(x)
            x = normalize(convolve(x, filters * 4, 3, 1, label), label, activate=part == 1)
            if dropout and part == 1:
                x = Dropout(dropout, name=f"block{index}_dropout")(x)
        x = layers.Add(name=f"block{index}_add")([skip, x])
    for index in range(2):
        x = convolve(x, filters * 2 ** (1 - index), 3, 2, f"up{index}", layers.Conv2DTranspose)
        # 2n + 1 pixels without padding; PyTorch's padding 1, output padding 1 drops the first.
        x = layers.Cropping2D(((1, 0), (1, 0)), name=f"up{index}_crop")(x)
        x = normalize(x, f"up{index}")
    x = ReflectionPad2D(3, name="last_pad")(x)
    x = convolve(x, output_channels, 7, 1, "last")
    x = layers.Activation("tanh", dtype="float32", name="output")(x)
    return keras.Model(image, x, name=name)
