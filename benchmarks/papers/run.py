"""Regenerates the tables and curves of the two GANime papers on the toy world.

    python benchmarks/papers/run.py all --runs DIR            # what docs/papers.md shows
    python benchmarks/papers/run.py sketches --runs DIR --seeds 0
    python benchmarks/papers/run.py all --runs DIR --scale 0.01   # tries everything in minutes
    GANIME_WEIGHTS=DIR python benchmarks/papers/run.py all --runs DIR --features squeezenet
    python benchmarks/papers/run.py --write-docs   # the tables again, from the JSON files

Every method and seed has a run directory of its own below DIR; finished ones are skipped and an
interrupted one goes on, so that the same command resumes. At scale 1 the records go to
`benchmarks/results/papers_*.json`, pictures to `docs/images` and tables into `docs/papers.md`, else
all of it stays in DIR.
"""

import argparse
import dataclasses
import json
import os
import platform
import subprocess
import time
from pathlib import Path

import tables
from methods import (
    IMAGE_SIZE,
    METHODS,
    NUM_HELD_OUT,
    NUM_SHOWN,
    STUDIES,
    TEST_BATCH,
    changes_of,
    data_of,
    num_train,
    training_config,
)

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


@dataclasses.dataclass(frozen=True)
class Settings:
    """What all runs of a call share: factor of steps and pictures, feature network."""

    scale: float
    features: str


def main() -> None:
    """Runs what is not finished, then collects, draws and writes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("study", nargs="?", choices=[*STUDIES, "all"])
    parser.add_argument("--runs", type=Path, help="folder of the run directories")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--scale", type=float, default=1.0, help="factor of steps and pictures")
    parser.add_argument(
        "--features",
        choices=["random", "squeezenet"],
        default="random",
        help="what neural style, AnimeGAN and CartoonGAN compare; squeezenet needs its file",
    )
    parser.add_argument("--write-docs", action="store_true", help="only write docs/papers.md")
    args = parser.parse_args()
    if args.write_docs:
        tables.write_docs()
        return
    if args.study is None or args.runs is None:
        parser.error("give a study and --runs, or --write-docs")
    if args.scale <= 0:
        parser.error("--scale must be positive")
    settings = Settings(args.scale, args.features)
    studies = list(STUDIES) if args.study == "all" else [args.study]
    names = dict.fromkeys(name for study in studies for name in STUDIES[study])
    run_all([(name, seed) for seed in args.seeds for name in names], args.runs, settings)
    full = args.scale == 1.0
    results, pictures = (
        (tables.RESULTS, tables.ROOT / "docs" / "images") if full else [args.runs] * 2
    )
    for study in studies:
        record = collect(study, args.runs, args.seeds, settings)
        if study == "face2anime":
            import attributes
            from scoring import held_out

            attributes.add(record, args.runs, args.seeds, run_dir_of, held_out)
        path = tables.path_of(study, results)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        draw(study, record, args.runs, args.seeds[0], pictures)
        print(f"\n== {study}: {path}\n{tables.block(study, record)}")
    if full:
        tables.write_docs()


def run_all(jobs: list[tuple[str, int]], runs: Path, settings: Settings) -> None:
    """Runs the jobs that have no score yet, and says how long the rest takes."""
    todo = [job for job in jobs if not finished(*job, runs, settings)]
    print(
        f"{len(jobs) - len(todo)} of {len(jobs)} runs are finished, {len(todo)} to do.", flush=True
    )
    factor = min(settings.scale, 1.0)
    # A run has some seconds of tracing, drawing and saving at any scale.
    expected = [METHODS[n].seconds * factor + (20 if METHODS[n].steps else 2) for n, _ in todo]
    start = time.monotonic()
    for index, (name, seed) in enumerate(todo):
        since = time.monotonic()
        score = run(name, seed, runs, settings)
        if score is None:
            raise SystemExit("Interrupted; everything is saved. The same command goes on.")
        now = time.monotonic()
        pace = (now - start) / sum(expected[: index + 1])
        left = pace * sum(expected[index + 1 :])
        print(
            f"[{index + 1}/{len(todo)}] {name} seed {seed}: {now - since:.0f} s, "
            f"fd_random {score['fd_random']:.3f}, SSIM {score.get('ssim', float('nan')):.3f}; "
            f"{left / 60:.1f} min left",
            flush=True,
        )


def run_dir_of(name: str, seed: int, runs: Path) -> Path:
    return runs / name / f"seed{seed}"


def identity(name: str, seed: int, settings: Settings) -> dict:
    """What makes a finished run the wanted one."""
    method, scale = METHODS[name], settings.scale
    wanted = {
        "seed": seed,
        "num_train": num_train(method, scale),
        "data": data_of(method, scale),
        "model": method.model,
    }
    if method.model == "gatys":
        wanted |= {
            "steps": max(2, round(method.steps * scale)),
            "config": changes_of(method, settings.features),
        }
    elif method.steps:
        config = training_config(method, scale, settings.features)
        per_epoch = wanted["num_train"] // config.batch_size
        wanted |= {"steps": config.num_epochs * per_epoch, "config": dataclasses.asdict(config)}
    return json.loads(json.dumps(wanted))


def finished(name: str, seed: int, runs: Path, settings: Settings) -> bool:
    """Whether a run has its score.

    Raises:
        SystemExit: When it is a run of other settings.
    """
    path = run_dir_of(name, seed, runs) / "score.json"
    if not path.exists():
        return False
    if json.loads(path.read_text())["identity"] != identity(name, seed, settings):
        raise SystemExit(f"{path} is of other settings. Remove its folder, or use another --runs.")
    return True


def run(name: str, seed: int, runs: Path, settings: Settings) -> dict | None:
    """One method with one seed: trains, scores, keeps the outputs; None when interrupted."""
    import keras
    import numpy as np
    from scoring import held_out, paint, reference, score

    from ganime_tf.ops.files import atomic_path, write_json

    method, folder = METHODS[name], run_dir_of(name, seed, runs)
    wanted = identity(name, seed, settings)
    count = wanted["num_train"]
    inputs, truths = held_out(method.kind, seed, count)
    start, curve, seconds = time.monotonic(), None, None
    if method.model in ("copy", "others"):
        outputs = reference(name, seed, count)
    elif method.model == "gatys":
        outputs = paint(method, seed, count, wanted["steps"], settings.features)
        seconds = time.monotonic() - start
    else:
        result = train(method, seed, folder, settings)
        if result.signal is not None:
            return None
        outputs = np.concatenate(
            [
                result.model.translate(inputs[i : i + TEST_BATCH])
                for i in range(0, len(inputs), TEST_BATCH)
            ]
        )
        seconds, curve = history(folder, result.model.config.batch_size, method.curves)
        keras.backend.clear_session()
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_path(folder / "outputs.npz") as path:
        np.savez_compressed(path, outputs=outputs)
    scores = score(outputs, inputs, truths, aligned=method.model != "others")
    record = {
        "identity": wanted,
        "commit": commit(),
        "seconds": round(seconds or 0.0, 1),
        "wall_seconds": round(time.monotonic() - start, 1),
        "scores": {key: round(value, 6) for key, value in scores.items()},
    }
    write_json(folder / "score.json", record | ({"curve": curve} if curve else {}))
    return scores


def train(method, seed: int, folder: Path, settings: Settings):
    """A run of `ganime train` on the toy world of this seed."""
    from ganime_tf.training.run import RunConfig
    from ganime_tf.training.run import train as train_run

    config = training_config(method, settings.scale, settings.features)
    run_config = RunConfig(
        data=data_of(method, settings.scale),
        run_dir=str(folder),
        seed=seed,
        keep_checkpoints=1,
        sample_every=config.num_epochs,
        evaluate_every=1 if method.curves else config.num_epochs,
        num_validation=NUM_HELD_OUT,
        metrics=("ssim", "fd_random"),
        export=False,
    )
    return train_run(method.model, config, run_config)


def history(folder: Path, batch_size: int, curves: bool) -> tuple[float, list | None]:
    """Seconds of pure training, and the validation by epoch."""
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    seconds, curve, last = 0.0, {}, 0
    for row in map(json.loads, lines):
        seconds += (row["step"] - last) * batch_size / max(row["images_per_second"], 1e-9)
        last = row["step"]
        keys = {"fd_random": "val_fd_random", "ssim": "val_ssim", "ssim_std": "val_ssim_std"}
        if curves:
            found = {key: round(row[log], 6) for key, log in keys.items()}
            # An interrupted epoch has two rows; the later one is whole.
            curve[row["epoch"]] = {"epoch": row["epoch"], "step": row["step"]} | found
    return seconds, list(curve.values()) or None


def commit() -> str:
    """The commit of this checkout, with `+` when files differ from it."""
    git = ["git", "-C", str(tables.ROOT)]
    head = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    changed = subprocess.run(
        [*git, "status", "--porcelain", "-uno", "ganime_tf", "benchmarks/papers"],
        capture_output=True,
        text=True,
    )
    return head.stdout.strip() + ("+" if changed.stdout.strip() else "")


def collect(study: str, runs: Path, seeds: list[int], settings: Settings) -> dict:
    """The record of a study from the scores of its runs."""
    import datetime
    from importlib import metadata

    from ganime_tf.version import __version__

    methods, commits, seconds, model = {}, set(), 0.0, ""
    for name in STUDIES[study]:
        method, found = METHODS[name], {}
        for seed in seeds:
            run = json.loads((run_dir_of(name, seed, runs) / "score.json").read_text())
            commits.add(run["commit"])
            seconds += run["wall_seconds"]
            wanted = run.pop("identity")
            found[str(seed)] = run
        methods[name] = {
            "title": method.title,
            "model": method.model,
            "preset": method.preset,
            "changes": changes_of(method, settings.features),
            "config": wanted.get("config"),
            "steps": wanted.get("steps", 0),
            "runs": found,
        }
    kind = METHODS[STUDIES[study][0]].kind
    count = num_train(METHODS[STUDIES[study][0]], settings.scale)
    cpuinfo = Path("/proc/cpuinfo")
    for line in cpuinfo.read_text().splitlines() if cpuinfo.exists() else []:
        model = line.split(":")[1].strip() if line.startswith("model name") else model
    versions = {"ganime_tf": __version__, "python": platform.python_version()}
    versions |= {name: metadata.version(name) for name in ("tensorflow", "keras", "numpy")}
    return {
        "study": study,
        "command": f"benchmarks/papers/run.py {study} --runs DIR --features {settings.features}",
        "date": datetime.date.today().isoformat(),
        "scale": settings.scale,
        "seeds": seeds,
        "versions": versions,
        "commits": sorted(commits),
        "processor": model or platform.processor(),
        "budget": {
            "cores": os.cpu_count(),
            "image_size": IMAGE_SIZE,
            "data": f"{data_of(METHODS[STUDIES[study][0]], settings.scale)}, {kind}",
            "num_train": count,
            "held_out": min(NUM_HELD_OUT, count // 2),
            "features": settings.features,
            "minutes": round(seconds / 60, 1),
        },
        "methods": methods,
    }


def draw(study: str, record: dict, runs: Path, seed: int, pictures: Path) -> None:
    """The contact sheet of a study, and the curves of the sketches."""
    import numpy as np
    from figures import CURVES, draw_curves, draw_sheet
    from scoring import held_out

    kind = METHODS[STUDIES[study][0]].kind
    inputs, truths = held_out(kind, seed, record["budget"]["num_train"])
    columns = {"input": inputs[:NUM_SHOWN]}
    for name in STUDIES[study]:
        if METHODS[name].steps:
            with np.load(run_dir_of(name, seed, runs) / "outputs.npz") as file:
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
