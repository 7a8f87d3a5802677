"""Settings, presets or models trained alike, compared in one sheet and one ranked table."""

import dataclasses
import itertools
import logging
import statistics
import time
import typing
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from ganime_tf.configs import TrainableConfig
from ganime_tf.data import open_data
from ganime_tf.metrics import value_names
from ganime_tf.models import get_model, get_preset
from ganime_tf.models.translator import Translator
from ganime_tf.ops.files import write_atomic, write_json
from ganime_tf.ops.images import to_uint8
from ganime_tf.ops.pictures import contact_sheet, save_png
from ganime_tf.progress import format_seconds
from ganime_tf.training.run import RunConfig, train

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Trial:
    """What is trained with every seed of a sweep: a line of its table.

    Attributes:
        name: Its folder, and what the table calls it.
        model: Name in `MODELS`.
        config: The hyper-parameters.
        setting: `{field: value}` that tells it from the others; columns of the table.
        steps: Ends it earlier than the others; None as long as they.
    """

    name: str
    model: str
    config: TrainableConfig
    setting: dict = dataclasses.field(default_factory=dict)
    steps: int | None = None


def parse_grid(texts: Sequence[str], config: TrainableConfig) -> list[dict]:
    """Expands `["cycle_weight=5,10", "light=true,false"]` to every combination of the values.

    Args:
        texts: One `FIELD=VALUE,VALUE,...` for each field; `-` and `_` are the same.
        config: Gives the fields and the types of their values.

    Returns:
        One `{field: value}` for each combination, the last field varying fastest.

    Raises:
        ValueError: On an unknown field, a value of another type, an empty or repeated entry.
    """
    kinds = typing.get_type_hints(type(config))
    axes = {}
    for text in texts:
        name, _, values = text.partition("=")
        name = name.strip().replace("-", "_")
        if name not in kinds:
            raise ValueError(
                f"{type(config).__name__} has no field {name!r}. It has {', '.join(kinds)}."
            )
        if name in axes or not values:
            raise ValueError(
                f"Give each field once, as FIELD=VALUE,VALUE. Received {text!r} in {list(texts)}."
            )
        axes[name] = [_parse(name, value.strip(), kinds[name]) for value in values.split(",")]
        if len(set(axes[name])) < len(axes[name]):
            raise ValueError(f"A value is repeated in {text!r}.")
    if not axes:
        raise ValueError("Nothing to sweep. Give at least one `--grid FIELD=VALUE,VALUE`.")
    return [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]


def _parse(name: str, text: str, kind):
    try:
        if kind is bool:
            return {"true": True, "false": False}[text.lower()]
        if kind in (int, float, str):
            return kind(text)
        choices = typing.get_args(kind)
        return choices[[str(choice) for choice in choices].index(text)]
    except (ValueError, KeyError):
        known = typing.get_args(kind) or getattr(kind, "__name__", kind)
        raise ValueError(f"`{name}` cannot be {text!r}. Expected {known}.") from None


def run_name(setting: dict) -> str:
    """The folder of a setting, e.g. `adversarial_weight=2.0,cycle_weight=10.0`."""
    return ",".join(f"{field}={value}" for field, value in setting.items())


def make_trials(presets: Sequence[tuple[str, str]], texts: Sequence[str]) -> list[Trial]:
    """Every preset with every combination of a grid.

    Args:
        presets: `(model, preset)`.
        texts: See `parse_grid`; may be empty where there are several presets.

    Raises:
        ValueError: On a preset or grid that cannot be, or where there is nothing to compare.
    """
    trials = []
    for model, preset in presets:
        config = get_preset(model, preset)
        for setting in parse_grid(texts, config) if texts or len(presets) == 1 else [{}]:
            named = ({"preset": preset} if len(presets) > 1 else {}) | setting
            replaced = dataclasses.replace(config, **setting)
            trials.append(Trial(run_name(named), model, replaced, named))
    return trials


def sweep(
    trials: Sequence[Trial],
    run: RunConfig,
    *,
    seeds: Sequence[int] = (0,),
    metric: str = "",
    maximize: bool | None = None,
    num_pictures: int = 6,
) -> list[dict]:
    """Trains every trial with every seed on the same pictures, and ranks the trials.

    Each run is an ordinary run in `run.run_dir/<trial>/seed<seed>`, so the same call goes on where
    it was stopped. Writes `sweep.json`, `sweep.md` (the table: means and standard deviations over
    seeds) and `sweep.png` (a labelled row of translations for each trial, best first, of the first
    seed) into `run.run_dir`.

    Args:
        trials: What is compared.
        run: The runs' settings; `steps` or `epochs` is the length, `seed` is not read.
        seeds: Of weights and order: each trial is trained once with each.
        metric: Column of `metrics.jsonl` to rank by, e.g. `val_l1` or `g_cycle`; empty for the one
            that decides on the first trial's best epoch.
        maximize: Rank the largest value first; by default where `METRICS` says that is better.
        num_pictures: Validation pictures in each row of the sheet.

    Returns:
        Rows `{"name", "setting", metric, ..., "runs": {seed: values}}` with means over seeds, best
        first; without value last. Fewer than trials when a signal stopped it.

    Raises:
        ValueError: When two trials have one name, or a run would be refused: before the first one.
    """
    names = [trial.name for trial in trials]
    if len(set(names)) < len(names) or len(set(seeds)) < len(seeds) or not seeds:
        raise ValueError(f"Trials and seeds must differ. Received {names}, seeds {list(seeds)}.")
    folder = Path(run.run_dir)

    def settings(trial: Trial, seed: int, **changes) -> RunConfig:
        place = str(folder / trial.name / f"seed{seed}")
        steps = trial.steps if run.steps is None else min(run.steps, trial.steps or run.steps)
        return dataclasses.replace(run, run_dir=place, seed=seed, steps=steps, export=False,
                                   best_metric=metric, **changes)  # fmt: skip

    # A wrong setting is found before the first run, not after the twentieth.
    for trial in trials:
        model = train(trial.model, trial.config, settings(trial, seeds[0], dry_run=True)).model
        if not metric:
            source = open_data(run.data, kind=model.data_kind, direction=run.direction)
            metric = run.best_metric or model.default_metrics(source.aligned)[1]
    if maximize is None:
        better = {f"val_{name}": better for name, better in value_names().items()}
        maximize = better.get(metric) == "higher"
    inputs = _validation_inputs(get_model(trials[0].model).data_kind, trials[0].config, run,
                                seeds[0], num_pictures)  # fmt: skip
    rows, pictures, start = [], {}, time.monotonic()
    jobs = [(trial, seed) for trial in trials for seed in seeds]
    for index, (trial, seed) in enumerate(jobs):
        left = (time.monotonic() - start) / max(index, 1) * (len(jobs) - index)
        eta = f", about {format_seconds(left)} left" if index else ""
        logger.info("Run %d of %d: %s seed %d%s", index + 1, len(jobs), trial.name, seed, eta)
        if seed == seeds[0]:
            rows.append({"name": trial.name, "setting": trial.setting, "runs": {}})
        try:
            result = train(trial.model, trial.config, settings(trial, seed))
        except FloatingPointError as error:  # a setting that diverges is a result
            logger.warning("%s seed %d: %s", trial.name, seed, error)
            rows[-1]["runs"][str(seed)] = {"error": str(error)}
            continue
        if result.signal is not None:
            logger.warning("Stopped. The same command again goes on with %s.", trial.name)
            return [row for row in rows if len(row["runs"]) == len(seeds)]
        values = {k: v for k, v in result.logs.items() if isinstance(v, (int, float))}
        rows[-1]["runs"][str(seed)] = values
        if seed == seeds[0] and isinstance(result.model, Translator):
            pictures[trial.name] = [*result.model.translate(inputs)]
        del result
        keras.utils.clear_session()  # else every model's graphs stay
    for row in rows:
        row |= _means(row["runs"].values())
    rows.sort(key=lambda row: _rank(row.get(metric), maximize))
    write_json(folder / "sweep.json", {"metric": metric, "maximize": maximize,
                                       "seeds": list(seeds), "rows": rows})  # fmt: skip
    write_atomic(folder / "sweep.md", _table(rows, metric))
    ranked = [row["name"] for row in rows if row["name"] in pictures]
    if ranked:
        sheet = contact_sheet(
            [[*inputs], *(pictures[name] for name in ranked)], labels=["input", *ranked]
        )
        save_png(folder / "sweep.png", sheet)
    return rows


def _means(runs) -> dict:
    """Means over seeds, deviations where there are several; the error of a run that has one."""
    runs = list(runs)
    if errors := [run["error"] for run in runs if "error" in run]:
        return {"error": errors[0]}
    keys = [key for key in runs[0] if all(key in run for run in runs)]
    means = {key: statistics.fmean(run[key] for run in runs) for key in keys}
    if len(runs) > 1:
        means |= {f"{key}_over_seeds": statistics.stdev(run[key] for run in runs) for key in keys}
    return means


def _rank(value, maximize: bool) -> float:
    if value is None or not np.isfinite(value):
        return float("inf")
    return -value if maximize else value


def _validation_inputs(kind, config, run, seed, count) -> np.ndarray:
    """The same pictures for every row of the sheet, uint8 `(count, S, S, 3)`."""
    source = open_data(run.data, kind=kind, direction=run.direction, seed=seed)
    if not source.num_validation:
        raise ValueError(f"{run.data!r} has no validation pictures to compare the runs on.")
    batches = source.validation(batch_size=count, image_size=config.image_size, limit=count)
    batch = next(iter(batches))
    return to_uint8(batch.get("a", batch.get("b"))).numpy()


def _table(rows, metric: str) -> str:
    """The ranked rows as a Markdown table."""
    fields = list(dict.fromkeys(field for row in rows for field in row["setting"])) or ["name"]
    keys = dict.fromkeys(key for row in rows for key in row)
    others = [key for key in keys if key.startswith(("val_", "g_", "d_")) and key != metric
              and not key.endswith("_over_seeds")]  # fmt: skip
    lines = ["| " + " | ".join(["rank", *fields, metric, *others]) + " |"]
    lines.append("| " + " | ".join(["---"] * (len(fields) + len(others) + 2)) + " |")
    for rank, row in enumerate(rows, 1):
        numbers = [_cell(row, key) for key in (metric, *others)]
        settings = [str((row["setting"] or row).get(field, "")) for field in fields]
        lines.append("| " + " | ".join([str(rank), *settings, *numbers]) + " |")
    return "\n".join(lines) + "\n"


def _cell(row: dict, key: str) -> str:
    if key not in row:
        return row.get("error", "")[:60]
    spread = row.get(f"{key}_over_seeds")
    return f"{row[key]:.5g}" + ("" if spread is None else f" ± {spread:.2g}")
