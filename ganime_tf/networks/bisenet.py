"""BiSeNet for faces, as StyleAnime's released parser has it (Yu et al. 2018).

The face-parsing release has no spatial path: the detail comes from the ResNet's stride 8. Layers
are named as its modules.
"""

import keras
from keras import layers, ops

from ganime_tf.layers.norm import batch_norm
from ganime_tf.layers.resize import NearestUpsampling
from ganime_tf.layers.segmentation import ResizeLike
from ganime_tf.networks.backbones import add_resnet, convolve, imagenet_input


def _kaiming():
    """`kaiming_normal_(a=1)`: variance 1 / fan-in."""
    return keras.initializers.VarianceScaling(1.0, "fan_in", "untruncated_normal")


@keras.saving.register_keras_serializable("ganime_tf")
class GlobalMean(layers.Layer):
    """Mean over height and width, kept as `(N, 1, 1, C)`, summed in float32."""

    def call(self, x):
        """Returns `(N, 1, 1, C)`."""
        return ops.cast(ops.mean(ops.cast(x, "float32"), axis=(1, 2), keepdims=True), x.dtype)

    def compute_output_shape(self, input_shape):
        """One pixel a picture."""
        return (input_shape[0], 1, 1, input_shape[-1])


def build_bisenet(
    *,
    num_classes: int = 17,
    filters: int = 64,
    small_input: bool = False,
    normalize: bool = True,
    name: str = "bisenet",
) -> keras.Model:
    """Builds the network: ResNet-18, two attention refinements, fusion, three heads.

    Args:
        num_classes: Classes, background included.
        filters: Width of the backbone's first stage; 64 in the release. Everything else scales.
        small_input: A first convolution that keeps the size: all strides are an eighth.
        normalize: Takes pictures in [-1, 1]; else already normalized as ImageNet's.
        name: Name of the model.

    Returns:
        A model from float `(N, H, W, 3)` to three float32 scores `(N, H, W, num_classes)`: the
        result, and the two that help training (from strides 8 and 16 of the context). H and W
        are multiples of 32.

    Raises:
        ValueError: When there are fewer than 2 classes.
    """
    if num_classes < 2:
        raise ValueError(f"`num_classes` must be at least 2. Received {num_classes}.")
    narrow = 2 * filters

    def conv_bn(x, name, width, size):
        x = convolve(x, width, size, name=f"{name}.conv", initializer=_kaiming)
        x = batch_norm(name=f"{name}.bn")(x)
        return layers.ReLU(name=f"{name}.relu")(x)

    def plain(x, name, width):
        return convolve(x, width, 1, name=name, initializer=_kaiming)

    def refine(x, name):
        """Attention refinement: channels weighted by a look at the whole picture."""
        x = conv_bn(x, f"{name}.conv", narrow, 3)
        weight = GlobalMean(name=f"{name}.mean")(x)
        weight = batch_norm(name=f"{name}.bn_atten")(plain(weight, f"{name}.conv_atten", narrow))
        weight = layers.Activation("sigmoid", name=f"{name}.sigmoid")(weight)
        return layers.Multiply(name=f"{name}.scale")([x, weight])

    def up(x, name):
        return NearestUpsampling(2, name=name)(x)

    image = keras.Input((None, None, 3), name="image")
    x = imagenet_input(image) if normalize else image
    _, feat8, feat16, feat32 = add_resnet(
        x, filters=filters, small_input=small_input, prefix="cp.resnet."
    )
    context = GlobalMean(name="cp.mean")(feat32)
    context = conv_bn(context, "cp.conv_avg", narrow, 1)
    x32 = layers.Add(name="cp.add32")([refine(feat32, "cp.arm32"), context])
    x32 = conv_bn(up(x32, "cp.up32"), "cp.conv_head32", narrow, 3)
    x16 = layers.Add(name="cp.add16")([refine(feat16, "cp.arm16"), x32])
    x16 = conv_bn(up(x16, "cp.up16"), "cp.conv_head16", narrow, 3)

    fused = layers.Concatenate(name="ffm.concat")([feat8, x16])
    fused = conv_bn(fused, "ffm.convblk", 2 * narrow, 1)
    weight = plain(GlobalMean(name="ffm.mean")(fused), "ffm.conv1", narrow // 2)
    weight = plain(layers.ReLU(name="ffm.relu")(weight), "ffm.conv2", 2 * narrow)
    weight = layers.Activation("sigmoid", name="ffm.sigmoid")(weight)
    scaled = layers.Multiply(name="ffm.scale")([fused, weight])
    fused = layers.Add(name="ffm.add")([scaled, fused])

    heads = (("conv_out", fused, 2 * narrow), ("conv_out16", x16, filters),
             ("conv_out32", x32, filters))  # fmt: skip
    outputs = []
    for head, features, width in heads:
        y = conv_bn(features, f"{head}.conv", width, 3)
        y = plain(y, f"{head}.conv_out", num_classes)
        outputs.append(ResizeLike(name=f"{head}.resize")(y, image))
    return keras.Model(image, outputs, name=name)
