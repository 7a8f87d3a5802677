"""Opening LiteRT (TensorFlow Lite) files, and pictures of any size for networks of one."""

import os
import re
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
        An interpreter; its tensors are allocated where all sizes are fixed.

    Raises:
        FileNotFoundError: When the file is absent.
        ImportError: When neither runtime is installed.
        ValueError: When it is no LiteRT file.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"No LiteRT file {str(path)!r}.")
    try:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType
    except ImportError:
        try:
            import tensorflow as tf
        except ImportError as error:
            raise ImportError(
                f"{path} needs the LiteRT runtime: pip install ai-edge-litert"
            ) from error

        _check_no_flex(path)
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
        shapes = [each["shape_signature"] for each in interpreter.get_input_details()]
        if not any(-1 in shape for shape in shapes):  # else once the size is known
            interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ValueError(f"{path} cannot be run as a LiteRT file: {reason}") from error
    return interpreter


def _check_no_flex(path: Path) -> None:
    """TensorFlow's own interpreter runs TensorFlow's operations too, those on files among them."""
    if found := sorted(set(re.findall(rb"Flex[A-Z]\w+", path.read_bytes()))):
        names = ", ".join(name.decode() for name in found[:6])
        raise ValueError(f"{path} needs operations of TensorFlow ({names}): it is not opened.")


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
    frame = image.shape[:2]
    return fit_back(network(fit_into(image, size)), frame)


def fit_into(value: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Scales a picture or a map into `size`, aspect kept, mirrored into the rest.

    Args:
        value: uint8 `(H, W, C)`, bicubic, or `(H, W)` of classes, by the nearest pixel.
        size: Height and width of the result.
    """
    height, width, top, left = _box(value.shape[:2], size)
    around = ((top, size[0] - height - top), (left, size[1] - width - left))
    around += ((0, 0),) * (value.ndim - 2)
    return np.pad(scaled(value, (height, width)), around, mode="symmetric")


def fit_back(value: np.ndarray, frame: tuple[int, int]) -> np.ndarray:
    """Undoes `fit_into`: crops what was mirrored and scales to the size that it had."""
    height, width, top, left = _box(frame, value.shape[:2])
    return scaled(value[top : top + height, left : left + width], frame)


def _box(frame, size) -> tuple[int, int, int, int]:
    scale = min(size[0] / frame[0], size[1] / frame[1])
    height, width = (max(1, round(side * scale)) for side in frame)
    return height, width, (size[0] - height) // 2, (size[1] - width) // 2


def scaled(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Scales uint8 to (height, width): pictures bicubic and antialiased, maps by nearest pixels."""
    if image.shape[:2] == tuple(size):
        return image
    kind = Image.Resampling.NEAREST if image.ndim == 2 else Image.Resampling.BICUBIC
    return np.asarray(Image.fromarray(image).resize(size[::-1], kind))
