"""An ONNX file as a model like any other, by ONNX Runtime."""

import json
import os
from pathlib import Path

import numpy as np

from ganime_tf.lite.runner import (
    ABOUT_NAME,
    FileModel,
    foreign_about,
    from_levels,
    to_levels,
    uses_of,
)
from ganime_tf.ops.litert import scaled


class ONNXModel(FileModel):
    """An ONNX file: one of `ganime export`, or another project's picture-to-picture network.

    An ONNX file holds one graph, so an export has a file for each use: `lines.onnx` is `default`,
    `lines.reverse.onnx` beside it `reverse`. Opening the first finds those that lie beside it.

    Other projects' networks take one RGB picture and give one, float32 in [-1, 1], with the
    channels last or first.

    Args:
        path: The `.onnx` file.
        num_threads: Threads of the runtime; defaults to the number of cores.

    Raises:
        FileNotFoundError: When the file is absent.
        ImportError: When ONNX Runtime is not installed.
        ValueError: When it is no network of that kind.
    """

    def __init__(self, path: str | Path, num_threads: int | None = None):
        path = Path(path)
        self.name, self._num_threads = path.stem, num_threads
        self._sessions = {}
        first = self._open(path)
        metadata = first.get_modelmeta().custom_metadata_map
        if ABOUT_NAME in metadata:
            self.about = json.loads(metadata[ABOUT_NAME])
            self._files = {
                use: path if use == self.about["use"] else path.with_name(name)
                for use, name in self.about["files"].items()
            }
            there = {use for use, file in self._files.items() if file.is_file()}
            self._uses = {k: v for k, v in uses_of(self.about, path).items() if k in there}
            self._sessions[self.about["use"]] = first
            self._channels_first = None
        else:
            self.about = self._foreign_about(first, path)
            self._uses = uses_of(self.about, path)
            self._sessions["default"] = first

    def _open(self, path: Path):
        if not path.is_file():
            raise FileNotFoundError(f"No ONNX file {str(path)!r}.")
        try:
            import onnxruntime
        except ImportError as error:
            raise ImportError(f"{path} needs ONNX Runtime: pip install onnxruntime") from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._num_threads or os.cpu_count() or 1
        options.log_severity_level = 3
        try:
            return onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # the runtime has a class of its own for every reason
            reason = str(error).strip().splitlines()[0]
            raise ValueError(f"{path} cannot be run as an ONNX file: {reason}") from error

    def _foreign_about(self, session, path) -> dict:
        inputs, outputs = session.get_inputs(), session.get_outputs()
        shapes = [tuple(each.shape) for each in (*inputs, *outputs)]
        kinds = {each.type for each in (*inputs, *outputs)}
        ranks = len(inputs) == len(outputs) == 1 and all(len(shape) == 4 for shape in shapes)
        last = ranks and shapes[0][3] == 3
        if not ranks or kinds != {"tensor(float)"} or not (last or shapes[0][1] == 3):
            raise ValueError(
                f"{path} must map one RGB picture, float32 (N, H, W, 3) or (N, 3, H, W), to one. "
                f"It has inputs {shapes[: len(inputs)]} and outputs {shapes[len(inputs) :]}."
            )
        self._channels_first = not last
        size = shapes[0][1:3] if last else shapes[0][2:4]
        fixed = all(isinstance(side, int) and side > 0 for side in size)
        return foreign_about(tuple(size) if fixed else None)

    def _compute(self, use: str, values: dict) -> np.ndarray:
        if use not in self._sessions:
            self._sessions[use] = self._open(self._files[use])
        session = self._sessions[use]
        if self._channels_first is None:
            (result,) = session.run(None, values)
            return result
        image = values["image"]
        value = from_levels(image)
        if self._channels_first:
            value = value.transpose(0, 3, 1, 2)
        (out,) = session.run(None, {session.get_inputs()[0].name: value})
        if self._channels_first:
            out = out.transpose(0, 2, 3, 1)
        return scaled(to_levels(out)[0], image.shape[1:3])[None]
