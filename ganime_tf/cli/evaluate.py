"""`ganime evaluate`: score pictures against the truth, or a model on a set of data."""

import dataclasses
from pathlib import Path
from typing import Literal

from ganime_tf.cli.options import parse
from ganime_tf.metrics import (
    METRICS,
    PAIRED_DEFAULT,
    UNPAIRED_DEFAULT,
    Settings,
    check_names,
    needing,
    overview,
)

_DESCRIPTION = f"""Score a folder of pictures (--real, --fake) or a model (--model, --data).

{overview()} docs/evaluation.md says which one supports which claim."""


@dataclasses.dataclass(frozen=True)
class Args(Settings):
    """What is scored, by what, and where the result goes."""

    real: Path | None = None
    """Folder of real pictures, or a statistics file (.npz with mu and sigma) for fid_*."""
    fake: Path | None = None
    """Folder of generated pictures."""
    paired: bool = False
    """Real and fake pictures of one name show the same scene."""
    source: Path | None = None
    """Folder with the inputs of the translation, for lpips_s_*."""
    model: Path | None = None
    """A run directory, an export, a .keras or a .tflite file, instead of --fake."""
    data: str | None = None
    """Data for --model, as in `ganime train`; its validation pictures are scored."""
    checkpoint: Literal["last", "best"] = "last"
    """Which weights of a run directory."""
    image_size: int | None = None
    """Size at which --data is read; the model's own by default, else 256."""
    direction: str = "auto"
    """Which side of --data is the input, as in `ganime train`."""
    metrics: tuple[str, ...] = ()
    """Defaults: ssim psnr l1 for pairs, fid_clean kid_clean for sets."""
    num_classes: int | None = None
    """Classes of label maps, background included."""
    ignore_label: int | None = None
    """True class that is left out of label maps."""
    skip_unmatched: bool = False
    """Leave out pictures whose name has no partner, instead of refusing."""
    limit: int | None = None
    """At most so many pictures of --data."""
    cache: bool = True
    """Keep Frechet statistics of the real folder in the cache."""
    save_statistics: Path | None = None
    """Write the statistics of --real under the first fid_* metric's protocol to this .npz."""
    json: Path | None = None
    """Write the report here."""
    csv: Path | None = None
    """Write the values by picture here."""
    worst: int = 0
    """Draw so many worst pictures..."""
    worst_by: str = ""
    """... by this paired metric (the first one by default) ..."""
    sheet: Path = Path("worst.png")
    """... into this file."""


def main(argv: list[str], prog: str) -> int:
    """Evaluates; returns 1 when a metric was refused."""
    args = parse(Args, argv, prog, description=_DESCRIPTION)
    labels = needing(check_names(args.metrics) if args.metrics else (), "classes")
    if labels and len(labels) != len(args.metrics):
        raise ValueError(f"{', '.join(labels)} read label maps; ask for the others separately.")
    if (args.model is None) == (args.fake is None):
        raise ValueError("Give either --fake (a folder) or --model with --data.")
    _check_outputs(args)
    from ganime_tf.cli import start

    start()
    from ganime_tf.ops.files import write_atomic

    pictures: dict[str, dict] = {}
    if labels:
        report = _labels(args)
    elif args.model is not None:
        report = _model(args, pictures)
    else:
        report = _folders(args)
    print(report.table())
    if args.json:
        write_atomic(args.json, report.to_json())
    if args.csv:
        write_atomic(args.csv, report.to_csv())
    if args.worst and report.per_picture:
        _draw_worst(args, report, pictures)
    if args.save_statistics and _exchangeable(report.scores):
        _save_statistics(args)
    return 1 if report.refused else 0


def _check_outputs(args: Args) -> None:
    """Refuses what could only fail after the work."""
    by_picture = [n for n in args.metrics if METRICS[n].by_picture or METRICS[n].needs == "classes"]
    has_pairs = bool(by_picture) or (not args.metrics and (args.paired or args.model is not None))
    for flag, value in (("--csv", args.csv), ("--worst", args.worst)):
        if value and not has_pairs:
            raise ValueError(
                f"{flag} needs a metric with a value a picture, such as --paired --metrics ssim; "
                "set metrics have none."
            )
    if args.worst_by and args.metrics and args.worst_by not in by_picture:
        raise ValueError(
            f"--worst-by {args.worst_by}: expected one of the --metrics with a value a picture "
            f"({', '.join(by_picture) or 'none was asked for'})."
        )
    if args.save_statistics and (args.real is None or not _exchangeable(args.metrics)):
        raise ValueError("--save-statistics needs --real and a fid_* metric.")


def _exchangeable(metrics) -> list[str]:
    return [name for name in metrics if name in METRICS and METRICS[name].from_statistics]


def _labels(args: Args):
    from ganime_tf.metrics import evaluate_labels

    if args.real is None or args.fake is None or args.num_classes is None:
        raise ValueError("Label maps need --real, --fake and --num-classes.")
    unmatched = "skip" if args.skip_unmatched else "error"
    return evaluate_labels(
        args.real, args.fake, args.num_classes, ignore=args.ignore_label, unmatched=unmatched
    )


def _folders(args: Args):
    from ganime_tf.metrics import evaluate_folders

    if args.real is not None and args.real.resolve() == args.fake.resolve():
        raise ValueError(f"--real and --fake are the same folder, {args.fake}: nothing to measure.")
    default = PAIRED_DEFAULT if args.paired else UNPAIRED_DEFAULT
    return evaluate_folders(
        args.real,
        args.fake,
        args.metrics or default,
        args.paired,
        source=args.source,
        unmatched="skip" if args.skip_unmatched else "error",
        cache=args.cache,
        settings=Settings.of(args),
    )


def _model(args: Args, pictures: dict[str, dict]):
    from ganime_tf.inference import load
    from ganime_tf.metrics import evaluate_samples

    if args.data is None:
        raise ValueError("--model needs --data, the pictures to translate and their truth.")
    model = load(args.model, args.checkpoint)
    source, batches = validation_batches(model, args)
    paired = needing(args.metrics, "pairs")
    if paired and not source.aligned:
        raise ValueError(f"{', '.join(paired)} compare pairs; {args.data} is not paired.")
    metrics = args.metrics or (PAIRED_DEFAULT if source.aligned else UNPAIRED_DEFAULT)

    def samples():
        for name, a, b in batches:
            found = {"fake": model.translate(a[None])[0], "real": b, "source": a}
            if args.worst:
                pictures[name] = found
            yield name, found

    report = evaluate_samples(samples(), metrics, Settings.of(args), aligned=source.aligned)
    report.context |= {
        "model": str(args.model),
        "checkpoint": args.checkpoint,
        "data": args.data,
        "data_hash": source.listing_hash,
    }
    return report


def validation_batches(model, args):
    """Opens `args.data` for a model.

    Returns:
        The `Source` and an iterator of (name, a, b), uint8 `(H, W, 3)`.
    """
    from ganime_tf.data import open_data
    from ganime_tf.ops.images import to_uint8
    from ganime_tf.progress import progress

    source = open_data(
        args.data, kind=getattr(model, "data_kind", "paired"), direction=args.direction
    )
    size = args.image_size or getattr(getattr(model, "config", None), "image_size", 256)
    if not source.num_validation:
        raise ValueError(f"{args.data} has no validation pictures.")
    dataset = source.validation(batch_size=1, image_size=size, limit=args.limit)

    def each():
        total = min(source.num_validation, args.limit or source.num_validation)
        for batch in progress(dataset, total=total, desc="translate", unit="pictures"):
            a, b = (to_uint8(batch[key]).numpy()[0] for key in ("a", "b"))
            yield batch["name"].numpy()[0].decode(), a, b

    return source, each()


def _draw_worst(args: Args, report, pictures: dict[str, dict]) -> None:
    from ganime_tf.ops.pictures import contact_sheet, save_png

    metric = args.worst_by or next(iter(report.per_picture))
    rows, labels = [], []
    for name, value in report.worst(metric, args.worst):
        shown = pictures.get(name) or _read_members(args, name)
        order = [key for key in ("source", "fake", "real") if key in shown]
        rows.append([shown[key] for key in order])
        labels.append(f"{name}  {value:.4g}")
    save_png(args.sheet, contact_sheet(rows, columns=order, labels=labels))
    print(f"Drew the {len(rows)} worst by {metric} to {args.sheet}.")


def _read_members(args: Args, name: str) -> dict:
    from ganime_tf.data.io import read_image
    from ganime_tf.metrics.folders import list_pictures

    sets = {"source": args.source, "fake": args.fake, "real": args.real}
    return {
        key: read_image(list_pictures(folder)[name])
        for key, folder in sets.items()
        if folder is not None
    }


def _save_statistics(args: Args) -> None:
    from ganime_tf.metrics import folder_statistics, save_statistics

    statistics = folder_statistics(
        args.real,
        METRICS[_exchangeable(args.metrics)[0]].network,
        batch_size=args.batch_size,
        precision=args.precision,
    )
    save_statistics(args.save_statistics, statistics)
    print(f"Wrote the statistics of {statistics.count} pictures to {args.save_statistics}.")
