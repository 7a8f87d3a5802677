"""CartoonGAN: photos into cartoons with an edge-promoting adversarial loss.

Paper: Chen, Lai and Liu, CVPR 2018. Weights: Yijunmaverick/CartoonGAN-Test-Pytorch-Torch, the
generator only; no official training code exists. Choices that the paper leaves open:
docs/models/cartoongan.md.
"""

import dataclasses
from typing import Literal

import keras
import tensorflow as tf

from ganime_tf.losses.adversarial import gan_generator_loss
from ganime_tf.losses.perceptual import content_distance
from ganime_tf.losses.stylize import weighted_discriminator_loss
from ganime_tf.models.phases import phased_train_function
from ganime_tf.models.translator import Translator, TranslatorConfig
from ganime_tf.networks.cartoongan import build_cartoon_generator, build_edge_discriminator
from ganime_tf.networks.features import CONTENT_LAYERS, load_features


@dataclasses.dataclass(frozen=True)
class CartoonGANConfig(TranslatorConfig):
    """Hyper-parameters of CartoonGAN; the defaults are the paper's."""

    load_size: int = 256
    """Size that pictures are resized to before the random crop of `image_size`."""
    batch_size: int = 8
    """Pictures in a step, over all replicas."""
    init_epochs: int = 10
    """First epochs, in which the generator alone learns to keep the content, section 3.3."""
    learning_rate: float = 2e-4
    """Adam's step size, both networks."""
    beta_1: float = 0.5
    """Adam's first decay."""
    beta_2: float = 0.999
    """Adam's second decay."""
    epsilon: float = 1e-8
    """Adam's epsilon."""
    step_decay: bool = False
    """Divide the learning rate by 10 at one half and again at three quarters of the epochs."""
    filters: int = 64
    """Channels of the generator's first layer."""
    num_blocks: int = 8
    """Residual blocks of the generator."""
    discriminator_filters: int = 32
    """Channels of the discriminator's first layer."""
    norm_epsilon: float = 1e-9
    """Added to the variance in the generator's instance norm."""
    adversarial: Literal["bce", "lsgan"] = "bce"
    """Adversarial loss: cross-entropy or least squares."""
    content_weight: float = 10.0
    """Weight of the content loss, omega in eq. (1)."""
    features: Literal["vgg19", "squeezenet", "random"] = "vgg19"
    """Network that compares content; the weights above are meant for vgg19."""

    def __post_init__(self):
        """Checks the fields."""
        super().__post_init__()
        if self.image_size % 4:
            raise ValueError(f"`image_size` must be a multiple of 4. Received {self.image_size}.")
        if self.init_epochs < 0:
            raise ValueError(f"`init_epochs` must not be negative. Received {self.init_epochs}.")


PRESETS = {
    "cartoongan": CartoonGANConfig(),
    "cartoongan-squeezenet": CartoonGANConfig(features="squeezenet"),
    "cartoongan-tiny": CartoonGANConfig(
        image_size=32,
        load_size=32,
        batch_size=2,
        num_epochs=4,
        init_epochs=0,
        filters=8,
        num_blocks=2,
        discriminator_filters=8,
        features="random",
    ),
}


@keras.saving.register_keras_serializable("ganime_tf")
class CartoonGAN(Translator):
    """Photos into cartoons; a batch is photos `a`, cartoons `b`, edge-smoothed ones `b_smooth`.

    The first `init_epochs * steps_per_epoch` steps (`compile`) train the generator on the content
    loss alone, with an Adam of its own; the losses of the game read 0 meanwhile.
    """

    Config = CartoonGANConfig
    data_kind = "stylize"
    batch_keys = ("a", "b", "b_smooth")
    loss_names = ("d_loss", "g_adversarial", "g_content")
    stride = 4
    min_size = 8
    _initializing = False
    _init_steps = 0
    _features = None

    def build_networks(self):
        """Builds the generator G and the discriminator D."""
        config = self.config
        self.generator = build_cartoon_generator(
            filters=config.filters,
            num_blocks=config.num_blocks,
            epsilon=config.norm_epsilon,
            name="generator",
        )
        self.discriminator = build_edge_discriminator(
            filters=config.discriminator_filters, name="discriminator"
        )
        groups = {"generator": [self.generator], "discriminator": [self.discriminator]}
        if config.init_epochs:
            groups["initialization"] = [self.generator]
        return groups

    def default_optimizers(self, steps_per_epoch):
        """Adam for each network, and one for the initialization phase."""
        config = self.config

        def adam(decay):
            rate = config.learning_rate
            if decay and steps_per_epoch:
                total = config.num_epochs * steps_per_epoch
                rate = keras.optimizers.schedules.PiecewiseConstantDecay(
                    [total // 2, 3 * total // 4], [rate, rate / 10.0, rate / 100.0]
                )
            return keras.optimizers.Adam(rate, config.beta_1, config.beta_2, config.epsilon)

        decays = {"generator": config.step_decay, "discriminator": config.step_decay}
        return {group: adam(decays.get(group, False)) for group in self.groups}

    def compile(self, optimizers=None, *, steps_per_epoch=None, **kwargs):
        """Prepares training and loads the feature network.

        Args:
            optimizers: `{group: optimizer}`; defaults to the paper's.
            steps_per_epoch: Steps of an epoch; without it there is no initialization phase.
            **kwargs: Of `Translator.compile`.
        """
        super().compile(optimizers, steps_per_epoch=steps_per_epoch, **kwargs)
        self._init_steps = self.config.init_epochs * (steps_per_epoch or 0)
        self._load_features()

    def _load_features(self):
        if self._features is None:
            with tf.init_scope():
                self._features = load_features(self.config.features)

    def in_first_phase(self) -> bool:
        """Whether the next step belongs to the initialization phase."""
        if not self._init_steps:
            return False
        done = keras.ops.convert_to_numpy(self.optimizers["initialization"].iterations)
        return int(done) < self._init_steps

    def make_train_function(self, force=False):
        """Builds the function that `fit` calls: one graph for each phase."""
        if self.train_function is None or force:
            self.train_function = phased_train_function(
                self, super().make_train_function, "_initializing"
            )

    def _content(self, images):
        self._load_features()
        return self._features(images)[CONTENT_LAYERS[self.config.features]]

    def train_step(self, batch):
        """One update: content only at first, then D and G, pictures float32 in [-1, 1]."""
        photo = batch["a"]
        if self.in_first_phase() if tf.executing_eagerly() else self._initializing:
            return self._initialization_step(photo)
        wanted = self._content(photo)
        with tf.GradientTape() as tape:
            fake_b = self.generator(photo, training=True)
            with tape.stop_recording():
                d_loss = self._update_discriminator(batch, fake_b)
            g_adversarial = gan_generator_loss(
                self.discriminator(fake_b, training=True), self.config.adversarial
            )
            g_content = content_distance(self._content(fake_b), wanted)
            g_loss = g_adversarial + self.config.content_weight * g_content  # eq. (1)
        self.minimize(tape, g_loss, "generator")
        return self.track(d_loss=d_loss, g_adversarial=g_adversarial, g_content=g_content)

    def _update_discriminator(self, batch, fake_b):
        """Equation (3): cartoons are real, generated and edge-smoothed pictures are not."""
        pictures = tf.concat([batch["b"], fake_b, batch["b_smooth"]], axis=0)
        with tf.GradientTape() as tape:
            real, fake, smooth = tf.split(self.discriminator(pictures, training=True), 3)
            terms = [(real, 1.0, 1.0), (fake, 0.0, 1.0), (smooth, 0.0, 1.0)]
            d_loss = weighted_discriminator_loss(terms, self.config.adversarial)
        self.minimize(tape, d_loss, "discriminator")
        return d_loss

    def _initialization_step(self, photo):
        wanted = self._content(photo)
        with tf.GradientTape() as tape:
            fake_b = self.generator(photo, training=True)
            g_content = content_distance(self._content(fake_b), wanted)
            loss = self.config.content_weight * g_content
        self.minimize(tape, loss, "initialization")
        return self.track(g_content=g_content)

    def call(self, x, training=False):
        """Translates a to b, float `(N, H, W, 3)` in [-1, 1], H and W multiples of 4."""
        network = self.generator if training else self.for_inference(self.generator)
        return network(x, training=training)

    def get_compile_config(self) -> dict:
        """Returns the optimizers and the length of the initialization phase."""
        return super().get_compile_config() | {"init_steps": self._init_steps}

    def compile_from_config(self, config: dict) -> None:
        """Compiles as `get_compile_config` says; the feature network waits for the first step."""
        load = keras.saving.deserialize_keras_object
        super().compile({key: load(value) for key, value in config["optimizers"].items()})
        self._init_steps = config["init_steps"]
