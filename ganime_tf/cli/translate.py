"""`ganime translate`: pictures through a run, an export, a .keras, a LiteRT or an ONNX file."""

import dataclasses
from pathlib import Path
from typing import Annotated, Literal

import tyro

from ganime_tf.cli.options import parse


@dataclasses.dataclass(frozen=True)
class Args:
    """Translate pictures; results have the input's size, its transparency, and sRGB colours."""

    inputs: Annotated[tuple[str, ...], tyro.conf.Positional]
    """Files, folders and globs; - is standard input."""
    model: Path
    """A run directory, an export, a .keras, a .tflite or an .onnx file."""
    out: Annotated[Path, tyro.conf.arg(aliases=["-o"])]
    """Folder for the results; - is standard output, for one picture."""
    checkpoint: Literal["last", "best"] = "last"
    """Which weights of a run directory."""
    use: str | None = None
    """What the model is to do, e.g. reverse (b to a) or attention; `--use help` lists its uses."""
    reference: tyro.conf.UseAppendAction[tuple[Path, ...]] = ()
    """A picture to take the style from, for models that do so; may be given several times. Of
    several, or of a folder, each: a folder of results for each of them, and grid.png with the
    pictures in all styles."""
    parsing: Path | None = None
    """A label map, or a folder of maps named as the pictures, for models that draw by them."""
    parser: Path | None = None
    """A run of parsing-bisenet or a LiteRT file that makes those maps."""
    truncation: float | None = None
    """1 for the picture's own latents, towards 0 for what the model knows well."""
    seed: str | None = None
    """Number of the random choice, for models that make one; several, 0-4 or 3,7: a folder each,
    and grid.png."""
    label: str | None = None
    """Name or number of a label, e.g. of an artist, for models that know some; several with commas,
    or all: a folder each, and grid.png with the pictures as each of them."""
    steps: int = 0
    """Styles on the way from each of the references, seeds or labels to the next, both ends among
    them, for models that know style codes: a folder each, grid.png, and strips/ with a strip of
    every picture."""
    format: Literal["png", "jpg", "webp", "same"] = "png"
    """Of the results; same: the input's. JPEG has no transparency: the background shows."""
    size: int = 0
    """Scale pictures so that the longest side has so many pixels; 0 keeps their size."""
    keep_color: bool = False
    """Keep the picture's colours: only the luminance is the network's."""
    match_histogram: bool = False
    """Match mean and covariance of the result's colours with the picture's."""
    blend: float = 1.0
    """Share of the network's result, 0 to 1; the rest is the picture."""
    suffix: str = ""
    """Added to the names of results, e.g. _anime."""
    background: str = "ffffff"
    """Colour under transparent pixels while translating, RRGGBB."""
    tile: int | None = None
    """Compute in tiles of so many pixels' side, equal to the whole within 1 of 255 levels; by
    default where memory would not do otherwise; 0 never."""
    quick: bool = False
    """Tiles that take statistics from a reduced copy: faster, near but not equal."""
    faces: Literal["off", "skip", "whole"] = "off"
    """Translate only the faces of photos, pasted back softly; where there is none, skip the picture
    or translate the whole. Needs extra [faces]."""
    overwrite: bool = False
    """Replace files of the result folder that no such job wrote; inputs are never replaced."""
    skip_existing: bool = False
    """Go on with a job: leave what it has finished."""
    trust: bool = False
    """Open a SavedModel also when its graph can do more than compute; see docs/security.md."""
    diversity: Literal["alex", "squeeze", "vgg"] | None = None
    """Also measure how far apart the styles of a picture are: LPIPS of this network, mean over all
    pairs."""
    json: Path | None = None
    """File for a report."""


def main(argv: list[str], prog: str) -> int:
    """Translates; returns 1 when a picture had to be skipped."""
    args = parse(Args, argv, prog)
    from ganime_tf.inference.pictures import Finish

    finish = Finish(
        **{
            key: getattr(args, key)
            for key in ("format", "size", "keep_color", "match_histogram", "blend", "suffix")
        },
        background=_colour(args.background),
    )
    from ganime_tf.cli import setup_logging, start

    if args.model.suffix in (".onnx", ".tflite"):
        setup_logging()  # these need no TensorFlow
    else:
        start()
    from ganime_tf.inference import load, translate_files

    model = load(args.model, args.checkpoint, args.trust)
    if args.use == "help":
        for name, use in model.uses().items():
            print(f"{name} ({', '.join(use.inputs)}) -> {use.output}: {use.help}")
        return 0
    if not args.inputs:
        raise ValueError("Nothing to translate. Give files, folders or globs.")
    key, styles = _styles(model, args)
    values = {} if args.truncation is None else {"truncation": args.truncation}
    use, folders = args.use, any(path.is_dir() for path in args.reference)
    if args.steps:
        from ganime_tf.inference.styles import style_ways

        ends, given = styles, args.parsing is not None or args.parser is not None
        use, styles = style_ways(model, key, ends, args.steps, use, maps=given)
        values["strips"] = True
        if key == "reference":
            values["above"] = {name: value for name, (_, value) in ends.items()}
        key = "style"
    if len(styles) > 1 or args.label == "all" or folders:
        from ganime_tf.inference.styles import translate_styles

        job, values = translate_styles, values | {"key": key, "styles": styles}
    else:
        job = translate_files
        for _, value in styles.values():  # one or none
            values[key] = value
    report = job(
        model,
        list(args.inputs),
        args.out,
        use=use,
        overwrite=args.overwrite,
        skip_existing=args.skip_existing,
        maps=_maps(model, args),
        finish=finish,
        tile=args.tile,
        quick=args.quick,
        faces=None if args.faces == "off" else args.faces,
        **values,
    )
    if args.diversity is not None:
        from ganime_tf.inference.styles import diversity
        from ganime_tf.metrics.lpips import load_lpips

        distance, count = diversity(report, load_lpips(args.diversity))
        print(f"LPIPS ({args.diversity}) between styles: {distance:.4f}, {count} picture(s)")
    if args.json is not None:
        from ganime_tf.ops.files import write_json

        write_json(args.json, report.describe())
    if str(args.out) == "-":
        return 0
    print(f"Wrote {len(report.written)} picture(s) to {args.out}.")
    if report.existing:
        print(f"{len(report.existing)} were there already.")
    if report.skipped:
        print(f"Skipped {len(report.skipped)}:")
        for path, reason in report.skipped:
            print(f"  {path}: {reason}")
    return 1 if report.skipped else 0


def _styles(model, args) -> tuple[str, dict]:
    """The input that chooses the style, and `(title, value)` by the name of a folder."""
    given = [key for key in ("label", "seed", "reference") if getattr(args, key) not in (None, ())]
    if len(given) > 1:
        raise ValueError(f"Give one of --{' and --'.join(given)}: each of them chooses the style.")
    if args.label is not None:
        from ganime_tf.inference.artists import label_folder, parse_labels

        names = model.label_names
        labels = parse_labels(args.label, names)
        titles = {n: names[n] if names else str(n) for n in labels}
        folders = {n: label_folder(n, names) if names else str(n) for n in labels}
        return "label", {folders[n]: (titles[n], n) for n in labels}
    if args.seed is not None:
        from ganime_tf.cli.sample import parse_seeds

        return "seed", {f"seed-{n}": (f"seed {n}", n) for n in parse_seeds(args.seed, "--seed")}
    return ("reference", _references(args.reference)) if args.reference else ("", {})


def _references(places) -> dict:
    """Pictures by a name of each: its stem, where no other has it."""
    from ganime_tf.data.io import find_images, read_image

    found = []
    for place in places:
        inside = [place / name for name, _ in find_images(place)] if place.is_dir() else [place]
        if not inside:
            raise ValueError(f"No picture in {place} to take a style from.")
        found += inside
    names = [path.stem for path in found]
    for candidates in (names, [path.name for path in found]):
        if len(set(candidates)) == len(found):
            names = candidates
            break
    else:
        names = [f"{number}-{path.stem}" for number, path in enumerate(found, 1)]
    return {name: (name, read_image(path)) for name, path in zip(names, found, strict=True)}


def _maps(model, args):
    """Where the maps come from, for models that take them."""
    from ganime_tf.models.uses import needs_map, takes_map

    asked = args.parsing is not None or args.parser is not None
    if asked and not takes_map(model):
        raise ValueError("This model takes no label maps: leave --parsing and --parser out.")
    if not asked and not needs_map(model):
        return None
    from ganime_tf.inference.maps import MapSource  # imports TensorFlow

    return MapSource(model, args.parsing, args.parser)


def _colour(text: str) -> tuple[int, int, int]:
    digits = text.removeprefix("#")
    try:
        if len(digits) != 6:
            raise ValueError(text)
        return tuple(int(digits[i : i + 2], 16) for i in (0, 2, 4))
    except ValueError as error:
        raise ValueError(f"`--background` is RRGGBB, e.g. ffffff. Received {text!r}.") from error
