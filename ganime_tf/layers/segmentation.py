"""Attention and resizing of the segmentation networks (Fu et al. 2019; BiSeNet's heads)."""

import keras
import tensorflow as tf
from keras import layers, ops


@keras.saving.register_keras_serializable("ganime_tf")
class ResizeLike(layers.Layer):
    """Bilinear resizing to the size of another tensor, corners on corners.

    PyTorch's `interpolate(mode="bilinear", align_corners=True)`, which the releases use. Sizes may
    be unknown; the result is float32, for it holds scores.

    Call arguments:
        x: Float `(N, h, w, C)`.
        like: `(N, H, W, any)`.

    Returns:
        float32 `(N, H, W, C)`.
    """

    def call(self, x, like):
        """Returns the resized tensor."""
        resized = tf.raw_ops.ResizeBilinear(
            images=x, size=tf.shape(like)[1:3], align_corners=True, half_pixel_centers=False
        )
        resized.set_shape(self.compute_output_shape(x.shape, like.shape))
        return resized

    def compute_output_shape(self, x_shape, like_shape):
        """Batch and channels of `x`, the size of `like`."""
        return (x_shape[0], like_shape[1], like_shape[2], x_shape[3])

    def compute_output_spec(self, x, like):
        """The shape in float32."""
        return keras.KerasTensor(self.compute_output_shape(x.shape, like.shape), "float32")


def _rows(x):
    """`(N, H, W, C)` to `(N, H * W, C)`."""
    return ops.reshape(x, (ops.shape(x)[0], -1, x.shape[-1]))


@keras.saving.register_keras_serializable("ganime_tf")
class PositionAttention(layers.Layer):
    """Every pixel takes a share of every other's features (Fu et al. 2019, eq. (1) and (2)).

    `gamma * sum_j softmax_j(q_i . k_j) v_j + x_i`, without scaling; gamma starts at 0, so that
    the layer starts as the identity. The softmax is computed in float32.

    Args:
        reduction: Channels of query and key are the input's divided by this.
        **kwargs: Of `keras.layers.Layer`.

    Call arguments:
        x: Float `(N, H, W, C)`. Memory grows with `(H * W)**2`.
    """

    def __init__(self, reduction: int = 8, **kwargs):
        super().__init__(**kwargs)
        self.reduction = reduction

    def build(self, input_shape):
        """Makes the three 1x1 convolutions and gamma."""
        channels = input_shape[-1]
        narrow = max(channels // self.reduction, 1)
        for name, width in (
            ("query_conv", narrow),
            ("key_conv", narrow),
            ("value_conv", channels),
        ):
            conv = layers.Conv2D(width, 1, name=name, dtype=self.dtype_policy)
            conv.build(input_shape)
            setattr(self, name, conv)
        self.gamma = self.add_weight(shape=(1,), initializer="zeros", name="gamma")
        self.built = True

    def call(self, x):
        """Returns features of the same shape."""
        query, key, value = (
            _rows(conv(x)) for conv in (self.query_conv, self.key_conv, self.value_conv)
        )
        energy = ops.cast(ops.matmul(query, ops.transpose(key, (0, 2, 1))), "float32")
        attention = ops.cast(ops.softmax(energy, axis=-1), value.dtype)
        mixed = ops.reshape(ops.matmul(attention, value), ops.shape(x))
        return ops.cast(self.gamma, x.dtype) * mixed + x

    def compute_output_shape(self, input_shape):
        """The shape is kept."""
        return input_shape

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return super().get_config() | {"reduction": self.reduction}


@keras.saving.register_keras_serializable("ganime_tf")
class ChannelAttention(layers.Layer):
    """Every channel takes a share of every other channel (Fu et al. 2019, eq. (3) and (4)).

    `gamma * softmax(rowmax(E) - E) X + x` with `E = X X^T`, as released: subtracting from the
    maximum prefers channels that are unlike. gamma starts at 0. Float32 inside: the entries of E
    are sums over all pixels.

    Call arguments:
        x: Float `(N, H, W, C)`.
    """

    def build(self, input_shape):
        """Makes gamma."""
        self.gamma = self.add_weight(shape=(1,), initializer="zeros", name="gamma")
        self.built = True

    def call(self, x):
        """Returns features of the same shape."""
        rows = ops.cast(_rows(x), "float32")
        energy = ops.matmul(ops.transpose(rows, (0, 2, 1)), rows)
        energy = ops.max(energy, axis=-1, keepdims=True) - energy
        attention = ops.softmax(energy, axis=-1)
        mixed = ops.matmul(rows, ops.transpose(attention, (0, 2, 1)))
        mixed = ops.cast(ops.reshape(mixed, ops.shape(x)), x.dtype)
        return ops.cast(self.gamma, x.dtype) * mixed + x

    def compute_output_shape(self, input_shape):
        """The shape is kept."""
        return input_shape
