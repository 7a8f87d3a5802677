"""Trained models for other programs: a table of formats, one file each, one proof for all.

Needs no TensorFlow until a format is written. Nothing is kept that `proof` has not opened again, in
a process of its own, and found to give the model's pixels.
"""

import dataclasses
import importlib
from collections.abc import Callable
from pathlib import Path


@dataclasses.dataclass(frozen=True)
class Format:
    """A form that a model can be written in.

    Attributes:
        name: Its name.
        help: One line for a person.
        module: The module with `write(request)`, `open_export(path)` and `is_own(path)`.
        suffix: Of its files; empty where it is a folder.
        recognise: Whether a path is one, by the name and what lies there.
        precisions: What it can be written in.
        sizes: Whether pictures may be of any size ("dynamic"), or must be of one ("fixed").
        needs: Packages beside TensorFlow that writing needs.
        extra: The extra that has them.
        reader: The module with `open_export`, where it is another: one without TensorFlow.
        asks_trust: Whether opening it runs what its author chose: `open_export` takes `trust`.
    """

    name: str
    help: str
    module: str
    suffix: str
    recognise: Callable[[Path], bool]
    precisions: tuple[str, ...] = ("float32",)
    sizes: tuple[str, ...] = ("dynamic", "fixed")
    needs: tuple[str, ...] = ()
    extra: str = ""
    reader: str = ""
    asks_trust: bool = False

    def write(self, request) -> dict[str, str]:
        """Writes `request.path`; returns the uses that the format cannot hold, with reasons."""
        return importlib.import_module(self.module).write(request)

    def open(self, path: str | Path, trust: bool = False):
        """Opens an export: a `Runner`, as the model itself is."""
        options = {"trust": trust} if self.asks_trust else {}
        return importlib.import_module(self.reader or self.module).open_export(path, **options)

    def is_own(self, path: Path) -> bool:
        """Whether a file or folder was written by an export, and may be replaced by the next."""
        return importlib.import_module(self.module).is_own(path)


FORMATS: dict[str, Format] = {
    "saved_model": Format(
        "saved_model",
        "TensorFlow: a folder with a signature for every use, ready for TensorFlow Serving",
        "ganime_tf.export.saved_model",
        "",
        lambda path: (path / "saved_model.pb").is_file(),
        asks_trust=True,
    ),
    "keras": Format(
        "keras",
        "Keras: one file with all networks, without the state of the training",
        "ganime_tf.export.keras_file",
        ".keras",
        lambda path: path.suffix == ".keras",
        sizes=("dynamic",),
    ),
    "litert": Format(
        "litert",
        "LiteRT (TensorFlow Lite): phones, small computers; no TensorFlow needed",
        "ganime_tf.export.litert",
        ".tflite",
        lambda path: path.suffix == ".tflite",
        precisions=("float32", "float16", "int8"),
        reader="ganime_tf.lite",
    ),
    "onnx": Format(
        "onnx",
        "ONNX, opset 15 to 18: ONNX Runtime, OpenVINO, browsers; no TensorFlow needed",
        "ganime_tf.export.onnx",
        ".onnx",
        lambda path: path.suffix == ".onnx",
        precisions=("float32", "float16"),
        needs=("tf2onnx", "onnx", "onnxruntime"),
        extra="onnx",
        reader="ganime_tf.lite",
    ),
}


def get_format(name: str) -> Format:
    """Returns a format.

    Raises:
        ValueError: On an unknown name; lists the names.
    """
    if name not in FORMATS:
        raise ValueError(f"Unknown format {name!r}. Formats: {', '.join(FORMATS)}.")
    return FORMATS[name]


def format_of(path: str | Path) -> Format | None:
    """Returns the format of what lies at a path, None when it is no export."""
    path = Path(path)
    return next((each for each in FORMATS.values() if each.recognise(path)), None)


_LATE = {"export_model": "writing", "export_saved_model": "writing"}


def __getattr__(name: str):
    if name in _LATE:
        return getattr(importlib.import_module(f"{__name__}.{_LATE[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = ["FORMATS", "Format", "format_of", "get_format", *_LATE]
