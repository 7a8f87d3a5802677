"""StyleGAN2 (Karras et al. 2020, config F): mapping, skip generator, residual discriminator."""

import math

import keras
from keras import layers, ops

from ganime_tf.layers.equalized import EqualConv2D, EqualDense
from ganime_tf.layers.minibatch_std import MinibatchStd
from ganime_tf.layers.modulated import ModulatedConv2D
from ganime_tf.layers.upfirdn import downsample2d, upsample2d


def check_image_size(image_size: int) -> None:
    """Raises a ValueError unless the size is a power of 2 from 8 on."""
    if image_size < 8 or image_size & (image_size - 1):
        raise ValueError(f"`image_size` must be a power of 2 from 8 on. Received {image_size}.")


def num_styles(image_size: int) -> int:
    """Returns how many latents a picture takes: two a resolution, shared with the next one's."""
    return 2 * int(math.log2(image_size)) - 2


def num_channels(resolution: int, base: int, most: int) -> int:
    """Returns the channels of a resolution, `min(base / resolution, most)`."""
    return min(base // resolution, most)


@keras.saving.register_keras_serializable("ganime_tf")
class UnitMoment(keras.layers.Layer):
    """Scales each row to a mean square of 1: `x / sqrt(mean(x^2) + 1e-8)`, float32."""

    def call(self, x):
        """Returns `x` scaled, `(N, K)`."""
        x = ops.cast(x, "float32")
        return x * ops.rsqrt(ops.mean(ops.square(x), axis=1, keepdims=True) + 1e-8)


@keras.saving.register_keras_serializable("ganime_tf")
class MeanLatent(keras.layers.Layer):
    """Keeps the running mean of the latents that pass in training.

    Args:
        decay: Weight of the old mean, 0.995 in the official code.

    Call arguments:
        w: float32 `(N, K)`, returned as it is.
        training: Update the mean.
    """

    def __init__(self, decay: float = 0.995, **kwargs):
        super().__init__(**kwargs)
        self.decay = decay

    def build(self, input_shape):
        """Creates the mean, averaged over replicas."""
        self.mean = self.add_weight(
            name="mean",
            shape=(input_shape[-1],),
            initializer="zeros",
            trainable=False,
            aggregation="mean",
        )

    def call(self, w, training=False):
        """Updates the mean and returns `w`."""
        if training:
            batch = ops.stop_gradient(ops.mean(w, axis=0))
            self.mean.assign(batch + self.decay * (ops.convert_to_tensor(self.mean) - batch))
        return w

    def get_config(self):
        """Returns the constructor arguments."""
        return {**super().get_config(), "decay": self.decay}


@keras.saving.register_keras_serializable("ganime_tf")
class LearnedConstant(keras.layers.Layer):
    """The learned 4x4 start of every picture, once for each row of its input.

    Args:
        channels: Channels of the constant.
    """

    def __init__(self, channels: int, **kwargs):
        super().__init__(**kwargs)
        self.channels = channels

    def build(self, input_shape):
        """Creates the constant."""
        self.constant = self.add_weight(
            name="constant",
            shape=(4, 4, self.channels),
            initializer=keras.initializers.RandomNormal(0.0, 1.0),
        )

    def call(self, ws):
        """Returns `(N, 4, 4, channels)`."""
        shape = (ops.shape(ws)[0], 4, 4, self.channels)
        return ops.broadcast_to(ops.cast(self.constant, self.compute_dtype), shape)

    def compute_output_shape(self, input_shape):
        """Returns the shape of the constant for a batch."""
        return (input_shape[0], 4, 4, self.channels)

    def get_config(self):
        """Returns the constructor arguments."""
        return {**super().get_config(), "channels": self.channels}


@keras.saving.register_keras_serializable("ganime_tf")
class Upsample2D(keras.layers.Layer):
    """Doubles pictures with the filter [1, 3, 3, 1]."""

    def call(self, x):
        """Returns `(N, 2H, 2W, C)`."""
        return upsample2d(x)

    def compute_output_shape(self, input_shape):
        """Returns the doubled shape."""
        batch, height, width, channels = input_shape
        return batch, 2 * height, 2 * width, channels


@keras.saving.register_keras_serializable("ganime_tf")
class Downsample2D(keras.layers.Layer):
    """Halves pictures with the filter [1, 3, 3, 1]."""

    def call(self, x):
        """Returns `(N, H / 2, W / 2, C)`."""
        return downsample2d(x)

    def compute_output_shape(self, input_shape):
        """Returns the halved shape."""
        batch, height, width, channels = input_shape
        return batch, height // 2, width // 2, channels


def truncate(ws, mean, psi=1.0, cutoff: int | None = None):
    """Moves latents towards their mean: less variety, fewer failures (Karras et al. 2019, app. B).

    Args:
        ws: float32 `(N, L, K)`.
        mean: Mean latent, `(K,)`.
        psi: 1 for no change, 0 for the mean: a number or `(N,)`.
        cutoff: Only the first so many layers.

    Returns:
        float32 `(N, L, K)`.
    """
    psi = ops.reshape(ops.convert_to_tensor(psi, "float32"), (-1, 1, 1))
    moved = mean + psi * (ws - mean)
    if cutoff is None:
        return moved
    return ops.concatenate([moved[:, :cutoff], ws[:, cutoff:]], axis=1)


def build_mapping(
    *,
    latent_size: int = 512,
    style_size: int = 512,
    num_layers: int = 8,
    num_labels: int = 0,
    lr_multiplier: float = 0.01,
    name: str = "mapping",
) -> keras.Model:
    """Builds the mapping network, float32: z `(N, latent_size)` to w `(N, style_size)`.

    With `num_labels` it takes `[z, label]`, the label one-hot `(N, num_labels)`. The layer "mean"
    holds the mean latent; a call with `training=True` updates it.
    """
    z = keras.Input((latent_size,), name="z", dtype="float32")
    inputs, x = z, UnitMoment(dtype="float32", name="unit_z")(z)
    if num_labels:
        label = keras.Input((num_labels,), name="label", dtype="float32")
        embedded = EqualDense(style_size, dtype="float32", name="embed")(label)
        embedded = UnitMoment(dtype="float32", name="unit_label")(embedded)
        x = layers.Concatenate(dtype="float32", name="join")([x, embedded])  # (N, z + w)
        inputs = [z, label]
    for index in range(num_layers):
        x = EqualDense(
            style_size,
            activation="lrelu",
            lr_multiplier=lr_multiplier,
            dtype="float32",
            name=f"fc{index}",
        )(x)
    x = MeanLatent(dtype="float32", name="mean")(x)
    return keras.Model(inputs, x, name=name)


def build_synthesis(
    *,
    image_size: int = 256,
    style_size: int = 512,
    channel_base: int = 32768,
    channel_max: int = 512,
    name: str = "synthesis",
) -> keras.Model:
    """Builds the synthesis network: ws `(N, num_styles(image_size), style_size)` to pictures.

    Pictures are float32 `(N, S, S, 3)`, about [-1, 1] without a bound. A call with
    `training=True` draws fresh noise; else the stored maps are used.

    Raises:
        ValueError: On a size that is no power of 2 from 8 on.
    """
    check_image_size(image_size)
    ws = keras.Input((num_styles(image_size), style_size), name="ws", dtype="float32")
    x, image, index, resolution = None, None, 0, 4
    while resolution <= image_size:
        channels, block = num_channels(resolution, channel_base, channel_max), f"b{resolution}"
        if x is None:
            x = LearnedConstant(channels, name="b4_const")(ws)
        else:
            x = ModulatedConv2D(channels, up=True, name=f"{block}_conv0")(x, ws[:, index])
            index += 1
        x = ModulatedConv2D(channels, name=f"{block}_conv1")(x, ws[:, index])
        index += 1
        rgb = ModulatedConv2D(
            3,
            1,
            demodulate=False,
            noise=False,
            activation="linear",
            dtype="float32",
            name=f"{block}_torgb",
        )(x, ws[:, index])  # the next convolution takes the same latent
        if image is None:
            image = rgb
        else:
            image = Upsample2D(dtype="float32", name=f"{block}_up")(image)
            image = layers.Add(dtype="float32", name=f"{block}_add")([image, rgb])
        resolution *= 2
    return keras.Model(ws, image, name=name)


def build_stylegan2_discriminator(
    *,
    image_size: int = 256,
    channel_base: int = 32768,
    channel_max: int = 512,
    group_size: int = 4,
    num_labels: int = 0,
    mapping_layers: int = 8,
    name: str = "discriminator",
) -> keras.Model:
    """Builds the residual discriminator: pictures float `(N, S, S, 3)` to scores float32 `(N, 1)`.

    With `num_labels` it takes `[images, label]` and projects on a mapped label, as the official
    code with adaptive augmentation does.

    Raises:
        ValueError: On a size that is no power of 2 from 8 on.
    """
    check_image_size(image_size)
    half = 0.5**0.5
    images = keras.Input((image_size, image_size, 3), name="images")
    inputs, resolution = images, image_size
    channels = num_channels(resolution, channel_base, channel_max)
    x = EqualConv2D(channels, 1, name=f"b{resolution}_fromrgb")(images)
    while resolution > 4:
        wider = num_channels(resolution // 2, channel_base, channel_max)
        block = f"b{resolution}"
        skip = EqualConv2D(
            wider, 1, down=True, use_bias=False, activation="linear", gain=half,
            name=f"{block}_skip",
        )(x)  # fmt: skip
        x = EqualConv2D(channels, name=f"{block}_conv0")(x)
        x = EqualConv2D(wider, down=True, gain=half, name=f"{block}_conv1")(x)
        x = layers.Add(name=f"{block}_add")([x, skip])
        channels, resolution = wider, resolution // 2
    x = MinibatchStd(group_size, dtype="float32", name="b4_std")(x)
    x = EqualConv2D(channels, dtype="float32", name="b4_conv")(x)
    x = layers.Flatten(dtype="float32", name="b4_flat")(x)
    x = EqualDense(channels, activation="lrelu", dtype="float32", name="b4_fc")(x)
    if not num_labels:
        x = EqualDense(1, dtype="float32", name="b4_out")(x)
        return keras.Model(inputs, x, name=name)
    label = keras.Input((num_labels,), name="label", dtype="float32")
    y = EqualDense(channels, dtype="float32", name="embed")(label)
    y = UnitMoment(dtype="float32", name="unit_label")(y)
    for index in range(mapping_layers):
        y = EqualDense(
            channels, activation="lrelu", lr_multiplier=0.01, dtype="float32", name=f"fc{index}"
        )(y)
    x = EqualDense(channels, dtype="float32", name="b4_out")(x)
    score = layers.Dot(axes=1, dtype="float32", name="projection")([x, y])
    score = layers.Rescaling(channels**-0.5, dtype="float32", name="score")(score)
    return keras.Model([images, label], score, name=name)
