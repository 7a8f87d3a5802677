"""Translation by AnimeGANv2 and CartoonGAN, ours against PyTorch and against a LiteRT file.

python benchmarks/stylize.py                                  # 256, 512 and 1024 px, batch 1
python benchmarks/stylize.py --litert animeganv2_int8.tflite  # that file too, where its size fits

The PyTorch side is the plain functions that made the golden values, on weights of the same shapes.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

import harness

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
GOLDEN = Path(__file__).resolve().parents[1] / "tests" / "golden"


def _pictures(spec: dict):
    import numpy as np

    shape = (1, spec["size"], spec["size"], 3)
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def serve_ours(spec: dict) -> None:
    """A worker that runs the graph behind `translate` and the exported SavedModel."""
    import tensorflow as tf

    from ganime_tf.models import get_model, get_preset

    policy = {"float32": "float32", "bfloat16": "mixed_bfloat16"}[spec["precision"]]
    model = get_model(spec["model"])(get_preset(spec["model"], spec["preset"]), dtype=policy)
    translate = tf.function(model.translate_tensor)
    pictures = tf.constant(_pictures(spec))
    harness.serve(lambda: translate(pictures).numpy(), 1)


def serve_torch(spec: dict) -> None:
    """A worker that does the same in PyTorch."""
    sys.path.insert(0, str(GOLDEN))
    import make_stylize
    import stylize_states
    import torch

    torch.set_num_threads(spec["threads"])
    kind = torch.bfloat16 if spec["precision"] == "bfloat16" else torch.float32
    if spec["model"] == "animegan":
        arrays, network = stylize_states.animegan_state(32), make_stylize.animegan
    else:
        arrays, network = stylize_states.cartoon_state(64, 8), make_stylize.cartoon
    state = {key: torch.tensor(value) for key, value in arrays.items()}
    pictures = torch.from_numpy(_pictures(spec))

    @torch.inference_mode()
    def translate():
        x = pictures.permute(0, 3, 1, 2).to(torch.float32).div(127.5).sub(1.0)
        with torch.autocast("cpu", kind, enabled=kind is torch.bfloat16):
            y = network(state, x).float()
        y = y.add(1.0).mul(127.5).round().clamp(0, 255).to(torch.uint8)
        return y.permute(0, 2, 3, 1).contiguous().numpy()

    harness.serve(translate, 1)


def serve_litert(spec: dict) -> None:
    """A worker that runs a LiteRT file."""
    from ganime_tf.inference.litert import LiteRTModel

    model = LiteRTModel(spec["litert"], num_threads=spec["threads"])
    pictures = _pictures(spec)
    harness.serve(lambda: model.translate(pictures), 1)


def main() -> None:
    """Run, print a table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 512, 1024])
    parser.add_argument("--models", nargs="+", default=["animegan", "cartoongan"])
    parser.add_argument("--precisions", nargs="+", default=["float32"])
    parser.add_argument("--litert", help="an AnimeGANv2 file of 256 px")
    parser.add_argument("--repetitions", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=60.0, help="per row pair, after 3 rounds")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--out", help="default: benchmarks/results/<date>-cpu-stylize.json")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        spec = json.loads(args.worker)
        serve = {"ganime_tf": serve_ours, "torch": serve_torch, "litert": serve_litert}
        return serve[spec["side"]](spec)

    presets, rows = {"animegan": "animegan-v2", "cartoongan": "cartoongan"}, []
    for model in args.models:
        for precision in args.precisions:
            for size in args.sizes:
                common = {"model": model, "preset": presets[model], "size": size}
                common |= {"precision": precision, "threads": args.threads}
                sides = ["ganime_tf", "torch"]
                if args.litert and model == "animegan" and size == 256:
                    sides.append("litert")
                specs = [{"side": side, **common, "litert": args.litert} for side in sides]
                results = harness.compete(__file__, specs, args.repetitions, args.seconds)
                rows += [{k: v for k, v in row.items() if k != "litert"} for row in results]
                columns = "side model size precision seconds images_per_second peak_mib"
                columns += " speed_over_torch best_over_torch cpu_over_torch speed_over_litert"
                print(harness.table(rows[-len(sides) :], columns.split()), flush=True)
    record = {
        "what": "AnimeGANv2 and CartoonGAN generators, one uint8 picture in, one out",
        "machine": harness.machine(),
        "rows": rows,
    }
    print(harness.write("stylize", record, args.out))


if __name__ == "__main__":
    main()
