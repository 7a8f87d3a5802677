"""`ganime sample`: pictures of seeds, paths between them, mixtures of them, and their scores."""

import dataclasses
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import tyro

from ganime_tf.cli.options import parse

_BATCH = 16


@dataclasses.dataclass(frozen=True)
class Args:
    """Draw pictures from a generator of seeds; writes files and grids."""

    model: Annotated[Path, tyro.conf.Positional]
    """A run directory, an export or a .keras file."""
    out: Annotated[Path | None, tyro.conf.arg(aliases=["-o"])] = None
    """Folder for the results."""
    seeds: str = "0-15"
    """Numbers and ranges: 0-15 or 3,7,20-24."""
    latents: tuple[Path, ...] = ()
    """Files of `ganime project`, in the place of seeds."""
    truncation: float = 0.7
    """1 for all variety, towards 0 for the average picture."""
    steps: int = 0
    """Also write strips.png: this many pictures on the way from each to the next."""
    mix: str = ""
    """Also write mix.png: seeds whose `--mix-layers` each of the pictures takes."""
    mix_layers: str = "0-3"
    """Layers that come from `--mix`: the first ones decide the pose, the last ones the colours."""
    checkpoint: Literal["last", "best"] = "last"
    """Which weights of a run directory."""
    trust: bool = False
    """Open a SavedModel also when its graph can do more than compute; see docs/security.md."""
    data: str | None = None
    """Compare as many samples, of the seeds from 0 on, with these pictures; no files are written
    for that. As in `ganime train`."""
    metrics: tuple[str, ...] = ("fid_clean", "kid_clean", "precision_recall_clean")
    """What is measured with --data, as `ganime evaluate` names them."""
    limit: int = 1000
    """At most so many pictures of --data."""
    path_length: int = 0
    """Measure the perceptual path length over so many pairs of latents."""
    features: str = "lpips_vgg"
    """What the path length looks through: lpips_vgg (the paper's), lpips_alex, lpips_squeeze,
    vgg19, squeezenet or random."""
    json: Path | None = None
    """File for the scores."""


_LARGEST_SEED = 2**63 - 1


def parse_seeds(text: str, flag: str = "--seeds") -> list[int]:
    """Returns the numbers of "0-3,8": 0, 1, 2, 3, 8.

    Raises:
        ValueError: When the text is no such list.
    """
    seeds = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if (
            not first.isdigit()
            or (dash and not last.isdigit())
            or (dash and int(last) < int(first))
        ):
            raise ValueError(f"`{flag}` takes numbers and ranges, 0-15 or 3,7. Received {text!r}.")
        if int(last if dash else first) > _LARGEST_SEED:
            raise ValueError(f"`{flag}` must be in [0, {_LARGEST_SEED}]. Received {part.strip()}.")
        seeds += range(int(first), int(last if dash else first) + 1)
    return seeds


def main(argv: list[str], prog: str) -> int:
    """Draws, writes and measures; returns 1 when a metric was refused."""
    args = parse(Args, argv, prog)
    seeds = parse_seeds(args.seeds)
    layers = parse_seeds(args.mix_layers, "--mix-layers")
    others = parse_seeds(args.mix, "--mix") if args.mix else []
    measures = args.data is not None or args.path_length > 0
    if args.out is None and not measures:
        raise ValueError("Give a folder for the pictures, -o PATH, or --data to measure samples.")
    if args.steps < 0 or args.limit < 2:
        raise ValueError("`--steps` must be at least 0 and `--limit` at least 2.")
    from ganime_tf.cli import start

    start()
    from ganime_tf.inference import load

    model = load(args.model, args.checkpoint, args.trust)
    if "seed" not in model.uses().get("default", _NO_USE).inputs:
        raise ValueError(f"{args.model} draws no pictures from seeds. Try `ganime translate`.")
    if args.out is not None:
        drawing = _Drawing(model, args, seeds)
        drawing.write_pictures()
        if args.steps:
            drawing.write_strips()
        if others:
            drawing.write_mixtures(others, layers)
    return _measure(model, args) if measures else 0


class _NoUse:
    inputs = ()


_NO_USE = _NoUse()


class _Drawing:
    """The pictures of one call."""

    def __init__(self, model, args: Args, seeds: list[int]):
        self.model, self.args = model, args
        if args.latents:
            self.names = [path.stem for path in args.latents]
            self.styles = [_read_latent(path) for path in args.latents]
            self.pictures = [self._draw(style[None])[0] for style in self.styles]
            return
        self.names, self.seeds = [f"seed{seed:06}" for seed in seeds], np.asarray(seeds, np.int64)
        self.styles, self.pictures = None, []
        for at in range(0, len(seeds), _BATCH):
            part = self.seeds[at : at + _BATCH]
            self.pictures += list(self._run("default", seed=part))

    def _run(self, use: str, **inputs):
        if "truncation" in self.model.uses()[use].inputs:
            inputs["truncation"] = self.args.truncation
        return self.model.run(use, **inputs)

    def _draw(self, styles):
        # What was projected is drawn as it was found: truncation would move it.
        inputs = {"truncation": 1.0} if self.args.latents else {}
        return self.model.run("from_style", style=styles, **inputs) if inputs else self._run(
            "from_style", style=styles
        )  # fmt: skip

    def _latents(self) -> list:
        if self.styles is None:
            _check_latents(self.model)
            self.styles = list(self.model.run("style_of", seed=self.seeds))
        return self.styles

    def write_pictures(self):
        from ganime_tf.ops.pictures import contact_sheet, save_png

        out, pictures = self.args.out, self.pictures
        for name, picture in zip(self.names, pictures, strict=True):
            save_png(out / f"{name}.png", picture)
        columns = int(np.ceil(len(pictures) ** 0.5))
        rows = [pictures[i : i + columns] for i in range(0, len(pictures), columns)]
        save_png(out / "grid.png", contact_sheet(rows))
        print(f"Wrote {len(pictures)} picture(s) and grid.png to {out}.")

    def write_strips(self):
        from ganime_tf.ops.pictures import contact_sheet, save_png

        styles = self._latents()
        if len(styles) < 2:
            raise ValueError("`--steps` needs two pictures or more to go from one to the next.")
        longest = max(map(len, styles))
        # A latent w beside one of w+ serves all layers.
        styles = [np.tile(style, longest // len(style)) for style in styles]
        share = np.linspace(0, 1, self.args.steps, dtype=np.float32)[:, None]
        strips, labels = [], []
        for index in range(len(styles) - 1):
            path = (1 - share) * styles[index] + share * styles[index + 1]
            parts = [self._draw(path[at : at + _BATCH]) for at in range(0, len(path), _BATCH)]
            strips.append(np.concatenate(parts))
            labels.append(f"{self.names[index]} to {self.names[index + 1]}")
        save_png(self.args.out / "strips.png", contact_sheet(strips, labels=labels))
        print(f"Wrote strips.png: {len(strips)} path(s) of {self.args.steps} pictures.")

    def write_mixtures(self, seeds: list[int], layers: list[int]):
        from ganime_tf.models.stylegan2_latents import mixed_latents
        from ganime_tf.ops.pictures import contact_sheet, save_png

        if not hasattr(self.model, "num_styles"):
            raise ValueError("`--mix` needs a run of stylegan2 or its .keras file.")
        if self.args.latents:
            raise ValueError("`--mix` mixes seeds: leave --latents out.")
        own = np.stack(self._latents())
        other = self.model.run("style_of", seed=np.asarray(seeds, np.int64))
        paper = np.full_like(self.pictures[0], 255)
        rows = [[paper, *self.pictures]]
        for style in other:
            mixed = mixed_latents(self.model, own, np.repeat(style[None], len(own), 0), layers)
            rows.append([self._draw(style[None])[0], *self._draw(mixed)])
        labels = ["", *(f"seed {seed}" for seed in seeds)]
        columns = [f"layers {self.args.mix_layers} of", *self.names]
        save_png(self.args.out / "mix.png", contact_sheet(rows, columns=columns, labels=labels))
        print(f"Wrote mix.png: layers {self.args.mix_layers} of {len(seeds)} other seed(s).")


def _check_latents(model) -> None:
    if not {"style_of", "from_style"} <= set(model.uses()):
        raise ValueError("This model has no latents between seed and picture: no paths, no mixing.")


def _read_latent(path: Path) -> np.ndarray:
    with np.load(path) as held:
        if "latent" not in held:
            raise ValueError(f"{path} has no `latent`: give a file that `ganime project` wrote.")
        return held["latent"].astype(np.float32)


def _measure(model, args: Args) -> int:
    """Prints and writes scores of samples."""
    from ganime_tf.ops.files import write_json

    found, refused = {"model": str(args.model), "checkpoint": args.checkpoint}, {}
    if args.data is not None:
        report = _compare(model, args)
        print(report.table())
        found |= {"data": args.data, "truncation": args.truncation}
        found["scores"] = {score.name: score.value for score in report.scores.values()}
        refused = report.refused
        found["refused"] = refused
    if args.path_length:
        found["path_length"] = _path_length(model, args)
    if args.json is not None:
        write_json(args.json, found)
    return 1 if refused else 0


def _compare(model, args: Args):
    from ganime_tf.data import open_data
    from ganime_tf.metrics import Evaluator, needing
    from ganime_tf.ops.images import to_uint8
    from ganime_tf.progress import progress

    wrong = needing(args.metrics, "pairs", "source", "classes")
    if wrong:
        raise ValueError(f"Samples have no partners: {', '.join(wrong)} cannot measure them.")
    source = open_data(args.data, kind="pictures")
    size = model.config.image_size if hasattr(model, "config") else model.sample([0]).shape[1]
    evaluator = Evaluator(args.metrics, aligned=False)
    batches = source.validation(batch_size=_BATCH, image_size=size, limit=args.limit)
    total, first = min(source.num_validation, args.limit), 0
    for batch in progress(batches, total=-(-total // _BATCH), desc="sample", unit="batches"):
        real = to_uint8(batch["b"]).numpy()
        seeds = np.arange(first, first + len(real), dtype=np.int64)
        inputs = {"seed": seeds}
        if "truncation" in model.uses()["default"].inputs:
            inputs["truncation"] = args.truncation
        evaluator.update(real=real, fake=model.run("default", **inputs))
        first += len(real)
    return evaluator.result()


def _path_length(model, args: Args) -> dict:
    from ganime_tf.models.stylegan2_latents import perceptual_path_length
    from ganime_tf.networks.stylegan2_distance import load_distance
    from ganime_tf.progress import ProgressBar

    if not hasattr(model, "synthesis"):
        raise ValueError("`--path-length` needs a run of stylegan2 or its .keras file.")
    bar = ProgressBar(args.path_length, "path length", "pairs")
    found = perceptual_path_length(
        model, load_distance(args.features), num_pairs=args.path_length, done=bar.update
    )
    bar.close()
    print(
        f"Perceptual path length ({args.features}, w, ends): {found['value']:.4g} "
        f"of {found['kept']} pairs."
    )
    return found | {"features": args.features}
