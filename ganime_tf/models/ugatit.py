"""U-GAT-IT: unpaired translation guided by attention, with adaptive layer-instance norm.

Papers: Kim et al. 2020 (arXiv 1907.10830); GANime portraits, sections 4.4 and 5.3.
Official code: znxlwm/UGATIT-pytorch (variant "torch"), taki0112/UGATIT (variant "tf1").
Deviations: docs/models/ugatit.md.

Code name -> paper symbol: generator_a2b -> G_s->t, discriminators_b -> D_t, *_weight -> lambda_1
(adversarial), lambda_2 (cycle), lambda_3 (identity), lambda_4 (CAM).
"""

import keras
import tensorflow as tf
from keras import ops

from ganime_tf import losses
from ganime_tf.configs.ugatit import PRESETS, UGATITConfig
from ganime_tf.models.optimizers import Adam
from ganime_tf.models.translator import Translator
from ganime_tf.models.uses import Use
from ganime_tf.networks.ugatit import build_ugatit_discriminator, build_ugatit_generator


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
    presets = PRESETS
    data_kind = "unpaired"
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
            return Adam(
                rate,
                config.beta_1,
                config.beta_2,
                config.epsilon,
                epsilon_last=config.variant == "torch",
            )

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

    def call(self, x, training=False):
        """A -> b, float `(N, H, W, 3)` in [-1, 1], H and W multiples of 4, at least 8."""
        network = self.generator_a2b if training else self.for_inference(self.generator_a2b)
        return network(x, training=training)[0]

    def uses(self):
        """Both ways, and where the generators look: their CAM heat maps."""
        a2b, b2a = self.generator_a2b, self.generator_b2a
        return super().uses() | {
            "reverse": Use(self._output(b2a, 0), ("image",), help="translate b to a"),
            "attention": Use(self._output(a2b, 2), ("image",), "heat", help="where a to b looks"),
            "reverse_attention": Use(
                self._output(b2a, 2), ("image",), "heat", help="where b to a looks"
            ),
        }

    def _output(self, network, index):
        """A use's function: one of a generator's three outputs."""
        return lambda image: self.for_inference(network)(image, training=False)[index]

    def sample_pictures(self, batch):
        """Columns of a sample grid: the picture, where G looks, both translations."""
        columns = super().sample_pictures(batch)
        looked_at = {"attention": self.run("attention", image=columns["input"])}
        return {"input": columns["input"]} | looked_at | columns
