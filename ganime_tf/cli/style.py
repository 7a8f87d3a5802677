"""`ganime style`: neural style transfer of files and folders."""

import dataclasses
from pathlib import Path
from typing import Annotated, Literal

import tyro

from ganime_tf.cli.options import parse


@dataclasses.dataclass(frozen=True)
class Args:
    """Paint pictures in the style of others, without training.

    With one style every content gets it. With a folder of styles that has the contents' names, each
    content gets the style of its own name: a folder of sketches with a folder of their colour
    pictures is the baseline table of the GANime sketches paper.
    """

    content: tuple[str, ...]
    """Files, folders and globs to paint."""
    style: Path
    """A picture, or a folder with one for each content, matched by name."""
    out: Annotated[Path, tyro.conf.arg(aliases=["-o"])]
    """Folder for the results, PNG files."""
    method: Literal["gatys", "hub"] = "gatys"
    """gatys optimises each picture (minutes); hub is one pass of a trained network."""
    preset: str = ""
    """Settings of gatys: tutorial, ganime (100,000 steps), squeezenet, tiny. Defaults to tutorial
    with vgg19 and to squeezenet with squeezenet."""
    features: Literal["vgg19", "squeezenet", "random"] = "vgg19"
    """Feature network of gatys."""
    steps: int = 0
    """Steps of gatys; 0 takes the preset's."""
    optimizer: Literal["", "adam", "lbfgs"] = ""
    """Optimizer of gatys; empty takes the preset's."""
    colours: Literal["style", "luminance", "histogram"] = "style"
    """Colours of gatys: the style's, or the content's by either method of Gatys et al."""
    tv_weight: float = 0.0
    """Weight of gatys' total variation."""
    every: int = 0
    """Save gatys' picture every so many steps, as NAME_stepN.png; 0 saves the end only."""
    network: str = ""
    """Network of hub: a TF-Hub handle, a SavedModel folder, or a folder with the pair of LiteRT
    files. Defaults to the TF-Hub module."""
    strength: float = 1.0
    """Strength of hub's style, 0 to 1."""
    size: int = 0
    """Longest side while painting, 0 for the picture's own; results have this size."""
    overwrite: bool = False
    """Replace files of the result folder that no such job wrote; inputs are never replaced."""
    skip_existing: bool = False
    """Go on with a job: leave what it has finished."""
    trust: bool = False
    """Open a SavedModel also when its graph can do more than compute; see docs/security.md."""


def main(argv: list[str], prog: str) -> int:
    """Paints; returns 1 when a picture had to be skipped."""
    args = parse(Args, argv, prog)
    from ganime_tf.cli import start

    start()
    from ganime_tf.data.io import read_image
    from ganime_tf.inference.pictures import encode
    from ganime_tf.inference.translate import find_inputs
    from ganime_tf.ops.jobs import OutputFolder
    from ganime_tf.progress import progress

    if args.size < 0 or args.steps < 0 or args.every < 0:
        raise ValueError("--size, --steps and --every must not be negative.")
    contents = find_inputs(list(args.content), args.out)
    styles = _match_styles(args.style, contents, args.out)
    paint = _open_method(args)
    folder = OutputFolder(args.out, [*styles, *styles.values()], args.overwrite)
    skipped, existing, written = [], 0, 0

    def save(target, picture, source):
        folder.save(target, encode(picture, None, "png", (255, 255, 255)), source)

    try:
        for source, relative in progress(contents, desc="style", unit="pictures"):
            name = relative.with_suffix(".png")
            if args.skip_existing and folder.existing(name, source):
                existing += 1
                continue
            target = folder.target(name)

            def on_picture(step, picture, target=target, source=source):
                between = target.with_name(f"{target.stem}_step{step}.png")
                save(folder.target(between.relative_to(args.out)), picture, source)

            try:
                content = _shrink(read_image(source), args.size)
                style = _shrink(read_image(styles[source]), args.size)
                picture = paint(content, style, on_picture)
            except (ValueError, OSError) as error:
                skipped.append(f"{source}: {str(error).strip().splitlines()[0]}")
                continue
            save(target, picture, source)
            written += 1
    finally:
        folder.close()
    print(f"Wrote {written} picture(s) to {args.out}.")
    if existing:
        print(f"{existing} were there already.")
    for line in skipped:
        print(f"  skipped {line}")
    return 1 if skipped else 0


def _match_styles(style: Path, contents, out: Path) -> dict[Path, Path]:
    """The style of every content: one for all, or the one of its name."""
    from ganime_tf.inference.translate import find_inputs

    if not style.is_dir():
        (only, _), *_ = find_inputs([style], out)
        return {source: only for source, _ in contents}
    by_name = {path.stem: path for path, _ in find_inputs([style], out)}
    if missing := [str(source) for source, _ in contents if source.stem not in by_name]:
        raise ValueError(
            f"{len(missing)} content(s) have no style of their name in {style}: "
            f"{', '.join(missing[:5])}. Give one style picture to use it for all."
        )
    return {source: by_name[source.stem] for source, _ in contents}


def _open_method(args):
    """A function of content, style and what takes pictures of the way to the painted picture."""
    if args.method == "hub":
        from ganime_tf.baselines import HUB_HANDLE, open_stylizer

        stylizer = open_stylizer(args.network or HUB_HANDLE, args.trust)
        return lambda content, style, _: stylizer.translate(content, style, strength=args.strength)

    from ganime_tf.baselines import GATYS_PRESETS, StyleTransfer
    from ganime_tf.networks.features import load_features

    preset = args.preset or ("squeezenet" if args.features == "squeezenet" else "tutorial")
    if preset not in GATYS_PRESETS:
        raise ValueError(f"Unknown preset {preset!r}. Presets: {', '.join(GATYS_PRESETS)}.")
    changes = {"colours": args.colours}
    if args.tv_weight:
        changes["tv_weight"] = args.tv_weight
    if args.steps:
        changes["num_steps"] = args.steps
    if args.optimizer:
        changes["optimizer"] = args.optimizer
    config = dataclasses.replace(GATYS_PRESETS[preset], **changes)
    taps = dict.fromkeys(config.content_layers + config.style_layers)
    transfer = StyleTransfer(load_features(args.features, list(taps)), config)

    def paint(content, style, on_picture):
        def on_step(step, _, picture):
            if args.every and step % args.every == 0:
                on_picture(step, picture())

        return transfer.translate(content, style, on_step=on_step)

    return paint


def _shrink(image, size):
    """Scales a picture so that its longest side is `size`."""
    import numpy as np
    from PIL import Image

    image = np.asarray(image)
    if not size or max(image.shape[:2]) == size:
        return image
    factor = size / max(image.shape[:2])
    shape = tuple(max(1, round(side * factor)) for side in image.shape[1::-1])
    return np.asarray(Image.fromarray(image).resize(shape, Image.Resampling.LANCZOS))
