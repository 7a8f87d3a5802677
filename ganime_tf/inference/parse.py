"""Files in, label maps and overlays out: the batch job around a network that names pixels."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from ganime_tf.data.class_tables import class_table
from ganime_tf.data.io import read_image
from ganime_tf.data.parsing import CLASSES
from ganime_tf.inference.pictures import encode
from ganime_tf.inference.translate import TranslateReport, find_inputs
from ganime_tf.ops.checks import check_uint8
from ganime_tf.ops.jobs import OutputFolder
from ganime_tf.ops.litert import open_interpreter, scaled
from ganime_tf.progress import progress

# The class lists by their length, as far as that decides.
_BY_COUNT = {17: "anime17", 19: "danbooru-parsing"}

# A colour a class of `anime17`; the toy world's palette.
PALETTE = (
    (0, 0, 0), (255, 214, 186), (120, 72, 40), (168, 108, 64), (64, 128, 255), (64, 208, 255),
    (150, 150, 160), (255, 150, 150), (255, 180, 120), (255, 224, 0), (240, 140, 90),
    (216, 32, 64), (214, 164, 134), (255, 255, 150), (72, 160, 88), (140, 72, 200),
    (255, 96, 192),
)  # fmt: skip


class LiteRTParser:
    """A face parser in a LiteRT file: one RGB picture to class numbers or scores.

    The picture is scaled to the network's size, without keeping its aspect, as such networks are
    trained; the map is scaled back by the nearest pixel.

    Args:
        path: The `.tflite` file, e.g. BiSeNet's for CelebAMask-HQ.

    Raises:
        FileNotFoundError: When the file is absent.
        ValueError: When the file is no such network.
    """

    def __init__(self, path: str | Path):
        self.name = Path(path).stem
        self._interpreter = open_interpreter(path)
        inputs = self._interpreter.get_input_details()
        self._output = self._interpreter.get_output_details()[0]
        shape = tuple(int(side) for side in inputs[0]["shape"])
        if len(inputs) != 1 or len(shape) != 4 or shape[-1] != 3:
            raise ValueError(f"{path} must take one RGB picture. Its input is {shape}.")
        if inputs[0]["dtype"] not in (np.float32, np.uint8):
            kind = np.dtype(inputs[0]["dtype"]).name
            raise ValueError(f"{path} works on {kind}; expected float32 or uint8.")
        self._input = inputs[0]
        self.size = shape[1:3]
        out = tuple(int(side) for side in self._output["shape"] if side != 1)
        if not 2 <= len(out) <= 3 or out[:2] != self.size:
            raise ValueError(
                f"{path} must give a class or scores for every pixel {self.size}. It gives {out}."
            )

    def parse(self, images) -> np.ndarray:
        """Returns the class of every pixel.

        Args:
            images: uint8 `(N, H, W, 3)` or `(H, W, 3)`.

        Returns:
            uint8 `(N, H, W)` or `(H, W)`.

        Raises:
            ValueError: When `images` is not uint8 RGB.
        """
        check_uint8(images)
        images = np.asarray(images)
        if images.ndim == 3:
            return self._parse_one(images)
        return np.stack([self._parse_one(image) for image in images])

    def _parse_one(self, image):
        value = scaled(image, self.size)[None]
        if self._input["dtype"] == np.float32:
            value = value.astype(np.float32) / 127.5 - 1.0
        self._interpreter.set_tensor(self._input["index"], value)
        self._interpreter.invoke()
        out = self._interpreter.get_tensor(self._output["index"])
        out = out.reshape([side for side in out.shape if side != 1])
        classes = (out.argmax(-1) if out.ndim == 3 else out).astype(np.uint8)
        picture = Image.fromarray(classes)
        return np.asarray(picture.resize(image.shape[1::-1], Image.Resampling.NEAREST))


def load_parser(path: str | Path, checkpoint: str = "last"):
    """Loads a parser: a run of `parsing-bisenet` and the like, or a LiteRT file.

    Args:
        path: A run directory, a `.keras` file, or a `.tflite` file.
        checkpoint: For a run directory: "last" or "best".

    Returns:
        An object with `parse(images)`.

    Raises:
        FileNotFoundError: When nothing is there.
        ValueError: When it is a model of another kind.
    """
    if Path(path).suffix == ".tflite":
        return LiteRTParser(path)
    from ganime_tf.inference.load import load

    model = load(path, checkpoint)
    if not hasattr(model, "parse"):
        raise ValueError(
            f"{path} makes pictures, not classes. Give a run of parsing-bisenet or parsing-danet."
        )
    return model


def overlay(image: np.ndarray, maps: np.ndarray, strength: float = 0.55) -> np.ndarray:
    """Lays the colours of classes over a picture; the background stays as it is.

    Args:
        image: uint8 `(H, W, 3)`.
        maps: uint8 `(H, W)`, numbers of `anime17`.
        strength: Share of the colour in [0, 1].

    Returns:
        uint8 `(H, W, 3)`.
    """
    colours = np.asarray(PALETTE, np.float32)[maps]
    mixed = image + strength * (colours - image) * (maps > 0)[..., None]
    return np.round(mixed).astype(np.uint8)


def encode_map(maps: np.ndarray) -> bytes:
    """Returns a map as a palette PNG: the pixel values are the class numbers."""
    picture = Image.fromarray(np.asarray(maps, np.uint8), mode="P")
    picture.putpalette([value for colour in PALETTE for value in colour])
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG")
    return buffer.getvalue()


def parse_files(
    model,
    inputs: list[str | Path],
    out: str | Path,
    *,
    classes: str = "auto",
    overwrite: bool = False,
    skip_existing: bool = False,
) -> TranslateReport:
    """Parses pictures: `out/maps/NAME.png` in the paper's 17 classes, `out/overlays/NAME.png`.

    A file that cannot be read is skipped and reported; the rest goes on. Neither an input nor any
    other file that is not the result of such a job is written over.

    Args:
        model: What `load_parser` returns.
        inputs: Files, folders and globs.
        out: Folder for the results; sub-folders of an input folder are kept.
        classes: Class list of the model, a key of `data.parsing.CLASSES`; "auto" takes the one of
            17 or 19 classes that the model's numbers fit.
        overwrite: Replace files that no job wrote; inputs are safe all the same.
        skip_existing: Leave what an earlier job has finished.

    Returns:
        The maps written, the files skipped, with reasons, and the maps that were there.

    Raises:
        FileNotFoundError: When an input matches nothing.
        ValueError: On an unknown class list.
    """
    if classes == "auto":
        count = getattr(getattr(model, "config", None), "num_classes", 19)
        if count not in _BY_COUNT:
            raise ValueError(
                f"The model has {count} classes; give `classes`: one of {', '.join(CLASSES)}."
            )
        classes = _BY_COUNT[count]
    if classes not in CLASSES:
        raise ValueError(f"`classes` must be auto or one of {', '.join(CLASSES)}. Got {classes!r}.")
    table = class_table(CLASSES[classes], CLASSES["anime17"])
    pairs = find_inputs(inputs, out)
    folder = OutputFolder(out, [source for source, _ in pairs], overwrite)
    existing, written, skipped = [], [], []
    try:
        for source, relative in progress(pairs, desc="parse", unit="pictures"):
            names = [Path(kind) / relative.with_suffix(".png") for kind in ("maps", "overlays")]
            if skip_existing:
                there = [folder.existing(name, source) for name in names]
                if all(there):
                    existing.append(there[0])
                    continue
            try:
                image = np.asarray(read_image(source))
                numbers = np.asarray(model.parse(image))
                if numbers.max(initial=0) >= len(table):
                    raise ValueError(f"class {numbers.max()} is not in {classes}; name its list")
            except (ValueError, OSError) as error:
                skipped.append((source, str(error).strip().splitlines()[0]))
                continue
            maps = table[numbers]
            target, over = (folder.target(name) for name in names)
            folder.save(target, encode_map(maps), source)
            folder.save(over, encode(overlay(image, maps), None, "png", (255,) * 3), source)
            written.append(target)
    finally:
        folder.close()
    return TranslateReport(written, skipped, existing)
