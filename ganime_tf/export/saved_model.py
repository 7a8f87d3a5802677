"""SavedModel: uint8 pictures of any size in, uint8 pictures out, only TensorFlow needed."""

import json
import shutil
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf

from ganime_tf.models.trainable import Trainable
from ganime_tf.models.uses import INPUTS, Use, graph_of
from ganime_tf.version import __version__


def export_saved_model(model: Trainable, path: str | Path, *, check: bool = True) -> Path:
    """Writes a SavedModel with a signature for every use of a model, for any size.

    The use `default` is `serving_default`; for a translator it takes uint8 `(N, H, W, 3)` as
    `image`. The folder replaces an earlier export in one step.

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
        uses = model.uses()
        module = tf.Module()
        module.kept = [variable.value for variable in model.variables]
        signatures = {}
        for name, use in uses.items():
            specs = {key: INPUTS[key].spec(key) for key in use.inputs}
            function = tf.function(_endpoint(model, use)).get_concrete_function(**specs)
            signatures["serving_default" if name == "default" else name] = function
        tf.saved_model.save(module, str(temporary), signatures)
        about = {
            "ganime_tf": __version__,
            "model": model.name,
            "uses": {name: use.describe() for name, use in uses.items()},
            "label_names": list(model.label_names),
        }
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


def _endpoint(model: Trainable, use: Use):
    """A use as a function of named tensors."""
    graph = graph_of(use, model.stride, model.min_size)

    def endpoint(**tensors):
        return {use.output: graph(**tensors)}

    return endpoint


def _compare(model: Trainable, path: Path) -> None:
    if getattr(model.config, "inference", "deterministic") != "deterministic":
        return
    loaded = tf.saved_model.load(str(path)).signatures
    for name, use in model.uses().items():
        tensors = made_inputs(model, use)
        signature = loaded["serving_default" if name == "default" else name]
        exported = next(iter(signature(**tensors).values())).numpy().astype(float)
        difference = np.abs(exported - np.asarray(model.call_use(name, tensors), float)).max()
        if difference > (1e-3 if use.output == "style" else 1):
            raise RuntimeError(
                f"The export's use {name!r} differs from the model's by up to {difference:g}; it "
                "was not kept. Please report this with your TensorFlow and Keras versions."
            )


def made_inputs(model: Trainable, use: Use) -> dict:
    """One value for every input of a use, of no particular meaning."""
    random = np.random.default_rng(0)
    styles = getattr(model, "style_size", 8)
    tensors = {}
    for name in use.inputs:
        entry = INPUTS[name]
        if entry.dtype == "uint8":
            channels = entry.shape[2:]
            high = 256 if channels else 2
            tensors[name] = tf.constant(random.integers(0, high, (1, 37, 50, *channels)), "uint8")
        elif entry.shape:
            tensors[name] = tf.constant(random.normal(size=(1, styles)), entry.dtype)
        else:
            tensors[name] = tf.ones((1,), entry.dtype)
    return tensors
