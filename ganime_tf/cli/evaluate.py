"""`ganime evaluate`: score pictures against the truth, or a model on a set of data."""

import dataclasses
from pathlib import Path
from typing import Annotated, Literal

import tyro

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

_DESCRIPTION = f"""Score a model (its path), or a folder of pictures (--real, --fake).

A run is scored on its own data, all validation pictures of them, unless --data names others.

{overview()} docs/evaluation.md says which one supports which claim."""


@dataclasses.dataclass(frozen=True)
class Args(Settings):
    """What is scored, by what, and where the result goes."""

    model: Annotated[Path | None, tyro.conf.Positional] = None
    """A run directory, an export, a .keras or a .tflite file (also as --model); else --fake."""
    data: str | None = None
    """Data for the model, as in `ganime train`; by default the run's own."""
    split: Literal["auto", "validation", "train", "all"] = "auto"
    """Which pictures of the data. auto: those to validate on; all, where the data is not the run's
    own and has no folder to validate on."""
    checkpoint: Literal["last", "best"] = "last"
    """Which weights of a run directory."""
    trust: bool = False
    """Open a SavedModel also when its graph can do more than compute; see docs/security.md."""
    image_size: int | None = None
    """Size at which the data is read; by default the run's own, else 256."""
    direction: Literal["auto", "ab", "ba"] | None = None
    """Which side of the data is the input, as in `ganime train`; by default the run's own."""
    limit: int | None = None
    """At most so many pictures of the data."""
    samples: int | None = None
    """Pictures that a generator of seeds draws; as many as the data has by default."""
    first_seed: int = 0
    """Seed of the first of them; the next ones follow."""
    truncation: float | None = None
    """Of them; 1 for all variety, the model's own default."""
    real: Path | None = None
    """Folder of real pictures, or a statistics file (.npz with mu and sigma) for fid_*."""
    fake: Path | None = None
    """Folder of generated pictures."""
    paired: bool = False
    """Real and fake pictures of one name show the same scene."""
    source: Path | None = None
    """Folder with the inputs of the translation, for lpips_s_*."""
    real_suffix: str = ""
    """End of the names of real pictures, such as _real_B: others are passed over, and names are
    compared without it. Folders may then be the same one."""
    fake_suffix: str = ""
    """The same for --fake, such as _fake_B."""
    source_suffix: str = ""
    """The same for --source, such as _real_A."""
    metrics: tuple[str, ...] = ()
    """Defaults: ssim psnr l1 for pairs, fid_clean kid_clean for sets."""
    num_classes: int | None = None
    """Classes of label maps, background included."""
    ignore_label: int | None = None
    """True class that is left out of label maps."""
    skip_unmatched: bool = False
    """Leave out pictures whose name has no partner, instead of refusing."""
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
    args = parse(Args, _model_first(argv), prog, description=_DESCRIPTION)
    if args.metrics:
        check_names(args.metrics)
    if (args.model is None) == (args.fake is None):
        raise ValueError("Give either a model, such as a run directory, or --fake, a folder.")
    _check_options(args)
    if args.model is None:
        labels = needing(args.metrics, "classes")
        if labels and len(labels) != len(args.metrics):
            raise ValueError(f"{', '.join(labels)} read label maps; ask for the others separately.")
        default = PAIRED_DEFAULT if args.paired else UNPAIRED_DEFAULT
        _check_outputs(args, args.metrics or default)
    elif args.metrics:
        _check_outputs(args, args.metrics)
    from ganime_tf.cli import start

    start()
    from ganime_tf.ops.files import write_atomic

    pictures: dict[str, dict] = {}
    if args.model is not None:
        report = _model(args, pictures)
    else:
        report = _labels(args) if labels else _folders(args)
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


def _model_first(argv: list[str]) -> list[str]:
    """`--model PATH` is the same as `PATH` before all options."""
    for index, word in enumerate(argv):
        flag, equals, value = word.partition("=")
        if flag == "--model" and (equals or index + 1 < len(argv)):
            end = index + (1 if equals else 2)
            path = value if equals else argv[index + 1]
            return [path, *argv[:index], *argv[end:]]
    return argv


_OF_FOLDERS = ("real", "fake", "source", "paired", "real_suffix", "fake_suffix", "source_suffix",
               "num_classes", "ignore_label", "skip_unmatched", "save_statistics")  # fmt: skip
_OF_MODELS = ("data", "split", "checkpoint", "image_size", "direction", "limit", "samples",
              "first_seed", "truncation")  # fmt: skip


def _check_options(args: Args) -> None:
    """Refuses options that would be passed over without a word."""
    names = _OF_FOLDERS if args.model is not None else _OF_MODELS
    defaults = {field.name: field.default for field in dataclasses.fields(Args)}
    given = [n for n in names if getattr(args, n) != defaults[n]]
    if given:
        flags = ", ".join("--" + name.replace("_", "-") for name in given)
        what = "folders (--fake)" if args.model is not None else "a model"
        raise ValueError(f"{flags}: only for {what}.")


def _check_outputs(args: Args, metrics) -> None:
    """Refuses what could only fail after the work."""
    by_picture = [name for name in metrics if METRICS[name].by_picture]
    for flag, value in (("--csv", args.csv), ("--worst", args.worst)):
        if value and not by_picture:
            raise ValueError(
                f"{flag} needs a metric with a value a picture, such as --paired --metrics ssim; "
                "set metrics have none."
            )
    if args.worst_by and args.worst_by not in by_picture:
        raise ValueError(
            f"--worst-by {args.worst_by}: expected one of the --metrics with a value a picture "
            f"({', '.join(by_picture) or 'none was asked for'})."
        )
    if args.save_statistics and (args.real is None or not _exchangeable(metrics)):
        raise ValueError("--save-statistics needs --real and a fid_* metric.")


def _exchangeable(metrics) -> list[str]:
    return [name for name in metrics if name in METRICS and METRICS[name].from_statistics]


def _labels(args: Args):
    from ganime_tf.metrics import evaluate_labels

    if args.real is None or args.num_classes is None:
        raise ValueError("Label maps need --real, --fake and --num-classes.")
    return evaluate_labels(
        args.real,
        args.fake,
        args.num_classes,
        ignore=args.ignore_label,
        unmatched="skip" if args.skip_unmatched else "error",
        suffixes=_suffixes(args),
    )


def _suffixes(args: Args) -> dict[str, str]:
    return {"real": args.real_suffix, "fake": args.fake_suffix, "source": args.source_suffix}


def _folders(args: Args):
    from ganime_tf.metrics import evaluate_folders

    default = PAIRED_DEFAULT if args.paired else UNPAIRED_DEFAULT
    return evaluate_folders(
        args.real,
        args.fake,
        args.metrics or default,
        args.paired,
        source=args.source,
        unmatched="skip" if args.skip_unmatched else "error",
        suffixes=_suffixes(args),
        cache=args.cache,
        settings=Settings.of(args),
    )


def _model(args: Args, pictures: dict[str, dict]):
    from ganime_tf.cli.own_data import open_scored
    from ganime_tf.inference import load
    from ganime_tf.metrics.models import evaluate_model, is_aligned, metrics_for

    model = load(args.model, args.checkpoint, args.trust)
    scored = open_scored(args.model, model, args)
    metrics = metrics_for(model, is_aligned(scored.source, scored.split), args.metrics)
    _check_outputs(args, metrics)
    report = evaluate_model(
        model,
        scored.source,
        metrics,
        Settings.of(args),
        split=scored.split,
        image_size=scored.image_size,
        limit=args.limit,
        samples=args.samples,
        first_seed=args.first_seed,
        truncation=args.truncation,
        keep=pictures.__setitem__ if args.worst else None,
    )
    found = report.context
    print(f"Scored {found['pictures']} of {found['of']} pictures of {scored.words}.")
    if "seeds" in found:
        truncation = found["truncation"]
        ending = "" if truncation is None else f", truncation {truncation:g}"
        print(f"Drew {found['samples']} pictures of the seeds {found['seeds']}{ending}.")
    report.context |= {
        "model": str(args.model),
        "checkpoint": args.checkpoint,
        "data": scored.source.title,
        "direction": scored.direction,
        "data_hash": scored.source.listing_hash,
    }
    return report


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
    from ganime_tf.metrics.labels import read_shown

    read = read_shown if needing(args.metrics, "classes") else read_image
    sets = {"source": args.source, "fake": args.fake, "real": args.real}
    return {
        key: read(list_pictures(folder, _suffixes(args)[key])[name])
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
