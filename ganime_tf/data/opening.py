"""`open_data`: from the name of a set to its `Source`."""

from pathlib import Path

import numpy as np

from ganime_tf.data import listing
from ganime_tf.data.domain import Domain
from ganime_tf.data.drawn import toy_domains
from ganime_tf.data.paired import DIRECTIONS, paired
from ganime_tf.data.source import Source
from ganime_tf.data.spec import DataSpec, as_spec
from ganime_tf.data.unpaired import unpaired

KINDS = ("paired", "unpaired")


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
        kind: `paired` (`a`, `b` of the same thing) or `unpaired` (`a`, `b` of different things).
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
    if spec.is_toy:
        domains, held_out = toy_domains(kind, str(spec.path), seed)
        return Source(kind, domains, title=str(spec.path), aligned=True,
                      validation_domains=held_out)  # fmt: skip
    skipped = []
    domains, held_out, column = _list(spec, kind, direction, skipped)
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
            listing.apply_split(domain, share, split)
    else:
        for domain in held_out:
            domain.train_ids, domain.validation_ids = domain.validation_ids, domain.train_ids
    listing.warn_skipped(spec.title, skipped)
    return Source(
        kind,
        domains,
        title=spec.title,
        aligned=kind == "paired",
        skipped=skipped,
        validation_domains=held_out,
        max_bad_share=max_bad_share,
    )


def _is_share(text: str) -> bool:
    try:
        return 0 <= float(text) < 1
    except ValueError:
        return False


def _list(spec, kind, direction, skipped) -> tuple[list[Domain], list[Domain] | None, list]:
    if kind == "paired":
        domain, held_out, column = paired(spec, direction, skipped)
        return [domain], None if held_out is None else [held_out], column
    domains, held_out = unpaired(spec, direction, skipped)
    return domains, held_out, []
