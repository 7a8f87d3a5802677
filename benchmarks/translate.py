"""Translation by the Pix2Pix generator, ours against PyTorch: uint8 pictures in, uint8 out.

python benchmarks/translate.py                      # 256 px, batch 1 and 8, fp32 and bf16
"""

from __future__ import annotations

import argparse
import json
import os

import harness

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def _pictures(spec: dict):
    import numpy as np

    shape = (spec["batch"], spec["size"], spec["size"], 3)
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def serve_ours(spec: dict) -> None:
    """A worker that runs the graph behind `translate` and the exported SavedModel."""
    import tensorflow as tf

    from ganime_tf.models.pix2pix import Pix2Pix

    policy = {"float32": "float32", "bfloat16": "mixed_bfloat16"}[spec["precision"]]
    model = Pix2Pix(dtype=policy, **harness.fields(spec["size"], spec["filters"]))
    translate = tf.function(model.translate_tensor)
    pictures = tf.constant(_pictures(spec))
    harness.serve(lambda: translate(pictures).numpy(), spec["batch"])


def serve_torch(spec: dict) -> None:
    """A worker that does the same with the PyTorch twin."""
    import torch
    from torch_pix2pix import Trainer

    bf16 = spec["precision"] == "bfloat16"
    trainer = Trainer(bf16=bf16, channels_last=bf16, filters=spec["filters"], size=spec["size"])
    pictures = torch.from_numpy(_pictures(spec))

    def translate():
        x = pictures.permute(0, 3, 1, 2).to(torch.float32).div(127.5).sub(1.0)
        y = trainer.translate(x.contiguous(memory_format=trainer.format))
        y = y.add(1.0).mul(127.5).round().clamp(0, 255).to(torch.uint8)
        return y.permute(0, 2, 3, 1).contiguous().numpy()

    harness.serve(translate, spec["batch"])


def main() -> None:
    """Run, print a table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--filters", type=int, default=64)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--precisions", nargs="+", default=["float32", "bfloat16"])
    parser.add_argument("--repetitions", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=90.0, help="per row pair, after 3 rounds")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--out", help="default: benchmarks/results/<date>-cpu-translate.json")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        spec = json.loads(args.worker)
        return serve_ours(spec) if spec["side"] == "ganime_tf" else serve_torch(spec)

    from train_step import forward_macs

    from ganime_tf.models.pix2pix import Pix2Pix

    model = Pix2Pix(**harness.fields(args.size, args.filters))
    work = 2 * forward_macs(model.generator, args.size)
    del model
    peaks, rows = harness.matrix_peak(args.threads, args.precisions), []
    sizes = {"size": args.size, "filters": args.filters}
    for precision in args.precisions:
        for batch in args.batches:
            common = dict(precision=precision, batch=batch, threads=args.threads, **sizes)
            sides = [{"side": side, **common} for side in ("ganime_tf", "torch")]
            results = harness.compete(__file__, sides, args.repetitions, args.seconds)
            for row in results:
                speed = work * row["batch"] / row["seconds_best"]
                row["share_of_peak"] = round(speed / peaks[precision], 3)
            rows += results
            print(
                harness.table(
                    results,
                    "side precision batch images_per_second share_of_peak peak_mib "
                    "speed_over_torch best_over_torch cpu_over_torch".split(),
                ),
                flush=True,
            )
    record = {
        "what": "Pix2Pix generator (authors' U-Net), uint8 to uint8, moving statistics",
        "machine": harness.machine(),
        "gflop_per_image": round(work / 1e9, 2),
        "matrix_peak_gflops": {k: round(v / 1e9, 1) for k, v in peaks.items()},
        "rows": rows,
    }
    print(harness.write("translate", record, args.out))


if __name__ == "__main__":
    main()
