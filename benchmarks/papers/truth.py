"""Unpaired translation for long enough to see it, against the truth that only the toy world knows.

    python benchmarks/papers/truth.py --runs DIR                # about two hours of one core
    python benchmarks/papers/truth.py --runs DIR --only NAME    # one run, to share out the cores
    python benchmarks/papers/truth.py --runs DIR --try          # tries everything in minutes

CycleGAN and U-GAT-IT of the same budget, portraits to drawings and sketches to colour, trained and
untrained: distance to the true picture, of hair colours, and of the picture that comes back.
Resumes like run.py; but for --try the record, the pictures and the table go into the repository.
"""

import argparse
import dataclasses
import functools
import json
from pathlib import Path

import numpy as np
import tables
from methods import IMAGE_SIZE, LONG, METHODS
from run import Place, commit_of, config_of, history, train

NUM_SHOWN = 4


def hair_colours(pictures: np.ndarray, hair: np.ndarray) -> np.ndarray:
    """Mean CIE L*a*b* colour of each picture's hair, `(N, 3)`."""
    from ganime_tf.metrics.colour import rgb_to_lab

    return np.stack([rgb_to_lab(x)[mask].mean(0) for x, mask in zip(pictures, hair, strict=True)])


def there_and_back(model, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The translations, and what comes back from them."""
    there = np.concatenate([model.translate(x[None]) for x in inputs])
    return there, np.concatenate([model.run("reverse", image=x[None]) for x in there])


def measure(model, inputs, truths, hair) -> dict:
    """The row of one model; hair colours where some hair is seen."""
    from ganime_tf import metrics
    from ganime_tf.metrics.colour import delta_e

    there, back = there_and_back(model, inputs)
    seen = hair.sum((1, 2)) > 20  # some hats hide it all
    ours, true = (hair_colours(x[seen], hair[seen]) for x in (there, truths))
    return {
        "l1": float(metrics.l1(there, truths).mean()),
        "psnr": float(metrics.psnr(there, truths).mean()),
        "ssim": float(metrics.ssim(there, truths).mean()),
        "hair": float(delta_e(ours, true).mean()),
        "cycle": float(metrics.l1(back, inputs).mean()),
    }


@functools.lru_cache(maxsize=4)
def hair_of(seed: int, count: int, shape) -> np.ndarray:
    """Where the held-out scenes of a seed have hair, bool `(N, H, W)`."""
    from ganime_tf.data import open_data
    from ganime_tf.toy import PARSING_CLASSES

    maps = open_data(f"toy:{count}", kind="parsing", seed=seed)
    batches = maps.validation(batch_size=50, image_size=IMAGE_SIZE, limit=shape[0])
    labels = np.concatenate([np.asarray(batch["parsing"]) for batch in batches])
    return labels.reshape(shape) == PARSING_CLASSES.index("hair")


def main() -> None:
    """Trains what is not finished, measures, draws, writes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=Path, required=True, help="folder of the run directories")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--try", dest="tries", action="store_true", help="a few steps of each")
    names = [name for group in LONG.values() for name in group]
    parser.add_argument("--only", choices=names, nargs="+", help="train these, measure nothing")
    args = parser.parse_args()
    place = Place(args.runs, args.tries)
    train(args.only or names, args.seeds, place)
    if args.only:
        return
    pictures = args.runs if args.tries else tables.ROOT / "docs" / "images"
    commits = {commit_of(place.of(name, seed)) for name in names for seed in args.seeds}
    record = {"commit": ", ".join(sorted(commits - {None})), "seeds": args.seeds, "groups": {}}
    for title, group in LONG.items():
        record["groups"][title] = collect(group, args.seeds, place, pictures)
    path = tables.path_of("truth", args.runs if args.tries else tables.RESULTS)
    path.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(tables.truth_block(record))
    if not args.tries:
        tables.write_docs()


def collect(group, seeds: list[int], place: Place, pictures: Path) -> dict:
    """Numbers of one kind of translation; draws its contact sheet and its curves."""
    from figures import draw_curves, draw_sheet
    from scoring import held_out

    from ganime_tf.inference import load
    from ganime_tf.models import get_model

    methods, columns = {}, {}
    for name in group:
        method = METHODS[name]
        methods[name] = row = {"title": method.title, "rows": {}, "runs": {}}
        for seed in seeds:
            count, folder = place.num_train(method.kind), place.of(name, seed)
            inputs, truths = held_out(method.kind, seed, count)
            hair = hair_of(seed, count, truths.shape[:3])
            model = load(folder)
            untrained = get_model(method.model)(model.config)
            for label, each in (("untrained", untrained), ("trained", model)):
                numbers = measure(each, inputs, truths, hair)
                row["rows"].setdefault(label, {})[str(seed)] = numbers
            row["steps"] = method.total_steps
            row["config"] = dataclasses.asdict(config_of(method, place.tries))
            curve = history(folder, model.config.batch_size)[1]
            row["runs"][str(seed)] = {"commit": commit_of(folder), "curve": curve}
            if seed == seeds[0]:
                shown = inputs[:NUM_SHOWN]
                there, back = there_and_back(model, shown)
                columns |= {"input": shown, method.title: there}
                if hasattr(model, "attention"):
                    columns["attention"] = model.run("attention", image=shown)
                columns[f"{method.title}, back"] = back
    columns["truth"] = truths[:NUM_SHOWN]
    sheet, curves = tables.truth_pictures(group)
    draw_sheet(columns, pictures / sheet)
    draw_curves({"methods": methods}, pictures / curves)
    return methods


if __name__ == "__main__":
    main()
