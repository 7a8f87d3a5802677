"""What unpaired training learned, against the truth that only the toy world knows.

    python benchmarks/papers/truth.py --runs DIR    # after `run.py portraits --runs DIR`

Untrained, CycleGAN and U-GAT-IT of the portraits study, on its held-out portraits: distance to the
drawing of the same person, of hair colours, and of the picture that comes back.
"""

import argparse
import json
import os
from pathlib import Path

import numpy as np
import tables

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def hair_colours(pictures: np.ndarray, hair: np.ndarray) -> np.ndarray:
    """Mean CIE L*a*b* colour of each picture's hair, `(N, 3)`."""
    from ganime_tf.metrics.colour import rgb_to_lab

    return np.stack([rgb_to_lab(x)[mask].mean(0) for x, mask in zip(pictures, hair, strict=True)])


def measure(model, portraits, drawings, hair) -> dict:
    """The row of one model."""
    from ganime_tf import metrics
    from ganime_tf.metrics.colour import delta_e

    there = np.concatenate([model.translate(x[None]) for x in portraits])
    back = np.concatenate([model.translate(x[None], direction="b2a") for x in there])
    ours, truth = hair_colours(there, hair), hair_colours(drawings, hair)
    return {
        "l1": float(metrics.l1(there, drawings).mean()),
        "psnr": float(metrics.psnr(there, drawings).mean()),
        "ssim": float(metrics.ssim(there, drawings).mean()),
        "hair": float(delta_e(ours, truth).mean()),
        "cycle": float(metrics.l1(back, portraits).mean()),
    }


def main() -> None:
    """Measures all seeds, writes the JSON and the table in docs/papers.md."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=Path, required=True, help="as given to run.py")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    args = parser.parse_args()
    from methods import IMAGE_SIZE
    from run import commit, run_dir_of
    from scoring import held_out

    from ganime_tf.data import open_data
    from ganime_tf.data.toy import PARSING_CLASSES
    from ganime_tf.inference import load
    from ganime_tf.models import get_model

    rows = {}
    for seed in args.seeds:
        folder = run_dir_of("cyclegan", seed, args.runs)
        count = json.loads((folder / "score.json").read_text())["identity"]["num_train"]
        portraits, drawings = held_out("unpaired", seed, count)
        maps = open_data(f"toy:{count}", kind="parsing", seed=seed)
        batches = maps.validation(batch_size=50, image_size=IMAGE_SIZE, limit=len(drawings))
        labels = np.concatenate([np.asarray(batch["parsing"]) for batch in batches])
        hair = labels.reshape(drawings.shape[:3]) == PARSING_CLASSES.index("hair")
        keep = hair.sum((1, 2)) > 20  # some hats hide it all
        sets = (portraits[keep], drawings[keep], hair[keep])
        for title, name in (("CycleGAN", "cyclegan"), ("U-GAT-IT", "ugatit")):
            model = load(run_dir_of(name, seed, args.runs))
            untrained = get_model(name)(model.config)
            for label, each in ((f"{title}, untrained", untrained), (title, model)):
                rows.setdefault(label, {})[str(seed)] = measure(each, *sets)
                print(label, seed, rows[label][str(seed)], flush=True)
    record = {"commit": commit(), "seeds": args.seeds, "rows": rows}
    path = tables.path_of("truth")
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    tables.write_docs()


if __name__ == "__main__":
    main()
