"""Loads whatever a training run, an export or another project left behind."""

import json
import logging
import warnings
from pathlib import Path

import keras
import tensorflow as tf

from ganime_tf.models import MODELS, get_model
from ganime_tf.models.checkpoints import model_state, restore_newest
from ganime_tf.models.uses import Runner, Use
from ganime_tf.ops.files import atomic_path
from ganime_tf.runs import RunDir

logger = logging.getLogger(__name__)

_OLD_ENDPOINTS = {"serving_default": "default", "reverse": "reverse"}  # of 0.1.0


class ExportedModel(Runner):
    """A SavedModel with the uses of the model that it was made of.

    Args:
        path: Folder of an export.

    Raises:
        ValueError: When the folder is no export of this package.
    """

    def __init__(self, path: str | Path):
        self.name = Path(path).name
        self._loaded = tf.saved_model.load(str(path))
        self._uses = _exported_uses(Path(path), set(self._loaded.signatures))
        self.label_names = _exported_labels(Path(path))

    def uses(self) -> dict[str, Use]:
        """The uses that were exported."""
        return self._uses

    def call_use(self, name: str, tensors: dict):
        """Calls the signature of a use."""
        signature = "serving_default" if name == "default" else name
        return next(iter(self._loaded.signatures[signature](**tensors).values()))


def _exported_uses(path: Path, signatures: set[str]) -> dict[str, Use]:
    about = path / "ganime.json"
    if about.exists():
        try:
            written = json.loads(about.read_text(encoding="utf-8")).get("uses")
            if written is not None:
                return {
                    name: Use(
                        None, tuple(use["inputs"]), use["output"], use["defaults"], use["help"]
                    )
                    for name, use in written.items()
                }
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{about} is damaged ({error}). Export the model again.") from error
    found = {use: Use(None, ("image",)) for name, use in _OLD_ENDPOINTS.items()
             if name in signatures}  # fmt: skip
    if "default" not in found:
        raise ValueError(f"{path} has no signature `serving_default`. Export it again.")
    return found


def _exported_labels(path: Path) -> tuple[str, ...]:
    about = path / "ganime.json"
    if not about.exists():
        return ()
    return tuple(json.loads(about.read_text(encoding="utf-8")).get("label_names", ()))


def load(path: str | Path, checkpoint: str = "last"):
    """Loads a model.

    Args:
        path: A run directory, an export (SavedModel folder), a `.keras` file, or a LiteRT
            `.tflite` file.
        checkpoint: For a run directory: "last", or "best" for the weights of its best epoch.

    Returns:
        A `Runner`: an object with `uses()`, `run(...)` and `translate(images)`, uint8 to uint8.

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
    if path.is_dir() and RunDir(path).config.exists():
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
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
        raise ValueError(f"{path} cannot be loaded: {reason}") from error


def load_run(run_dir: str | Path, checkpoint: str = "last"):
    """Loads the model of a run directory, finished or not.

    A damaged `model.keras` is said, and the newest whole checkpoint takes its place.

    Raises:
        FileNotFoundError: When the run has saved nothing yet.
        ValueError: When everything it has saved is damaged.
    """
    folder = RunDir(run_dir)
    if checkpoint == "last" and folder.model.exists():
        try:
            return _load_keras(folder.model)
        except ValueError as error:
            if not folder.has_checkpoints():
                raise
            logger.warning("%s. Using the newest checkpoint instead.", error)
    record = folder.record()
    cls = get_model(record["model"])
    model = cls.from_config(
        {"config": record["config"], "name": record["model"], "dtype": record["run"]["precision"]}
    )
    if checkpoint == "best":
        if not folder.best_weights.exists():
            raise FileNotFoundError(f"{run_dir} has no best epoch yet. Use the last checkpoint.")
        try:
            model.load_weights(folder.best_weights)
        except (OSError, ValueError, KeyError) as error:
            raise ValueError(f"{folder.best_weights} cannot be loaded: {error}") from error
        return model
    state = tf.train.Checkpoint(model=model_state(model))
    latest = restore_newest(state, folder.checkpoints, whole=False)
    if latest is None:
        raise FileNotFoundError(f"{run_dir} has no checkpoint yet. Train it first.")
    logger.info("Loaded the unfinished run %s from %s.", run_dir, Path(latest).name)
    return model


def save_model_as_run(model, name: str, run_dir: str | Path) -> None:
    """Writes a model that was not trained here as a run directory that `load` reads.

    Args:
        model: A `Trainable`.
        name: Where its weights come from, kept in config.json.
        run_dir: A new or empty folder.

    Raises:
        ValueError: When the folder holds something already.
    """
    folder = RunDir(run_dir)
    if folder.path.exists() and any(folder.path.iterdir()):
        raise ValueError(f"{run_dir} is not empty. Choose a new folder.")
    config = model.get_config()
    folder.write(
        {
            "model": model.name,
            "converted_from": name,
            "config": config["config"],
            "run": {"precision": config["dtype"]},
        }
    )
    with atomic_path(folder.model) as temporary:
        model.save(temporary)
