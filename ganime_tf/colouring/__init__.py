"""Colouring line art from hints: the person chooses colours, the machine finds the borders.

NumPy, SciPy and Pillow only: nothing here imports TensorFlow.
"""

from ganime_tf.colouring.hints import Hints, parse_hints, read_hints, read_palette
from ganime_tf.colouring.ink import read_page
from ganime_tf.colouring.page import Coloured, Page

__all__ = ["Coloured", "Hints", "Page", "parse_hints", "read_hints", "read_page", "read_palette"]
