"""U-GAT-IT: unpaired translation guided by attention, with adaptive layer-instance norm.

Papers: Kim et al. 2020 (arXiv 1907.10830); GANime portraits, sections 4.4 and 5.3.
Official code: znxlwm/UGATIT-pytorch (variant "torch"), taki0112/UGATIT (variant "tf1").
Deviations: docs/models/ugatit.md.

Code name -> paper symbol: generator_a2b -> G_s->t, discriminators_b -> D_t, *_weight -> lambda_1
(adversarial), lambda_2 (cycle), lambda_3 (identity), lambda_4 (CAM).
"""

import dataclasses
from typing import Literal

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from ganime_tf import losses
from ganime_tf.models.cyclegan import check_direction
from ganime_tf.models.optimizers import Adam
from ganime_tf.models.translator import Translator, TranslatorConfig
from ganime_tf.networks.ugatit import build_ugatit_discriminator, build_ugatit_generator
from ganime_tf.ops import images as image_ops


@dataclasses.dataclass(frozen=True)
class UGATITConfig(TranslatorConfig):
    """Hyper-parameters of U-GAT-IT; the defaults are those of the official PyTorch release."""

    num_epochs: int = 294
    """Epochs of the whole training: 1,000,000 steps over the 3,400 pictures of selfie2anime."""
    variant: Literal["torch", "tf1"] = "torch"
    """Which official release to follow where they differ; see docs/models/ugatit.md."""
    light: bool = False
    """The MLP of gamma and beta sees averaged features: 11 instead of 279 million parameters."""
    mlp_downsample: int = 1
    """Side of the cells that features are averaged over before the full MLP."""
    filters: int = 64
    """Channels of the first layer of every network."""
    num_blocks: int = 4
    """Residual blocks of the encoder, and AdaLIN blocks of the decoder."""
    global_layers: int = 7
    """Layers of the global discriminators."""
    local_layers: int = 5
    """Layers of the local discriminators."""
    learning_rate: float = 1e-4
    """Adam's step size."""
    beta_1: float = 0.5
    """Adam's first decay."""
    beta_2: float = 0.999
    """Adam's second decay."""
    epsilon: float = 1e-8
    """Adam's epsilon."""
    decay: bool = True
    """Linear decay of the learning rate to 0 over the second half of the training."""
    weight_decay: float = 1e-4
    """Coupled L2: this times the weight is added to its gradient."""
    adversarial_weight: float = 1.0
    """Weight of the adversarial losses of scores and CAM logits, eq. (6)."""
    cycle_weight: float = 10.0
    """Weight of the cycle loss, eq. (6)."""
    identity_weight: float = 10.0
    """Weight of the identity loss, eq. (6)."""
    cam_weight: float = 1000.0
    """Weight of the generators' CAM loss, eq. (6)."""
    recompute: bool = False
    """Computes the generators' activations again in the backward pass instead of keeping them."""

    def __post_init__(self):
        """Checks the fields."""
        super().__post_init__()
        if self.image_size % (4 * self.mlp_downsample):
            raise ValueError(
                "`image_size` must be a multiple of 4 * `mlp_downsample` = "
                f"{4 * self.mlp_downsample}. Received {self.image_size}."
            )
        for name in ("global_layers", "local_layers"):
            value = getattr(self, name)
            if value < 3:
                raise ValueError(f"`{name}` must be at least 3. Received {value}.")
            least = 3 * 2 ** (value - 2)  # 3 pixels before the layers of stride 1
            if self.image_size < least:
                raise ValueError(
                    f"`image_size` {self.image_size} is too small for `{name}` = {value}. Use at "
                    f"least {least} pixels, or fewer layers."
                )


PRESETS = {
    "ugatit": UGATITConfig(),
    "ugatit-light": UGATITConfig(light=True),
    "ugatit-ganime": UGATITConfig(mlp_downsample=4, adversarial_weight=2.0, identity_weight=20.0),
    "ugatit-tf1": UGATITConfig(variant="tf1", num_epochs=100),
    "ugatit-tiny": UGATITConfig(
        image_size=32,
        load_size=36,
        num_epochs=8,
        light=True,
        filters=8,
        num_blocks=1,
        global_layers=4,
        local_layers=3,
        cam_weight=100.0,
    ),
}


@keras.saving.register_keras_serializable("ganime_tf")
class SecondHalfDecay(keras.optimizers.schedules.LearningRateSchedule):
    """Constant for the first half, then linearly to zero at the last step.

    Step s, counted from 1, of N uses `rate * min(1, 2 * (N - s) / N)`, as the PyTorch release; with
    `steps_per_epoch` the rate changes once an epoch, as in the TF release.

    Args:
        learning_rate: The constant value.
        num_steps: Steps N of the whole training.
        steps_per_epoch: Steps between changes; 1 for every step.
    """

    def __init__(self, learning_rate: float, num_steps: int, steps_per_epoch: int = 1):
        self.learning_rate = learning_rate
        self.num_steps = num_steps
        self.steps_per_epoch = steps_per_epoch

    def __call__(self, step):
        """Returns the learning rate at optimizer step `step`, counted from 0."""
        step = ops.cast(step, "float32")
        if self.steps_per_epoch > 1:
            done = ops.floor_divide(step, float(self.steps_per_epoch)) * self.steps_per_epoch
        else:
            done = step + 1.0
        half = float(self.num_steps // 2)
        factor = 1.0 - ops.maximum(0.0, done - half) / (float(self.num_steps) - half)
        return self.learning_rate * ops.maximum(factor, 0.0)

    def get_config(self) -> dict:
        """Returns the constructor's arguments."""
        return {
            "learning_rate": self.learning_rate,
            "num_steps": self.num_steps,
            "steps_per_epoch": self.steps_per_epoch,
        }


@keras.saving.register_keras_serializable("ganime_tf")
class UGATIT(Translator):
    """Attention-guided generators, each against a global and a local discriminator."""

    Config = UGATITConfig
    data_kind = "unpaired"
    batch_keys = ("a", "b")
    loss_names = ("d_loss", "g_adversarial", "g_cycle", "g_identity", "g_cam")
    stride = 4
    min_size = 8

    def build_networks(self):
        """Builds both generators and all four discriminators."""
        config = self.config

        def generator(name):
            return build_ugatit_generator(
                image_size=config.image_size,
                filters=config.filters,
                num_blocks=config.num_blocks,
                light=config.light,
                mlp_downsample=config.mlp_downsample,
                variant=config.variant,
                name=name,
            )

        def discriminator(num_layers, name):
            return build_ugatit_discriminator(
                num_layers=num_layers, filters=config.filters, variant=config.variant, name=name
            )

        self.generator_a2b, self.generator_b2a = (
            generator("generator_a2b"),
            generator("generator_b2a"),
        )
        self.global_discriminator_a = discriminator(config.global_layers, "global_discriminator_a")
        self.global_discriminator_b = discriminator(config.global_layers, "global_discriminator_b")
        self.local_discriminator_a = discriminator(config.local_layers, "local_discriminator_a")
        self.local_discriminator_b = discriminator(config.local_layers, "local_discriminator_b")
        self.discriminators_a = [self.global_discriminator_a, self.local_discriminator_a]
        self.discriminators_b = [self.global_discriminator_b, self.local_discriminator_b]
        return {
            "generator": [self.generator_a2b, self.generator_b2a],
            "discriminator": [*self.discriminators_a, *self.discriminators_b],
        }

    def default_optimizers(self, steps_per_epoch):
        """One Adam for both generators and one for all discriminators."""
        config = self.config

        def adam():
            rate = config.learning_rate
            if steps_per_epoch and config.decay:
                period = steps_per_epoch if config.variant == "tf1" else 1
                rate = SecondHalfDecay(rate, config.num_epochs * steps_per_epoch, period)
            return Adam(rate, config.beta_1, config.beta_2, config.epsilon)

        return {"generator": adam(), "discriminator": adam()}

    def train_step(self, batch):
        """One update of all networks on `{"a", "b"}`, float32 `(N, S, S, 3)` in [-1, 1]."""
        a, b = batch["a"], batch["b"]
        with tf.GradientTape() as tape:
            # One call for both uses of each generator; the statistics keep pictures apart. The same
            # fakes serve both updates: the generators do not change in between.
            outputs, logits_b = self._generate(self.generator_a2b, tf.concat([a, b], 0))
            fake_b, same_b = tf.split(outputs, 2)
            outputs, logits_a = self._generate(self.generator_b2a, tf.concat([b, a], 0))
            fake_a, same_a = tf.split(outputs, 2)
            with tape.stop_recording():
                d_loss = self._update_discriminators(a, b, fake_a, fake_b)
            cycled_a, _ = self._generate(self.generator_b2a, fake_b)
            cycled_b, _ = self._generate(self.generator_a2b, fake_a)
            parts = {
                "g_adversarial": self._fool(self.discriminators_a, fake_a)
                + self._fool(self.discriminators_b, fake_b),
                "g_cycle": losses.l1(cycled_a, a) + losses.l1(cycled_b, b),
                "g_identity": losses.l1(same_a, a) + losses.l1(same_b, b),
                # Label 1: the picture came from the other domain and needs translation.
                "g_cam": sum(
                    losses.gan_discriminator_loss(*tf.split(logits, 2), "bce")
                    for logits in (logits_a, logits_b)
                ),
            }
            config = self.config
            g_loss = (  # eq. (6)
                config.adversarial_weight * parts["g_adversarial"]
                + config.cycle_weight * parts["g_cycle"]
                + config.identity_weight * parts["g_identity"]
                + config.cam_weight * parts["g_cam"]
            )
        self.minimize(tape, g_loss, "generator")  # ends by clipping rho: a constraint of AdaLIN
        return self.track(d_loss=d_loss, **parts)

    def _generate(self, network, x):
        """Returns pictures and CAM logits of a generator in training."""

        def forward(images):
            outputs, logits, _ = network(images, training=True)
            return outputs, logits

        return tf.recompute_grad(forward)(x) if self.config.recompute else forward(x)

    def _update_discriminators(self, a, b, fake_a, fake_b):
        with tf.GradientTape() as tape:
            d_loss = 0.0
            for discriminators, real, fake in (
                (self.discriminators_a, a, fake_a),
                (self.discriminators_b, b, fake_b),
            ):
                for discriminator in discriminators:
                    # Two calls, two power iterations, as in both releases.
                    real_scores, real_logits, _ = discriminator(real, training=True)
                    fake_scores, fake_logits, _ = discriminator(fake, training=True)
                    d_loss += losses.gan_discriminator_loss(real_scores, fake_scores, "lsgan")
                    d_loss += losses.gan_discriminator_loss(real_logits, fake_logits, "lsgan")
            total = self.config.adversarial_weight * d_loss
        self.minimize(tape, total, "discriminator")
        return d_loss

    def _fool(self, discriminators, fake):
        loss = 0.0
        for discriminator in discriminators:
            scores, logits, _ = discriminator(fake, training=True)
            loss += losses.gan_generator_loss(scores, "lsgan")
            loss += losses.gan_generator_loss(logits, "lsgan")
        return loss

    def weight_decay(self, variable):
        """Coupled L2: of every variable (PyTorch), or of kernels only (TF release)."""
        decayed = self.config.variant == "torch" or variable.name == "kernel"
        return self.config.weight_decay if decayed else 0.0

    def call(self, x, training=False, direction="a2b"):
        """Translates float `(N, H, W, 3)` in [-1, 1], H and W multiples of 4, at least 8.

        Args:
            x: Pictures of domain a, or of b with `direction="b2a"`.
            training: Uses the trained weights instead of their moving average.
            direction: "a2b" or "b2a".
        """
        return self._outputs(x, training, direction)[0]

    def _outputs(self, x, training, direction):
        check_direction(direction)
        network = self.generator_a2b if direction == "a2b" else self.generator_b2a
        return (network if training else self.for_inference(network))(x, training=training)

    def attention(self, images, direction: str = "a2b"):
        """Returns where the generator looks: its CAM heat map, as colours.

        Args:
            images: uint8 `(N, H, W, 3)` or `(H, W, 3)`.
            direction: "a2b" or "b2a".

        Returns:
            uint8 array of the same shape: each map stretched to its own range, dark blue (least)
            over green to dark red (most).
        """
        image_ops.check_uint8(images)
        batched = len(images.shape) == 4
        x = tf.convert_to_tensor(images if batched else images[None])
        height, width = x.shape[1:3]
        padded, (top, left) = image_ops.pad_to_multiple(x, self.stride, self.min_size)
        heat = self._outputs(image_ops.to_float(padded), False, direction)[2]
        heat = tf.image.resize(heat, tf.shape(padded)[1:3])
        heat = heat[:, top : top + height, left : left + width].numpy()
        low, high = heat.min((1, 2, 3), keepdims=True), heat.max((1, 2, 3), keepdims=True)
        colours = _heat_colours((heat - low) / np.maximum(high - low, 1e-12))
        return colours if batched else colours[0]

    def sample_pictures(self, batch):
        """Columns of a sample grid: the picture, where G looks, both translations."""
        columns = super().sample_pictures(batch)
        return {
            "input": columns["input"],
            "attention": self.attention(columns["input"]),
            "output": columns["output"],
            "b": columns["truth"],
            "b to a": self.translate(columns["truth"], direction="b2a"),
        }

    def endpoints(self):
        """Exported signatures: a -> b as the default, b -> a as `reverse`."""
        return {
            "serving_default": self.translate_tensor,
            "reverse": lambda images: self.translate_tensor(images, direction="b2a"),
        }


def _heat_colours(heat: np.ndarray) -> np.ndarray:
    """Maps `(..., 1)` in [0, 1] to uint8 `(..., 3)` of the "jet" scale that the releases draw."""
    centres = np.array([3.0, 2.0, 1.0])  # red, green, blue
    colours = np.clip(1.5 - np.abs(4.0 * heat - centres), 0.0, 1.0)
    return np.rint(colours * 255.0).astype(np.uint8)
