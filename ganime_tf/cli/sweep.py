"""`ganime sweep MODEL`: train a grid of settings and rank them."""

import dataclasses
from typing import Annotated

import tyro

from ganime_tf.cli.options import parse


@dataclasses.dataclass(frozen=True)
class Args:
    """Train every combination of the given values alike, then compare pictures and numbers.

    `ganime sweep ugatit --grid cycle_weight=5,10,20 --grid cam_weight=1000,2000 --steps 1000`
    """

    model: Annotated[str, tyro.conf.Positional]
    """The model, as in `ganime models`."""
    grid: tyro.conf.UseAppendAction[tuple[str, ...]] = ()
    """FIELD=VALUE,VALUE,...; once for each field."""
    preset: str | None = None
    """The settings that all runs share; defaults to the model's first preset."""
    data: str = "toy"
    """As in `ganime train`."""
    run_dir: str = ""
    """Folder of the sweep; defaults to runs/sweep-<preset>. The same command again resumes it."""
    steps: int = 1000
    """Steps of each run."""
    seed: int = 0
    """Seed of the weights and of the order of the data, the same for every run."""
    precision: str = "float32"
    """As in `ganime train`."""
    metric: str = "g_cycle"
    """Column of metrics.jsonl to rank by, e.g. val_l1 or val_ssim where there is a truth."""
    maximize: bool = False
    """Rank the largest value first; known by itself of metrics such as val_ssim."""
    num_pictures: int = 6
    """Pictures in each row of the sheet."""


def main(argv: list[str], prog: str) -> int:
    """Runs the sweep; returns 1 when it was stopped before the end."""
    args = parse(Args, argv, prog)
    from ganime_tf.cli import start

    start()
    from ganime_tf.models import get_preset
    from ganime_tf.training.run import RunConfig
    from ganime_tf.training.sweep import parse_grid, run_name, sweep

    config = get_preset(args.model, args.preset)
    grid = parse_grid(args.grid, config)
    run = RunConfig(
        data=args.data,
        run_dir=args.run_dir or f"runs/sweep-{args.preset or args.model}",
        steps=args.steps,
        seed=args.seed,
        precision=args.precision,
    )
    rows = sweep(
        args.model,
        config,
        run,
        grid,
        metric=args.metric,
        maximize=args.maximize or None,
        num_pictures=args.num_pictures,
    )
    if len(rows) < len(grid):
        print(f"Stopped after {len(rows)} of {len(grid)} runs.")
        return 1
    best = rows[0]
    print(f"Best of {len(rows)} by {args.metric}: {run_name(best['setting'])}.")
    print(f"Table and pictures: {run.run_dir}/sweep.md, sweep.png")
    return 0
