"""Training step of unpaired models, ours against PyTorch: images/s and memory.

python benchmarks/unpaired.py                       # CycleGAN, U-GAT-IT light: 256 px, batch 1
python benchmarks/unpaired.py --precisions float32 bfloat16
python benchmarks/unpaired.py --models munit munit-anigan anigan --size 128

An image is one picture of each domain. CycleGAN is the authors' ResNet-9 with identity losses.
"""

from __future__ import annotations

import harness

PRESETS = {
    "cyclegan": ("cyclegan", "cyclegan"),
    "ugatit": ("ugatit", "ugatit-light"),
    "munit": ("munit", "munit"),
    "munit-anigan": ("munit", "munit-anigan"),
    "anigan": ("anigan", "anigan"),
}
"""Model and preset of what `--models` names."""


def _widths(spec: dict) -> dict:
    """The fields of a model's width."""
    widths = {"filters": spec["filters"]}
    if spec["preset"].startswith("munit"):
        widths["discriminator_filters"] = spec["filters"]
    return widths


def serve_ours(spec: dict) -> None:
    """A worker that trains ganime_tf's model."""
    from ganime_tf.models import get_model, get_preset

    name, preset = PRESETS[spec["model"]]
    model = get_model(name)(
        get_preset(name, preset),
        dtype=harness.policy(spec),
        image_size=spec["size"],
        load_size=spec["size"],
        batch_size=spec["batch"],
        **_widths(spec),
    )
    harness.serve_training(model, spec)


def _twin(spec: dict):
    """The PyTorch model and its optimizers."""
    import torch_styles
    import torch_unpaired as twin

    kind, filters = spec["model"], spec["filters"]
    if kind == "cyclegan":
        model = twin.CycleGAN(filters)
        return model, twin.make_optimizers(model, rate=2e-4)
    if kind == "ugatit":
        model = twin.UGATIT(filters, image_size=spec["size"], light=True)
    elif kind == "anigan":
        model = torch_styles.AniGAN(filters)
        return model, torch_styles.make_rmsprop(model)
    else:
        decoder = "anigan" if kind == "munit-anigan" else "munit"
        model = torch_styles.MUNIT(**_widths(spec), decoder=decoder)
    return model, twin.make_optimizers(model, rate=1e-4, weight_decay=1e-4)


def serve_torch(spec: dict) -> None:
    """A worker that trains the PyTorch twin."""
    import torch

    torch.set_num_threads(spec["threads"])
    model, optimizers = _twin(spec)
    bf16 = spec["precision"] == "bfloat16"
    # Channels last is the faster order under bfloat16, the plain one under float32.
    layout = torch.channels_last if bf16 else torch.contiguous_format
    for network in model.networks.values():
        network.to(memory_format=layout)
    shape = (spec["batch"], 3, spec["size"], spec["size"])
    a, b = (torch.empty(shape).uniform_(-1, 1).to(memory_format=layout) for _ in range(2))

    def step():
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            loss = float(model.step(a, b, *optimizers)["d_loss"])
        if hasattr(model, "average"):
            model.average()
        return loss

    harness.serve(step, spec["batch"])


SIDES = {"ganime_tf": serve_ours, "torch": serve_torch}


def main() -> None:
    """Run, print a table, write the JSON."""
    parser = harness.arguments(__doc__)
    parser.add_argument("--models", nargs="+", default=["cyclegan", "ugatit"], choices=PRESETS)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--filters", type=int, default=64)
    parser.add_argument("--batch", type=int, default=1)
    args = parser.parse_args()
    if harness.works(args, SIDES):
        return
    cases = [
        {
            "sides": list(SIDES),
            "model": model,
            "preset": PRESETS[model][1],
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
        what=f"{', '.join(args.models)}: one training step, random pictures",
    )


if __name__ == "__main__":
    main()
