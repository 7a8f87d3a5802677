"""What opened files of every runtime share: sizes, frames, one picture at a time."""

import json
import zipfile
from pathlib import Path

import numpy as np

from ganime_tf.models.uses import INPUTS, Runner, Use
from ganime_tf.ops.litert import fit_back, fit_into, scaled

ABOUT_NAME = "ganime.json"


def read_about(path: str | Path) -> dict | None:
    """Reads what an export says of itself; None for files that are not of this package.

    `.tflite` and `.keras` files carry it as a member of a zip archive: those of LiteRT at the end
    of the file, which is how its own tools attach files.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return json.loads(archive.read(ABOUT_NAME))
    except (zipfile.BadZipFile, KeyError, OSError, ValueError):
        return None


def append_about(path: str | Path, about: dict) -> None:
    """Attaches what `read_about` reads."""
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(ABOUT_NAME, json.dumps(about, indent=1))


def uses_of(about: dict, path: str | Path) -> dict[str, Use]:
    """The uses that an export says it has.

    Raises:
        ValueError: When it is damaged.
    """
    try:
        return {
            name: Use(None, tuple(use["inputs"]), use["output"], use["defaults"], use["help"])
            for name, use in about["uses"].items()
        }
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"{path} is damaged ({error!r}). Export the model again.") from error


class FileModel(Runner):
    """A model in a file of another runtime.

    Pictures that the file's graph does not take as they are get there in the way that the model
    itself uses: mirrored below and to the right up to its stride where the sizes are free, scaled
    into the frame with their aspect kept where there is one fixed size.

    A subclass sets `name`, `about` (with `uses`, `stride`, `min_size`, `size`), and gives
    `_compute(use, values)`: one picture's arrays with a batch axis of 1 to the raw result.
    """

    batch_limit = 1
    about: dict

    def uses(self) -> dict[str, Use]:
        """The uses in the file."""
        return self._uses

    @property
    def label_names(self) -> tuple[str, ...]:
        """Names of the labels, as the model knew them."""
        return tuple(self.about.get("label_names", ()))

    @property
    def input_size(self) -> tuple[int, int] | None:
        """Height and width of the graph, or None when it takes any."""
        size = self.about["size"]
        return None if size is None else (int(size[0]), int(size[1]))

    def call_use(self, name: str, tensors: dict) -> np.ndarray:
        """Runs one use picture by picture."""
        use, count = self.uses()[name], len(next(iter(tensors.values())))
        results = [
            self._one(name, use, {key: np.asarray(tensors[key][index]) for key in use.inputs})
            for index in range(count)
        ]
        return np.stack(results)

    def _one(self, name: str, use: Use, values: dict):
        framed = [key for key in use.inputs if INPUTS[key].framed]
        frame = values[framed[0]].shape[:2] if framed else None
        size = self.input_size
        values = dict(values)
        for key in framed:
            values[key] = (
                _padded(values[key], self.about["stride"], self.about["min_size"])
                if size is None
                else fit_into(values[key], size)
            )
        for key in set(use.inputs) - set(framed):
            wanted = self.about.get("sizes", {}).get(key)
            if wanted and INPUTS[key].dtype == "uint8":
                values[key] = scaled(values[key], tuple(wanted))
        out = self._compute(name, {key: value[None] for key, value in values.items()})[0]
        if frame is None or use.output == "style":
            return out
        if size is not None:
            return fit_back(out[: size[0], : size[1]], frame)
        return out[: frame[0], : frame[1]]


def _padded(value: np.ndarray, stride: int, minimum: int) -> np.ndarray:
    """Mirrors below and to the right, as `ops.images.pad_to_multiple` does."""
    for axis in (0, 1):
        length = value.shape[axis]
        wanted = max(-(-length // stride) * stride, minimum)
        if wanted != length:
            period = max(2 * (length - 1), 1)
            position = np.arange(wanted) % period
            value = np.take(value, np.minimum(position, period - position), axis=axis)
    return value


def to_levels(value: np.ndarray) -> np.ndarray:
    """Float [-1, 1] to uint8; uint8 stays."""
    if value.dtype == np.uint8:
        return value
    levels = (value.astype(np.float32) + np.float32(1.0)) * np.float32(127.5)
    return np.round(np.clip(levels, 0.0, 255.0)).astype(np.uint8)


def from_levels(value: np.ndarray) -> np.ndarray:
    """uint8 to float32 [-1, 1]."""
    return value.astype(np.float32) / np.float32(127.5) - np.float32(1.0)


def foreign_about(size: tuple[int, int] | None) -> dict:
    """What is known of another project's picture-to-picture network."""
    use = {"inputs": ["image"], "output": "image", "defaults": {}, "help": "picture to picture"}
    return {"uses": {"default": use}, "stride": 1, "min_size": 1, "size": size}
