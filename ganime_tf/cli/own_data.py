"""What a run knows about its data, for the commands that score it: evaluate and compare."""

import dataclasses
import logging
import re
from pathlib import Path

from ganime_tf.runs import RunDir

logger = logging.getLogger(__name__)

_INHERITED = ("aspect", "background", "classes", "hints")  # how pictures and maps are prepared


@dataclasses.dataclass(frozen=True)
class OwnData:
    """Data settings of a run; of what is no run, the defaults.

    Attributes:
        data: As it was given to `ganime train`, empty when nothing is known.
        direction: Which side is the input.
        seed: Of the toy world's scenes.
        image_size: Side of the pictures, 0 when unknown.
        listing_hash: Of names and split.
    """

    data: str = ""
    direction: str = "auto"
    seed: int = 0
    image_size: int = 0
    listing_hash: str = ""


def own_data(path: Path) -> OwnData:
    """Reads the data settings of a run directory, or of the run that an export lies in."""
    for folder in (path, path.parent):
        if RunDir(folder).config.is_file():
            record = RunDir(folder).record()
            run, data = record.get("run", {}), record.get("data", {})
            return OwnData(
                run.get("data", ""),
                run.get("direction", "auto"),
                run.get("seed", 0),
                record["config"].get("image_size", 0),
                data.get("listing_hash", ""),
            )
    return OwnData()


@dataclasses.dataclass(frozen=True)
class Scored:
    """What a model is scored on.

    Attributes:
        source: The set.
        split: Which part of it: validation, train or all.
        image_size: Side of the pictures.
        direction: Which side is the input.
        words: The same for a person.
    """

    source: object
    split: str
    image_size: int
    direction: str
    words: str


def open_scored(path: Path, model, args) -> Scored:
    """Opens what a model is scored on, by the model's own data settings where none are given.

    Args:
        path: Of the model.
        model: What was loaded from it.
        args: Options with `data`, `direction`, `image_size`, `split`.

    Raises:
        FileNotFoundError: When the set is not there.
        ValueError: When there is no set, or nothing in it to score.
    """
    from ganime_tf.data import as_spec, open_data
    from ganime_tf.metrics.models import count, data_kind

    own = own_data(path)
    if not (args.data or own.data):
        raise ValueError(f"{path} is no run that knows its data: give --data, as in ganime train.")
    spec = as_spec(args.data or own.data)
    if args.data and own.data:
        spec = _inherit(spec, str(args.data), as_spec(own.data))
    direction = args.direction or own.direction
    size = args.image_size or getattr(getattr(model, "config", None), "image_size", None)
    size = size or own.image_size or 256

    def opened(spec):
        return open_data(spec, data_kind(model), direction=direction, seed=own.seed)

    try:
        source = opened(spec)
    except FileNotFoundError as error:
        if args.data:
            raise
        raise FileNotFoundError(
            f"{error} This is the data of {path}; give --data where it lies elsewhere."
        ) from error
    is_own = source.listing_hash == own.listing_hash
    if own.data and not args.data and own.listing_hash and not is_own:
        logger.warning("%s has changed since %s was trained.", own.data, path)
    split, chosen = args.split, ""
    if split == "auto":
        split = "validation"
        if args.data and not is_own and not spec.is_toy and "validation_share" not in args.data:
            # A set of its own is scored whole, unless it has a folder to validate on.
            whole = opened(dataclasses.replace(spec, validation_share=0.0))
            if not whole.num_validation:
                source, split, chosen = whole, "all", "the whole set"
    number = count(source, split)
    if not number:
        raise ValueError(f"{source.title} has no {split} pictures. Use another --split.")
    part = chosen or {"all": "the whole set"}.get(split, f"its {split} part")
    words = f"{source.title} ({part}), {size} px, direction {direction}"
    if spec.aspect != "stretch":
        words += f", aspect {spec.aspect}"
    return Scored(source, split, size, direction, words)


def _inherit(spec, text: str, own):
    """The run's way of preparing pictures, where the given set does not say another."""
    said = set(re.findall(r"(?:^|,)(\w+)=", text))
    changes = {
        name: getattr(own, name)
        for name in _INHERITED
        if name not in said and getattr(own, name) != getattr(spec, name)
    }
    if changes:
        told = ", ".join(f"{name} {value}" for name, value in changes.items())
        logger.info("Prepared as in training: %s.", told)
    return dataclasses.replace(spec, **changes)
