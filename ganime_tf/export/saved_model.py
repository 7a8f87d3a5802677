"""SavedModel: uint8 pictures of any size in, uint8 pictures out, only TensorFlow needed."""

import json
import shutil
import tempfile
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from ganime_tf.models.translator import Translator
from ganime_tf.version import __version__


def export_saved_model(model: Translator, path: str | Path, *, check: bool = True) -> Path:
    """Writes a SavedModel whose `serving_default` takes uint8 `(N, H, W, 3)` of any size.

    Each further use of a model is an endpoint of its own, e.g. `reverse`. The folder replaces an
    earlier export in one step.

    Args:
        model: A built model.
        path: The folder to write.
        check: Load it back and compare its pixels with the model's on a made picture.

    Returns:
        The folder.

    Raises:
        ValueError: When `path` is a file, or a folder that is no export.
        RuntimeError: When the export does not give the model's pixels.
    """
    path = Path(path)
    if path.is_file() or (
        path.is_dir() and any(path.iterdir()) and not (path / "saved_model.pb").exists()
    ):
        raise ValueError(f"{path} exists and is not an export. Choose a new or empty folder.")
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=".tmp-export-", dir=path.parent))
    try:
        archive = keras.export.ExportArchive()
        archive.track(model)
        spec = tf.TensorSpec((None, None, None, 3), tf.uint8, name="image")
        endpoints = model.endpoints()
        for name, function in endpoints.items():
            archive.add_endpoint(name, _endpoint(function), input_signature=[spec])
        archive.write_out(str(temporary), verbose=False)
        about = {"ganime_tf": __version__, "model": model.name, "endpoints": sorted(endpoints)}
        (temporary / "ganime.json").write_text(json.dumps(about, indent=2) + "\n")
        if check:
            _compare(model, temporary)
        if path.exists():
            shutil.rmtree(path)
        temporary.chmod(0o755)
        temporary.replace(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return path


def _endpoint(function):
    def endpoint(image):
        return {"image": function(image)}

    return endpoint


def _compare(model: Translator, path: Path) -> None:
    if getattr(model.config, "inference", "deterministic") != "deterministic":
        return
    image = np.random.default_rng(0).integers(0, 256, (1, 37, 50, 3), np.uint8)
    loaded = tf.saved_model.load(str(path)).signatures["serving_default"]
    exported = loaded(image=tf.constant(image))["image"].numpy().astype(int)
    difference = np.abs(exported - model.translate(image)).max()
    if difference > 1:
        raise RuntimeError(
            f"The export differs from the model by up to {difference} of 255 levels; it was not "
            "kept. Please report this with your TensorFlow and Keras versions."
        )
