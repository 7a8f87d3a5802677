"""`ganime translate`: pictures through a run, an export, a .keras or a LiteRT file."""

import dataclasses
from pathlib import Path
from typing import Annotated, Literal

import tyro


@dataclasses.dataclass(frozen=True)
class Args:
    """Translate pictures; outputs are PNG files of the input's size."""

    inputs: Annotated[tuple[str, ...], tyro.conf.Positional]
    """Files, folders and globs."""
    model: Path
    """A run directory, an export, a .keras or a .tflite file."""
    out: Annotated[Path, tyro.conf.arg(aliases=["-o"])]
    """Folder for the results."""
    checkpoint: Literal["last", "best"] = "last"
    """Which weights of a run directory."""
    direction: Literal["a2b", "b2a"] = "a2b"
    """b2a for models that translate both ways."""
    attention: Path | None = None
    """Folder for heat maps, for models that have them."""


def main(argv: list[str], prog: str) -> int:
    """Translates; returns 1 when a picture had to be skipped."""
    args = tyro.cli(Args, args=argv, prog=prog)
    from ganime_tf.cli import start

    start()
    from ganime_tf.inference import load, translate_files

    if not args.inputs:
        raise ValueError("Nothing to translate. Give files, folders or globs.")
    model = load(args.model, args.checkpoint)
    style = {"direction": args.direction} if args.direction != "a2b" else {}
    report = translate_files(model, list(args.inputs), args.out, attention=args.attention, **style)
    print(f"Wrote {len(report.written)} picture(s) to {args.out}.")
    if report.skipped:
        print(f"Skipped {len(report.skipped)}:")
        for path, reason in report.skipped:
            print(f"  {path}: {reason}")
    return 1 if report.skipped else 0
