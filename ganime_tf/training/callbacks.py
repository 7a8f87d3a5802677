"""Keras callbacks of a run: progress, validation, samples, checkpoints, logs, and stopping."""

import json
import logging
import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from ganime_tf import metrics
from ganime_tf.ops.files import write_atomic
from ganime_tf.ops.pictures import contact_sheet, save_png
from ganime_tf.progress import ProgressBar, format_seconds
from ganime_tf.training.checkpoint import Checkpointer

logger = logging.getLogger(__name__)

_SMALLEST = 16  # pixels of a side that every model trains on


class Steps(keras.callbacks.Callback):
    """Counts steps over the whole run; the other callbacks read `step` from here."""

    def __init__(self, step: int, total: int, batch_size: int):
        super().__init__()
        self.step, self.total, self.batch_size = step, total, batch_size
        self.seconds = 0.0

    @property
    def images_per_second(self) -> float:
        """Training speed of the running epoch."""
        return (self.step - self._first) * self.batch_size / max(self.seconds, 1e-9)

    def on_epoch_begin(self, epoch, logs=None):
        """Starts the clock of the epoch."""
        self._first, self._since = self.step, time.monotonic()

    def on_train_batch_end(self, batch, logs=None):
        """Counts one more step."""
        self.step += 1
        self.seconds = time.monotonic() - self._since


class StopOnBadLoss(keras.callbacks.Callback):
    """Ends the run when a loss is not finite, before anything of it is saved.

    The graph notes the first such step (`Trainable.bad_step`); it is looked at whenever the losses
    are.

    Raises:
        FloatingPointError: With the step and the losses.
    """

    def on_train_batch_end(self, batch, logs=None):
        """Looks when the losses are at hand."""
        if logs:
            self._look(logs)

    def on_epoch_end(self, epoch, logs=None):
        """Looks before the epoch is validated and saved."""
        self._look(logs)

    def _look(self, logs):
        step = self.model.read(self.model.bad_step)
        if step < 0:
            return
        values = ", ".join(f"{key}={float(value):.4g}" for key, value in logs.items())
        raise FloatingPointError(
            f"A loss is not finite at step {step}: {values}. The last checkpoint is kept. "
            "Lower `learning_rate`, set `gradient_clip`, or use float32 or mixed_bfloat16."
        )


class Progress(keras.callbacks.Callback):
    """One line with the step, time left, images per second and losses."""

    def __init__(self, steps: Steps, show: bool | None = None):
        super().__init__()
        self.steps, self._show, self._bar = steps, show, None
        self._start = time.monotonic()
        self._first, self._losses = steps.step, ""

    def on_epoch_begin(self, epoch, logs=None):
        """Opens the line of the epoch."""
        self._bar = ProgressBar(self.params["steps"], f"epoch {epoch + 1}", "step", self._show)

    def on_train_batch_end(self, batch, logs=None):
        """Redraws the line."""
        losses = " ".join(f"{key}={float(value):.3f}" for key, value in logs.items())
        self._losses = losses = losses or self._losses
        speed = f"{self.steps.images_per_second:.1f} images/s"
        self._bar.update(1, f"{speed}  run ETA {self._eta()}  {losses}")

    def on_epoch_end(self, epoch, logs=None):
        """Writes the summary of the epoch to the log."""
        self._bar.close()
        values = "  ".join(f"{key} {float(value):.4f}" for key, value in logs.items())
        logger.info(
            "epoch %d  step %d/%d  %.1f images/s  ETA %s  %s",
            epoch + 1,
            self.steps.step,
            self.steps.total,
            self.steps.images_per_second,
            self._eta(),
            values,
        )

    def _eta(self) -> str:
        done = max(self.steps.step - self._first, 1)
        rate = (time.monotonic() - self._start) / done
        return format_seconds(rate * (self.steps.total - self.steps.step))


class Validate(keras.callbacks.Callback):
    """Adds the validation metrics to the epoch's logs: `val_ssim`, `val_ssim_std`, ...

    Args:
        dataset: Finite batches with `a`, and `b` as the truth or as pictures of that domain.
        names: Metrics, as `ganime evaluate` names them.
        aligned: Whether `b` is the truth of `a`.
        every: Epochs between two validations; the last epoch always counts.
        last_epoch: The number of epochs of the run.
    """

    def __init__(
        self, dataset: tf.data.Dataset, names: tuple, aligned: bool, every: int, last_epoch: int
    ):
        super().__init__()
        self.dataset, self.names, self.aligned = dataset, names, aligned
        self.every, self.last_epoch = every, last_epoch
        values = metrics.value_names(names)
        self.better = {f"val_{name}": better for name, better in values.items()}
        self._refused = set()
        self._tried = False

    def on_train_begin(self, logs=None):
        """Measures once where a metric may want more than there is: before hours of training."""
        wanted = [metrics.METRICS[name] for name in self.names]
        if not self._tried and any(m.wants_file or m.min_size > _SMALLEST for m in wanted):
            self._measure({})
        self._tried = True

    def on_epoch_end(self, epoch, logs=None):
        """Translates the validation pictures and measures them."""
        if (epoch + 1) % self.every == 0 or epoch + 1 == self.last_epoch:
            self._measure(logs)

    def _measure(self, logs: dict) -> None:
        report = validate(self.model, self.dataset, self.names, self.aligned)
        for name, reason in report.refused.items():
            if name not in self._refused:
                logger.warning("No val_%s: %s", name, reason)
                self._refused.add(name)
                for value in metrics.value_names([name]):
                    self.better.pop(f"val_{value}", None)
        for name, score in report.scores.items():
            logs[f"val_{name}"] = score.value
            if score.std is not None:
                logs[f"val_{name}_std"] = score.std


def validate(
    model, dataset: tf.data.Dataset, names=metrics.PAIRED_DEFAULT, aligned: bool = True
) -> metrics.Report:
    """Measures a model on validation batches, as its `evaluate_batch` says.

    Args:
        model: A `Trainable`.
        dataset: Finite batches `{"a", "b"}`, float32 in [-1, 1].
        names: Metrics, as `ganime evaluate` names them.
        aligned: Whether `b` is the truth of `a`, else pictures of its domain.
    """
    evaluator = metrics.Evaluator(names, aligned=aligned, resamples=0)
    first = 0
    for batch in dataset:
        evaluator.update(**model.evaluate_batch(batch, first))
        first += len(next(iter(batch.values())))
    return evaluator.result()


class SampleGrid(keras.callbacks.Callback):
    """Writes `samples/epoch_0000.png`: the same validation inputs, outputs and truths.

    Args:
        batch: A batch of validation pictures.
        folder: Where the PNG files go.
        every: Epochs between two grids; the start and the last epoch always count.
        steps: The step counter.
        last_epoch: The number of epochs of the run.
        writer: A TensorBoard writer, or None.
    """

    def __init__(self, batch, folder: Path, every: int, steps: Steps, last_epoch: int, writer=None):
        super().__init__()
        self.batch, self.folder, self.every = batch, Path(folder), every
        self.steps, self.last_epoch, self.writer = steps, last_epoch, writer

    def on_train_begin(self, logs=None):
        """Draws the untrained model."""
        if self.steps.step == 0:
            self.draw(0)

    def on_epoch_end(self, epoch, logs=None):
        """Draws the grid when it is due."""
        if (epoch + 1) % self.every == 0 or epoch + 1 == self.last_epoch:
            self.draw(epoch + 1)

    def draw(self, epoch: int) -> None:
        """Draws the grid of an epoch."""
        columns = self.model.sample_pictures(self.batch)
        rows = list(zip(*columns.values(), strict=True))
        sheet = contact_sheet(rows, columns=list(columns))
        save_png(self.folder / f"epoch_{epoch:04d}.png", sheet)
        if self.writer:
            with self.writer.as_default(step=self.steps.step):
                tf.summary.image("samples", sheet[None])


class SaveCheckpoint(keras.callbacks.Callback):
    """Saves at the end of every epoch, every `every` steps, and when training is stopped.

    Args:
        checkpointer: What saves.
        steps: The step counter.
        every: Steps between two checkpoints besides the epochs' ends, 0 for none.
        best_metric: The log that decides on the best epoch.
        better: `{log: "higher" or "lower"}`, filled by `Validate`.
    """

    def __init__(
        self,
        checkpointer: Checkpointer,
        steps: Steps,
        every: int,
        best_metric: str,
        better: dict[str, str],
    ):
        super().__init__()
        self.checkpointer, self.steps, self.every = checkpointer, steps, every
        self.best_metric, self.better = best_metric, better
        self._warned = False
        self.best = None
        path = checkpointer.folder / "best.json"
        if path.exists():
            try:
                self.best = json.loads(path.read_text()).get(best_metric)
            except (ValueError, AttributeError):
                logger.warning("%s is damaged: the best epoch is looked for anew.", path)

    def on_train_batch_end(self, batch, logs=None):
        """Saves when due, or when a signal stopped the run."""
        if (self.every and self.steps.step % self.every == 0) or self.model.stop_training:
            self.checkpointer.save()

    def on_epoch_end(self, epoch, logs=None):
        """Saves the epoch, and the weights if it is the best so far."""
        if not self.model.stop_training:
            self.checkpointer.save()
        value = logs.get(self.best_metric)
        if value is None and self.better and self.best_metric not in self.better:
            if not self._warned and self.best_metric.startswith("val_"):
                logger.warning(
                    "No best checkpoint: %s is not measured, but %s are. Choose one of them with "
                    "--best-metric, or add it to --metrics.",
                    self.best_metric,
                    ", ".join(sorted(self.better)),
                )
            self._warned = True
        if value is not None and (self.best is None or self._is_better(value)):
            self.best = float(value)
            self.checkpointer.save_best(self.steps.step, self.best_metric, self.best)

    def _is_better(self, value) -> bool:
        # Losses, and metrics that do not say otherwise, are better when lower.
        higher = self.better.get(self.best_metric) == "higher"
        return value > self.best if higher else value < self.best


def _row(line: str) -> dict | None:
    """A line of `metrics.jsonl`, or None when a kill or a full disk left half of it."""
    try:
        row = json.loads(line)
        return row if isinstance(row["step"], int) else None
    except (ValueError, KeyError, TypeError):
        return None


class RunLog(keras.callbacks.Callback):
    """Appends a line an epoch to `metrics.jsonl`, and the scalars to TensorBoard.

    Lines beyond the step that a run resumes from are dropped first.
    """

    def __init__(self, path: Path, steps: Steps, writer=None):
        super().__init__()
        self.path, self.steps, self.writer = Path(path), steps, writer
        lines = self.path.read_text().splitlines() if self.path.exists() else []
        self.rows = [row for row in map(_row, lines) if row and row["step"] <= steps.step]
        if len(self.rows) != len(lines):
            write_atomic(self.path, "".join(json.dumps(row) + "\n" for row in self.rows))

    def on_epoch_begin(self, epoch, logs=None):
        """Notes the epoch's learning rates."""
        self._rates = {
            f"learning_rate_{group}": float(np.asarray(optimizer.learning_rate))
            for group, optimizer in self.model.optimizers.items()
        }

    def on_epoch_end(self, epoch, logs=None):
        """Writes the epoch's line."""
        row = {
            "epoch": epoch + 1,
            "step": self.steps.step,
            "images_per_second": round(self.steps.images_per_second, 3),
            "time": time.strftime("%Y-%m-%dT%H:%M:%S"),
        }
        row |= self._rates
        row |= {key: float(value) for key, value in logs.items()}
        self.rows.append(row)
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        if self.writer:
            with self.writer.as_default(step=self.steps.step):
                for key, value in row.items():
                    if isinstance(value, float):
                        tf.summary.scalar(key, value)
            self.writer.flush()


__all__ = [
    "Progress",
    "RunLog",
    "SampleGrid",
    "SaveCheckpoint",
    "Steps",
    "StopOnBadLoss",
    "Validate",
    "validate",
]
