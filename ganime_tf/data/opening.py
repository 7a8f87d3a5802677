"""`open_data`: from the name of a set to its `Source`."""

from pathlib import Path

import numpy as np

from ganime_tf.data import listing
from ganime_tf.data.domain import Domain
from ganime_tf.data.drawn import toy_domains, toy_labels
from ganime_tf.data.filtering import filter_domains
from ganime_tf.data.labelled import labelled
from ganime_tf.data.paired import DIRECTIONS, paired
from ganime_tf.data.parsing import parsing
from ganime_tf.data.records import is_records, open_records
from ganime_tf.data.source import Source
from ganime_tf.data.spec import DataSpec, as_spec
from ganime_tf.data.stylize import derive, stylize
from ganime_tf.data.unpaired import pictures, unpaired

KINDS = ("paired", "unpaired", "stylize", "labelled", "parsing", "pictures")
UNALIGNED = ("unpaired", "stylize", "pictures")


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
        kind: `paired` (`a`, `b` of the same thing); `unpaired` (`a`, `b` of different things);
            `stylize` (photos `a`, style `b`, `b_grey`, `b_smooth`, `b_smooth_grey`); `labelled`
            (`b`, `label`); `parsing` (`b`, `parsing`); `pictures` (`b` alone).
        direction: Which side is the input `a`. Side-by-side pictures: `ab` left is `a`, `ba` right
            is `a` (colour left, sketch right), `auto` takes the half that looks like a sketch and
            says so in the log. Folders: `ab` and `auto` as they are named, `ba` swapped.
        validation: `None`: the set's own validation folder, else `DataSpec.validation_share` of the
            names by hash. A share such as `0.2`, `none`, a folder or list of the same form, or a
            `splits.json` that `Source.write_split` wrote.
        seed: Scenes of the toy world; no part in anything that is read from files.
        max_bad_share: Opening fails when more of the checked files are bad.

    Returns:
        A `Source`.

    Raises:
        FileNotFoundError: When the folder does not exist.
        ValueError: When nothing usable is there, or too much is bad; says what was looked for.
    """
    spec = as_spec(spec)
    if kind not in KINDS:
        raise ValueError(f"`kind` must be one of {', '.join(KINDS)}. Received {kind!r}.")
    if direction not in DIRECTIONS:
        raise ValueError(f"`direction` must be auto, ab or ba. Received {direction!r}.")
    if spec.tint and kind not in ("paired", "unpaired"):
        raise ValueError(f"`tint` colours the line art `a`; {kind} data has none.")
    settings = {
        "derive": derive if kind == "stylize" else None,
        "memory_share": spec.memory_share,
        "tint": spec.tint,
        "max_bad_share": max_bad_share,
    }
    if spec.is_toy:
        domains, held_out = toy_domains(kind, str(spec.path), seed)
        return Source(kind, domains, title=str(spec.path), aligned=kind != "pictures",
                      validation_domains=held_out, labels=toy_labels(kind),
                      **settings)  # fmt: skip
    if spec.path is not None and is_records(spec.path):
        domains, held_out, labels, title = open_records(spec.path, kind, spec.background)
        return Source(kind, domains, title=title, labels=labels, validation_domains=held_out,
                      aligned=kind not in UNALIGNED, **settings)  # fmt: skip
    skipped = []
    domains, held_out, column, labels = _list(spec, kind, direction, skipped)
    share, split = spec.validation_share, None
    if validation is not None:
        column = []
        if validation == "none":
            share, held_out = 0.0, None
        elif _is_share(validation):
            share, held_out = float(validation), None
        elif str(validation).endswith(".json"):
            split, held_out = listing.read_split(validation), None
        else:
            other = DataSpec(path=validation, aspect=spec.aspect, background=spec.background)
            held_out = _list(other, kind, direction, skipped)[0]
    if column:
        held = np.array([name in listing.VALIDATION_NAMES for name in column])
        domains[0].train_ids = np.flatnonzero(~held)
        domains[0].validation_ids = np.flatnonzero(held)
    elif held_out is None:
        for domain in domains:
            domain.split(share, split)
    else:
        for domain in held_out:
            domain.train_ids, domain.validation_ids = domain.validation_ids, domain.train_ids
    if kind == "stylize":
        held_out = _stylize_validation(domains, held_out)
    listing.warn_skipped(spec.title, skipped)
    return Source(
        kind,
        domains,
        title=spec.title,
        aligned=kind not in UNALIGNED,
        skipped=skipped,
        validation_domains=held_out,
        labels=labels,
        **settings,
    )


def _is_share(text: str) -> bool:
    try:
        return 0 <= float(text) < 1
    except ValueError:
        return False


def _stylize_validation(domains: list[Domain], held_out: list[Domain] | None) -> list[Domain]:
    """Held-out photos, beside style pictures that are gone through again when there are fewer."""
    photos, style = domains[0], domains[1]
    if held_out is not None:  # the photos have a folder of their own
        photos = held_out[0]
        for domain in domains[1:]:
            domain.train_ids = np.arange(len(domain))
    beside = style.select(np.arange(len(style)))
    ids = style.validation_ids if len(style.validation_ids) else np.arange(len(style))
    beside.train_ids = np.arange(0)
    beside.validation_ids = np.resize(ids, len(photos.validation_ids))
    return [photos, beside]


def _list(spec, kind, direction, skipped) -> tuple[list[Domain], list[Domain] | None, list, list]:
    """`(train, validation or None, split column, label names)`, filtered by the metadata."""
    held_out, column, labels = None, [], []
    if kind == "paired":
        domain, validation, column = paired(spec, direction, skipped)
        domains, held_out = [domain], None if validation is None else [validation]
    elif kind == "unpaired":
        domains, held_out = unpaired(spec, direction, skipped)
    elif kind == "stylize":
        domains, photos = stylize(spec, skipped)
        held_out = None if photos is None else [photos]
    elif kind == "labelled":
        domain, labels = labelled(spec, skipped)
        return [domain], None, [], labels
    elif kind == "pictures":
        domains, held_out = pictures(spec, skipped)
    else:
        domain, labels = parsing(spec, skipped)
        domains = [domain]
    if column and spec.metadata is not None:
        raise ValueError("A list with a `split` column cannot be filtered by `metadata` as well.")
    return filter_domains(domains, spec), held_out, column, labels
