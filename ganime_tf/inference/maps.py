"""Label maps for models that draw by them: from files, or made by a parser on the way."""

import logging
from pathlib import Path

import numpy as np
from PIL import Image

from ganime_tf.data.class_tables import class_table
from ganime_tf.data.parsing import CLASSES, read_map
from ganime_tf.inference.parse import LiteRTParser, load_parser
from ganime_tf.weights import MissingWeightsError, find_weights

logger = logging.getLogger(__name__)

FACE_PARSER = "bisenetv2_celebamask_448_int8.tflite"
"""A LiteRT parser of portraits that is taken when it lies in the weights folder."""
_BY_COUNT = {17: "anime17", 19: "danbooru-parsing"}


class MapSource:
    """Gives the map of a picture, in the class numbers of a model.

    Args:
        model: What `ganime_tf.inference.load` returns.
        place: A label map (grey or palette picture of class numbers) for every picture, or a folder
            of maps with the pictures' names; the numbers are the model's unless `classes` says
            otherwise.
        parser: A run of a parser, or a LiteRT file; by default `FACE_PARSER`.
        classes: Class list of the maps in `place`, a key of `data.parsing.CLASSES`, or "auto".

    Raises:
        FileNotFoundError: When there is nothing at `place` or `parser`.
        ValueError: When both are given, or neither and there is no parser to take.
    """

    def __init__(self, model, place=None, parser=None, classes: str = "auto"):
        if place is not None and parser is not None:
            raise ValueError("Give --parsing or --parser, not both.")
        if classes != "auto" and classes not in CLASSES:
            known = ", ".join(CLASSES)
            raise ValueError(f"`classes` must be auto or one of {known}. Received {classes!r}.")
        self._names = list(getattr(getattr(model, "config", None), "class_names", ()))
        self._place = None if place is None else Path(place).expanduser()
        self._parser, self._table = None, None
        if self._place is not None:
            if not self._place.exists():
                raise FileNotFoundError(f"No label map or folder of maps at {self._place}.")
            if classes != "auto":
                self._table = self._table_from(CLASSES[classes])
            return
        parser = _default_parser() if parser is None else parser
        self._parser = load_parser(parser)
        self._table = self._table_from(_classes_of(self._parser))
        logger.warning("No --parsing was given: the maps are made by %s.", parser)

    @property
    def by_name(self) -> bool:
        """Whether maps belong to whole pictures of their names."""
        return self._place is not None and self._place.is_dir()

    def _table_from(self, names):
        """Numbers of `names` to the model's; an export does not say its classes: as they are."""
        return class_table(names, self._names) if self._names else None

    def __call__(self, relative: Path, picture: np.ndarray) -> np.ndarray:
        """Returns the map of a picture.

        Args:
            relative: Its name, below the folder it came from.
            picture: uint8 `(H, W, 3)`.

        Returns:
            uint8 `(H, W)`, resized to the picture by the nearest pixel.

        Raises:
            ValueError: When there is no map of that name, or its numbers are no classes.
        """
        if self._parser is not None:
            maps = np.asarray(self._parser.parse(picture))
            where = "the parser"
        else:
            path = self._find(relative)
            count = len(self._names) if self._table is None else len(self._table)
            maps, where = read_map(path, count or 256), path
        if self._table is not None:
            if int(maps.max(initial=0)) >= len(self._table):
                raise ValueError(f"{where} gives class {maps.max()} of {len(self._table)}.")
            maps = self._table[maps]
        if maps.shape != picture.shape[:2]:
            size = picture.shape[1::-1]
            maps = np.asarray(Image.fromarray(maps).resize(size, Image.Resampling.NEAREST))
        return maps

    def _find(self, relative: Path) -> Path:
        if not self._place.is_dir():
            return self._place
        path = self._place / relative.with_suffix(".png")
        if path.is_file():
            return path
        raise ValueError(f"no label map {path}")


def _classes_of(parser) -> list[str]:
    if isinstance(parser, LiteRTParser):
        return CLASSES["celebamask"]
    count = parser.config.num_classes
    if count not in _BY_COUNT:
        raise ValueError(
            f"The parser has {count} classes; parsers of {' or '.join(map(str, _BY_COUNT))} serve."
        )
    return CLASSES[_BY_COUNT[count]]


def _default_parser() -> Path:
    try:
        return find_weights(FACE_PARSER, download=False)
    except MissingWeightsError as error:
        raise ValueError(
            "This model draws by label maps: give --parsing FILE_OR_FOLDER, or --parser with a run "
            f"of parsing-bisenet or a LiteRT face parser (or put {FACE_PARSER} into the weights "
            "folder)."
        ) from error
