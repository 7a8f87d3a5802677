"""Loads whatever a training run, an export or another project left behind."""

import logging
from pathlib import Path

from ganime_tf.export import FORMATS, format_of
from ganime_tf.models import get_model
from ganime_tf.ops.files import atomic_path
from ganime_tf.runs import RunDir

logger = logging.getLogger(__name__)

_EXPECTED = (
    "a run directory (with config.json), an export (with saved_model.pb), a .keras, a .tflite or "
    "an .onnx file"
)


def load(path: str | Path, checkpoint: str = "last", trust: bool = False):
    """Loads a model.

    Args:
        path: A run directory, or an export: a SavedModel folder, a `.keras`, `.tflite` or `.onnx`
            file. The last two need no TensorFlow.
        checkpoint: For a run directory: "last", or "best" for the weights of its best epoch.
        trust: Open a SavedModel also when its graph has operations that reach files, the network
            or Python: only from people whom you would give your files.

    Returns:
        A `Runner`: an object with `uses()`, `run(...)` and `translate(images)`, uint8 to uint8.

    Raises:
        FileNotFoundError: When nothing is there.
        ValueError: When what is there is no model, or one that asks for `trust`.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"No model at {path}: expected {_EXPECTED}.")
    if checkpoint not in ("last", "best"):
        raise ValueError(f"`checkpoint` must be 'last' or 'best'. Received {checkpoint!r}.")
    if kind := format_of(path):
        model = kind.open(path, trust)
    elif path.is_dir() and RunDir(path).config.exists():
        model = load_run(path, checkpoint)
    else:
        raise ValueError(f"{path} is no model. Expected {_EXPECTED}.")
    model.origin = _origin(path, checkpoint)
    return model


def _origin(path: Path, checkpoint: str) -> str:
    """Tells these weights from those of another place, checkpoint or time."""
    folder = RunDir(path)
    files = (path, folder.model, folder.best_weights, path / "saved_model.pb",
             folder.checkpoints / "checkpoint")  # fmt: skip
    newest = max((file.stat().st_mtime_ns for file in files if file.is_file()), default=0)
    return f"{path.resolve()} {checkpoint} {newest}"


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
            return FORMATS["keras"].open(folder.model)
        except ValueError as error:
            if not folder.has_checkpoints():
                raise
            logger.warning("%s. Using the newest checkpoint instead.", error)
    import tensorflow as tf  # here: an export of another runtime opens without it

    from ganime_tf.models.checkpoints import model_state, restore_newest

    record = folder.record()
    cls = get_model(record["model"])
    model = cls.from_config(
        {"config": record["config"], "name": record["model"], "dtype": record["run"]["precision"]}
    )
    if checkpoint == "best":
        folder.check_best()
        try:
            model.load_weights(folder.best_weights)
        except (OSError, ValueError, KeyError) as error:
            raise ValueError(f"{folder.best_weights} cannot be loaded: {error}") from error
        return model
    state = tf.train.Checkpoint(model=model_state(model))
    latest, _ = restore_newest(state, folder.checkpoints)
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
