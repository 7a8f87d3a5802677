"""Files of weights: finding and downloading, reading without their program, assigning.

Nothing here runs code of a file, and memory is bounded by the file's size.
"""

from ganime_tf.weights.assigning import assign
from ganime_tf.weights.finding import (
    KNOWN,
    MissingWeightsError,
    WeightFile,
    cache_dir,
    check_file,
    file_digest,
    find_weights,
)
from ganime_tf.weights.reading import read_networks, read_state, read_tensors

__all__ = [
    "KNOWN",
    "MissingWeightsError",
    "WeightFile",
    "assign",
    "cache_dir",
    "check_file",
    "file_digest",
    "find_weights",
    "read_networks",
    "read_state",
    "read_tensors",
]
