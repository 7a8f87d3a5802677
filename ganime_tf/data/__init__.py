"""Data: any set of pictures as one kind of `tf.data` stream. See `open_data`.

Names are loaded on first use, so that processes which only read pictures start without TensorFlow.
"""

import importlib

_EXPORTS = {
    "BadImageError": "io",
    "DataSpec": "spec",
    "KINDS": "kinds",
    "Source": "source",
    "as_spec": "spec",
    "open_data": "opening",
    "read_image": "io",
}

__all__ = ["KINDS", "BadImageError", "DataSpec", "Source", "as_spec", "open_data", "read_image"]


def __getattr__(name: str):
    if name in _EXPORTS:
        return getattr(importlib.import_module(f"{__name__}.{_EXPORTS[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
