"""Training step of CycleGAN and U-GAT-IT light, ours against PyTorch: images/s and memory.

python benchmarks/unpaired.py                       # 256 px, batch 1, fp32
python benchmarks/unpaired.py --precisions float32 bfloat16

An image is one picture of each domain. CycleGAN is the authors' ResNet-9 with identity losses.
"""

from __future__ import annotations

import harness


def serve_ours(spec: dict) -> None:
    """A worker that trains ganime_tf's model."""
    from ganime_tf.models import get_model, get_preset

    model = get_model(spec["model"])(
        get_preset(spec["model"], spec["preset"]),
        dtype=harness.policy(spec),
        image_size=spec["size"],
        load_size=spec["size"],
        filters=spec["filters"],
    )
    harness.serve_training(model, spec)


def serve_torch(spec: dict) -> None:
    """A worker that trains the PyTorch twin."""
    import torch
    import torch_unpaired as twin

    torch.set_num_threads(spec["threads"])
    if spec["model"] == "cyclegan":
        model, decay, rate = twin.CycleGAN(spec["filters"]), 0.0, 2e-4
    else:
        model = twin.UGATIT(spec["filters"], image_size=spec["size"], light=True)
        decay, rate = 1e-4, 1e-4
    optimizers = twin.make_optimizers(model, rate=rate, weight_decay=decay)
    bf16 = spec["precision"] == "bfloat16"
    # Channels last is the faster order under bfloat16, the plain one under float32.
    layout = torch.channels_last if bf16 else torch.contiguous_format
    for network in model.networks.values():
        network.to(memory_format=layout)
    shape = (spec["batch"], 3, spec["size"], spec["size"])
    a, b = (torch.empty(shape).uniform_(-1, 1).to(memory_format=layout) for _ in range(2))

    def step():
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            return float(model.step(a, b, *optimizers)["d_loss"])

    harness.serve(step, spec["batch"])


SIDES = {"ganime_tf": serve_ours, "torch": serve_torch}


def main() -> None:
    """Run, print a table, write the JSON."""
    parser = harness.arguments(__doc__)
    parser.add_argument("--models", nargs="+", default=["cyclegan", "ugatit"])
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--filters", type=int, default=64)
    parser.add_argument("--batch", type=int, default=1)
    args = parser.parse_args()
    if harness.works(args, SIDES):
        return
    presets = {"cyclegan": "cyclegan", "ugatit": "ugatit-light"}
    cases = [
        {
            "sides": list(SIDES),
            "model": model,
            "preset": presets[model],
            "size": args.size,
            "filters": args.filters,
            "batch": args.batch,
            "precision": precision,
        }
        for model in args.models
        for precision in args.precisions
    ]
    harness.compare(
        __file__,
        args,
        cases,
        "model precision seconds images_per_second peak_mib first_seconds",
        what="CycleGAN (ResNet-9) and U-GAT-IT light, one training step, random pictures",
    )


if __name__ == "__main__":
    main()
