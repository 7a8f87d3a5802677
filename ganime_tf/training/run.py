"""A training run: data and a model in, a run directory out."""

import dataclasses
import datetime
import importlib.util
import json
import logging
import os
import platform
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Literal

import keras
import tensorflow as tf

from ganime_tf.data import open_data
from ganime_tf.metrics.evaluator import METRICS, PAIRED_METRICS, check_names
from ganime_tf.models import get_model
from ganime_tf.models.translator import Translator, TranslatorConfig
from ganime_tf.ops.files import write_json
from ganime_tf.training import callbacks as run_callbacks
from ganime_tf.training.checkpoint import Checkpointer
from ganime_tf.training.curves import plot_curves
from ganime_tf.version import __version__

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class RunConfig:
    """What the machine and the day decide, the same for every model."""

    data: str = "toy"
    """A folder of pictures, or `toy`, `toy:2000` for the drawn world; see docs/data.md."""
    run_dir: str = ""
    """Directory of the run; defaults to runs/<preset>. The same command again resumes it."""
    direction: str = "auto"
    """Which half or folder is the source domain a: auto, ab or ba; see docs/data.md."""
    epochs: int | None = None
    """Stop after this many epochs; the learning rate still follows the config's `num_epochs`."""
    steps: int | None = None
    """Stop after this many steps in all."""
    seed: int = 0
    """Seed of the weights, the order of the data and every random choice."""
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = "float32"
    """Number format: bfloat16 is the faster one on recent CPUs and GPUs, float16 on older GPUs."""
    strategy: Literal["auto", "one", "mirrored", "multiworker"] = "auto"
    """Devices: auto uses every GPU; multiworker reads TF_CONFIG."""
    deterministic: bool = False
    """Only operations with reproducible results, on a GPU slower."""
    jit: bool = False
    """Compile the step with XLA; measure first, it is slower on CPUs."""
    checkpoint_every: int = 0
    """Steps between checkpoints besides the end of every epoch."""
    keep_checkpoints: int = 3
    """How many of the last checkpoints stay."""
    sample_every: int = 1
    """Epochs between two sample grids."""
    num_samples: int = 6
    """Pictures in a sample grid."""
    evaluate_every: int = 1
    """Epochs between two validations."""
    num_validation: int = 64
    """Most pictures that a validation uses."""
    metrics: tuple[str, ...] = ("l1", "psnr", "ssim")
    """Validation metrics, as `ganime evaluate` names them; those that need aligned pairs are left
    out where there are none."""
    best_metric: str = "val_ssim"
    """Log that decides which epoch is kept as the best."""
    override: bool = False
    """Go on in a run directory although its config differs."""
    export: bool = True
    """Write a SavedModel into the run directory at the end."""
    dry_run: bool = False
    """Check data and model, print the plan, write nothing."""

    def __post_init__(self):
        """Checks the fields.

        Raises:
            ValueError: Naming the field, its value and what is allowed.
        """
        for name in ("sample_every", "evaluate_every", "keep_checkpoints", "num_samples"):
            if getattr(self, name) < 1:
                raise ValueError(f"`{name}` must be at least 1. Received {getattr(self, name)}.")
        check_names(self.metrics, METRICS)
        for name in ("epochs", "steps"):
            if getattr(self, name) is not None and getattr(self, name) < 1:
                raise ValueError(f"`{name}` must be at least 1. Received {getattr(self, name)}.")


@dataclasses.dataclass(frozen=True)
class RunResult:
    """What a run ended with."""

    model: Translator
    run_dir: Path
    step: int
    logs: dict
    """The last row of metrics.jsonl."""
    signal: int | None = None
    """Number of the signal that stopped the run, or None when it finished."""


def make_strategy(name: str) -> tf.distribute.Strategy:
    """Returns the `tf.distribute` strategy of `RunConfig.strategy`.

    Raises:
        ValueError: When `multiworker` is asked for without TF_CONFIG.
    """
    if name == "multiworker":
        if "TF_CONFIG" not in os.environ:
            raise ValueError(
                "`strategy` is multiworker, but TF_CONFIG is not set. Set it on every worker as in "
                "docs/distribution.md, or use --strategy mirrored on one machine."
            )
        return tf.distribute.MultiWorkerMirroredStrategy()
    if name == "mirrored" or (name == "auto" and len(tf.config.list_logical_devices("GPU")) > 1):
        if not tf.config.list_logical_devices("GPU"):
            devices = [device.name for device in tf.config.list_logical_devices("CPU")]
            reduction = tf.distribute.ReductionToOneDevice()
            return tf.distribute.MirroredStrategy(devices, cross_device_ops=reduction)
        return tf.distribute.MirroredStrategy()
    return tf.distribute.get_strategy()


def train(
    model: str, config: TranslatorConfig | None = None, run: RunConfig | None = None
) -> RunResult:
    """Trains a model, or goes on where its run directory stopped.

    The directory holds `config.json`, `metrics.jsonl`, `samples/`, `checkpoints/`, `logs/`
    (TensorBoard), `curves.png`, `model.keras` and `export/`. Interrupted by SIGINT or SIGTERM it
    saves first; killed at once it loses the steps since the last checkpoint.

    Args:
        model: Name in `MODELS`.
        config: Hyper-parameters; defaults to the model's first preset.
        run: The run's settings.

    Raises:
        ValueError: On an unknown model, unusable data, or a run directory of another config.
        FloatingPointError: When a loss is not finite.
        OSError: When the run directory cannot be written.
    """
    cls = get_model(model)
    config = config or cls.Config()
    run = run or RunConfig()
    run_dir = Path(run.run_dir or Path("runs") / model)
    if run.deterministic:
        tf.config.experimental.enable_op_determinism()
    strategy = make_strategy(run.strategy)  # collectives want to be first
    source = open_data(run.data, kind=cls.data_kind, direction=run.direction, seed=run.seed)
    steps_per_epoch = max(1, source.num_train // config.batch_size)
    total = run.steps or (run.epochs or config.num_epochs) * steps_per_epoch
    if run.epochs:
        total = min(total, run.epochs * steps_per_epoch)
    logger.info("%s", source.describe())
    if total > config.num_epochs * steps_per_epoch:
        logger.warning(
            "The run goes on for %d steps, but `num_epochs` %d ends the learning-rate schedule "
            "after %d: where it decays, nothing is learned beyond. Raise --num-epochs.",
            total,
            config.num_epochs,
            config.num_epochs * steps_per_epoch,
        )
    record = _record(model, config, run, source)
    _check_same_run(run_dir, record, run.override)

    if config.batch_size % strategy.num_replicas_in_sync:
        raise ValueError(
            f"`batch_size` ({config.batch_size}) must be a multiple of the number of replicas "
            f"({strategy.num_replicas_in_sync})."
        )
    keras.utils.set_random_seed(run.seed)
    with strategy.scope():
        translator = cls(config, name=model, dtype=run.precision)
        translator.compile(steps_per_epoch=steps_per_epoch, jit_compile=run.jit)
        checkpointer = Checkpointer(translator, run_dir / "checkpoints", run.keep_checkpoints)
    logger.info("%s", _describe(translator, total, steps_per_epoch, strategy, run_dir))
    if run.dry_run:
        return RunResult(translator, run_dir, 0, {})

    with strategy.scope():
        step = checkpointer.restore()
    chief = checkpointer.chief
    if step:
        logger.info("Resuming %s at step %d of %d.", run_dir, step, total)
    if chief:
        _prepare_run_dir(run_dir, record, source)
    steps = run_callbacks.Steps(step, total, config.batch_size)
    stop = run_callbacks.StopOnSignal()
    last_epoch = -(-total // steps_per_epoch)
    listeners, log = _callbacks(
        run, run_dir, source, config, steps, stop, checkpointer, last_epoch, chief
    )
    with stop:
        while steps.step < total and stop.received is None:
            epoch, done = divmod(steps.step, steps_per_epoch)
            # A run resumed inside an epoch, or ending inside one, has a shorter epoch there.
            whole = done == 0 and total - steps.step >= steps_per_epoch
            last = total // steps_per_epoch if whole else epoch + 1
            length = steps_per_epoch if whole else min(steps_per_epoch - done, total - steps.step)
            dataset = source.train(
                batch_size=config.batch_size,
                image_size=config.image_size,
                load_size=config.load_size,
                seed=run.seed,
                start_step=steps.step,
            )
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message=".*`shuffle=True`.*")
                translator.fit(
                    dataset,
                    steps_per_epoch=length,
                    initial_epoch=epoch,
                    epochs=last,
                    callbacks=listeners,
                    verbose=0,
                )
    if chief:
        if source.skipped:
            source.write_skipped(run_dir / "skipped.txt")
    if stop.received is not None:
        logger.warning(
            "Stopped by signal %d at step %d of %d. Everything is saved in %s; run the same "
            "command again to go on.",
            stop.received,
            steps.step,
            total,
            run_dir,
        )
    elif chief:
        _finish(translator, run, run_dir)
    return RunResult(
        translator, run_dir, steps.step, log.rows[-1] if log.rows else {}, stop.received
    )


def _callbacks(run, run_dir, source, config, steps, stop, checkpointer, last_epoch, chief):
    """The callbacks in the order in which they see an epoch's logs."""
    listeners = [steps, run_callbacks.StopOnBadLoss(steps), stop]
    validation, better = None, {}
    if source.num_validation:
        validation = source.validation(
            batch_size=min(8, run.num_validation),
            image_size=config.image_size,
            limit=run.num_validation,
        )
        names = [name for name in run.metrics if source.aligned or name not in PAIRED_METRICS]
        if names:
            validate = run_callbacks.Validate(
                validation, names, source.aligned, run.evaluate_every, last_epoch
            )
            better = validate.better
            listeners.append(validate)
    writer = _summary_writer(run_dir / "logs") if chief else None
    if validation is not None and chief:
        batch = next(iter(validation.unbatch().batch(run.num_samples)))
        listeners.append(
            run_callbacks.SampleGrid(
                batch, run_dir / "samples", run.sample_every, steps, last_epoch, writer
            )
        )
    log = run_callbacks.RunLog(run_dir / "metrics.jsonl", steps, writer)
    # Checkpoints come last: what an epoch's checkpoint promises is already on the disk.
    save = run_callbacks.SaveCheckpoint(
        checkpointer, steps, run.checkpoint_every, run.best_metric, better
    )
    if chief:
        listeners += [run_callbacks.Progress(steps), log]
    return [*listeners, save], log


def _summary_writer(folder: Path):
    if importlib.util.find_spec("tensorboard") is None:
        logger.warning("No TensorBoard logs: `pip install tensorboard` to have them.")
        return None
    return tf.summary.create_file_writer(str(folder))


def _record(model, config, run, source) -> dict:
    """What config.json says."""
    versions = {"ganime_tf": __version__, "python": platform.python_version()}
    versions |= {"tensorflow": tf.__version__, "keras": keras.__version__}
    devices = [device.name for device in tf.config.list_logical_devices()]
    return {
        "model": model,
        "config": dataclasses.asdict(config),
        "run": dataclasses.asdict(run),
        "data": {
            "listing_hash": source.listing_hash,
            "num_train": source.num_train,
            "num_validation": source.num_validation,
        },
        "argv": sys.argv,
        "versions": versions,
        "git_commit": _git_commit(),
        "device": {"names": devices, "machine": platform.machine(), "cpus": os.cpu_count()},
        "created": datetime.datetime.now().isoformat(timespec="seconds"),
    }


def _git_commit() -> str | None:
    """The commit of the working directory, where it is a git checkout."""
    command = ["git", "rev-parse", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def _check_same_run(run_dir: Path, record: dict, override: bool) -> None:
    path = run_dir / "config.json"
    if not path.exists() or override:
        return
    try:
        old = json.loads(path.read_text())
    except ValueError as error:
        raise ValueError(
            f"{path} is damaged ({error}). Use another --run-dir, or --override to write it anew."
        ) from error

    def identity(entry):
        fields = {"model": entry["model"], **json.loads(json.dumps(entry["config"]))}
        fields |= {key: entry["run"][key] for key in ("seed", "precision", "direction")}
        return fields | {"data (listing)": entry["data"]["listing_hash"]}

    before, now = identity(old), identity(record)
    keys = sorted(before.keys() | now.keys())
    changed = [
        f"{key}: {before.get(key)!r} there, {now.get(key)!r} now"
        for key in keys
        if before.get(key) != now.get(key)
    ]
    if changed:
        raise ValueError(
            f"{run_dir} holds a run of another config. It differs in {'; '.join(changed)}. "
            "Use another --run-dir, the same values, or --override to go on with the new ones."
        )


def _prepare_run_dir(run_dir: Path, record: dict, source) -> None:
    try:
        run_dir.mkdir(parents=True, exist_ok=True)
        path = run_dir / "config.json"
        if path.exists():
            record = record | {"created": json.loads(path.read_text()).get("created")}
        write_json(path, record)
    except (OSError, ValueError) as error:
        raise OSError(f"Cannot write the run directory {run_dir}: {error}.") from error
    source.write_split(run_dir / "splits.json")


def _describe(model, total, steps_per_epoch, strategy, run_dir) -> str:
    counts = ", ".join(
        f"{network.name} {network.count_params():,}"
        for networks in model.groups.values()
        for network in networks
    )
    return (
        f"{model.name}: {total} steps in epochs of {steps_per_epoch}, batch "
        f"{model.config.batch_size} at {model.config.image_size} px, {model.dtype_policy.name}, "
        f"{strategy.num_replicas_in_sync} replica(s); parameters: {counts}; run directory {run_dir}"
    )


def _finish(model: Translator, run: RunConfig, run_dir: Path) -> None:
    """Writes what a finished run leaves behind."""
    temporary = run_dir / ".tmp-model.keras"
    model.save(temporary)
    temporary.replace(run_dir / "model.keras")
    if (run_dir / "metrics.jsonl").exists():
        plot_curves(run_dir / "metrics.jsonl", run_dir / "curves.png")
    if run.export:
        from ganime_tf.export.saved_model import export_saved_model

        export_saved_model(model, run_dir / "export")
    logger.info("Finished: %s", run_dir)
