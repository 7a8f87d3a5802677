"""`ganime sweep MODEL`: train a grid of settings and rank them."""

import dataclasses
from typing import Annotated, Literal

import tyro

from ganime_tf.cli.options import parse
from ganime_tf.cli.sample import parse_seeds
from ganime_tf.models import get_preset, get_presets


@dataclasses.dataclass(frozen=True)
class Args:
    """Train models, or every combination of the given values, alike; compare pictures and numbers.

    `ganime sweep ugatit --grid cycle_weight=5,10,20 --grid cam_weight=1000,2000 --steps 1000`
    `ganime sweep cyclegan ugatit --preset cyclegan-small ugatit-small --seeds 0-2`
    """

    models: Annotated[tuple[str, ...], tyro.conf.Positional]
    """One model or several, as in `ganime models`."""
    grid: tyro.conf.UseAppendAction[tuple[str, ...]] = ()
    """FIELD=VALUE,VALUE,...; once for each field."""
    preset: tuple[str, ...] = ()
    """What is compared, or what a grid starts from; defaults to the first preset of each model."""
    data: str = "toy"
    """As in `ganime train`."""
    run_dir: str = ""
    """Folder of the sweep; defaults to runs/sweep-<preset>. The same command again resumes it."""
    steps: int = 1000
    """Steps of each run."""
    seeds: str = "0"
    """Each is a run of every setting: 0-2 or 1,5. The table has means and deviations."""
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = "float32"
    """As in `ganime train`."""
    metric: str = ""
    """Column of metrics.jsonl to rank by, e.g. val_l1, val_ssim where there is a truth, or g_cycle;
    by default what decides on the best epoch."""
    maximize: bool = False
    """Rank the largest value first; known by itself of metrics such as val_ssim."""
    num_pictures: int = 6
    """Pictures in each row of the sheet."""


def main(argv: list[str], prog: str) -> int:
    """Runs the sweep; returns 1 when it was stopped before the end."""
    args = parse(Args, argv, prog)
    seeds = parse_seeds(args.seeds)
    if not args.models:
        raise ValueError("Name a model, or several: see `ganime models`.")
    if args.num_pictures < 1:
        raise ValueError(f"--num-pictures must be at least 1. Received {args.num_pictures}.")
    presets = [_find(preset, args.models) for preset in args.preset]
    presets = presets or [(model, next(iter(get_presets(model)))) for model in args.models]
    from ganime_tf.cli import start

    start()
    from ganime_tf.training.run import RunConfig
    from ganime_tf.training.sweep import make_trials, sweep

    trials = make_trials(presets, args.grid)
    run = RunConfig(
        data=args.data,
        run_dir=args.run_dir or f"runs/sweep-{'-'.join(args.preset or args.models)}",
        steps=args.steps,
        precision=args.precision,
    )
    rows = sweep(
        trials,
        run,
        seeds=seeds,
        metric=args.metric,
        maximize=args.maximize or None,
        num_pictures=args.num_pictures,
    )
    if len(rows) < len(trials):
        print(f"Stopped after {len(rows)} of {len(trials)} settings.")
        return 1
    print(f"Best of {len(rows)}: {rows[0]['name']}.")
    print(f"Table and pictures: {run.run_dir}/sweep.md, sweep.png")
    return 0


def _find(preset: str, models: tuple[str, ...]) -> tuple[str, str]:
    """The one of the models that has a preset, and the preset."""
    for model in models:
        if preset in get_presets(model):
            return model, preset
    get_preset(models[0], preset)  # says what there is
    raise AssertionError
