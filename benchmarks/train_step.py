"""Training step of Pix2Pix, ours against PyTorch: images/s, share of the matrix peak, memory.

python benchmarks/train_step.py                     # 256 px, batch 1 and 4, fp32 and bf16
python benchmarks/train_step.py --size 64 --filters 8 --repetitions 2 --out /dev/null
"""

from __future__ import annotations

import argparse
import json
import os

import harness

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def forward_macs(model, size: int) -> int:
    """Multiply-adds of one picture's forward pass through a Keras network's convolutions."""
    import keras

    total = 0
    probe = keras.Model(
        model.inputs,
        [
            (layer.input, layer.output)
            for layer in model.layers
            if isinstance(layer, keras.layers.Conv2D | keras.layers.Conv2DTranspose)
        ],
    )
    inputs = [keras.KerasTensor((1, size, size, x.shape[-1])) for x in model.inputs]
    shapes = probe.compute_output_spec(inputs if len(inputs) > 1 else inputs[0])
    convolutions = [
        layer
        for layer in model.layers
        if isinstance(layer, keras.layers.Conv2D | keras.layers.Conv2DTranspose)
    ]
    for layer, (before, after) in zip(convolutions, shapes, strict=True):
        # A transposed convolution applies its kernel at every input position.
        at = before if isinstance(layer, keras.layers.Conv2DTranspose) else after
        kernel = layer.kernel.shape
        total += at.shape[1] * at.shape[2] * kernel[0] * kernel[1] * kernel[2] * kernel[3]
    return total


def step_flops(generator: int, discriminator: int) -> int:
    """FLOPs of one step per picture, D first: what must be computed, counted once.

    G: forward, and backward to its inputs and to its weights. D: three forward passes (real, fake,
    fake after the update); backward to inputs and weights for real and fake, to inputs alone for G.
    """
    return 2 * (3 * generator + (3 + 2 * 2 + 1) * discriminator)


def serve_ours(spec: dict) -> None:
    """A worker that trains ganime_tf's model through the function that `fit` calls."""
    import numpy as np
    import tensorflow as tf

    from ganime_tf.models.pix2pix import Pix2Pix

    size, batch = spec["size"], spec["batch"]
    policy = {"float32": "float32", "bfloat16": "mixed_bfloat16"}[spec["precision"]]
    model = Pix2Pix(dtype=policy, **harness.fields(spec["size"], spec["filters"]))
    model.compile()
    model.make_train_function()
    rng = np.random.default_rng(0)
    data = {k: rng.uniform(-1, 1, (batch, size, size, 3)).astype("float32") for k in "ab"}
    batches = iter(tf.data.Dataset.from_tensors(data).repeat())
    harness.serve(lambda: float(model.train_function(batches)["d_loss"]), batch)


def serve_torch(spec: dict) -> None:
    """A worker that trains the PyTorch twin."""
    import torch
    from torch_pix2pix import Trainer

    size, batch = spec["size"], spec["batch"]
    bf16 = spec["precision"] == "bfloat16"
    # Channels last is the faster order under bfloat16, the plain one under float32.
    trainer = Trainer(bf16=bf16, channels_last=bf16, filters=spec["filters"], size=size)
    a, b = (
        torch.empty(batch, 3, size, size).uniform_(-1, 1).to(memory_format=trainer.format)
        for _ in range(2)
    )
    harness.serve(lambda: trainer.step(a, b), batch)


def flops(args) -> int:
    """FLOPs of a step per picture at the benchmark's size."""
    from ganime_tf.models.pix2pix import Pix2Pix

    model = Pix2Pix(**harness.fields(args.size, args.filters))
    return step_flops(
        forward_macs(model.generator, args.size), forward_macs(model.discriminator, args.size)
    )


def main() -> None:
    """Run, print a table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--filters", type=int, default=64)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--precisions", nargs="+", default=["float32", "bfloat16"])
    parser.add_argument("--repetitions", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=90.0, help="per row pair, after 3 rounds")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--out", help="default: benchmarks/results/<date>-cpu-train_step.json")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        spec = json.loads(args.worker)
        return serve_ours(spec) if spec["side"] == "ganime_tf" else serve_torch(spec)

    work, peaks, rows = flops(args), harness.matrix_peak(args.threads, args.precisions), []
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
                    "side precision batch images_per_second share_of_peak peak_mib first_seconds "
                    "speed_over_torch best_over_torch cpu_over_torch".split(),
                ),
                flush=True,
            )
    record = {
        "what": "Pix2Pix (authors' networks, D first), one training step, random pictures",
        "machine": harness.machine(),
        "gflop_per_image": round(work / 1e9, 2),
        "matrix_peak_gflops": {k: round(v / 1e9, 1) for k, v in peaks.items()},
        "rows": rows,
    }
    print(harness.write("train_step", record, args.out))


if __name__ == "__main__":
    main()
