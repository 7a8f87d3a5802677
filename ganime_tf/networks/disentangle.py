"""Encoder, generator, classifiers and style bank of the disentangling paper.

Xiang and Li 2019, arXiv:1905.10742, with the blocks of the author's released code. Layers are
named as its modules (`levels.1.0.residue.0`), so that a state dict maps by name.
"""

import keras
from keras import layers, ops

from ganime_tf.layers.disentangle import (
    BatchRegularization,
    CenteredPReLU,
    RatioAdd,
    UnitFilters,
    Warp,
    WeightedPool,
)

_SOFTPLUS_1 = 0.541324854612918  # softplus of it is 1


class _Blocks:
    """Adds the blocks of one network and knows each one's share of the variance.

    Every block adds 1 / (blocks of its level) to a total that starts at 1; its residue starts
    with its addition's share of the new total.
    """

    def __init__(self, regularize: bool = False):
        self.total = 1.0
        self.losses = [] if regularize else None

    def level(self, x, number: int, blocks: list) -> keras.KerasTensor:
        """Adds a level: `(kind, channels)` of each block."""
        for index, (kind, width) in enumerate(blocks):
            part = 1.0 / len(blocks)
            self.total += part
            name = f"levels.{number}.{index}"
            if kind == "bus":
                x = self._bus(x, part / self.total, name)
            else:
                x = self._residue(x, width, kind, part / self.total, name)
            if self.losses is not None:
                regular = BatchRegularization(name=f"{name}.batch_reg", dtype="float32")
                self.losses.append(regular(x))
        return x

    @staticmethod
    def _residue(x, width, kind, ratio, name):
        last = kind == "last"
        if kind in ("up", "last"):
            residue = layers.Conv2DTranspose(
                width, 6, 2, "same",
                kernel_initializer=UnitFilters(transposed=True, length=2.0),
                name=f"{name}.residue.0",
            )(x)  # fmt: skip
        else:
            size, stride = (6, 2) if kind == "down" else (3, 1)
            residue = layers.Conv2D(
                width, size, stride, "same",
                kernel_initializer=UnitFilters(), name=f"{name}.residue.0",
            )(x)  # fmt: skip
        if not last:
            residue = CenteredPReLU(name=f"{name}.residue.1")(residue)
        shortcut = x
        if kind == "down":
            shortcut = layers.AveragePooling2D(2, name=f"{name}.shortcut.0")(shortcut)
        if x.shape[-1] != width:
            shortcut = layers.Conv2D(
                width, 1, kernel_initializer=UnitFilters(), name=f"{name}.shortcut.1"
            )(shortcut)
        if kind in ("up", "last"):
            shortcut = layers.UpSampling2D(2, name=f"{name}.shortcut.2")(shortcut)
        return RatioAdd(ratio, name=name)(shortcut, residue)

    @staticmethod
    def _bus(x, ratio, name):
        """Every position hears of the whole picture."""

        def conv(label):
            return layers.Conv2D(
                x.shape[-1], 1, kernel_initializer=UnitFilters(), name=f"{name}.{label}"
            )(x)

        pooled = WeightedPool(name=f"{name}.pool")(conv("write_value_map"), conv("weight_map"))
        pooled = layers.Dense(
            x.shape[-1], kernel_initializer=UnitFilters(), name=f"{name}.read_value_map"
        )(pooled)
        return RatioAdd(ratio, name=name)(x, pooled)


def _dense(x, width, name, **kwargs):
    return layers.Dense(width, kernel_initializer=UnitFilters(), name=name, **kwargs)(x)


def _check_size(image_size: int, filters: tuple[int, ...]) -> int:
    """Returns the side of the innermost features."""
    if image_size % 2 ** len(filters):
        raise ValueError(
            f"`image_size` must be a multiple of {2 ** len(filters)} for {len(filters)} levels. "
            f"Received {image_size}."
        )
    return image_size // 2 ** len(filters)


def _trunk(image, filters, width, bus, blocks):
    """The halving levels and the fully connected layer that E, C and D share."""
    x = image
    for number, channels in enumerate(filters):
        parts = [("down", channels), ("conv", channels)]
        if bus and number:
            parts.insert(1, ("bus", channels))
        x = blocks.level(x, number, parts)
    x = _dense(layers.Flatten(name="flatten")(x), width, "fc.0")
    if blocks.losses is None:
        return CenteredPReLU(name="fc.1")(x)
    blocks.losses.append(BatchRegularization(name="fc.1", dtype="float32")(x))
    return CenteredPReLU(name="fc.2")(x)


def build_content_encoder(
    *,
    image_size: int = 256,
    input_channels: int = 3,
    filters: tuple[int, ...] = (32, 64, 128, 256, 512, 1024),
    dense: int = 2048,
    content_size: int = 256,
    bus: bool = False,
    name: str = "encoder",
) -> keras.Model:
    """Builds E: a picture to mean and deviation of its content code.

    Args:
        image_size: Side of the pictures, a multiple of `2 ** len(filters)`.
        input_channels: 3, or 4 with the alpha mask of the author's code.
        filters: Channels of the levels; each halves the size.
        dense: Width of the fully connected layer.
        content_size: Length of the code.
        bus: The code's blocks that pool over the whole picture; the paper has none.
        name: Name of the model.

    Returns:
        A model from float `(N, S, S, input_channels)` to float32 mean and deviation `(N, K)`.

    Raises:
        ValueError: On a size that cannot be halved so often.
    """
    _check_size(image_size, filters)
    image = keras.Input((image_size, image_size, input_channels), name="image")
    x = _trunk(image, filters, dense, bus, _Blocks())
    mean = _dense(x, content_size, "mean", dtype="float32")
    std = _dense(x, content_size, "pstd", dtype="float32")
    std = layers.Activation("softplus", dtype="float32", name="std")(std)
    return keras.Model(image, [mean, std], name=name)


def build_style_generator(
    *,
    image_size: int = 256,
    filters: tuple[int, ...] = (32, 64, 128, 256, 512, 1024),
    dense: int = 2048,
    content_size: int = 256,
    style_size: int = 256,
    bus: bool = False,
    warp: bool = False,
    name: str = "generator",
) -> keras.Model:
    """Builds G: content and style codes to a picture.

    Args:
        image_size: Side of the pictures, a multiple of `2 ** len(filters)`.
        filters: Channels of the levels, outermost first, as in `build_content_encoder`.
        dense: Width of the fully connected layer.
        content_size: Length of the content code.
        style_size: Length of the style code.
        bus: The code's blocks that pool over the whole picture.
        warp: The code's last layer, which also moves pixels.
        name: Name of the model.

    Returns:
        A model from `[content (N, K), style (N, L)]` to float32 pictures `(N, S, S, 3)` in
        [-1, 1] and the penalty of the warp, a scalar; without `warp` to the pictures alone.

    Raises:
        ValueError: On a size that cannot be halved so often.
    """
    side = _check_size(image_size, filters)
    content = keras.Input((content_size,), name="content")
    style = keras.Input((style_size,), name="style")
    x = layers.Concatenate(name="codes")([content, style])
    x = CenteredPReLU(name="fc.1")(_dense(x, dense, "fc.0"))
    x = CenteredPReLU(name="fc.3")(_dense(x, side * side * filters[-1], "fc.2"))
    x = layers.Reshape((side, side, filters[-1]), name="reshape")(x)
    blocks = _Blocks()
    for number in range(len(filters)):
        width = filters[len(filters) - 1 - number]
        last = number == len(filters) - 1
        out = (5 if warp else 3) if last else filters[len(filters) - 2 - number]
        parts = [("conv", width), ("last" if last else "up", out)]
        if bus and not last:
            parts.insert(1, ("bus", width))
        x = blocks.level(x, number, parts)
    penalty = None
    if warp:
        x, penalty = Warp(name="warp", dtype="float32")(x)
    x = layers.Activation("tanh", dtype="float32", name="output")(x)
    return keras.Model([content, style], [x, penalty] if warp else x, name=name)


def build_style_judge(
    *,
    image_size: int = 256,
    input_channels: int = 3,
    filters: tuple[int, ...] = (32, 64, 128, 256, 512, 1024),
    dense: int = 2048,
    num_outputs: int = 1139,
    head: str = "cla",
    bus: bool = False,
    regularize: bool = True,
    name: str = "classifier",
) -> keras.Model:
    """Builds C1, C2 (`num_outputs` artists) or D (`num_outputs=1`, `head="dis"`).

    Args:
        image_size: Side of the pictures, a multiple of `2 ** len(filters)`.
        input_channels: 3, or 4 with the alpha mask of the author's code.
        filters: Channels of the levels.
        dense: Width of the fully connected layer.
        num_outputs: Number of artists, or 1.
        head: Name of the last layer in the released files: "cla" or "dis".
        bus: The code's blocks that pool over the whole picture.
        regularize: Compute the code's batch regularization; the paper has none.
        name: Name of the model.

    Returns:
        A model from float `(N, S, S, input_channels)` to float32 raw scores `(N, num_outputs)`
        and, with `regularize`, the batch regularization of all places, a float32 scalar (N at
        least 2); else to the scores alone.

    Raises:
        ValueError: On a size that cannot be halved so often.
    """
    _check_size(image_size, filters)
    image = keras.Input((image_size, image_size, input_channels), name="image")
    blocks = _Blocks(regularize)
    x = _trunk(image, filters, dense, bus, blocks)
    scores = _dense(x, num_outputs, head, dtype="float32")
    if not regularize:
        return keras.Model(image, scores, name=name)
    total = ops.sum(ops.stack(blocks.losses))
    return keras.Model(image, [scores, total], name=name)


@keras.saving.register_keras_serializable("ganime_tf")
class StyleBank(keras.Model):
    """S: mean and deviation of the style code of every artist.

    They are normalized over all artists, weighted by how many pictures each has, so that codes
    have mean 0 and variance 1.

    Args:
        num_artists: Number of artists.
        style_size: Length of the code.
        **kwargs: Of `keras.Model`.

    Call arguments:
        labels: Integer `(N,)`.

    Returns:
        float32 mean and deviation `(N, style_size)`.
    """

    def __init__(self, num_artists: int, style_size: int = 256, **kwargs):
        super().__init__(**kwargs)
        self.num_artists, self.style_size = num_artists, style_size
        shape = (num_artists, style_size)
        self.mean = self.add_weight(shape=shape, initializer="zeros", name="mean")
        start = keras.initializers.Constant(_SOFTPLUS_1)
        self.pstd = self.add_weight(shape=shape, initializer=start, name="pstd")
        self.frequency = self.add_weight(
            shape=(num_artists,),
            initializer=keras.initializers.Constant(1.0 / num_artists),
            trainable=False,
            name="frequency",
        )
        self.built = True

    def table(self):
        """Returns normalized mean and deviation of all artists, `(num_artists, style_size)`."""
        weight = self.frequency[:, None]
        std = ops.softplus(self.pstd)
        mean = ops.sum(weight * self.mean, axis=0)
        second = ops.sum(weight * (ops.square(self.mean) + ops.square(std)), axis=0)
        scale = ops.sqrt(second - ops.square(mean) + 1e-8)
        return (self.mean - mean) / scale, std / scale

    def call(self, labels):
        """Returns mean and deviation of these artists."""
        mean, std = self.table()
        return ops.take(mean, labels, axis=0), ops.take(std, labels, axis=0)

    def divergence(self):
        """Returns the KL divergence to N(0, 1) by dimension, weighted by frequency: `(K,)`."""
        mean, std = self.table()
        by_artist = 0.5 * (ops.square(mean) + ops.square(std)) - ops.log(std) - 0.5
        return ops.sum(self.frequency[:, None] * by_artist, axis=0)

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {
            "num_artists": self.num_artists,
            "style_size": self.style_size,
            "name": self.name,
        }
