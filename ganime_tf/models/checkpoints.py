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


def restore_newest(
    state: tf.train.Checkpoint, folder: str | Path, whole: bool = True
) -> str | None:
    """Restores the newest readable checkpoint of a folder.

    Args:
        state: What to restore.
        folder: Where the checkpoints stand.
        whole: Whether everything in the checkpoint has its place in `state`.

    Returns:
        Its prefix, or None when there are no checkpoints.

    Raises:
        ValueError: When there are checkpoints and none can be read.
    """
    paths, damaged = checkpoint_paths(folder), []
    for path in paths:
        try:
            _refuse_old_layout(path)
            status = state.restore(path)
            if whole:
                status.assert_consumed()
            else:
                status.assert_existing_objects_matched().expect_partial()
        except (tf.errors.OpError, AssertionError, ValueError, IndexError) as error:
            if isinstance(error, _OldLayoutError):
                raise
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
            damaged.append(f"{Path(path).name} ({reason})")
            continue
        for name in damaged:
            logger.warning("Checkpoint %s is damaged; went back to an earlier one.", name)
        return path
    if damaged:
        raise ValueError(
            f"No checkpoint in {folder} can be read: {'; '.join(damaged)}. "
            "Start again in another --run-dir, or delete that folder to start from step 0."
        )
    return None


class _OldLayoutError(ValueError):
    pass


def _refuse_old_layout(path: str) -> None:
    names = [name for name, _ in tf.train.list_variables(path)]
    if any(name.startswith("model/0/") for name in names):
        raise _OldLayoutError(
            f"{path} was written by ganime_tf 0.1.0, whose checkpoints go by position and cannot "
            "be trained on. Finish that run with 0.1.0, then start from its model.keras: --from "
            f"{Path(path).parents[1]} --run-dir NEW."
        )


def model_state(model) -> dict:
    """The variables of a model for `tf.train.Checkpoint`, by path."""
    return {path: variable.value for path, variable in model_paths(model).items()}
