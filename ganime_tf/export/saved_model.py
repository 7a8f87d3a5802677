"""SavedModel: uint8 pictures of any size in, uint8 pictures out, only TensorFlow needed."""

import json
from pathlib import Path

import numpy as np
import tensorflow as tf

from ganime_tf.models.graphs import graph_of, input_spec
from ganime_tf.models.trainable import Trainable
from ganime_tf.models.uses import INPUTS, Runner, Use
from ganime_tf.ops.files import file_digest
from ganime_tf.ops.graphs import check_only_computes

_OLD_ENDPOINTS = {"serving_default": "default", "reverse": "reverse"}  # of 0.1.0


def write(request) -> dict[str, str]:
    """Writes a folder with a signature for every use; TensorFlow holds them all."""
    save(request, lambda use: graph_of(use, request.model.stride, request.model.min_size))
    about = request.about(request.uses)
    files = sorted(file for file in request.path.rglob("*") if file.is_file())
    about["sha256"] = {
        file.relative_to(request.path).as_posix(): file_digest(file) for file in files
    }
    (request.path / "ganime.json").write_text(json.dumps(about, indent=2) + "\n")
    return {}


def save(request, make_graph, batch: int | None = None, default_name: str = "serving_default"):
    """Writes the uses of a request as the signatures of a SavedModel.

    Args:
        request: What is asked for.
        make_graph: A `Use` to the function of raw tensors.
        batch: Values in a batch, None for any number.
        default_name: Name of the signature of `default`.
    """
    model = request.model
    module = tf.Module()
    module.kept = [variable.value for variable in model.variables]
    signatures = {}
    for name in request.uses:
        use = model.uses()[name]
        specs = {key: input_spec(key, request.shape_of(key), batch) for key in use.inputs}
        function = tf.function(_endpoint(use, make_graph(use))).get_concrete_function(**specs)
        signatures[default_name if name == "default" else name] = function
    tf.saved_model.save(module, str(request.path), signatures)


def _endpoint(use: Use, graph):
    """A use as a function of named tensors."""

    def endpoint(**tensors):
        return {use.output: graph(**tensors)}

    return endpoint


class ExportedModel(Runner):
    """A SavedModel with the uses of the model that it was made of.

    Args:
        path: Folder of an export.
        trust: Open it also when its graph could do more than compute.

    Raises:
        ValueError: When the folder is no export of this package, or not to be trusted.
    """

    def __init__(self, path: str | Path, trust: bool = False):
        self.name = Path(path).name
        _check_digests(Path(path))
        if not trust:
            check_only_computes(path)
        self._loaded = tf.saved_model.load(str(path))
        self._uses = _exported_uses(Path(path), set(self._loaded.signatures))
        self.label_names = _exported_labels(Path(path))

    def uses(self) -> dict[str, Use]:
        """The uses that were exported."""
        return self._uses

    def call_use(self, name: str, tensors: dict):
        """Calls the signature of a use."""
        signature = self._loaded.signatures["serving_default" if name == "default" else name]
        tensors = {key: tf.convert_to_tensor(value) for key, value in tensors.items()}
        return next(iter(signature(**tensors).values()))


def _check_digests(folder: Path) -> None:
    """Refuses an export of which a file has changed; those of 0.1.0 have no digests."""
    try:
        about = json.loads((folder / "ganime.json").read_text(encoding="utf-8"))
        known = dict(about.get("sha256", {}))
    except (OSError, ValueError, TypeError, AttributeError):
        return  # a SavedModel of another program, or what `_exported_uses` names
    for name, digest in known.items():
        file = folder / name
        if not file.is_file() or file_digest(file) != digest:
            raise ValueError(f"{file} is damaged or missing. Export the model again.")


def open_export(path: str | Path, trust: bool = False) -> ExportedModel:
    """Opens a folder that `write` made."""
    return ExportedModel(path, trust)


def is_own(path: Path) -> bool:
    """Whether a folder was written by an export."""
    return (path / "saved_model.pb").is_file() and (path / "ganime.json").is_file()


def _exported_uses(path: Path, signatures: set[str]) -> dict[str, Use]:
    from ganime_tf.lite.runner import uses_of

    about = path / "ganime.json"
    if about.exists():
        try:
            written = json.loads(about.read_text(encoding="utf-8"))
            if "uses" in written:
                return uses_of(written, about)
        except (ValueError, TypeError) as error:
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
