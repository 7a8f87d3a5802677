"""The colour barrier's U-Net: ink in, where colours change out. Small, and without odd layers.

`colouring/network.py` runs the same network in NumPy, so that colouring needs no TensorFlow.
"""

from collections.abc import Sequence

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable("ganime_tf")
class SpaceToDepth(layers.Layer):
    """Blocks of `block` x `block` pixels become channels: `(N, H, W, C)` -> `(N, H/b, W/b, bbC)`.

    Args:
        block: Side of a block; height and width must be multiples of it.
    """

    def __init__(self, block: int = 2, **kwargs):
        super().__init__(**kwargs)
        self.block = block

    def call(self, x):
        """See the class."""
        n, h, w, c = ops.shape(x)
        b = self.block
        x = ops.reshape(x, (n, h // b, b, w // b, b, c))
        return ops.reshape(ops.transpose(x, (0, 1, 3, 2, 4, 5)), (n, h // b, w // b, b * b * c))

    def compute_output_shape(self, shape):
        """Height and width shrink where they are known."""
        n, h, w, c = shape
        b = self.block
        return n, None if h is None else h // b, None if w is None else w // b, b * b * c

    def get_config(self):
        """The block's side."""
        return {**super().get_config(), "block": self.block}


@keras.saving.register_keras_serializable("ganime_tf")
class DepthToSpace(layers.Layer):
    """The inverse of `SpaceToDepth`: `(N, H, W, bbC)` -> `(N, bH, bW, C)`.

    Args:
        block: Side of a block.
    """

    def __init__(self, block: int = 2, **kwargs):
        super().__init__(**kwargs)
        self.block = block

    def call(self, x):
        """See the class."""
        n, h, w, c = ops.shape(x)
        b = self.block
        x = ops.reshape(x, (n, h, w, b, b, c // (b * b)))
        x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
        return ops.reshape(x, (n, h * b, w * b, c // (b * b)))

    def compute_output_shape(self, shape):
        """Height and width grow where they are known."""
        n, h, w, c = shape
        b = self.block
        return n, None if h is None else h * b, None if w is None else w * b, c // (b * b)

    def get_config(self):
        """The block's side."""
        return {**super().get_config(), "block": self.block}


def _convs(x, filters: int, count: int, name: str):
    for k in range(count):
        x = layers.Conv2D(
            filters,
            3,
            padding="same",
            use_bias=False,
            kernel_initializer="he_normal",
            name=f"{name}_conv{k}",
        )(x)
        # Float32 whatever the policy: its moving averages do not move in bfloat16.
        x = layers.BatchNormalization(
            momentum=0.98, epsilon=1e-3, dtype="float32", name=f"{name}_norm{k}"
        )(x)
        x = layers.ReLU(name=f"{name}_relu{k}")(x)
    return x


def build_barrier(
    *,
    filters: Sequence[int] = (24, 40, 64, 96, 96),
    convs: int = 2,
    channels: int = 1,
    embedding: int = 0,
    name: str = "barrier",
) -> keras.Model:
    """Builds one of the colouriser's networks: they differ in what they see and answer.

    Args:
        filters: Channels at strides 2, 4, 8, ...
        convs: Convolutions of a level, on the way down and on the way up.
        channels: Of the input: 1 is the ink, 4 are ink and flat colours.
        embedding: 0 for logits; otherwise so many numbers for every second pixel, by which the
            matching network compares pictures.
        name: Of the model.

    Returns:
        A model from ink in [0, 1], 1 where there is ink, and colours in [0, 1], float
        `(N, H, W, channels)`, to logits of a colour change, or of a shadow, float32
        `(N, H, W, 1)`, or to `(N, H/2, W/2, embedding)`. Height and width must be multiples of
        `2**len(filters)`.
    """
    ink = keras.Input((None, None, channels), name="ink")
    x = SpaceToDepth(2, name="stem")(ink)
    skips = []
    for level, width in enumerate(filters):
        if level:
            x = layers.MaxPooling2D(2, name=f"pool{level}")(x)
        x = _convs(x, width, convs, f"down{level}")
        skips.append(x)
    for level in reversed(range(len(filters) - 1)):
        x = layers.UpSampling2D(2, interpolation="nearest", name=f"up{level}_resize")(x)
        x = layers.Concatenate(name=f"up{level}_join")([x, skips[level]])
        x = _convs(x, filters[level], convs, f"up{level}")
    x = layers.Conv2D(embedding or 4, 3, padding="same", dtype="float32", name="head")(x)
    if embedding:
        return keras.Model(ink, x, name=name)
    return keras.Model(ink, DepthToSpace(2, dtype="float32", name="logits")(x), name=name)
