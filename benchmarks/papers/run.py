"""Regenerates the tables and curves of the GANime papers on the toy world.

    GANIME_WEIGHTS=DIR python benchmarks/papers/run.py all --runs DIR   # what docs/papers.md shows
    GANIME_WEIGHTS=DIR python benchmarks/papers/run.py sketches --runs DIR --seeds 0
    python benchmarks/papers/run.py all --runs DIR --try    # a few steps each, no file is needed
    python benchmarks/papers/run.py --write-docs   # the tables again, from the JSON files

The methods are presets of the models (`methods.py`), trained by a sweep for each kind of data, so
the same command goes on where it was stopped. Records go to `benchmarks/results/papers_*.json`,
pictures to `docs/images` and tables into `docs/papers.md`; with --try all of it stays in DIR.
"""

import argparse
import dataclasses
import json
import os
import platform
import time
from pathlib import Path

import tables
from methods import DATA, IMAGE_SIZE, METHODS, NUM_HELD_OUT, NUM_SHOWN, STUDIES, TEST_BATCH

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


@dataclasses.dataclass(frozen=True)
class Place:
    """Where runs are, and whether they only try whether everything works."""

    runs: Path
    tries: bool = False

    def of(self, name: str, seed: int) -> Path:
        """The folder of a run."""
        return self.runs / METHODS[name].kind / name / f"seed{seed}"

    def data(self, kind: str) -> str:
        """What is trained on."""
        return DATA[kind].partition(":")[0] + ":24" if self.tries else DATA[kind]

    def num_train(self, kind: str) -> int:
        """How many pictures that are."""
        return int(self.data(kind).partition(":")[2])


def main() -> None:
    """Trains what is not trained, then scores, collects, draws and writes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("study", nargs="?", choices=[*STUDIES, "all"])
    parser.add_argument("--runs", type=Path, help="folder of the run directories")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--try", dest="tries", action="store_true", help="a few steps of each")
    parser.add_argument("--write-docs", action="store_true", help="only write docs/papers.md")
    args = parser.parse_args()
    if args.write_docs:
        tables.write_docs()
        return
    if args.study is None or args.runs is None:
        parser.error("give a study and --runs, or --write-docs")
    from ganime_tf.cli import setup_logging

    setup_logging()
    place = Place(args.runs, args.tries)
    studies = list(STUDIES) if args.study == "all" else [args.study]
    names = list(dict.fromkeys(name for study in studies for name in STUDIES[study]))
    train(names, args.seeds, place)
    scores = {(name, seed): score_run(name, seed, place) for seed in args.seeds for name in names}
    results, pictures = (
        [args.runs] * 2 if args.tries else (tables.RESULTS, tables.ROOT / "docs" / "images")
    )
    for study in studies:
        record = collect(study, scores, args.seeds, place)
        if study == "face2anime":
            import attributes
            from scoring import held_out

            attributes.add(record, args.seeds, place, held_out)
        path = tables.path_of(study, results)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        draw(study, record, args.seeds[0], place, pictures)
        print(f"\n== {study}: {path}\n{tables.block(study, record)}")
    if not args.tries:
        tables.write_docs()


def config_of(method, tries: bool = False):
    """The hyper-parameters of a run; to try, with random features, which need no file."""
    config = method.config
    fields = [name for name in ("features", "perceptual") if hasattr(config, name)]
    return dataclasses.replace(config, **dict.fromkeys(fields, "random")) if tries else config


def train(names: list[str], seeds: list[int], place: Place) -> None:
    """Sweeps over the methods that are trained, one for each kind of data.

    Raises:
        SystemExit: When a signal stopped it.
    """
    from ganime_tf.configs.run import RunConfig
    from ganime_tf.training.sweep import Trial, sweep

    for kind in DATA:
        trials = [
            Trial(name, method.model, config_of(method, place.tries), steps=method.steps)
            for name, method in METHODS.items()
            if name in names and method.trained and method.kind == kind
        ]
        if not trials:
            continue
        run = RunConfig(
            data=place.data(kind),
            run_dir=str(place.runs / kind),
            steps=4 if place.tries else None,
            keep_checkpoints=1,
            sample_every=1000,
            num_validation=NUM_HELD_OUT,
            metrics=("ssim", "fd_random"),
        )
        if len(sweep(trials, run, seeds=seeds, metric="val_fd_random")) < len(trials):
            raise SystemExit("Interrupted; everything is saved. The same command goes on.")


def score_run(name: str, seed: int, place: Place) -> dict:
    """What one method with one seed makes of the held-out pictures; keeps it in `outputs.npz`."""
    import numpy as np
    from scoring import held_out, paint, reference, score

    from ganime_tf.inference import load
    from ganime_tf.ops.files import atomic_path

    method, folder = METHODS[name], place.of(name, seed)
    count, kept = place.num_train(method.kind), folder / "outputs.npz"
    inputs, truths = held_out(method.kind, seed, count)
    seconds, curve, start = 0.0, None, time.monotonic()
    if method.trained:
        model = load(folder)
        batches = range(0, len(inputs), TEST_BATCH)
        outputs = np.concatenate([model.translate(inputs[i : i + TEST_BATCH]) for i in batches])
        seconds, curve = history(folder, model.config.batch_size)
    elif kept.exists():  # a minute's work, and nothing it depends on changes
        with np.load(kept) as file:
            outputs, seconds = file["outputs"], float(file["seconds"])
    elif method.model == "gatys":
        outputs = paint(method, seed, count, 2 if place.tries else method.steps, place.tries)
        seconds = time.monotonic() - start
    else:
        outputs = reference(name, seed, count)
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_path(kept) as path:
        np.savez_compressed(path, outputs=outputs, seconds=seconds)
    scores = score(outputs, inputs, truths, aligned=method.model != "others")
    scores = {key: round(value, 6) for key, value in scores.items()}
    result = {"seconds": round(seconds, 1), "scores": scores}
    return result | ({"curve": curve} if method.curves else {})


def history(folder: Path, batch_size: int) -> tuple[float, list]:
    """Seconds of pure training, and the validation by epoch."""
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    seconds, curve, last = 0.0, {}, 0
    for row in map(json.loads, lines):
        seconds += (row["step"] - last) * batch_size / max(row["images_per_second"], 1e-9)
        last = row["step"]
        keys = {"fd_random": "val_fd_random", "ssim": "val_ssim", "ssim_std": "val_ssim_std"}
        found = {key: round(row[log], 6) for key, log in keys.items()}
        # An interrupted epoch has two rows; the later one is whole.
        curve[row["epoch"]] = {"epoch": row["epoch"], "step": row["step"]} | found
    return seconds, list(curve.values())


def commit_of(folder: Path) -> str | None:
    """The commit that trained a run."""
    config = folder / "config.json"
    commit = json.loads(config.read_text())["git_commit"] if config.exists() else None
    return commit and commit[:7]


def collect(study: str, scores: dict, seeds: list[int], place: Place) -> dict:
    """The record of a study from the scores of its runs."""
    import datetime
    from importlib import metadata

    from ganime_tf.version import __version__

    methods, commits, model = {}, set(), ""
    for name in STUDIES[study]:
        method = METHODS[name]
        config = config_of(method, place.tries) if method.trained else None
        commits |= {commit_of(place.of(name, seed)) for seed in seeds} - {None}
        methods[name] = {
            "title": method.title,
            "model": method.model,
            "preset": method.preset,
            "config": config and dataclasses.asdict(config),
            "steps": method.total_steps,
            "runs": {str(seed): scores[name, seed] for seed in seeds},
        }
    kind = METHODS[STUDIES[study][0]].kind
    seconds = sum(run["seconds"] for row in methods.values() for run in row["runs"].values())
    cpuinfo = Path("/proc/cpuinfo")
    for line in cpuinfo.read_text().splitlines() if cpuinfo.exists() else []:
        model = line.split(":")[1].strip() if line.startswith("model name") else model
    versions = {"ganime_tf": __version__, "python": platform.python_version()}
    versions |= {name: metadata.version(name) for name in ("tensorflow", "keras", "numpy")}
    return {
        "study": study,
        "command": f"benchmarks/papers/run.py {study} --runs DIR",
        "date": datetime.date.today().isoformat(),
        "seeds": seeds,
        "versions": versions,
        "commits": sorted(commits),
        "processor": model or platform.processor(),
        "budget": {
            "cores": os.cpu_count(),
            "image_size": IMAGE_SIZE,
            "data": f"{place.data(kind)}, {kind}",
            "num_train": place.num_train(kind),
            "held_out": min(NUM_HELD_OUT, place.num_train(kind) // 2),
            "features": "random" if place.tries else "squeezenet",
            "minutes": round(seconds / 60, 1),
        },
        "methods": methods,
    }


def draw(study: str, record: dict, seed: int, place: Place, pictures: Path) -> None:
    """The contact sheet of a study, and the curves of the sketches."""
    import numpy as np
    from figures import CURVES, draw_curves, draw_sheet
    from scoring import held_out

    kind = METHODS[STUDIES[study][0]].kind
    inputs, truths = held_out(kind, seed, record["budget"]["num_train"])
    columns = {"input": inputs[:NUM_SHOWN]}
    for name in STUDIES[study]:
        if METHODS[name].total_steps:
            with np.load(place.of(name, seed) / "outputs.npz") as file:
                columns[METHODS[name].title] = file["outputs"][:NUM_SHOWN]
    columns["truth"] = truths[:NUM_SHOWN]
    stem = tables.path_of(study).stem
    draw_sheet(columns, pictures / f"{stem}.png")
    if study == "sketches":
        shown = CURVES | {"fd_random": "fd_random (paper: FID)"}
        titles = [f"Fig. {number}: {title}" for number, title in enumerate(shown.values(), 10)]
        draw_curves(record, pictures / f"{stem}_curves.png", titles)


if __name__ == "__main__":
    main()
