"""Training step of Pix2Pix, ours against PyTorch: images/s, share of the matrix peak, memory.

python benchmarks/train_step.py                     # 256 px, batch 1 and 4, fp32 and bf16
python benchmarks/train_step.py --size 64 --filters 8 --repetitions 2 --out /dev/null
"""

from __future__ import annotations

import harness


def step_flops(generator: int, discriminator: int) -> int:
    """FLOPs of one step per picture, D first: what must be computed, counted once.

    G: forward, and backward to its inputs and to its weights. D: three forward passes (real, fake,
    fake after the update); backward to inputs and weights for real and fake, to inputs alone for G.
    """
    return 2 * (3 * generator + (3 + 2 * 2 + 1) * discriminator)


def serve_ours(spec: dict) -> None:
    """A worker that trains ganime_tf's model."""
    from ganime_tf.models.pix2pix import Pix2Pix

    fields = harness.fields(spec["size"], spec["filters"])
    harness.serve_training(Pix2Pix(dtype=harness.policy(spec), **fields), spec)


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


SIDES = {"ganime_tf": serve_ours, "torch": serve_torch}


def main() -> None:
    """Run, print a table, write the JSON."""
    args = harness.pix2pix_arguments(__doc__, [1, 4]).parse_args()
    if harness.works(args, SIDES):
        return
    harness.compare(
        __file__,
        args,
        harness.pix2pix_cases(args, SIDES, step_flops),
        "precision batch images_per_second share_of_peak peak_mib first_seconds",
        what="Pix2Pix (authors' networks, D first), one training step, random pictures",
    )


if __name__ == "__main__":
    main()
