"""A grid of settings, each trained alike, compared in one sheet and one ranked table."""

import dataclasses
import itertools
import json
import logging
import typing
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ganime_tf.configs import TrainableConfig
from ganime_tf.data import open_data
from ganime_tf.metrics import value_names
from ganime_tf.models import get_model
from ganime_tf.ops.files import write_atomic, write_json
from ganime_tf.ops.images import to_uint8
from ganime_tf.ops.pictures import contact_sheet, save_png
from ganime_tf.training.run import RunConfig, train

logger = logging.getLogger(__name__)


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


def sweep(
    model: str,
    config: TrainableConfig,
    run: RunConfig,
    grid: Sequence[dict],
    *,
    metric: str,
    maximize: bool | None = None,
    num_pictures: int = 6,
) -> list[dict]:
    """Trains every setting of a grid from the same weights on the same pictures, and ranks them.

    Each run is an ordinary run in `run.run_dir/<setting>`, so the same call goes on where it was
    stopped. Writes `sweep.json`, `sweep.md` (the table) and `sweep.png` (a labelled row of
    translations for each setting, best first) into `run.run_dir`.

    Args:
        model: Name in `MODELS`.
        config: The settings that all runs share.
        run: The runs' settings; `seed` fixes weights and order, `steps` or `epochs` the length.
        grid: The fields to replace for each run, see `parse_grid`.
        metric: Column of `metrics.jsonl` to rank by, e.g. `val_l1` or `g_cycle`.
        maximize: Rank the largest value first; by default where `METRICS` says that is better.
        num_pictures: Validation pictures in each row of the sheet.

    Returns:
        Rows `{"setting", "run_dir", metric, ...}`, best first; without value last.

    Raises:
        ValueError: When the metric is no column of the runs' logs, or a run cannot start.
    """
    # A wrong setting is found before the first run, not after the twentieth.
    if maximize is None:
        better = {f"val_{name}": better for name, better in value_names().items()}
        maximize = better.get(metric) == "higher"
    configs = [dataclasses.replace(config, **setting) for setting in grid]
    folder = Path(run.run_dir)
    rows, pictures = [], {}
    inputs = _validation_inputs(get_model(model).data_kind, config, run, num_pictures)
    for index, (setting, replaced) in enumerate(zip(grid, configs, strict=True)):
        name = run_name(setting)
        logger.info("Run %d of %d: %s", index + 1, len(grid), name)
        one = dataclasses.replace(run, run_dir=str(folder / name), export=False)
        try:
            result = train(model, replaced, one)
        except FloatingPointError as error:  # a setting that diverges is a result
            logger.warning("%s: %s", name, error)
            rows.append({"setting": setting, "run_dir": name, "error": str(error)})
            continue
        if result.signal is not None:
            logger.warning("Stopped. The same command again goes on with %s.", name)
            return rows
        if metric not in result.logs:
            raise ValueError(
                f"`metric` {metric!r} is not logged by these runs. They log {sorted(result.logs)}."
            )
        values = {k: v for k, v in result.logs.items() if isinstance(v, (int, float))}
        rows.append({"setting": setting, "run_dir": name, **values})
        pictures[name] = [*result.model.translate(inputs)]
    rows.sort(key=lambda row: _rank(row.get(metric), maximize))
    write_json(folder / "sweep.json", {"metric": metric, "maximize": maximize, "rows": rows})
    write_atomic(folder / "sweep.md", _table(rows, metric))
    ranked = [row["run_dir"] for row in rows if row["run_dir"] in pictures]
    if ranked:
        sheet = contact_sheet(
            [[*inputs], *(pictures[name] for name in ranked)], labels=["input", *ranked]
        )
        save_png(folder / "sweep.png", sheet)
    return rows


def _rank(value, maximize: bool) -> float:
    if value is None or not np.isfinite(value):
        return float("inf")
    return -value if maximize else value


def _validation_inputs(kind, config, run, count) -> np.ndarray:
    """The same pictures for every row of the sheet, uint8 `(count, S, S, 3)`."""
    source = open_data(run.data, kind=kind, direction=run.direction, seed=run.seed)
    if not source.num_validation:
        raise ValueError(f"{run.data!r} has no validation pictures to compare the runs on.")
    batches = source.validation(batch_size=count, image_size=config.image_size, limit=count)
    return to_uint8(next(iter(batches))["a"]).numpy()


def _table(rows, metric: str) -> str:
    """The ranked rows as a Markdown table."""
    fields = [*rows[0]["setting"]]
    others = [key for key in rows[0] if key.startswith(("val_", "g_", "d_")) and key != metric]
    lines = ["| " + " | ".join(["rank", *fields, metric, *others]) + " |"]
    lines.append("| " + " | ".join(["---"] * (len(fields) + len(others) + 2)) + " |")
    for rank, row in enumerate(rows, 1):
        numbers = [
            json.dumps(round(row[key], 5)) if key in row else row.get("error", "")[:60]
            for key in (metric, *others)
        ]
        settings = [str(row["setting"][field]) for field in fields]
        lines.append("| " + " | ".join([str(rank), *settings, *numbers]) + " |")
    return "\n".join(lines) + "\n"
