"""ganime_tf: translating images into, out of and within anime, in TensorFlow and Keras.

Names are loaded on first use, so that `import ganime_tf` and `ganime --help` cost nothing.
"""

import importlib

from ganime_tf.version import __version__

_EXPORTS = {
    "MODELS": "ganime_tf.models",
    "get_model": "ganime_tf.models",
    "Translator": "ganime_tf.models.translator",
    "RunConfig": "ganime_tf.training.run",
    "train": "ganime_tf.training.run",
    "open_data": "ganime_tf.data",
    "load": "ganime_tf.inference",
    "evaluate_folders": "ganime_tf.metrics",
}

__all__ = ["__version__", *_EXPORTS]


def __getattr__(name: str):
    if name in _EXPORTS:
        return getattr(importlib.import_module(_EXPORTS[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
