"""Data: any set of pictures as one kind of `tf.data` stream. See `open_data`."""

from ganime_tf.data.io import BadImageError, read_image
from ganime_tf.data.opening import KINDS, open_data
from ganime_tf.data.source import Source
from ganime_tf.data.spec import DataSpec, as_spec

__all__ = ["KINDS", "BadImageError", "DataSpec", "Source", "as_spec", "open_data", "read_image"]
