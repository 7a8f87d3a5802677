"""Loads whatever a training run, an export or another project left behind."""

import json
import logging
import warnings
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from ganime_tf.models import MODELS, get_model
from ganime_tf.ops.files import atomic_path, write_json
from ganime_tf.ops.images import check_uint8

logger = logging.getLogger(__name__)


class ExportedModel:
    """A SavedModel with the `translate` of a model.

    Args:
        path: Folder of an export.

    Raises:
        ValueError: When the folder has no `serving_default` on uint8 pictures.
    """

    def __init__(self, path: str | Path):
        self.name = Path(path).name
        self._loaded = tf.saved_model.load(str(path))
        if "serving_default" not in self._loaded.signatures:
            raise ValueError(f"{path} has no signature `serving_default`. Export it again.")

    def translate(self, images, direction: str = "a2b") -> np.ndarray:
        """Translates uint8 `(N, H, W, 3)` or `(H, W, 3)`; see `Translator.translate`."""
        check_uint8(images)
        name = {"a2b": "serving_default", "b2a": "reverse"}[direction]
        if name not in self._loaded.signatures:
            raise ValueError(f"This export has no direction {direction!r}; it translates a2b only.")
        batched = len(images.shape) == 4
        images = tf.convert_to_tensor(images if batched else images[None])
        out = self._loaded.signatures[name](image=images)["image"].numpy()
        return out if batched else out[0]


def load(path: str | Path, checkpoint: str = "last"):
    """Loads a model for translation.

    Args:
        path: A run directory, an export (SavedModel folder), a `.keras` file, or a LiteRT
            `.tflite` file.
        checkpoint: For a run directory: "last", or "best" for the weights of its best epoch.

    Returns:
        An object with `translate(images)`, uint8 to uint8.

    Raises:
        FileNotFoundError: When nothing is there.
        ValueError: When what is there is no model.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"No model at {path}: expected a run directory, an export, a "
                                ".keras file or a .tflite file.")  # fmt: skip
    if checkpoint not in ("last", "best"):
        raise ValueError(f"`checkpoint` must be 'last' or 'best'. Received {checkpoint!r}.")
    if path.is_dir() and (path / "saved_model.pb").exists():
        return ExportedModel(path)
    if path.is_dir() and (path / "config.json").exists():
        return load_run(path, checkpoint)
    if path.suffix == ".keras":
        return _load_keras(path)
    if path.suffix == ".tflite":
        from ganime_tf.inference.litert import LiteRTModel

        return LiteRTModel(path)
    raise ValueError(
        f"{path} is no model. Expected a run directory (with config.json), an export (with "
        "saved_model.pb), a .keras file or a .tflite file."
    )


def _load_keras(path: Path):
    for name in MODELS:
        get_model(name)  # registers the class
    try:
        with warnings.catch_warnings():
            # Converted weights come without the optimizers' state.
            warnings.filterwarnings("ignore", "Skipping variable loading for optimizer")
            return keras.models.load_model(path)
    except (ValueError, OSError, KeyError) as error:
        reason = str(error).strip().splitlines()[0][:300]
        raise ValueError(f"{path} cannot be loaded: {reason}") from error


def load_run(run_dir: str | Path, checkpoint: str = "last"):
    """Loads the model of a run directory, finished or not.

    Raises:
        FileNotFoundError: When the run has saved nothing yet.
    """
    run_dir = Path(run_dir)
    if checkpoint == "last" and (run_dir / "model.keras").exists():
        return _load_keras(run_dir / "model.keras")
    record = json.loads((run_dir / "config.json").read_text())
    cls = get_model(record["model"])
    model = cls.from_config(
        {"config": record["config"], "name": record["model"], "dtype": record["run"]["precision"]}
    )
    folder = run_dir / "checkpoints"
    if checkpoint == "best":
        if not (folder / "best.weights.h5").exists():
            raise FileNotFoundError(f"{run_dir} has no best epoch yet. Use the last checkpoint.")
        model.load_weights(folder / "best.weights.h5")
        return model
    latest = tf.train.latest_checkpoint(str(folder))
    if latest is None:
        raise FileNotFoundError(f"{run_dir} has no checkpoint yet. Train it first.")
    state = tf.train.Checkpoint(model=[variable.value for variable in model.variables])
    state.restore(latest).expect_partial()
    logger.info("Loaded the unfinished run %s from %s.", run_dir, Path(latest).name)
    return model


def save_model_as_run(model, name: str, run_dir: str | Path) -> None:
    """Writes a model that was not trained here as a run directory that `load` reads.

    Args:
        model: A `Translator`.
        name: Where its weights come from, kept in config.json.
        run_dir: A new or empty folder.

    Raises:
        ValueError: When the folder holds something already.
    """
    run_dir = Path(run_dir)
    if run_dir.exists() and any(run_dir.iterdir()):
        raise ValueError(f"{run_dir} is not empty. Choose a new folder.")
    run_dir.mkdir(parents=True, exist_ok=True)
    config = model.get_config()
    record = {
        "model": model.name,
        "converted_from": name,
        "config": config["config"],
        "run": {"precision": config["dtype"]},
    }
    write_json(run_dir / "config.json", record)
    with atomic_path(run_dir / "model.keras") as temporary:
        model.save(temporary)
