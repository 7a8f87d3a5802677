"""A trained model in, pictures out."""

from ganime_tf.inference.load import load
from ganime_tf.inference.translate import translate_files

__all__ = ["load", "translate_files"]
