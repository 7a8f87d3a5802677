"""A small recognition network of the package's own, and its layers as features."""

from collections.abc import Sequence

import keras
from keras import layers

from ganime_tf.layers.norm import batch_norm
from ganime_tf.layers.random import Dropout


def build_recognizer(*, filters: Sequence[int], name: str = "recognizer") -> keras.Model:
    """Builds the trunk of a classifier: levels of two 3x3 convolutions, each of half the size.

    Args:
        filters: Channels of the levels.
        name: Name of the model.

    Returns:
        A model from float `(N, H, W, 3)` in [-1, 1], any size from 2 to the number of levels on,
        to `{"level1": features, "level2": ...}`, after ReLU.

    Raises:
        ValueError: Without levels.
    """
    if not filters:
        raise ValueError("`filters` must name at least one level. Received none.")
    image = x = keras.Input((None, None, 3), name="image")
    outputs = {}
    for level, width in enumerate(filters, 1):
        for part, stride in ((1, 2), (2, 1)):
            label = f"level{level}_conv{part}"
            x = layers.Conv2D(
                width, 3, stride, "same", use_bias=False,
                kernel_initializer="he_normal", name=label,
            )(x)  # fmt: skip
            x = batch_norm(name=f"{label}_norm")(x)
            x = layers.ReLU(name=f"{label}_act")(x)
        outputs[f"level{level}"] = x
    return keras.Model(image, outputs, name=name)


def build_class_head(
    *, channels: int, num_classes: int, dropout: float = 0.0, name: str = "head"
) -> keras.Model:
    """Builds the scores of classes of the last level of a trunk.

    Args:
        channels: Of the level.
        num_classes: Classes.
        dropout: Rate before the dense layer.
        name: Name of the model.

    Returns:
        A model from `(N, h, w, channels)` to float32 raw scores `(N, num_classes)`.
    """
    features = keras.Input((None, None, channels), name="features")
    x = layers.GlobalAveragePooling2D(name="pool")(features)
    if dropout:
        x = Dropout(dropout, name="dropout")(x)
    x = layers.Dense(num_classes, name="dense")(x)
    x = layers.Activation("linear", dtype="float32", name="scores")(x)
    return keras.Model(features, x, name=name)
