"""Translation by the Pix2Pix generator, ours against PyTorch: uint8 pictures in, uint8 out.

python benchmarks/translate.py                      # 256 px, batch 1 and 8, fp32 and bf16
"""

from __future__ import annotations

import harness


def serve_ours(spec: dict) -> None:
    """A worker that translates with ganime_tf's model."""
    from ganime_tf.models.pix2pix import Pix2Pix

    fields = harness.fields(spec["size"], spec["filters"])
    harness.serve_translation(Pix2Pix(dtype=harness.policy(spec), **fields), spec)


def serve_torch(spec: dict) -> None:
    """A worker that does the same with the PyTorch twin."""
    import torch
    from torch_pix2pix import Trainer

    bf16 = spec["precision"] == "bfloat16"
    trainer = Trainer(bf16=bf16, channels_last=bf16, filters=spec["filters"], size=spec["size"])
    pictures = torch.from_numpy(harness.pictures(spec))

    def translate():
        x = pictures.permute(0, 3, 1, 2).to(torch.float32).div(127.5).sub(1.0)
        y = trainer.translate(x.contiguous(memory_format=trainer.format))
        y = y.add(1.0).mul(127.5).round().clamp(0, 255).to(torch.uint8)
        return y.permute(0, 2, 3, 1).contiguous().numpy()

    harness.serve(translate, spec["batch"])


SIDES = {"ganime_tf": serve_ours, "torch": serve_torch}


def main() -> None:
    """Run, print a table, write the JSON."""
    args = harness.pix2pix_arguments(__doc__, [1, 8], repetitions=15).parse_args()
    if harness.works(args, SIDES):
        return
    harness.compare(
        __file__,
        args,
        harness.pix2pix_cases(args, SIDES, lambda generator, _: 2 * generator),
        "precision batch images_per_second share_of_peak peak_mib",
        what="Pix2Pix generator (authors' U-Net), uint8 to uint8, moving statistics",
    )


if __name__ == "__main__":
    main()
