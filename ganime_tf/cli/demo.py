"""`ganime demo`: the included colouriser in seconds, then a whole training job in minutes."""

import dataclasses
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro

from ganime_tf.cli.options import parse


@dataclasses.dataclass(frozen=True)
class Args:
    """Colour drawings with the included weights, then train a small colouriser and use it."""

    out: Annotated[Path, tyro.conf.arg(aliases=["-o"])] = Path("demo")
    """Folder for everything that the demo writes."""
    steps: int = 3000
    """Training steps."""
    num_drawings: int = 1200
    """Drawings to train on."""
    num_held_out: int = 48
    """Drawings to measure on, never trained on."""
    train: bool = True
    """Also train; without it the demo ends after the included colouriser, in seconds."""


# Loads an export where ganime_tf cannot be imported and colours a folder.
_CLEAN_PROCESS = """
import pathlib, sys
import numpy as np, tensorflow as tf
from PIL import Image
export, source, target = map(pathlib.Path, sys.argv[1:4])
colour = tf.saved_model.load(str(export)).signatures["serving_default"]
target.mkdir(parents=True, exist_ok=True)
for path in sorted(source.glob("*.png")):
    sketch = np.asarray(Image.open(path).convert("RGB"))[None]
    image = colour(image=tf.constant(sketch))["image"].numpy()[0]
    Image.fromarray(image).save(target / path.name)
assert "ganime_tf" not in sys.modules
"""


def main(argv: list[str], prog: str) -> int:
    """Runs the demo; prints a table and where everything is."""
    args = parse(Args, argv, prog)
    from ganime_tf.cli import start

    begin = time.monotonic()
    _colour_with_included_weights(args.out)
    if not args.train:
        return 0
    start()
    from ganime_tf.data import open_data
    from ganime_tf.models import get_model, get_preset
    from ganime_tf.training.callbacks import validate
    from ganime_tf.training.run import RunConfig, train

    config = get_preset("pix2pix", "pix2pix-64")
    epochs = max(1, round(args.steps * config.batch_size / args.num_drawings))
    config = dataclasses.replace(config, num_epochs=epochs, decay_epochs=epochs // 2)
    data = f"toy:{args.num_drawings}"
    held_out = (
        open_data(data, kind="paired")
        .validation(batch_size=8, image_size=config.image_size, limit=args.num_held_out)
        .cache()
    )
    models = {"untrained": get_model("pix2pix")(config)}
    print(f"\n== Pix2Pix, preset pix2pix-64: {args.steps} steps on {args.num_drawings} drawings")
    run = RunConfig(
        data=data,
        run_dir=str(args.out / "trained"),
        steps=args.steps,
        num_validation=args.num_held_out,
        export=False,
        override=True,
    )
    models["trained"] = train("pix2pix", config, run).model
    print(f"\nHeld-out drawings ({args.num_held_out}), against the truth:")
    print(f"{'':18}{'L1':>8}{'PSNR':>8}{'SSIM':>8}")
    rows = {name: validate(model, held_out) for name, model in models.items()}
    for name, row in rows.items():
        print(f"{name:18}{row['l1']:8.4f}{row['psnr']:8.2f}{row['ssim']:8.4f}")
    sheet = _contact_sheet(models["trained"], held_out, args.out)
    coloured = _export_and_colour(models["trained"], held_out, args.out)
    print(f"\nIn {time.monotonic() - begin:.0f} s. Look at:")
    print(f"  {sheet}  sketch | output | truth, on held-out drawings")
    print(f"  {args.out / 'trained' / 'samples'}  the same sketches as training went on")
    print(f"  {args.out / 'trained' / 'curves.png'}  losses and validation metrics")
    print(f"  {args.out / 'export'}  the SavedModel")
    print(f"  {coloured}  held-out sketches coloured by it, in a process without ganime_tf")
    return 0


_SHOWN = (26, 31, 25, 33)  # held-out scenes on the sheet
_HERO = 33  # whose page is coloured


def _colour_with_included_weights(out: Path) -> None:
    """Colours held-out drawings from dabs and a page from a sheet; no TensorFlow, no training."""
    from ganime_tf.colouring import Page, parse_hints
    from ganime_tf.colouring.examples import HELD_OUT, draw_flat, draw_page, pose
    from ganime_tf.colouring.ink import compose, extract_ink
    from ganime_tf.colouring.shade import ShadeStyle
    from ganime_tf.colouring.sheet import Sheet
    from ganime_tf.ops.pictures import contact_sheet, save_png
    from ganime_tf.toy import sample_scene

    print("== The included colouriser (ganime color): held-out drawings, and a page from a sheet")
    rows = []
    for index in _SHOWN:
        drawing = draw_flat(sample_scene(HELD_OUT, index), 384)
        rows.append([*_coloured(drawing), drawing.flat])
    titles = ["line art", "dabs", "--flat", "--shade cel", "true flats"]
    save_png(out / "colouring.png", contact_sheet(rows, columns=titles, size=256))
    hero = sample_scene(HELD_OUT, _HERO)
    first = draw_flat(pose(hero, 0), 620)
    sheet = compose(extract_ink(first.lineart), first.flat)
    lineart = draw_page([pose(hero, number) for number in (1, 2, 4, 5)]).lineart
    begin = time.monotonic()
    page = Page(lineart, area=384)
    dabs = Sheet(sheet).dabs(page)
    hints = parse_hints({"points": dabs}, page.ink.size)
    coloured = page.colour(hints, flat=True, paper=True, shade=ShadeStyle()).picture
    seconds = time.monotonic() - begin
    height, width = lineart.shape[:2]
    left = np.full((height, sheet.shape[1] + 60, 3), 255, np.uint8)
    top = (height - len(sheet)) // 2
    left[top : top + len(sheet), 30:-30] = sheet
    save_png(out / "page.png", np.concatenate([left, lineart, coloured], axis=1))
    print(f"  {out / 'colouring.png'}  {' | '.join(titles)}")
    print(f"  {out / 'page.png'}  sheet | page of {width}x{height} | coloured in {seconds:.1f} s")
    print("  Your own: ganime color sketch.png --hints dabs.png -o coloured; ganime serve")


def _coloured(drawing) -> list:
    """Line art, with its dabs, in flats, shaded."""
    from ganime_tf.colouring import Page, parse_hints
    from ganime_tf.colouring.examples import place_dabs
    from ganime_tf.colouring.shade import ShadeStyle

    page = Page(drawing.lineart)
    hints = parse_hints({"points": place_dabs(drawing.flat, page.ink.cover)}, page.ink.size)
    dabbed = drawing.lineart.copy()
    dabbed[hints.mask] = hints.colours[hints.mask]
    flat, shaded = (page.colour(hints, flat=True, shade=s).picture for s in (None, ShadeStyle()))
    return [drawing.lineart, dabbed, flat, shaded]


def _contact_sheet(model, held_out, out: Path) -> Path:
    from ganime_tf.ops.pictures import contact_sheet, save_png

    batch = next(iter(held_out.unbatch().batch(12)))
    columns = list(model.sample_pictures(batch).values())
    rows = [
        [column[index] for start in (row, row + 6) for index in [start] for column in columns]
        for row in range(min(6, len(columns[0]) - 6))
    ]
    titles = ["sketch", "output", "truth"] * 2
    path = out / "contact_sheet.png"
    save_png(path, contact_sheet(rows, columns=titles, size=128))
    return path


def _export_and_colour(model, held_out, out: Path) -> Path:
    from ganime_tf.export import export_saved_model
    from ganime_tf.ops.images import to_uint8
    from ganime_tf.ops.pictures import save_png

    export_saved_model(model, out / "export")
    sketches = next(iter(held_out.unbatch().batch(12)))["a"]
    for index, sketch in enumerate(to_uint8(sketches).numpy()):
        save_png(out / "sketches" / f"{index:02d}.png", sketch)
    # -I: neither the checkout nor the environment's paths are on sys.path.
    folders = [str((out / part).resolve()) for part in ("export", "sketches", "coloured")]
    subprocess.run([sys.executable, "-I", "-c", _CLEAN_PROCESS, *folders], check=True)
    return out / "coloured"
