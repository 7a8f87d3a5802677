"""`ganime compare`: several outputs or models side by side, as a table and a picture grid."""

import dataclasses
from pathlib import Path
from typing import Annotated, Literal

import tyro

from ganime_tf.cli.options import parse
from ganime_tf.configs.fields import CountOrNone
from ganime_tf.metrics import PAIRED_DEFAULT, Settings, check_names


@dataclasses.dataclass(frozen=True)
class Args(Settings):
    """Compare folders of outputs and models on the same pictures.

    Pictures are matched by file name without suffix. Set metrics work too; all items are scored on
    exactly the same pictures, so their numbers can be compared with each other.
    """

    items: Annotated[tuple[Path, ...], tyro.conf.Positional] = ()
    """Folders of pictures; run directories, exports, .keras or .tflite files."""
    real: Path | None = None
    """Folder of true pictures."""
    source: Path | None = None
    """Folder of inputs: models translate them, the grid shows them."""
    data: str | None = None
    """Instead of --real and --source: data as in `ganime train`; of runs alone the first one's
    own by default."""
    split: Literal["auto", "validation", "train", "all"] = "auto"
    """Which pictures of the data, as in `ganime evaluate`."""
    direction: Literal["auto", "ab", "ba"] | None = None
    """Which side of the data is the input; the first run's own by default."""
    image_size: int | None = None
    """Size at which the data is read; the first model's own by default, else 256."""
    limit: int | None = None
    """At most so many pictures."""
    metrics: tuple[str, ...] = PAIRED_DEFAULT
    """Metrics, as in `ganime evaluate`."""
    labels: tuple[str, ...] = ()
    """Names of the items in the table; file names by default."""
    rows: int = 6
    """Pictures in the grid, spread evenly over the set."""
    set_resamples: CountOrNone = 50
    """Random halves for the intervals of fid_*, fd_random and kid_*; 0 leaves them out."""
    out: Annotated[Path, tyro.conf.arg(aliases=["-o"])] = Path("comparison")
    """Folder for comparison.txt, comparison.json and comparison.png."""
    trust: bool = False
    """Open a SavedModel also when its graph can do more than compute; see docs/security.md."""


def main(argv: list[str], prog: str) -> int:
    """Compares; returns 1 when a metric was refused."""
    args = parse(Args, argv, prog)
    from ganime_tf.cli import start

    start()
    from ganime_tf.metrics import Evaluator
    from ganime_tf.metrics.evaluate import score_samples
    from ganime_tf.ops.files import write_atomic, write_json
    from ganime_tf.ops.pictures import contact_sheet, save_png

    check_names(args.metrics)
    if not args.items:
        raise ValueError("Name at least one folder of pictures or model to compare.")
    labels = _labels(args)
    makers = {
        label: _maker(path, args.trust) for label, path in zip(labels, args.items, strict=True)
    }
    scenes, aligned = _scenes(args, makers)
    shown = scenes.names[:: max(1, -(-len(scenes.names) // max(args.rows, 1)))]
    grid: dict[str, dict] = {name: {} for name in shown}
    reports, first = {}, None
    for label, make in makers.items():

        def samples(make=make, label=label):
            for name in scenes.names:
                found = scenes.read(name)
                sample = {"fake": make(name, found.get("source"))} | found
                if name in grid:
                    grid[name] |= found | {f"item {label}": sample["fake"]}
                yield name, sample

        evaluator = Evaluator(args.metrics, Settings.of(args), aligned=aligned)
        if first is not None:
            evaluator.take_real(first)
        first = first or evaluator
        reports[label] = score_samples(evaluator, samples())
    text = _table(reports)
    print(text)
    columns = ["source", *(f"item {label}" for label in labels), "real"]
    columns = [key for key in columns if key in grid[shown[0]]]
    titles = [key.removeprefix("item ") for key in columns]
    rows = [[grid[name][key] for key in columns] for name in shown]
    sheet = contact_sheet(rows, columns=titles, labels=[Path(name).name for name in shown])
    save_png(args.out / "comparison.png", sheet)
    write_atomic(args.out / "comparison.txt", text + "\n")
    write_json(args.out / "comparison.json", {k: r.to_dict() for k, r in reports.items()})
    print(f"Wrote {args.out}/comparison.txt, .json and .png.")
    return 1 if any(report.refused for report in reports.values()) else 0


def _labels(args: Args) -> list[str]:
    if args.labels and len(args.labels) != len(args.items):
        raise ValueError(f"{len(args.items)} items need as many --labels: {len(args.labels)}.")
    names = [path.stem or str(path) for path in args.items]
    labels = list(args.labels) or (
        names if len(set(names)) == len(names) else [str(path) for path in args.items]
    )
    if len(set(labels)) != len(labels):
        raise ValueError(f"Every item needs its own label: {', '.join(labels)}. Use --labels.")
    return labels


class _Folder:
    """Finished pictures by name."""

    def __init__(self, path: Path):
        from ganime_tf.metrics.folders import list_pictures

        self.path, self.pictures = path, list_pictures(path)

    def __call__(self, name, source):
        from ganime_tf.data.io import read_image

        return read_image(self.pictures[name])


class _Model:
    """A model that translates the inputs."""

    def __init__(self, path: Path, trust: bool):
        from ganime_tf.inference import load

        self.path, self.model = path, load(path, trust=trust)

    def __call__(self, name, source):
        return self.model.translate(source[None])[0]


def _maker(path: Path, trust: bool):
    marks = ("config.json", "saved_model.pb")
    if path.is_dir() and not any((path / mark).exists() for mark in marks):
        return _Folder(path)
    return _Model(path, trust)


class _Scenes:
    """What all items are compared on: inputs and truths by name."""

    def __init__(self, names, read):
        self.names, self.read = names, read


def _scenes(args: Args, makers: dict) -> tuple[_Scenes, bool]:
    """The common pictures, and whether real ones are the truth of the inputs."""
    models = [maker for maker in makers.values() if isinstance(maker, _Model)]
    outputs = {k: maker for k, maker in makers.items() if isinstance(maker, _Folder)}
    if args.data is not None or (args.real is None and args.source is None and models):
        if args.real is not None or args.source is not None:
            raise ValueError("Give either --data, or --real and --source.")
        if not models or outputs:
            raise ValueError("--data compares models; compare folders with --real and --source.")
        return _of_data(args, models)
    from ganime_tf.data.io import read_image
    from ganime_tf.metrics.folders import list_pictures

    if args.real is None:
        raise ValueError("Give --real, the folder of true pictures, or --data.")
    if models and args.source is None:
        raise ValueError(f"{models[0].path} is a model: give --source, the pictures to translate.")
    sets = {"real": list_pictures(args.real)}
    if args.source is not None:
        sets["source"] = list_pictures(args.source)
    everything = sets | {str(maker.path): maker.pictures for maker in outputs.values()}
    names = sorted(set.intersection(*(set(pictures) for pictures in everything.values())))
    missing = {
        key: sorted(set().union(*everything.values()) - set(pictures))
        for key, pictures in everything.items()
    }
    if any(missing.values()):
        text = "; ".join(f"{k} lacks {', '.join(v[:10])}" for k, v in missing.items() if v)
        raise ValueError(f"All folders must hold the same names; {len(names)} match. {text}.")
    names = names[: args.limit]
    return _Scenes(
        names, lambda name: {key: read_image(paths[name]) for key, paths in sets.items()}
    ), True


def _of_data(args: Args, models: list[_Model]) -> tuple[_Scenes, bool]:
    """Pictures of a set, as the first model's run prepares them."""
    from ganime_tf.cli.own_data import open_scored, own_data
    from ganime_tf.metrics.models import is_aligned, named_batches, uint8

    scored = open_scored(models[0].path, models[0].model, args)
    print(f"Compared on {scored.words}.")
    for other in models[1:]:
        own = own_data(other.path)
        if own.image_size not in (0, scored.image_size):
            print(f"{other.path} was trained at {own.image_size} px, not {scored.image_size}.")
    kept = {}
    batches = named_batches(
        scored.source, scored.split, image_size=scored.image_size, limit=args.limit
    )
    for names, batch in batches:
        if not {"a", "b"} <= batch.keys():
            raise ValueError("--data compares translations of pictures: it needs a and b.")
        kept[names[0]] = {"real": uint8(batch["b"])[0], "source": uint8(batch["a"])[0]}
    aligned = is_aligned(scored.source, scored.split)
    return _Scenes(list(kept), kept.__getitem__), aligned


def _table(reports: dict) -> str:
    from ganime_tf.metrics.report import align

    first = next(iter(reports.values()))
    metrics = list(dict.fromkeys(m for report in reports.values() for m in report.scores))
    rows = [("", "n", "size", *metrics)]
    for label, report in reports.items():
        cells = []
        for metric in metrics:
            score = report.scores[metric]
            interval = f" [{score.low:.4g}, {score.high:.4g}]" if score.low is not None else ""
            cells.append(f"{score.value:.4g}{interval}")
        n = str(max((score.n for score in report.scores.values()), default=0))
        rows.append((label, n, report.resolution, *cells))
    lines = align(rows) + [
        "in brackets: 95 % interval; of means over pictures by bootstrap, of set metrics by the "
        "spread of random halves about the value (not of their bias)"
    ]
    lines += [f"{s.name}: {s.better} is better; {s.protocol}" for s in first.scores.values()]
    return "\n".join(lines + first.remarks())
