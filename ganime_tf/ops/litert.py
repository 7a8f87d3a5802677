"""Opening LiteRT (TensorFlow Lite) files."""

import os
from pathlib import Path


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
