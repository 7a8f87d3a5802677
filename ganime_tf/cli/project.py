"""`ganime project`: pictures to latents of a StyleGAN2 run, by optimization."""

import dataclasses
import io
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import tyro

from ganime_tf.cli.options import parse

_BACKGROUND = (255, 255, 255)


@dataclasses.dataclass(frozen=True)
class Args:
    """Look for the latent whose picture is nearest to a picture; writes it beside the picture."""

    inputs: Annotated[tuple[str, ...], tyro.conf.Positional]
    """Files, folders and globs."""
    model: Path
    """A run of stylegan2 or its .keras file."""
    out: Annotated[Path, tyro.conf.arg(aliases=["-o"])]
    """Folder for the results."""
    space: Literal["w", "w+"] = "w"
    """w: one latent, what the model can draw; w+: one for each layer, nearer to the picture."""
    steps: int = 1000
    """Updates for a picture."""
    features: str = "lpips_vgg"
    """What pictures are compared through: lpips_vgg (the official code's), lpips_alex,
    lpips_squeeze, vgg19, squeezenet, or random, which needs no file."""
    learning_rate: float = 0.1
    """Adam's step size."""
    keep_noise: bool = False
    """Leave the model's noise maps as they are, instead of optimizing them too."""
    seed: int = 0
    """Number of the random choices."""
    checkpoint: Literal["last", "best"] = "last"
    """Which weights of a run directory."""
    overwrite: bool = False
    """Replace files of the result folder that no such job wrote; inputs are never replaced."""


def main(argv: list[str], prog: str) -> int:
    """Projects; returns 1 when a picture had to be skipped."""
    args = parse(Args, argv, prog)
    if not args.inputs:
        raise ValueError("Nothing to project. Give files, folders or globs.")
    from ganime_tf.cli import start

    start()
    from ganime_tf.inference import load
    from ganime_tf.inference.translate import find_inputs
    from ganime_tf.models.stylegan2_projection import ProjectionConfig
    from ganime_tf.networks.stylegan2_distance import load_distance
    from ganime_tf.ops.jobs import OutputFolder

    config = ProjectionConfig(
        steps=args.steps,
        space=args.space,
        learning_rate=args.learning_rate,
        seed=args.seed,
        **({"noise_weight": 0.0} if args.keep_noise else {}),
    )
    model = load(args.model, args.checkpoint)
    if not (hasattr(model, "mapping") and "from_style" in model.uses()):
        raise ValueError(f"{args.model} has no latents to look for: give a run of stylegan2.")
    distance = load_distance(args.features)
    pairs = find_inputs(list(args.inputs), args.out)
    folder = OutputFolder(args.out, [source for source, _ in pairs], args.overwrite)
    rows, skipped = [], []
    try:
        for source, name in pairs:
            try:
                target = _read(source, model.config.image_size)
            except (ValueError, OSError) as error:
                skipped.append((source, error))
                continue
            found = _search(model, target, distance, config, name)
            _write(folder, source, name, target, found, args)
            rows.append((name, target, found))
        if rows:
            _write_grid(folder, rows)
    finally:
        folder.close()
    for name, _, found in rows:
        print(f"{name}: distance {found.distances[0]:.4g} to {found.distances[-1]:.4g}.")
    print(f"Wrote {len(rows)} latent(s), pictures and grid.png to {args.out}.")
    for source, reason in skipped:
        print(f"Skipped {source}: {reason}")
    return 1 if skipped else 0


def _read(source: Path, size: int) -> np.ndarray:
    """The middle of a picture, in the model's size."""
    from PIL import Image, ImageOps

    from ganime_tf.data.io import read_image

    picture = ImageOps.fit(Image.fromarray(read_image(source)), (size, size), Image.LANCZOS)
    return np.asarray(picture)


def _search(model, target, distance, config, name):
    from ganime_tf.models.stylegan2_projection import project
    from ganime_tf.progress import ProgressBar

    bar = ProgressBar(config.steps, str(name), "steps")
    try:
        return project(
            model, target, distance, config, lambda step, value: bar.update(1, f"{value:.4g}")
        )
    finally:
        bar.close()


def _write(folder, source, name, target, found, args) -> None:
    from ganime_tf.inference.pictures import encode
    from ganime_tf.ops.pictures import contact_sheet

    def save(suffix, content):
        folder.save(folder.target(name.with_name(name.stem + suffix)), content, source)

    arrays = io.BytesIO()
    np.savez(
        arrays, latent=found.latent, space=args.space, features=args.features,
        distances=found.distances,
    )  # fmt: skip
    save(".npz", arrays.getvalue())
    save(".png", encode(found.picture, None, "png", _BACKGROUND))
    stages = [*found.stages.values(), found.picture, found.redrawn, target]
    titles = [*(f"step {step}" for step in found.stages), "found", "its latent alone", "target"]
    progress = contact_sheet([stages], columns=titles, size=max(96, target.shape[0]))
    save("_progress.png", encode(progress, None, "png", _BACKGROUND))


def _write_grid(folder, rows) -> None:
    from ganime_tf.inference.pictures import encode
    from ganime_tf.ops.pictures import contact_sheet

    grid = contact_sheet(
        [[target, found.picture, found.redrawn] for _, target, found in rows],
        columns=["target", "found", "its latent alone"],
        labels=[str(name) for name, _, _ in rows],
        size=max(128, rows[0][1].shape[0]),
    )
    folder.save(folder.target("grid.png"), encode(grid, None, "png", _BACKGROUND))
