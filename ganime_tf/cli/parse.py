"""`ganime parse`: what every pixel of a face shows, as palette maps and coloured overlays."""

import dataclasses
from pathlib import Path
from typing import Annotated, Literal

import tyro

from ganime_tf.cli.options import parse


@dataclasses.dataclass(frozen=True)
class Args:
    """Parse pictures of faces; maps have the paper's 17 classes, overlays show them in colours."""

    inputs: Annotated[tuple[str, ...], tyro.conf.Positional]
    """Files, folders and globs."""
    model: Path
    """A run directory, a .keras file, or a .tflite face parser."""
    out: Annotated[Path, tyro.conf.arg(aliases=["-o"])]
    """Folder for the results: OUT/maps and OUT/overlays."""
    checkpoint: Literal["last", "best"] = "last"
    """Which weights of a run directory."""
    classes: Literal["auto", "anime17", "danbooru-parsing", "celebamask"] = "auto"
    """Class list of the model; auto: 17 classes are anime17, 19 danbooru-parsing."""
    overwrite: bool = False
    """Replace files of the result folder that no such job wrote; inputs are never replaced."""
    skip_existing: bool = False
    """Go on with a job: leave what it has finished."""


def main(argv: list[str], prog: str) -> int:
    """Parses; returns 1 when a picture had to be skipped."""
    args = parse(Args, argv, prog)
    if not args.inputs:
        raise ValueError("Nothing to parse. Give files, folders or globs.")
    from ganime_tf.cli import start

    start()
    from ganime_tf.inference.parse import load_parser, parse_files

    model = load_parser(args.model, args.checkpoint)
    report = parse_files(
        model,
        list(args.inputs),
        args.out,
        classes=args.classes,
        overwrite=args.overwrite,
        skip_existing=args.skip_existing,
    )
    print(f"Wrote {len(report.written)} map(s) to {args.out / 'maps'}, overlays beside them.")
    if report.existing:
        print(f"{len(report.existing)} were there already.")
    for path, reason in report.skipped:
        print(f"Skipped {path}: {reason}")
    return 1 if report.skipped else 0
