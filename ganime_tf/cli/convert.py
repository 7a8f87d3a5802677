"""`ganime convert`: weights that other projects released, as a run directory of ours."""

import dataclasses
import importlib
from pathlib import Path
from typing import Annotated

import tyro

from ganime_tf.cli.options import parse

# layout -> (module with `convert(files) -> Translator`, what it reads)
LAYOUTS = {
    "pix2pix": ("ganime_tf.convert.pix2pix", "latest_net_G.pth of pytorch-CycleGAN-and-pix2pix"),
    "cyclegan": ("ganime_tf.convert.cyclegan", "latest_net_G_A.pth [latest_net_G_B.pth]"),
    "ugatit": ("ganime_tf.convert.ugatit", "params.pt of znxlwm/UGATIT-pytorch"),
    "munit": ("ganime_tf.convert.munit", "gen_*.pt [dis_*.pt] of NVlabs/MUNIT"),
    "anigan": ("ganime_tf.convert.anigan", "pretrained_face2anime.pt of bing-li-ai/AniGAN"),
    "cartoongan": ("ganime_tf.convert.cartoongan", "STYLE_net_G_float.pth or .npz"),
    "animegan2": ("ganime_tf.convert.animegan2", "face_paint.pt of bryandlee/animegan2-pytorch"),
    "stylegan2": ("ganime_tf.convert.stylegan2", ".pt of rosinality's code, .pkl of NVlabs'"),
    "styleanime": ("ganime_tf.convert.styleanime", "best_model.pt of zsl2018/StyleAnime"),
}


@dataclasses.dataclass(frozen=True)
class Args:
    """Convert released weights."""

    layout: Annotated[str, tyro.conf.Positional]
    """pix2pix, cyclegan, ugatit, munit, anigan, cartoongan, animegan2, stylegan2 or styleanime."""
    files: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """The released files."""
    out: Annotated[Path, tyro.conf.arg(aliases=["-o"])]
    """Run directory to write."""


def main(argv: list[str], prog: str) -> int:
    """Converts and saves `model.keras` in the run directory."""
    args = parse(Args, argv, prog)
    from ganime_tf.cli import start

    start()
    if args.layout not in LAYOUTS:
        known = "; ".join(f"{name} ({text})" for name, (_, text) in LAYOUTS.items())
        raise ValueError(f"Unknown layout {args.layout!r}. Known: {known}.")
    if missing := [str(path) for path in args.files if not path.is_file()]:
        raise FileNotFoundError(f"No such file: {', '.join(missing)}")
    if not args.files:
        raise ValueError(f"Give the files to convert: {LAYOUTS[args.layout][1]}.")
    model = importlib.import_module(LAYOUTS[args.layout][0]).convert(list(args.files))
    from ganime_tf.inference.load import save_model_as_run

    save_model_as_run(model, args.layout, args.out)
    print(f"Wrote {args.out}. Try: ganime translate PICTURES --model {args.out} -o OUT")
    return 0
