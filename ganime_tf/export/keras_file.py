"""A `.keras` file of the whole model, without the state of its training."""

import warnings
import zipfile
import zlib
from pathlib import Path

import keras

from ganime_tf.lite.runner import append_about, read_about
from ganime_tf.models import MODELS, get_model


def write(request) -> dict[str, str]:
    """Writes networks and config; every use is there."""
    model = request.model
    copy = type(model).from_config(model.get_config())  # without optimizers
    copy.set_weights(model.get_weights())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        copy.save(request.path)
    append_about(request.path, request.about(model.uses()))
    return {}


def open_export(path: str | Path):
    """Loads a `.keras` file of one of our models.

    Raises:
        ValueError: When it is none, or damaged.
    """
    for name in MODELS:
        get_model(name)  # registers the class
    try:
        with warnings.catch_warnings():
            # Converted weights and exports come without the optimizers' state.
            warnings.filterwarnings("ignore", "Skipping variable loading for optimizer")
            return keras.models.load_model(path)
    except (ValueError, OSError, KeyError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
        raise ValueError(f"{path} cannot be loaded: {reason}") from error


def is_own(path: Path) -> bool:
    """Whether a file was written by an export: a run's own `model.keras` was not."""
    return read_about(path) is not None
