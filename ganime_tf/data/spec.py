"""`DataSpec`: how a set of pictures is named, on the command line and in Python."""

import dataclasses
import os
import re
from pathlib import Path

from ganime_tf.data.geometry import ASPECTS

_TOY = re.compile(r"toy(-[a-z]+)?(:\d+)?$")


@dataclasses.dataclass(frozen=True)
class DataSpec:
    """Where pictures are and which of them to take.

    All paths may be given as `Path` or `str`; `~` is the home folder.
    """

    path: str | Path | None = None
    """A folder, a CSV or JSONL list, a folder of TFRecord shards, or `toy`, `toy:2000`."""
    a: str | Path | None = None
    """Folder of the source domain, instead of `path`."""
    b: str | Path | None = None
    """Folder of the target domain, instead of `path`."""
    smooth: str | Path | None = None
    """Folder of edge-smoothed copies of `b` (stylize); made on the fly when absent."""
    maps: str | Path | None = None
    """Folder of label maps (parsing)."""
    classes: str = "auto"
    """Class list of the label maps, see `parsing.CLASSES` (parsing); `auto`: what `classes.txt`
    beside the maps lists, or what the files look like."""
    metadata: str | Path | None = None
    """CelebA attributes file, or Danbooru metadata JSONL, for `where` and artist labels."""
    where: tuple[str, ...] = ()
    """Filters on the metadata, all of which must hold: `Male=-1`, `tag=smile`, `score>=10`."""
    ratings: tuple[str, ...] = ("g", "s")
    """Danbooru ratings to keep when the metadata has them: general and safe (sensitive)."""
    min_images_per_artist: int = 1
    """Leave out artists with fewer pictures (labelled; others when the metadata has artists)."""
    aspect: str = "stretch"
    """How a picture that is not square becomes square: stretch, crop, pad or random (crop)."""
    background: tuple[int, int, int] = (255, 255, 255)
    """RGB laid under transparent pixels."""
    validation_share: float = 0.1
    """Share of names that is kept for validation when the set has no folder for it."""
    tint: float = 0.0
    """Share of training inputs `a` (line art) whose ink gets a random colour: coloured pencils."""
    hints: int = 30
    """Most dabs of colour in a sample (hints); how many there are is random, from 0 on."""
    memory_share: float = 0.25
    """Share of the machine's memory that decoded pictures may take; 0: decode in every epoch."""

    def __post_init__(self):
        for name in ("path", "a", "b", "smooth", "maps", "metadata"):
            value = getattr(self, name)
            if value is not None and os.fspath(value).startswith("~"):
                object.__setattr__(self, name, type(value)(os.path.expanduser(value)))
        if self.aspect not in ASPECTS:
            raise ValueError(f"`aspect` must be one of {', '.join(ASPECTS)}. Got {self.aspect!r}.")
        if not 0 <= self.validation_share < 1:
            raise ValueError(f"`validation_share` must be in [0, 1). Got {self.validation_share}.")
        for name in ("tint", "memory_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"`{name}` must be in [0, 1]. Got {getattr(self, name)}.")
        if not 1 <= self.hints <= 200:
            raise ValueError(f"`hints` must be in [1, 200]. Got {self.hints}.")
        if len(self.background) != 3 or not all(0 <= v <= 255 for v in self.background):
            raise ValueError(f"`background` must be RGB in [0, 255]. Got {self.background}.")
        if self.path is None and self.b is None:
            raise ValueError("A DataSpec needs `path`, or `a` and `b` folders.")
        if self.path is not None and (self.a is not None or self.b is not None):
            raise ValueError("Give a DataSpec either `path` or the folders `a` and `b`, not both.")

    @property
    def is_toy(self) -> bool:
        """Whether the pictures are drawn by `ganime_tf.toy`."""
        path = "" if self.path is None else str(self.path)
        return bool(_TOY.match(path)) and not Path(path).exists()

    @property
    def title(self) -> str:
        """What messages call the set."""
        return str(self.path) if self.path is not None else f"{self.a} + {self.b}"


_FIELDS = {field.name: field for field in dataclasses.fields(DataSpec)}


def as_spec(data: "str | Path | DataSpec") -> DataSpec:
    """Makes a `DataSpec` of what `--data` accepts.

    Args:
        data: A `DataSpec`, a path, `toy...`, or `field=value,field=value` in the names of
            `DataSpec` (`a=sketches,b=paintings,aspect=crop`). Lists are separated by `+`.

    Raises:
        ValueError: On an unknown field or a value of the wrong type.
    """
    if isinstance(data, DataSpec):
        return data
    text = str(data)
    if not text:
        raise ValueError("The data path is empty. Give a folder, a list file or `toy`.")
    first = text.partition("=")[0]
    if first not in _FIELDS or Path(text).exists():
        return DataSpec(path=text)
    values = {}
    # A comma only separates where a field name and `=` follow, so that paths may contain commas.
    for item in re.split(r",(?=(?:" + "|".join(_FIELDS) + r")=)", text):
        name, _, value = item.partition("=")
        try:
            values[name] = _parse(name, value)
        except ValueError as error:
            raise ValueError(f"Cannot read {item!r} in the data {text!r}: {error}") from error
    return DataSpec(**values)


def _parse(name: str, value: str):
    if name == "background":
        return tuple(int(part) for part in value.split("+"))
    if name in ("where", "ratings"):
        return tuple(value.split("+"))
    if name in ("min_images_per_artist", "hints"):
        return int(value)
    return float(value) if name in ("validation_share", "tint", "memory_share") else value
