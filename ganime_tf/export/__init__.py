"""One module per format: write it, load it back, compare."""

from ganime_tf.export.saved_model import export_saved_model

__all__ = ["export_saved_model"]
