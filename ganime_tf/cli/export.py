"""`ganime export`: a run for other programs, proved to give the same pixels."""

import dataclasses
from pathlib import Path
from typing import Annotated, Literal

import tyro

from ganime_tf.cli.options import parse


@dataclasses.dataclass(frozen=True)
class Args:
    """Write a run as a SavedModel, a Keras, LiteRT or ONNX file.

    What is written is opened by its own runtime in a process of its own and compared with the model
    on pictures; when it differs too much, nothing is kept. Nothing is written over that an export
    did not write.
    """

    run_dir: Annotated[Path, tyro.conf.Positional]
    """A run directory or a .keras file."""
    out: Annotated[Path, tyro.conf.arg(aliases=["-o"])]
    """File or folder to write."""
    format: Literal["saved_model", "keras", "litert", "onnx"] = "saved_model"
    """saved_model needs TensorFlow to run, keras this package, litert and onnx neither."""
    size: str = ""
    """Fixed size of the pictures, e.g. 256 or 256x384 (height x width); empty for any size."""
    precision: Literal["float32", "float16", "int8"] = "float32"
    """float16: half the weights (litert, onnx); int8: a quarter (litert)."""
    calibrate: Path | None = None
    """For int8 at a fixed size: a folder of some 100 pictures of the kind that will be translated;
    features become integers of 16 bits by their ranges, for chips without floats."""
    pictures: Path | None = None
    """Folder of pictures to compare on, up to 4; by default drawn ones."""
    use: tuple[str, ...] = ()
    """Uses to write, e.g. default reverse; all that the format can hold by default."""
    opset: int = 17
    """Of onnx, 15 to 18."""
    checkpoint: Literal["last", "best"] = "last"
    """Which weights of the run."""
    json: Path | None = None
    """File for a report."""


def main(argv: list[str], prog: str) -> int:
    """Exports, and says what was compared and what was left out."""
    args = parse(Args, argv, prog)
    size = _size(args.size)
    from ganime_tf.cli import start

    start()
    from ganime_tf.export import export_model
    from ganime_tf.inference import load
    from ganime_tf.models import Trainable
    from ganime_tf.ops.files import write_json

    model = load(args.run_dir, args.checkpoint)
    if not isinstance(model, Trainable):
        raise ValueError(f"{args.run_dir} is an export already. Give a run directory.")
    report = export_model(
        model,
        args.out,
        args.format,
        uses=args.use,
        size=size,
        precision=args.precision,
        opset=args.opset,
        calibration=_read(args.calibrate, 200),
        pictures=_read(args.pictures, 4),
    )
    print(f"Wrote {report.path}, {report.megabytes:.1f} MB. Its uses:")
    uses = model.uses()
    for difference in report.differences:
        use = uses[difference.use]
        print(f"  {difference.use} ({', '.join(use.inputs)}) -> {use.output}: {use.help}")
        print(f"    {difference}")
    for use, reason in report.left_out.items():
        print(f"  left out {use}: {reason}")
    if args.json is not None:
        write_json(args.json, dataclasses.asdict(report))
    return 0


def _size(text: str) -> tuple[int, int] | None:
    """`256` or `256x384` as height and width."""
    if not text:
        return None
    sides = text.lower().split("x")
    if len(sides) > 2 or not all(side.isdigit() for side in sides):
        raise ValueError(f"`--size` is SIDE or HEIGHTxWIDTH, e.g. 256x384. Received {text!r}.")
    return int(sides[0]), int(sides[-1])


def _read(folder: Path | None, most: int) -> list:
    from ganime_tf.data.io import find_images, read_image

    if folder is None:
        return []
    names = sorted(name for name, _ in find_images(folder))
    if not names:
        raise ValueError(f"No picture in {folder}.")
    return [read_image(folder / name) for name in names[:most]]
