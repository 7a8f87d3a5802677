"""Checkpoints of a run: every variable of the model and its optimizers by name, and the step."""

import functools
import logging
import shutil
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf

from ganime_tf.models.checkpoints import model_state, restore_newest
from ganime_tf.models.paths import copy_weights
from ganime_tf.runs import RunDir

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


def _numbered(variables) -> dict:
    """Slots have no stable names in Keras; inside a group their order is the networks'."""
    named, slots = {}, []
    for variable in variables:
        if variable.name in ("iteration", "learning_rate"):
            named[variable.name] = variable.value
        else:
            slots.append(variable.value)
    return named | {f"{i:04d}": value for i, value in enumerate(slots)}


class Checkpointer:
    """Saves and restores the whole state of training.

    A checkpoint is complete before the file that names it changes, so a process killed while
    saving leaves the previous one in use. One with weights that are not finite is never written.

    Args:
        model: A compiled `Trainable`, inside the scope of its strategy.
        folder: Where the checkpoints stand.
        keep: How many of the last are kept.
    """

    def __init__(self, model, folder: str | Path, keep: int = 3):
        self.model, self.folder = model, Path(folder)
        self._run = RunDir(self.folder.parent)
        optimizers, scales = {}, {}
        for group, optimizer in model.optimizers.items():
            plain = getattr(optimizer, "inner_optimizer", optimizer)
            optimizers[group] = _numbered(plain.variables)
            if plain is not optimizer:  # of float16; a run may change its precision
                known = {id(variable) for variable in plain.variables}
                scales[group] = _numbered(v for v in optimizer.variables if id(v) not in known)
        state = tf.train.Checkpoint(model=model_state(model), optimizers=optimizers, scales=scales)
        # Every worker has to take part in reading distributed variables; only the chief's counts.
        self.chief = is_chief()
        target = self.folder if self.chief else Path(tempfile.mkdtemp())
        self._state = state
        self._manager = tf.train.CheckpointManager(state, str(target), max_to_keep=keep)
        # A partial: TensorFlow would warn of retracing where one process trains several models.
        self._finite = tf.function(functools.partial(_all_finite, model))

    def save(self) -> None:
        """Writes a checkpoint of the model's step.

        Raises:
            FloatingPointError: When a weight is not finite; nothing is written.
            OSError: When the disk is full or not writable; earlier checkpoints stay usable.
        """
        step = self.model.read(self.model.step)
        self._check_finite(step)
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
            ValueError: When there are checkpoints and none can be read, or they are of another
                network or optimizer.
        """
        if self.chief:
            self._clean()
        _, missing = restore_newest(self._state, self.folder)
        self._start_averages(missing)
        return self.model.read(self.model.step)

    def _start_averages(self, missing: set[str]) -> None:
        """An average that the run did not keep until now starts at the weights."""
        networks = {network.name: network for network in self.model.generators}
        for name, average in self.model.ema_networks.items():
            if any(key.startswith(f"model/average.S{name}.S") for key in missing):
                logger.warning("The moving average of %s starts at its weights of now.", name)
                copy_weights(networks[name], average)

    def save_best(self, step: int, metric: str, value: float) -> None:
        """Keeps the weights of the best epoch in `best.weights.h5`, with `best.json` beside it."""
        self._check_finite(step)
        if self.chief:
            temporary = self.folder / ".tmp-best.weights.h5"
            self.model.save_weights(temporary)
            self._run.keep_best(temporary, {"step": step, metric: value})

    def _check_finite(self, step: int) -> None:
        if bool(np.asarray(self._finite())):
            return
        raise FloatingPointError(
            f"A weight is not finite after step {step}: nothing of it was saved, the last "
            "checkpoint is kept. Lower `learning_rate`, set `gradient_clip`, or use float32 or "
            "mixed_bfloat16."
        )

    def _clean(self) -> None:
        """Removes what a killed process was writing."""
        for path in self.folder.glob("ckpt-*_temp*"):
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink()
        for path in [*self.folder.glob(".tmp-*"), *self.folder.parent.glob(".tmp-*")]:
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink()


def _all_finite(model):
    checks = [
        tf.reduce_all(tf.math.is_finite(tf.convert_to_tensor(variable.value)))
        for variable in model.trainable_variables
        if variable.dtype.startswith("float")
    ]
    return tf.reduce_all(checks)
