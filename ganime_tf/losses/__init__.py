"""Losses: pure functions that return float32 scalar batch means."""

from ganime_tf.losses.adversarial import gan_discriminator_loss, gan_generator_loss
from ganime_tf.losses.reconstruction import l1, l2
from ganime_tf.losses.regularizers import total_variation

__all__ = ["gan_discriminator_loss", "gan_generator_loss", "l1", "l2", "total_variation"]
