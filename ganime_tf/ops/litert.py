"""Opening LiteRT (TensorFlow Lite) files."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image


def open_interpreter(path: str | Path, *, num_threads: int | None = None, delegates: bool = True):
    """Opens a `.tflite` file with `ai_edge_litert`, or TensorFlow's own interpreter without it.

    Args:
        path: The file.
        num_threads: Threads of the runtime; defaults to the number of cores.
        delegates: Use the CPU's fast kernels; without them, every tensor can be inspected.

    Returns:
        An interpreter with its tensors allocated.

    Raises:
        FileNotFoundError: When the file is absent.
        ValueError: When it is no LiteRT file.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"No LiteRT file {str(path)!r}.")
    try:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType
    except ImportError:
        import tensorflow as tf

        Interpreter = tf.lite.Interpreter  # noqa: N806
        OpResolverType = tf.lite.experimental.OpResolverType  # noqa: N806
    resolver = (
        OpResolverType.AUTO if delegates else OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    )
    try:
        interpreter = Interpreter(
            model_path=str(path),
            num_threads=num_threads or os.cpu_count(),
            experimental_op_resolver_type=resolver,
        )
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ValueError(f"{path} cannot be run as a LiteRT file: {reason}") from error
    return interpreter


def run_fitted(image: np.ndarray, size: tuple[int, int], network: Callable) -> np.ndarray:
    """Runs a network of one fixed size on a picture of any size.

    The picture is scaled into `size` with its aspect kept and mirrored into the rest; the result is
    cropped and scaled back.

    Args:
        image: uint8 `(H, W, 3)`.
        size: Height and width that the network takes and gives.
        network: Function of uint8 `(*size, 3)` to the same.

    Returns:
        uint8 `(H, W, 3)`.
    """
    height, width = image.shape[:2]
    scale = min(size[0] / height, size[1] / width)
    inner = (max(1, round(height * scale)), max(1, round(width * scale)))
    top, left = (size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2
    around = ((top, size[0] - inner[0] - top), (left, size[1] - inner[1] - left), (0, 0))
    out = network(np.pad(scaled(image, inner), around, mode="symmetric"))
    return scaled(out[top : top + inner[0], left : left + inner[1]], (height, width))


def scaled(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Scales a uint8 picture to (height, width), bicubic and antialiased."""
    if image.shape[:2] == tuple(size):
        return image
    return np.asarray(Image.fromarray(image).resize(size[::-1], Image.Resampling.BICUBIC))
