"""A training run: data and a model in, a run directory out."""

import contextlib
import dataclasses
import difflib
import importlib.util
import logging
import os
import platform
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import keras
import tensorflow as tf

from ganime_tf.configs import TrainableConfig
from ganime_tf.configs.run import RunConfig
from ganime_tf.data import open_data
from ganime_tf.metrics import check_names, needing, value_names
from ganime_tf.models import get_model
from ganime_tf.models.trainable import Trainable
from ganime_tf.runs import RunDir
from ganime_tf.training import borrowing
from ganime_tf.training import callbacks as run_callbacks
from ganime_tf.training.checkpoint import Checkpointer
from ganime_tf.training.curves import plot_curves
from ganime_tf.training.segments import segments
from ganime_tf.training.signals import StopOnSignal
from ganime_tf.training.strategy import lost_workers_named, make_strategy
from ganime_tf.version import __version__

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class RunResult:
    """What a run ended with."""

    model: Trainable
    run_dir: Path
    step: int
    logs: dict
    """The last row of metrics.jsonl."""
    signal: int | None = None
    """Number of the signal that stopped the run, or None when it finished."""


def train(
    model: str, config: TrainableConfig | None = None, run: RunConfig | None = None, callbacks=()
) -> RunResult:
    """Trains a model, or goes on where its run directory stopped.

    The directory holds `config.json`, `metrics.jsonl`, `samples/`, `checkpoints/`, `logs/`
    (TensorBoard), `curves.png`, `model.keras` and `export/`. Interrupted by SIGINT or SIGTERM it
    saves first; killed at once it loses the steps since the last checkpoint.

    Args:
        model: Name in `MODELS`.
        config: Hyper-parameters; defaults to the model's first preset.
        run: The run's settings.
        callbacks: Further Keras callbacks. Between two looks at the losses their `logs` are empty.

    Raises:
        ValueError: On an unknown model, unusable data, or a run directory of another config.
        FloatingPointError: When a loss or a weight is not finite.
        OSError: When the run directory cannot be written.
        ConnectionError: When another worker is gone.
    """
    cls, run = get_model(model), run or RunConfig()
    if run.metrics:
        check_names(run.metrics)
    _warn_of_unused_gpu()
    folder = RunDir(run.run_dir or Path("runs") / model)
    if run.deterministic:
        tf.config.experimental.enable_op_determinism()
    strategy = make_strategy(run.strategy)  # collectives want to be first
    source = open_data(run.data, kind=cls.data_kind, direction=run.direction, seed=run.seed)
    logger.info("%s", source.describe())
    config = (config or cls.Config()).for_data(source)
    length = _length(config, run, source)
    # What was borrowed is in the checkpoints: the run it came from need not be there any more.
    others = [] if folder.has_checkpoints() else borrowing.open_runs(run.sources)
    borrowed = [(place, other) for place, other, _ in others]
    record = _record(model, config, run, source, others)
    folder.check_same(record, run.override, dataclasses.asdict(cls.Config()))
    translator, checkpointer = _build(cls, model, config, run, folder, strategy, length)
    _check_best_metric(translator, run, source)
    logger.info("%s", _describe(translator, length, strategy, folder.path))
    if run.dry_run:
        borrowing.start_from(translator, borrowed)
        return RunResult(translator, folder.path, 0, {})
    with folder.locked() if checkpointer.chief else contextlib.nullcontext():
        with strategy.scope():
            step = checkpointer.restore()
            if not step:
                borrowing.start_from(translator, borrowed)
                translator.prepare(source)
        if step:
            _check_resumed(step, length, config, folder)
            logger.info("Resuming %s at step %d of %d.", folder.path, step, length.total)
        if checkpointer.chief:
            folder.write(record)
            source.write_split(folder.splits)
        with lost_workers_named(strategy, folder.path):
            return _fit(translator, checkpointer, config, run, folder, source, length, callbacks)


@dataclasses.dataclass(frozen=True)
class _Length:
    """How long a run is: all its steps, and those of an epoch."""

    total: int
    steps_per_epoch: int

    @property
    def last_epoch(self) -> int:
        return -(-self.total // self.steps_per_epoch)


def _check_resumed(step: int, length: _Length, config, folder: RunDir) -> None:
    """Refuses a run that is already longer than it is to be; says what other batches change."""
    if step > length.total:
        raise ValueError(
            f"{folder.path} is trained to step {step}, but these settings end at step "
            f"{length.total}. Raise --num-epochs, --epochs or --steps, or give the batch size of "
            "before."
        )
    before = config.batch_size
    with contextlib.suppress(ValueError):  # a damaged record that --override writes anew
        before = folder.record()["config"].get("batch_size", before)
    if before != config.batch_size:
        logger.warning(
            "`batch_size` was %s and is %d now: the run goes on at step %d, where an epoch is %d "
            "steps, so it counts as %.1f epochs.",
            before,
            config.batch_size,
            step,
            length.steps_per_epoch,
            step / length.steps_per_epoch,
        )


def _length(config, run, source) -> _Length:
    if config.batch_size > source.num_train:
        logger.warning(
            "`batch_size` %d is more than the %d pictures of an epoch: pictures repeat in a step.",
            config.batch_size,
            source.num_train,
        )
    steps_per_epoch = max(1, source.num_train // config.batch_size)
    planned = config.total_steps(steps_per_epoch)
    total = run.steps or (run.epochs * steps_per_epoch if run.epochs else planned)
    if run.epochs:
        total = min(total, run.epochs * steps_per_epoch)
    if total > planned:
        logger.warning(
            "The run goes on for %d steps, but `num_epochs` %d ends the learning-rate schedule "
            "after %d: where it decays, nothing is learned beyond. Raise --num-epochs.",
            total,
            config.num_epochs,
            planned,
        )
    return _Length(total, steps_per_epoch)


def _build(cls, name, config, run, folder, strategy, length):
    """The compiled model and its checkpointer, under the strategy."""
    if config.batch_size % strategy.num_replicas_in_sync:
        raise ValueError(
            f"`batch_size` ({config.batch_size}) must be a multiple of the number of replicas "
            f"({strategy.num_replicas_in_sync}): --batch-size {strategy.num_replicas_in_sync}, or "
            "--strategy one for a single device."
        )
    keras.utils.set_random_seed(run.seed)
    with strategy.scope():
        model = cls(config, name=name, dtype=run.precision)
        steps_per_epoch = length.steps_per_epoch
        model.compile(steps_per_epoch=steps_per_epoch, seed=run.seed, jit_compile=run.jit)
        model.load_pretrained()
        return model, Checkpointer(model, folder.checkpoints, run.keep_checkpoints)


def _fit(model, checkpointer, config, run, folder, source, length, callbacks) -> RunResult:
    """Runs the segments that are left, then writes what a finished run leaves behind."""
    chief = checkpointer.chief
    steps = run_callbacks.Steps(model.read(model.step), length.total, config.batch_size)
    stop = StopOnSignal()
    listeners, log = _callbacks(run, folder, source, config, steps, stop, checkpointer, length)
    with stop:
        for segment in segments(steps.step, length.total, length.steps_per_epoch):
            if stop.received is not None:
                break
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message=".*`shuffle=True`.*")
                model.fit(
                    _distributed(source, config, run, segment.step, model.distribute_strategy),
                    steps_per_epoch=segment.length,
                    initial_epoch=segment.first_epoch,
                    epochs=segment.last_epoch,
                    callbacks=[*listeners, *callbacks],
                    verbose=0,
                )
    if chief and source.skipped:
        source.write_skipped(folder.skipped)
    if stop.received is not None:
        logger.warning(
            "Stopped by signal %d at step %d of %d. Everything is saved in %s; run the same "
            "command again to go on.",
            stop.received,
            steps.step,
            length.total,
            folder.path,
        )
    elif chief:
        _finish(model, run, folder)
    last = log.rows[-1] if log.rows else {}
    return RunResult(model, folder.path, steps.step, last, stop.received)


def _distributed(source, config, run, step: int, strategy):
    """The training stream from a step on; each worker reads only its own rows of a batch."""

    def stream(batch_size, shard):
        return source.train(
            batch_size=batch_size,
            image_size=config.image_size,
            load_size=config.load_size,
            seed=run.seed,
            start_step=step,
            shard=shard,
        )

    if strategy.num_replicas_in_sync == 1:
        return stream(config.batch_size, (0, 1))

    def of_worker(context):
        workers = context.num_input_pipelines
        own = stream(config.batch_size // workers, (context.input_pipeline_id, workers))
        return own.rebatch(context.get_per_replica_batch_size(config.batch_size))

    return strategy.distribute_datasets_from_function(of_worker)


def _validated(model, run, source) -> list[str]:
    """The metrics that are measured on the validation pictures."""
    pairs = () if source.aligned else needing(run.metrics, "pairs")
    names = [name for name in run.metrics if name not in pairs]
    names = names or ([] if run.metrics else list(model.default_metrics(source.aligned)[0]))
    number = min(source.num_validation, run.num_validation)
    return names if number >= (1 if source.aligned else 2) else []


def _check_best_metric(model, run: RunConfig, source) -> None:
    """Refuses a `best_metric` that the run is not going to log."""
    measured = [f"val_{name}" for name in value_names(_validated(model, run, source))]
    known = [*measured, *(f"{name}_std" for name in measured), *model.loss_names]
    if run.best_metric and run.best_metric not in known:
        close = difflib.get_close_matches(run.best_metric, known, 1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise ValueError(
            f"`best_metric` {run.best_metric!r} is not logged by this run.{hint} It logs "
            f"{', '.join([*measured, *model.loss_names])}; --metrics adds others."
        )


def _callbacks(run, folder, source, config, steps, stop, checkpointer, length):
    """The callbacks in the order in which they see an epoch's logs."""
    model, chief = checkpointer.model, checkpointer.chief
    listeners = [steps, run_callbacks.StopOnBadLoss(), stop]
    validation, better = None, {}
    default_best = model.default_metrics(source.aligned)[1]
    if source.num_validation:
        validation = source.validation(
            batch_size=min(8, run.num_validation),
            image_size=config.image_size,
            limit=run.num_validation,
        )
        if names := _validated(model, run, source):
            validate = run_callbacks.Validate(
                validation, names, source.aligned, run.evaluate_every, length.last_epoch
            )
            better = validate.better
            listeners.append(validate)
    if not any(isinstance(listener, run_callbacks.Validate) for listener in listeners):
        logger.warning(
            "Nothing is validated: %s. No epoch is kept as the best; the last one counts.",
            "there are too few validation pictures for the metrics"
            if validation is not None
            else "the data has no validation pictures",
        )
    writer = _summary_writer(folder.logs) if chief else None
    if validation is not None and chief:
        batch = next(iter(validation.unbatch().batch(run.num_samples)))
        listeners.append(
            run_callbacks.SampleGrid(
                batch, folder.samples, run.sample_every, steps, length.last_epoch, writer
            )
        )
    log = run_callbacks.RunLog(folder.metrics, steps, writer)
    # Checkpoints come last: what an epoch's checkpoint promises is already on the disk.
    save = run_callbacks.SaveCheckpoint(
        checkpointer, steps, run.checkpoint_every, run.best_metric or default_best, better
    )
    if chief:
        listeners += [run_callbacks.Progress(steps), log]
    return [*listeners, save], log


def _summary_writer(folder: Path):
    if importlib.util.find_spec("tensorboard") is None:
        logger.warning("No TensorBoard logs: `pip install tensorboard` to have them.")
        return None
    return tf.summary.create_file_writer(str(folder))


def _record(model, config, run, source, others) -> dict:
    """What config.json says."""
    versions = {"ganime_tf": __version__, "python": platform.python_version()}
    versions |= {"tensorflow": tf.__version__, "keras": keras.__version__}
    devices = [device.name for device in tf.config.list_logical_devices()]
    return {
        "model": model,
        "config": dataclasses.asdict(config),
        "run": dataclasses.asdict(run)
        | {"hashes_of_sources": [digest[:16] for _, _, digest in others]},
        "data": {
            "listing_hash": source.listing_hash,
            "num_train": source.num_train,
            "num_validation": source.num_validation,
        },
        "argv": sys.argv,
        "versions": versions,
        "git_commit": _git_commit(),
        "device": {"names": devices, "machine": platform.machine(), "cpus": os.cpu_count()},
    }


def _git_commit() -> str | None:
    """The commit of the working directory, where it is a git checkout."""
    command = ["git", "rev-parse", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def _describe(model, length, strategy, run_dir) -> str:
    counts = ", ".join(
        f"{network.name} {network.count_params():,}"
        for networks in model.groups.values()
        for network in networks
    )
    devices = ", ".join(_device_names(strategy))
    return (
        f"{model.name}: {length.total} steps in epochs of {length.steps_per_epoch}, batch "
        f"{model.config.batch_size} at {model.config.image_size} px, {model.dtype_policy.name}, "
        f"{strategy.num_replicas_in_sync} replica(s) on {devices}; parameters: {counts}; run "
        f"directory {run_dir}"
    )


def _device_names(strategy) -> list[str]:
    """What computes: the strategy's devices, by the name of the hardware where it has one."""
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return ["CPU"] * (strategy.num_replicas_in_sync > 0)
    names = [tf.config.experimental.get_device_details(gpu).get("device_name") for gpu in gpus]
    return [name or gpu.name for name, gpu in zip(names, gpus, strict=True)]


def _warn_of_unused_gpu() -> None:
    """Says so where the machine has an NVIDIA GPU that this TensorFlow cannot use."""
    there = Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi")
    if there and not tf.config.list_physical_devices("GPU"):
        logger.warning(
            "This machine has an NVIDIA GPU, but TensorFlow does not see it: training runs on the "
            'CPU. Install TensorFlow with its CUDA libraries: pip install "ganime-tf[gpu]".'
        )


def _finish(model, run: RunConfig, folder: RunDir) -> None:
    """Writes what a finished run leaves behind."""
    temporary = folder.path / ".tmp-model.keras"
    try:
        model.save(temporary)
        temporary.replace(folder.model)
    finally:
        temporary.unlink(missing_ok=True)
    if folder.metrics.exists():
        plot_curves(folder.metrics, folder.curves)
    if run.export and model.uses():
        from ganime_tf.export import export_saved_model

        export_saved_model(model, folder.export)
    logger.info("Finished: %s", folder.path)
