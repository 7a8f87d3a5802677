"""A LiteRT (TensorFlow Lite) file as a model like any other."""

from pathlib import Path

import numpy as np

from ganime_tf.lite.runner import (
    FileModel,
    foreign_about,
    from_levels,
    read_about,
    to_levels,
    uses_of,
)
from ganime_tf.ops.litert import open_interpreter, scaled


class LiteRTModel(FileModel):
    """A LiteRT file: one of `ganime export`, or another project's picture-to-picture network.

    Other projects' networks take one RGB picture and give one, in float [-1, 1] (AnimeGANv2 and
    most released conversions) or uint8.

    Args:
        path: The `.tflite` file.
        num_threads: Threads of the runtime; defaults to the number of cores.

    Raises:
        FileNotFoundError: When the file is absent.
        ImportError: When no LiteRT runtime is installed.
        ValueError: When it is no network of that kind.
    """

    def __init__(self, path: str | Path, num_threads: int | None = None):
        path = Path(path)
        self.name = path.stem
        self._interpreter = open_interpreter(path, num_threads=num_threads)
        about = read_about(path)
        self._runners, self._shapes = {}, {}
        if about is None:
            self._check_foreign(path)
            height, width = self._interpreter.get_input_details()[0]["shape_signature"][1:3]
            about = foreign_about(None if -1 in (height, width) else (int(height), int(width)))
        self.about, self._uses = about, uses_of(about, path)
        self._ours = "ganime_tf" in about

    def _check_foreign(self, path):
        inputs = self._interpreter.get_input_details()
        outputs = self._interpreter.get_output_details()
        shapes = [tuple(each["shape_signature"]) for each in (*inputs, *outputs)]
        pictures = all(len(shape) == 4 and shape[-1] == 3 for shape in shapes)
        if len(inputs) != 1 or len(outputs) != 1 or not pictures:
            raise ValueError(
                f"{path} must map one RGB picture (N, H, W, 3) to one. It has inputs "
                f"{shapes[: len(inputs)]} and outputs {shapes[len(inputs) :]}."
            )
        for each in (inputs[0], outputs[0]):
            if each["dtype"] not in (np.float32, np.uint8):
                raise ValueError(
                    f"{path} works on {np.dtype(each['dtype']).name}; expected float32 or uint8."
                )

    def _compute(self, use: str, values: dict) -> np.ndarray:
        if not self._ours:
            return self._foreign(values["image"])
        if use not in self._runners:
            self._runners[use] = self._interpreter.get_signature_runner(use)
        runner = self._runners[use]
        (result,) = runner(**values).values()
        return result

    def _foreign(self, image):
        details = self._interpreter.get_input_details()[0]
        if tuple(details["shape"]) != image.shape or -1 in details["shape_signature"]:
            self._interpreter.resize_tensor_input(details["index"], image.shape)
            self._interpreter.allocate_tensors()
        value = from_levels(image) if details["dtype"] == np.float32 else image
        self._interpreter.set_tensor(details["index"], value)
        self._interpreter.invoke()
        (output,) = self._interpreter.get_output_details()
        out = to_levels(self._interpreter.get_tensor(output["index"]))
        return scaled(out[0], image.shape[1:3])[None]
