"""`open_data`: from the name of a set to its `Source`."""

import dataclasses
import os
from pathlib import Path

import numpy as np

from ganime_tf.data import listing
from ganime_tf.data.drawn import World
from ganime_tf.data.filtering import filter_domains
from ganime_tf.data.kinds import KINDS, Found, Kind, get_kind
from ganime_tf.data.records import is_records, open_records
from ganime_tf.data.source import Source
from ganime_tf.data.spec import DataSpec, as_spec

DIRECTIONS = ("auto", "ab", "ba")


def open_data(
    spec: str | Path | DataSpec,
    kind: str = "paired",
    *,
    direction: str = "auto",
    validation: str | None = None,
    seed: int = 0,
    max_bad_share: float = 0.05,
) -> Source:
    """Lists, splits and checks a set of pictures.

    Args:
        spec: A folder, a list file, `toy`, `toy:COUNT`, `a=DIR,b=DIR`, or a `DataSpec`.
        kind: A name in `KINDS`, which says what a batch has.
        direction: Which side is the input `a`. Side-by-side pictures: `ab` left is `a`, `ba` right
            is `a` (colour left, sketch right), `auto` takes the half that looks like a sketch and
            says so in the log. Folders: `ab` and `auto` as they are named, `ba` swapped.
        validation: `None`: the set's own validation folder, else `DataSpec.validation_share` of the
            names by hash. A share such as `0.2`, `none`, a folder or list of the same form, or a
            `splits.json` that `Source.write_split` wrote. `whole`, to evaluate on a set: the set's
            own validation folder, else all of it, which is not to be trained on then.
        seed: Scenes of the toy world; no part in anything that is read from files.
        max_bad_share: Opening fails when more of the checked files are bad.

    Returns:
        A `Source`.

    Raises:
        FileNotFoundError: When the folder does not exist.
        ValueError: When nothing usable is there, or too much is bad; says what was looked for.
    """
    spec, form = as_spec(spec), get_kind(kind)
    if direction not in DIRECTIONS:
        raise ValueError(f"`direction` must be auto, ab or ba. Received {direction!r}.")
    _check_options(spec, kind)
    if direction != "auto" and "direction" not in form.options:
        raise ValueError(f"{kind} data has no `direction`: leave it out.")
    if validation is not None:
        validation = os.path.expanduser(validation)
    settings = {
        "derived": form.derive(spec),
        "memory_share": spec.memory_share,
        "max_bad_share": max_bad_share,
    }
    if spec.is_toy:
        if direction == "ba":
            raise ValueError(f"{spec.path} is drawn with `a` as the input: leave `direction` out.")
        found = form.draw(World.of(str(spec.path), seed))
        return Source(kind, found.train, found.validation, title=str(spec.path),
                      aligned=found.aligned, labels=found.labels, **settings)  # fmt: skip
    if spec.path is not None and is_records(spec.path):
        if direction != "auto" or validation not in (None, "whole"):
            what = "`direction`" if direction != "auto" else "`validation`"
            raise ValueError(f"The shards in {spec.path} were packed with their own {what}: leave "
                             "it out, or pack them anew.")  # fmt: skip
        train, held_out, labels, title = open_records(spec.path, kind, spec.background)
        return Source(kind, train, held_out, title=title, labels=labels, **settings)
    skipped = []
    found = _read(spec, form, direction, skipped)
    train, held_out = _divide(found, spec, form, direction, validation, skipped)
    listing.warn_skipped(spec.title, skipped)
    return Source(
        kind,
        [] if validation == "whole" else train,
        form.beside(train, held_out),
        title=spec.title,
        skipped=skipped,
        labels=found.labels,
        **settings,
    )


def _check_options(spec: DataSpec, kind: str) -> None:
    """Refuses what only other kinds follow."""
    special = {name for form in KINDS.values() for name in form.options}
    for field in dataclasses.fields(DataSpec):
        name = field.name
        if name not in special or getattr(spec, name) == field.default:
            continue
        if name not in KINDS[kind].options:
            able = ", ".join(other for other, form in KINDS.items() if name in form.options)
            raise ValueError(f"{kind} data has no `{name}`. Kinds with it: {able}.")


def _read(spec: DataSpec, form: Kind, direction: str, skipped: list) -> Found:
    """What is there, filtered by the metadata."""
    found = form.read(spec, direction, skipped)
    if found.column and spec.metadata is not None:
        raise ValueError("A list with a `split` column cannot be filtered by `metadata` as well.")
    if found.train and not found.filtered:
        found.train = filter_domains(found.train, spec)
    return found


def _divide(found: Found, spec, form, direction, validation, skipped):
    """`(train, validation)`: by folder, column, share, split file, or another place."""
    share, known, held_out, column = spec.validation_share, None, found.validation, found.column
    if column and validation in (None, "whole"):
        held = np.array([name in listing.VALIDATION_NAMES for name in column])
        train, held_out = found.train[0].divide(held)
        return [train], [held_out]
    if validation == "whole":
        return found.train, held_out or found.train
    if validation is not None:
        found.train = found.train or held_out  # another division of what there is
        held_out = None
        if validation == "none":
            share = 0.0
        elif _is_share(validation):
            share = float(validation)
        elif str(validation).endswith(".json"):
            known = listing.read_split(validation)
        else:
            shown = {name: getattr(spec, name) for name in ("aspect", "background", "classes")}
            other = _read(
                dataclasses.replace(as_spec(validation), **shown), form, direction, skipped
            )
            held_out = other.train or other.validation
    if held_out is None:
        pairs = [domain.split(share, known) for domain in found.train]
    else:
        return found.train, held_out
    return [train for train, _ in pairs], [held for _, held in pairs]


def _is_share(text: str) -> bool:
    try:
        return 0 <= float(text) < 1
    except ValueError:
        return False
