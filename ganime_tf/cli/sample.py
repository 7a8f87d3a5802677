"""`ganime sample`: pictures of seeds, and paths between them."""

import dataclasses
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import tyro

from ganime_tf.cli.options import parse


@dataclasses.dataclass(frozen=True)
class Args:
    """Draw pictures from a generator of seeds; writes files and a grid."""

    model: Annotated[Path, tyro.conf.Positional]
    """A run directory or a .keras file."""
    out: Annotated[Path, tyro.conf.arg(aliases=["-o"])]
    """Folder for the results."""
    seeds: str = "0-15"
    """Numbers and ranges: 0-15 or 3,7,20-24."""
    truncation: float = 0.7
    """1 for all variety, towards 0 for the average picture."""
    steps: int = 0
    """Also write a strip of this many pictures from each seed to the next."""
    checkpoint: Literal["last", "best"] = "last"
    """Which weights of a run directory."""


def parse_seeds(text: str) -> list[int]:
    """Returns the numbers of "0-3,8": 0, 1, 2, 3, 8.

    Raises:
        ValueError: When the text is no such list.
    """
    seeds = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if (
            not first.isdigit()
            or (dash and not last.isdigit())
            or (dash and int(last) < int(first))
        ):
            raise ValueError(f"`--seeds` takes numbers and ranges, 0-15 or 3,7. Received {text!r}.")
        seeds += range(int(first), int(last if dash else first) + 1)
    return seeds


def main(argv: list[str], prog: str) -> int:
    """Draws and writes."""
    args = parse(Args, argv, prog)
    from ganime_tf.cli import start

    start()
    from ganime_tf.inference import load
    from ganime_tf.ops.pictures import contact_sheet, save_png

    seeds = parse_seeds(args.seeds)
    model = load(args.model, args.checkpoint)
    if not hasattr(model, "sample"):
        raise ValueError(f"{args.model} draws no pictures from seeds. Try `ganime translate`.")
    pictures = []
    for start_at in range(0, len(seeds), 16):
        part = seeds[start_at : start_at + 16]
        pictures += list(model.sample(part, truncation=args.truncation))
    for seed, picture in zip(seeds, pictures, strict=True):
        save_png(args.out / f"seed{seed:06}.png", picture)
    columns = int(np.ceil(len(pictures) ** 0.5))
    rows = [pictures[i : i + columns] for i in range(0, len(pictures), columns)]
    save_png(args.out / "grid.png", contact_sheet(rows))
    print(f"Wrote {len(pictures)} picture(s) and grid.png to {args.out}.")
    if args.steps:
        styles = model.run("style_of", seed=np.asarray(seeds, np.int64))
        strips = []
        for first, second in zip(styles[:-1], styles[1:], strict=True):
            share = np.linspace(0, 1, args.steps, dtype=np.float32)[:, None]
            path = (1 - share) * first + share * second
            strips.append(model.run("from_style", style=path, truncation=args.truncation))
        save_png(args.out / "strips.png", contact_sheet(strips))
        print(f"Wrote strips.png: {len(strips)} paths of {args.steps} pictures.")
    return 0
