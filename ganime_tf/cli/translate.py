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
    use: str | None = None
    """What the model is to do, e.g. reverse (b to a) or attention; `--use help` lists its uses."""
    reference: Path | None = None
    """A picture to take the style from, for models that do so."""
    parsing: Path | None = None
    """A label map, or a folder of maps named as the pictures, for models that draw by them."""
    parser: Path | None = None
    """A run of parsing-bisenet or a LiteRT file that makes those maps."""
    truncation: float | None = None
    """1 for the picture's own latents, towards 0 for what the model knows well."""
    seed: int | None = None
    """Number of the random choice, for models that make one."""
    label: int | None = None
    """Number of a label, e.g. of an artist, for models that know some."""
    overwrite: bool = False
    """Replace files of the result folder that no such job wrote; inputs are never replaced."""
    skip_existing: bool = False
    """Go on with a job: leave what it has finished."""


def main(argv: list[str], prog: str) -> int:
    """Translates; returns 1 when a picture had to be skipped."""
    args = tyro.cli(Args, args=argv, prog=prog)
    from ganime_tf.cli import start

    start()
    from ganime_tf.inference import load, translate_files

    model = load(args.model, args.checkpoint)
    if args.use == "help":
        for name, use in model.uses().items():
            print(f"{name} ({', '.join(use.inputs)}) -> {use.output}: {use.help}")
        return 0
    if not args.inputs:
        raise ValueError("Nothing to translate. Give files, folders or globs.")
    values = {key: getattr(args, key) for key in ("seed", "label", "truncation")}
    if args.reference is not None:
        from ganime_tf.data.io import read_image

        values["reference"] = read_image(args.reference)
    report = translate_files(
        model,
        list(args.inputs),
        args.out,
        use=args.use,
        overwrite=args.overwrite,
        skip_existing=args.skip_existing,
        maps=_maps(model, args),
        **{key: value for key, value in values.items() if value is not None},
    )
    print(f"Wrote {len(report.written)} picture(s) to {args.out}.")
    if report.existing:
        print(f"{len(report.existing)} were there already.")
    if report.skipped:
        print(f"Skipped {len(report.skipped)}:")
        for path, reason in report.skipped:
            print(f"  {path}: {reason}")
    return 1 if report.skipped else 0


def _maps(model, args):
    """Where the maps come from, for models that take them."""
    from ganime_tf.inference.maps import MapSource, needs_map, takes_map

    asked = args.parsing is not None or args.parser is not None
    if asked and not takes_map(model):
        raise ValueError("This model takes no label maps: leave --parsing and --parser out.")
    return MapSource(model, args.parsing, args.parser) if asked or needs_map(model) else None
