"""Stylisation in two phases: the generator alone keeps the content, then the adversarial game."""

import keras
import tensorflow as tf

from ganime_tf.losses.perceptual import content_distance
from ganime_tf.models.translator import Translator
from ganime_tf.networks.features import CONTENT_LAYERS, load_features


class PhasedTranslator(Translator):
    """A translator of photos `a` whose first steps train the generator on the content loss alone.

    Those are the first `init_epochs * steps_per_epoch` steps (`compile`); they have an optimizer of
    their own, and the losses of the game read 0 meanwhile. Afterwards `adversarial_step` runs. A
    subclass' config has `init_epochs`, `features` and `content_weight`.
    """

    data_kind = "stylize"
    _initializing = False
    _init_steps = 0
    _features = None

    def training_groups(self) -> dict:
        """Returns the groups of the two networks, and of the first phase where there is one."""
        groups = {"generator": [self.generator], "discriminator": [self.discriminator]}
        if self.config.init_epochs:
            groups["initialization"] = [self.generator]
        return groups

    def compile(self, optimizers=None, *, steps_per_epoch=None, **kwargs):
        """Prepares training and loads the feature network.

        Args:
            optimizers: `{group: optimizer}`; defaults to the paper's.
            steps_per_epoch: Steps of an epoch; without it there is no first phase.
            **kwargs: Of `Translator.compile`.
        """
        super().compile(optimizers, steps_per_epoch=steps_per_epoch, **kwargs)
        self._init_steps = self.config.init_epochs * (steps_per_epoch or 0)
        self._load_features()

    def _load_features(self):
        if self._features is None:
            with tf.init_scope():
                self._features = load_features(self.config.features)

    def content(self, images):
        """Returns the features that compare content, of pictures in [-1, 1]."""
        self._load_features()
        return self._features(images)[CONTENT_LAYERS[self.config.features]]

    def in_first_phase(self) -> bool:
        """Whether the next step belongs to the first phase."""
        if not self._init_steps:
            return False
        done = keras.ops.convert_to_numpy(self.optimizers["initialization"].iterations)
        return int(done) < self._init_steps

    def make_train_function(self, force=False):
        """Builds one graph for each phase and picks between them before every step.

        A `tf.cond` would not do: optimizers cannot be applied inside one under `tf.distribute`.
        """
        if self.train_function is not None and not force:
            return
        functions = {}
        for first in (True, False):
            super().make_train_function(force=True)
            functions[first] = self.train_function

        def train_function(iterator):
            self._initializing = self.in_first_phase()  # read while the graph is traced
            return functions[self._initializing](iterator)

        self.train_function = train_function

    def train_step(self, batch):
        """One update: content only at first, then the game; pictures float32 in [-1, 1]."""
        first = self.in_first_phase() if tf.executing_eagerly() else self._initializing
        return self._initialization_step(batch["a"]) if first else self.adversarial_step(batch)

    def _initialization_step(self, photo):
        wanted = self.content(photo)
        with tf.GradientTape() as tape:
            fake_b = self.generator(photo, training=True)
            g_content = content_distance(self.content(fake_b), wanted)
            loss = self.config.content_weight * g_content
        self.minimize(tape, loss, "initialization")
        return self.track(g_content=g_content)

    def adversarial_step(self, batch) -> dict:
        """One update of D and G; returns the tracked losses."""
        raise NotImplementedError

    def call(self, x, training=False):
        """Translates a to b, float `(N, H, W, 3)` in [-1, 1], H and W multiples of the stride."""
        network = self.generator if training else self.for_inference(self.generator)
        return network(x, training=training)

    def get_compile_config(self) -> dict:
        """Returns the optimizers and the length of the first phase."""
        return super().get_compile_config() | {"init_steps": self._init_steps}

    def compile_from_config(self, config: dict) -> None:
        """Compiles as `get_compile_config` says; the feature network waits for the first step."""
        load = keras.saving.deserialize_keras_object
        super().compile({key: load(value) for key, value in config["optimizers"].items()})
        self._init_steps = config["init_steps"]
