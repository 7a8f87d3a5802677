"""Stylisation in two phases: the generator alone keeps the content, then the adversarial game."""

import tensorflow as tf

from ganime_tf.losses.perceptual import content_distance
from ganime_tf.models.translator import Translator
from ganime_tf.networks.features import CONTENT_LAYERS, load_features


class Stylizer(Translator):
    """A translator of photos `a` whose first steps train the generator on the content loss alone.

    Those are the first `init_epochs * steps_per_epoch` steps (`compile`); they have an optimizer of
    their own, and the losses of the game read 0 meanwhile. Afterwards `adversarial_step` runs. A
    subclass' config has `init_epochs`, `features` and `content_weight`.
    """

    data_kind = "stylize"
    _features = None

    def training_groups(self) -> dict:
        """Returns the groups of the two networks, and of the first phase where there is one."""
        groups = {"generator": [self.generator], "discriminator": [self.discriminator]}
        if self.config.init_epochs:
            groups["initialization"] = [self.generator]
        return groups

    def load_pretrained(self):
        """Loads the network that compares content."""
        if self._features is None:
            with tf.init_scope():
                self._features = load_features(self.config.features)

    def content(self, images):
        """Returns the features that compare content, of pictures in [-1, 1]."""
        self.load_pretrained()
        return self._features(images)[CONTENT_LAYERS[self.config.features]]

    def plan(self, step: int) -> dict:
        """The first epochs are the first phase; without `steps_per_epoch` there is none."""
        return {"initialize": step < self.config.init_epochs * (self.steps_per_epoch or 0)}

    def train_step(self, batch, initialize=False):
        """One update: content only at first, then the game; pictures float32 in [-1, 1]."""
        return self._initialization_step(batch["a"]) if initialize else self.adversarial_step(batch)

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
