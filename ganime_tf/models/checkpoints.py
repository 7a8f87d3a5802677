"""Reading the checkpoints of a run: the newest one that is whole, variables by name."""

import logging
import re
from pathlib import Path

import tensorflow as tf

from ganime_tf.models.paths import model_paths

logger = logging.getLogger(__name__)


def checkpoint_paths(folder: str | Path) -> list[str]:
    """Returns the prefixes of the checkpoints in a folder, the newest first.

    They are found by the files themselves, not by the file that lists them, which may be lost.
    """
    found = {}
    for path in Path(folder).glob("ckpt-*.index"):
        if number := re.fullmatch(r"ckpt-(\d+)\.index", path.name):
            found[int(number[1])] = str(path)[: -len(".index")]
    return [found[number] for number in sorted(found, reverse=True)]


def restore_newest(state: tf.train.Checkpoint, folder: str | Path) -> tuple[str | None, set[str]]:
    """Restores the newest readable checkpoint of a folder.

    Moving averages and scales of losses may be missing there, or be there and have no place here:
    a run goes on with another `ema_decay` or precision.

    Args:
        state: What to restore: dicts of variables.
        folder: Where the checkpoints stand.

    Returns:
        Its prefix, or None when there are no checkpoints, and the names in `state` that it lacks.

    Raises:
        ValueError: When there are checkpoints and none can be read, or the newest one that can be
            read is of another network or optimizer.
    """
    damaged, known = [], _named(state)
    for path in checkpoint_paths(folder):
        try:
            there = dict(tf.train.list_variables(path))
            _refuse_old_layout(path, there)
            missing = _compare(path, known, there)
            state.restore(path).expect_partial()
        except (tf.errors.OpError, AssertionError, ValueError, IndexError) as error:
            if isinstance(error, _MisfitError):
                raise
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
            damaged.append(f"{Path(path).name} ({reason})")
            continue
        for name in damaged:
            logger.warning("Checkpoint %s is damaged; went back to an earlier one.", name)
        return path, missing
    if damaged:
        raise ValueError(
            f"No checkpoint in {folder} can be read: {'; '.join(damaged)}. Start again with "
            "another --run-dir."
        )
    return None, set()


def _named(state: tf.train.Checkpoint) -> dict[str, tuple]:
    """Shapes by the names that TensorFlow gives in its files."""
    found = {}

    def visit(tree, prefix):
        for key, value in tree.items():
            name = prefix + key.replace(".", "..").replace("/", ".S")
            if hasattr(value, "items"):
                visit(value, f"{name}/")
            else:
                found[f"{name}/.ATTRIBUTES/VARIABLE_VALUE"] = tuple(value.shape)

    for part in ("model", "optimizers", "scales"):
        visit(getattr(state, part, {}), f"{part}/")
    return found


def _compare(path: str, here: dict, there: dict) -> set[str]:
    """Returns the names that a checkpoint lacks; refuses one of another network or optimizer."""
    whole = any(name.startswith("optimizers/") for name in here)
    problems = [
        f"{_plain(name)} is {tuple(there[name])} there and {shape} here"
        for name, shape in here.items()
        if name in there and tuple(there[name]) != shape
    ]
    missing = {name for name in here if name not in there}
    problems += [f"{_plain(name)} is not there" for name in sorted(missing) if not _optional(name)]
    if whole:
        extra = [name for name in there if name not in here and "/" in name]
        problems += [
            f"{_plain(name)} is only there"
            for name in sorted(extra)
            if not _optional(name) and name.startswith(("model/", "optimizers/"))
        ]
    if problems:
        more = f" and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise _MisfitError(
            f"{path} does not fit these settings: {'; '.join(problems[:3])}{more}. Give the ones "
            "that the run was started with, or start from it elsewhere: --from "
            f"{Path(path).parents[1]} --run-dir NEW."
        )
    return missing


def _optional(name: str) -> bool:
    # A schedule has no variable of the rate.
    rate = name.startswith("optimizers/") and "/learning_rate/" in name
    return rate or name.startswith(("model/average.S", "scales/"))


def _plain(name: str) -> str:
    name = name.removesuffix("/.ATTRIBUTES/VARIABLE_VALUE").removeprefix("model/")
    return name.replace(".S", "/").replace("..", ".")


class _MisfitError(ValueError):
    """A whole checkpoint that an earlier one would not do better than."""


def _refuse_old_layout(path: str, names) -> None:
    if any(name.startswith("model/0/") for name in names):
        raise _MisfitError(
            f"{path} was written by ganime_tf 0.1.0, whose checkpoints go by position and cannot "
            "be trained on. Finish that run with 0.1.0, then start from its model.keras: --from "
            f"{Path(path).parents[1]} --run-dir NEW."
        )


def model_state(model) -> dict:
    """The variables of a model for `tf.train.Checkpoint`, by path."""
    return {path: variable.value for path, variable in model_paths(model).items()}
