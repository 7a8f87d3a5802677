"""`ganime toy`: the drawn anime world as files."""

import dataclasses
from pathlib import Path
from typing import Annotated, Literal

import tyro

from ganime_tf.cli.options import parse


@dataclasses.dataclass(frozen=True)
class Args:
    """Draw a data set in the layout that real sets have."""

    out: Annotated[Path, tyro.conf.Positional]
    """Folder to write into; made if need be."""
    count: int = 100
    """Number of scenes; every 10th is held out."""
    size: int = 256
    """Side of a picture in pixels, 32 to 512."""
    what: Literal["pairs", "unpaired", "parsing", "artists", "stylize"] = "pairs"
    """pairs: colour | line art. unpaired: portraits and drawings. parsing: pictures and label
    maps. artists: a folder per artist. stylize: photos and one artist's drawings."""
    seed: int = 0
    """Of the world: another seed, other people."""


def main(argv: list[str], prog: str) -> int:
    """Writes the data set and says where it is."""
    args = parse(Args, argv, prog)
    from ganime_tf.progress import progress
    from ganime_tf.toy import write_dataset

    def bar(indices):
        return progress(indices, desc="drawing", unit="scenes")

    write_dataset(args.out, args.count, args.size, args.what, args.seed, bar)
    print(f"Wrote {args.count} scenes as {args.what} to {args.out}.")
    return 0
