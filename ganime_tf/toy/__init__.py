"""A drawn anime world: the embedded default data set.

One `Scene` renders into a colour drawing and its line art, a photo-like portrait of the same
person, and the parsing maps of both; 44 `ARTISTS` each draw it in a style of their own.
"""

from ganime_tf.toy.artists import ARTISTS, Artist
from ganime_tf.toy.drawing import WHATS, render, render_many
from ganime_tf.toy.figure import PARSING_CLASSES
from ganime_tf.toy.files import PARSING_PALETTE, write_dataset
from ganime_tf.toy.scene import Scene, sample_scene

__all__ = [
    "ARTISTS",
    "PARSING_CLASSES",
    "PARSING_PALETTE",
    "WHATS",
    "Artist",
    "Scene",
    "render",
    "render_many",
    "sample_scene",
    "write_dataset",
]
