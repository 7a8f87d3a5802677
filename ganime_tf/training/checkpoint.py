"""Checkpoints of a run: every variable of the model and its optimizers, and the step."""

import logging
import tempfile
from pathlib import Path

import tensorflow as tf

from ganime_tf.ops.files import write_json

logger = logging.getLogger(__name__)


def is_chief() -> bool:
    """Whether this process writes the run directory (true unless a worker of several)."""
    resolver = tf.distribute.get_strategy().cluster_resolver
    if resolver is None or not resolver.task_type:
        return True
    return resolver.task_type == "chief" or (
        resolver.task_type == "worker"
        and resolver.task_id == 0
        and "chief" not in resolver.cluster_spec().jobs
    )


class Checkpointer:
    """Saves and restores the whole state of training.

    A checkpoint is complete before the file that names it changes, so a process killed while
    saving leaves the previous one in use.

    Args:
        model: A compiled `Translator`, inside the scope of its strategy.
        folder: Where the checkpoints stand.
        keep: How many of the last are kept.
    """

    def __init__(self, model, folder: str | Path, keep: int = 3):
        self.model, self.folder = model, Path(folder)
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False, name="step")
        optimizers = [v for _, o in sorted(model.optimizers.items()) for v in o.variables]
        state = tf.train.Checkpoint(
            step=self.step,
            model=[variable.value for variable in model.variables],
            optimizers=[variable.value for variable in optimizers],
        )
        # Every worker has to take part in reading distributed variables; only the chief's counts.
        self.chief = is_chief()
        target = self.folder if self.chief else Path(tempfile.mkdtemp())
        self._state = state
        self._manager = tf.train.CheckpointManager(state, str(target), max_to_keep=keep)

    def save(self, step: int) -> None:
        """Writes a checkpoint of `step` finished steps.

        Raises:
            OSError: When the disk is full or not writable; earlier checkpoints stay usable.
        """
        self.step.assign(step)
        try:
            self._manager.save(checkpoint_number=step)
        except (tf.errors.OpError, OSError) as error:
            raise OSError(
                f"Could not save the checkpoint of step {step} in {self.folder}: {error}. The "
                "earlier checkpoints are intact. Free disk space, then run the same command again."
            ) from error

    def restore(self) -> int:
        """Restores the newest readable checkpoint and returns its step, 0 without any.

        Raises:
            ValueError: When there are checkpoints and none can be read.
        """
        state = tf.train.get_checkpoint_state(str(self.folder))
        paths = reversed(state.all_model_checkpoint_paths) if state else ()
        damaged = []
        for path in paths:
            try:
                self._state.restore(path).assert_consumed()
            except (tf.errors.OpError, AssertionError, ValueError) as error:
                reason = str(error).strip().splitlines()[0][:200]
                damaged.append(f"{Path(path).name} ({reason})")
                continue
            for name in damaged:
                logger.warning("Checkpoint %s is damaged; went back to an earlier one.", name)
            return int(self.step.numpy())
        if damaged:
            raise ValueError(
                f"No checkpoint in {self.folder} can be read: {'; '.join(damaged)}. "
                "Start again in another --run-dir, or delete that folder to start from step 0."
            )
        return 0

    def save_best(self, step: int, metric: str, value: float) -> None:
        """Keeps the weights of the best epoch in `best.weights.h5`, with `best.json` beside it."""
        if self.chief:
            temporary = self.folder / ".tmp-best.weights.h5"
            self.model.save_weights(temporary)
            temporary.replace(self.folder / "best.weights.h5")
            write_json(self.folder / "best.json", {"step": step, metric: value})
