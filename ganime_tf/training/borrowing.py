"""Starting from what another run has learned: fine-tuning, and networks that are borrowed."""

import hashlib
from pathlib import Path

import numpy as np

from ganime_tf.inference.load import load
from ganime_tf.models.paths import copy_weights, model_paths
from ganime_tf.models.trainable import Trainable


def open_runs(places: tuple[str, ...]) -> list[tuple[str, Trainable, str]]:
    """Loads the runs to start from.

    Returns:
        `(place, model, hash of its weights)` for each.

    Raises:
        ValueError: When something there is no model that trains.
    """
    found = []
    for place in places:
        model = load(Path(place).expanduser())
        if not isinstance(model, Trainable):
            raise ValueError(f"--from {place} is an export: give a run directory or .keras file.")
        digest = hashlib.sha256()
        for path, variable in sorted(model_paths(model).items()):
            digest.update(path.encode())
            digest.update(np.ascontiguousarray(np.asarray(variable)).tobytes())
        found.append((place, model, digest.hexdigest()))
    return found


def start_from(model: Trainable, others: list[tuple[str, Trainable]]) -> None:
    """Copies weights from other models into one that is about to train.

    The same kind of model gives all its networks; another one gives the networks that `parts`
    names, their moving averages where it has them.

    Args:
        model: A `Trainable`.
        others: `(where it is, Trainable)`.

    Raises:
        ValueError: When a part is missing, is given twice, or is of no use; says which run is
            needed.
    """
    wanted = dict(model.parts)
    for place, other in others:
        if other.name == model.name:
            _take_all(model, other)
            wanted = {}
            continue
        parts = [part for part, trained_by in model.parts.items() if trained_by == other.name]
        if not parts:
            needed = ", ".join(sorted(set(model.parts.values()))) or "nothing but itself"
            raise ValueError(
                f"--from {place} is a {other.name}; {model.name} starts from {needed}."
            )
        for part in parts:
            source = getattr(other, part, None)
            if source is None:
                raise ValueError(f"--from {place}: {other.name} has no network {part!r}.")
            copy_weights(other.for_inference(source), getattr(model, part))
            wanted.pop(part, None)
    if wanted:
        part, trained_by = next(iter(wanted.items()))
        raise ValueError(
            f"{model.name} needs the network {part!r} of a trained {trained_by}: give its run with "
            f"--from. To make one: `ganime train {trained_by}`."
        )


def _take_all(model, other) -> None:
    ours, theirs = model.networks, other.networks
    for name, network in ours.items():
        plain = name.removeprefix("average/")  # an average starts at the weights where none is kept
        source = theirs.get(name) or other.ema_networks.get(plain) or theirs.get(plain)
        if source is None:
            raise ValueError(f"The run to start from has no network {plain!r}.")
        copy_weights(source, network)
