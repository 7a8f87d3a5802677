"""A LiteRT (TensorFlow Lite) file as a model like any other."""

from pathlib import Path

import numpy as np

from ganime_tf.models.uses import Runner, Use
from ganime_tf.ops.litert import open_interpreter, run_fitted, scaled


class LiteRTModel(Runner):
    """A picture-to-picture network in a LiteRT file.

    The network takes one RGB picture and gives one, in float [-1, 1] (AnimeGANv2 and most released
    conversions), or in uint8 as our own exports do. Where its size is fixed, pictures are fitted
    into it with their aspect kept, and the result is scaled back.

    Args:
        path: The `.tflite` file.
        num_threads: Threads of the runtime; defaults to the number of cores.

    Raises:
        FileNotFoundError: When the file is absent.
        ValueError: When it is no network from one RGB picture to one.
    """

    def __init__(self, path: str | Path, num_threads: int | None = None):
        self.name = Path(path).stem
        self._interpreter = open_interpreter(path, num_threads=num_threads)
        inputs = self._interpreter.get_input_details()
        outputs = self._interpreter.get_output_details()
        shapes = [tuple(each["shape_signature"]) for each in (*inputs, *outputs)]
        pictures = all(len(shape) == 4 and shape[-1] == 3 for shape in shapes)
        if len(inputs) != 1 or len(outputs) != 1 or not pictures:
            raise ValueError(
                f"{path} must map one RGB picture (N, H, W, 3) to one. It has inputs "
                f"{shapes[: len(inputs)]} and outputs {shapes[len(inputs) :]}."
            )
        self._input, self._output = inputs[0], outputs[0]
        for each in (self._input, self._output):
            if each["dtype"] not in (np.float32, np.uint8):
                raise ValueError(
                    f"{path} works on {np.dtype(each['dtype']).name}; expected float32 or uint8."
                )

    @property
    def input_size(self) -> tuple[int, int] | None:
        """Height and width of the network, or None when it takes any."""
        height, width = self._input["shape_signature"][1:3]
        return None if -1 in (height, width) else (int(height), int(width))

    batch_limit = 1

    def uses(self) -> dict[str, Use]:
        """Picture to picture."""
        return {"default": Use(None, ("image",))}

    def call_use(self, name: str, tensors: dict) -> np.ndarray:
        """Translates uint8 `(N, H, W, 3)` to the same shape."""
        return np.stack([self._translate_one(image) for image in np.asarray(tensors["image"])])

    def _translate_one(self, image):
        height, width = image.shape[:2]
        if self.input_size in (None, (height, width)):
            return scaled(self._run(image), (height, width))
        return run_fitted(image, self.input_size, self._run)

    def _run(self, image):
        if self.input_size is None and tuple(self._input["shape"][1:3]) != image.shape[:2]:
            self._interpreter.resize_tensor_input(self._input["index"], (1, *image.shape))
            self._interpreter.allocate_tensors()
            self._input = self._interpreter.get_input_details()[0]
        value = image[None]
        if self._input["dtype"] == np.float32:
            value = value.astype(np.float32) / 127.5 - 1.0
        self._interpreter.set_tensor(self._input["index"], value)
        self._interpreter.invoke()
        out = self._interpreter.get_tensor(self._output["index"])[0]
        if out.dtype == np.uint8:
            return out
        return np.round(np.clip((out + 1.0) * 127.5, 0.0, 255.0)).astype(np.uint8)
