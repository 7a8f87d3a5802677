"""Exported models without TensorFlow: `.tflite` and `.onnx` files, NumPy, Pillow and a runtime.

`load(path)` gives the same `uses()`, `run(...)` and `translate(images)` as `ganime_tf.load`, and
the pixels of the model to 1 of 255 levels.

Nothing in here imports TensorFlow or Keras: `pip install --no-deps ganime-tf`, then `numpy pillow`
and `onnxruntime` or `ai-edge-litert`, is all that such a program needs, and `ganime translate` too.
"""

from pathlib import Path

from ganime_tf.lite.runner import FileModel


def load(path: str | Path, num_threads: int | None = None) -> FileModel:
    """Opens an exported model.

    Args:
        path: A `.tflite` or an `.onnx` file, of `ganime export` or of another project.
        num_threads: Threads of the runtime; defaults to the number of cores.

    Returns:
        An object with `uses()`, `run(...)` and `translate(images)`, uint8 to uint8.

    Raises:
        FileNotFoundError: When the file is absent.
        ImportError: When its runtime is not installed.
        ValueError: When it is no such model.
    """
    path = Path(path)
    if path.suffix == ".tflite":
        from ganime_tf.lite.litert import LiteRTModel

        return LiteRTModel(path, num_threads)
    if path.suffix == ".onnx":
        from ganime_tf.lite.onnx import ONNXModel

        return ONNXModel(path, num_threads)
    raise ValueError(f"Expected a .tflite or an .onnx file. Received {path}.")


open_export = load
__all__ = ["FileModel", "load", "open_export"]
