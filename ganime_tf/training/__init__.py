"""Training runs: one directory each, resumable by the same command."""

from ganime_tf.training.run import RunConfig, train

__all__ = ["RunConfig", "train"]
