"""Translation by AnimeGANv2 and CartoonGAN, ours against PyTorch and against a LiteRT file.

python benchmarks/stylize.py                                  # 256, 512 and 1024 px, batch 1
python benchmarks/stylize.py --litert animeganv2_int8.tflite  # that file too, where its size fits

The PyTorch side is the plain functions that made the golden values, on weights of the same shapes.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import harness

GOLDEN = Path(__file__).resolve().parents[1] / "tests" / "golden"


def serve_ours(spec: dict) -> None:
    """A worker that runs the graph behind `translate` and the exported SavedModel."""
    from ganime_tf.models import get_model, get_preset

    config = get_preset(spec["model"], spec["preset"])
    model = get_model(spec["model"])(config, dtype=harness.policy(spec))
    harness.serve_translation(model, spec)


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
    pictures = torch.from_numpy(harness.pictures(spec))

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
    from ganime_tf.lite.litert import LiteRTModel

    model = LiteRTModel(os.environ["GANIME_BENCHMARK_LITERT"], num_threads=spec["threads"])
    pictures = harness.pictures(spec)
    harness.serve(lambda: model.translate(pictures), 1)


SIDES = {"ganime_tf": serve_ours, "torch": serve_torch, "litert": serve_litert}


def main() -> None:
    """Run, print a table, write the JSON."""
    parser = harness.arguments(__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 512, 1024])
    parser.add_argument("--models", nargs="+", default=["animegan", "cartoongan"])
    parser.add_argument("--litert", help="an AnimeGANv2 file of 256 px")
    args = parser.parse_args()
    if harness.works(args, SIDES):
        return

    presets, cases = {"animegan": "animegan-v2", "cartoongan": "cartoongan"}, []
    for model in args.models:
        for precision in args.precisions:
            for size in args.sizes:
                case = {"model": model, "preset": presets[model], "size": size}
                case |= {"precision": precision, "sides": ["ganime_tf", "torch"]}
                if args.litert and model == "animegan" and size == 256:
                    case["sides"].append("litert")
                cases.append(case)
    if args.litert:
        os.environ["GANIME_BENCHMARK_LITERT"] = args.litert
    harness.compare(
        __file__,
        args,
        cases,
        "model size precision seconds images_per_second peak_mib",
        what="AnimeGANv2 and CartoonGAN generators, one uint8 picture in, one out",
    )


if __name__ == "__main__":
    main()
