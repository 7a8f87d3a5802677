"""`ganime prepare`: look at picture sets and make training sets of them."""

import collections
import dataclasses
import functools
import json
from pathlib import Path
from typing import Annotated, Literal

import tyro

from ganime_tf.cli.options import parse

Place = Annotated[Path, tyro.conf.Positional]


@dataclasses.dataclass(frozen=True)
class Scan:
    """Count sizes, modes, duplicates, corrupt and unmatched files."""

    path: Place
    """Folder to look at."""
    json: bool = False
    """Print everything as JSON."""


@dataclasses.dataclass(frozen=True)
class _Job:
    path: Place
    """Folder of the originals, which are not touched."""
    out: Annotated[Path, tyro.conf.arg(aliases=["-o"])]
    """Folder to write PNG files into; run again to go on after an interruption."""
    workers: int = 0
    """Processes; 0 for one a core."""
    metadata: Path | None = None
    """CelebA's attributes (.txt or .csv), another .csv whose first column names the files, or a
    Danbooru .jsonl: only pictures that it names are taken."""
    where: tuple[str, ...] = ()
    """Conditions on the metadata that must all hold: Male=-1, tag!=monochrome, score>=5."""
    monochrome: bool = True
    """Take pictures without colours too; --no-monochrome leaves grey and tinted ones out."""


@dataclasses.dataclass(frozen=True)
class SplitPairs(_Job):
    """Cut side-by-side pictures into the folders sketch and color."""

    direction: Literal["auto", "ab", "ba"] = "auto"
    """Where the sketch is: ab left, ba right, auto looks."""


@dataclasses.dataclass(frozen=True)
class Resize(_Job):
    """Make square copies."""

    size: int = 256
    """Side in pixels."""
    aspect: Literal["stretch", "crop", "pad"] = "crop"
    """What happens to pictures that are not square."""


@dataclasses.dataclass(frozen=True)
class Lineart(_Job):
    """Draw line art of finished pictures, to train a colouriser from them alone."""

    style: Literal["xdog", "thin", "smooth", "pen"] = "pen"
    """xdog, thin (one pixel), smooth (soft), or pen: a different one for every file."""
    seed: int | None = 0
    """Varies the pen from file to file; None for the fixed default pen."""


@dataclasses.dataclass(frozen=True)
class Smooth(_Job):
    """Make the edge-smoothed copies that CartoonGAN and AnimeGAN train on."""

    size: int = 256
    """Side in pixels: smoothing belongs to the size of training."""


@dataclasses.dataclass(frozen=True)
class CropFaces(_Job):
    """Cut out faces (needs OpenCV: the extra [faces])."""

    size: int = 256
    """Side of the crops."""
    margin: float = 0.4
    """Added on each side, as a share of the face."""
    cascade: str = ""
    """OpenCV cascade file, for anime faces; empty: OpenCV's own for real frontal faces."""
    upright: bool = True
    """Also look for tilted faces and turn them upright."""


@dataclasses.dataclass(frozen=True)
class Shard:
    """Pack a set into TFRecord shards."""

    data: Annotated[str, tyro.conf.Positional]
    """What `--data` of `ganime train` takes."""
    out: Annotated[Path, tyro.conf.arg(aliases=["-o"])]
    """Folder to write into; run again to go on after an interruption."""
    kind: str = "paired"
    """How the pictures belong together: what `ganime models` calls the data of a model."""
    direction: Literal["auto", "ab", "ba"] = "auto"
    """As for `ganime train`."""
    shard_size: int = 1000
    """Records a shard."""
    workers: int = 0
    """Processes; 0 for one a core."""


_COMMANDS = {
    "scan": Scan,
    "split-pairs": SplitPairs,
    "resize": Resize,
    "lineart": Lineart,
    "smooth": Smooth,
    "crop-faces": CropFaces,
    "shard": Shard,
}


def main(argv: list[str], prog: str) -> int:
    """Runs one of the preparing commands."""
    args = parse(_COMMANDS, argv, prog)
    from ganime_tf.cli import setup_logging, start

    if isinstance(args, Shard):
        start()
        return _shard(args)
    setup_logging()  # the others, and their processes, do without TensorFlow
    return _scan(args) if isinstance(args, Scan) else _folder(args)


def _scan(args: Scan) -> int:
    from ganime_tf.data.scanning import as_table, scan
    from ganime_tf.progress import progress

    report = scan(args.path, functools.partial(progress, desc="scanning", unit="files"))
    print(json.dumps(report, indent=2) if args.json else as_table(report))
    return 0


def _work(args: _Job):
    from ganime_tf.data import listing, preparing

    if isinstance(args, SplitPairs):
        names = listing.list_folder(args.path, [])
        sketch = {"ab": 0, "ba": 1}.get(args.direction)
        sketch = listing.sketch_strip(args.path, names) if sketch is None else sketch
        return functools.partial(preparing.split_pair, sketch=sketch)
    if isinstance(args, Lineart):
        return functools.partial(preparing.trace, style=args.style, seed=args.seed)
    if args.size < 16:
        raise ValueError(f"--size must be at least 16. Received {args.size}.")
    if isinstance(args, Resize):
        return functools.partial(preparing.resize, size=args.size, aspect=args.aspect)
    if isinstance(args, Smooth):
        return functools.partial(preparing.smooth, size=args.size)
    return functools.partial(
        preparing.crop_faces,
        cascade=args.cascade,
        size=args.size,
        margin=args.margin,
        upright=args.upright,
    )


def _folder(args: _Job) -> int:
    from ganime_tf.data.preparing import ColouredOnly, Metadata, prepare_folder
    from ganime_tf.ops.files import write_atomic
    from ganime_tf.progress import progress

    if args.where and args.metadata is None:
        raise ValueError("--where needs --metadata: the file whose values it asks for.")
    work = _work(args) if args.monochrome else ColouredOnly(_work(args))
    metadata = None if args.metadata is None else Metadata(args.metadata, args.where)
    done, skipped = 0, []
    results = prepare_folder(args.path, args.out, work, args.workers, metadata)
    for name, reason in progress(results, desc="preparing", unit="files"):
        if reason is None:
            done += 1
        else:
            skipped.append(f"{name}\t{reason}\n")
    text = "".join(skipped).encode("utf-8", "backslashreplace")
    write_atomic(args.out / "skipped.txt", text)
    print(f"{done} files done, {len(skipped)} skipped: {args.out}")
    reasons = collections.Counter(line.rstrip("\n").partition("\t")[2] for line in skipped)
    many = [f"{count} {reason}" for reason, count in reasons.most_common(5) if count > 1]
    if many:
        print(f"  skipped: {', '.join(many)}")
    for line in skipped[:5]:
        print("  skipped " + line.strip().replace("\t", ": "))
    if len(skipped) > 5:
        print(f"  ... all of them in {args.out / 'skipped.txt'}")
    if not done:
        raise ValueError(f"Nothing in {args.path} could be prepared.")
    return 0


def _shard(args: Shard) -> int:
    import os

    from ganime_tf.data import open_data
    from ganime_tf.data.records import write_records
    from ganime_tf.progress import ProgressBar

    if args.shard_size < 1:
        raise ValueError(f"--shard-size must be at least 1. Received {args.shard_size}.")
    source = open_data(args.data, args.kind, direction=args.direction)
    bar = ProgressBar(None, desc="packing", unit="records")
    index = write_records(
        source,
        args.out,
        shard_size=args.shard_size,
        workers=args.workers or os.cpu_count() or 1,
        report=bar.update,
    )
    bar.close()
    shards = [shard for domain in index["domains"] for shard in domain["shards"]]
    skipped = sum(len(shard["skipped"]) for shard in shards)
    records = sum(len(shard["names"]) for shard in shards)
    print(f"{records} records in {len(shards)} shards, {skipped} skipped: {args.out}")
    return 0
