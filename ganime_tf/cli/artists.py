"""`ganime artists`: who draws alike, ways between styles, and how well styles and contents part."""

import dataclasses
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import tyro

from ganime_tf.cli.options import parse

_BATCH = 16


@dataclasses.dataclass(frozen=True)
class Args:
    """Compare the artists of a disentangle-stage1 or -stage2 run: tables, pictures, scores."""

    model: Annotated[Path, tyro.conf.Positional]
    """A run directory, an export or a .keras file."""
    out: Annotated[Path | None, tyro.conf.arg(aliases=["-o"])] = None
    """Folder for nearest.csv and, with --pictures, the pictures."""
    pictures: tuple[str, ...] = ()
    """Drawings to redraw: files, folders and globs; the first six are shown."""
    labels: str = "all"
    """Artists that are shown: names or numbers with commas between; the first twelve."""
    nearest: int = 5
    """Artists of the nearest styles that are listed for each."""
    steps: int = 0
    """Also draw strips.png: so many pictures on the way from each artist's style to the next."""
    random: int = 0
    """Also draw random.png: so many styles that nobody has."""
    sum: str = ""
    """Also draw sum.png: styles added up, 'akane - aoi + hana'."""
    checkpoint: Literal["last", "best"] = "last"
    """Which weights of a run directory."""
    data: str | None = None
    """Measure with these labelled pictures, as in `ganime train`."""
    judge: Path | None = None
    """A run of disentangle-c2 that names artists, for --data."""
    limit: int = 1000
    """At most so many pictures of --data, and so many drawn ones."""
    scenes: int = 0
    """Also compare with the truth, on toy data: so many scenes that nobody trained on, each drawn
    by one artist, redrawn as another, against the true drawing of the scene by that other one."""
    seed: int = 0
    """Of the artists and contents that are drawn for the scores."""
    json: Path | None = None
    """File for the scores."""


def main(argv: list[str], prog: str) -> int:
    """Lists, draws and measures."""
    args = parse(Args, argv, prog)
    if args.out is None and args.data is None and not args.scenes:
        raise ValueError("Give a folder for tables and pictures, -o PATH, or --data to measure.")
    if args.nearest < 1 or args.limit < 2:
        raise ValueError("`--nearest` must be at least 1 and `--limit` at least 2.")
    draws = [flag for flag in ("steps", "random", "sum") if getattr(args, flag)]
    if draws and not args.pictures:
        raise ValueError(f"--{draws[0]} draws: give drawings to redraw, --pictures.")
    from ganime_tf.cli import start

    start()
    from ganime_tf.inference import load
    from ganime_tf.inference.artists import parse_labels

    model = load(args.model, args.checkpoint)
    if not {"style_of", "with_style"} <= set(model.uses()) or not model.label_names:
        raise ValueError(f"{args.model} knows no artists: give a run of disentangle-stage1 or 2.")
    labels = parse_labels(args.labels, model.label_names)
    if args.out is not None:
        tables = _Tables(model, args, labels)
        tables.write_nearest()
        for flag in draws:
            getattr(tables, f"write_{flag}")()
    if args.data is not None or args.scenes:
        from ganime_tf.cli.artist_scores import measure
        from ganime_tf.ops.files import write_json

        found = measure(model, args)
        if args.json is not None:
            write_json(args.json, found)
    return 0


class _Tables:
    """What goes into the folder."""

    def __init__(self, model, args: Args, labels: list[int]):
        from ganime_tf.data.io import read_image
        from ganime_tf.inference.artists import style_codes
        from ganime_tf.inference.translate import find_inputs

        self.model, self.args, self.labels = model, args, labels
        self.names, self.codes = model.label_names, style_codes(model)
        pairs = find_inputs(list(args.pictures), args.out) if args.pictures else []
        self.pictures = [read_image(source) for source, _ in pairs[:6]]

    def write_nearest(self):
        """nearest.csv, and nearest.png where there is a picture to draw."""
        import csv
        import io

        from ganime_tf.inference.artists import nearest_artists
        from ganime_tf.ops.files import write_atomic

        order, distances = nearest_artists(self.codes, self.args.nearest)
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        table.writerow(["artist", "rank", "nearest", "distance"])
        for label in self.labels:
            for rank, (other, distance) in enumerate(
                zip(order[label], distances[label], strict=True), 1
            ):
                row = [self.names[label], rank, self.names[other], f"{distance:.5g}"]
                table.writerow(row)
        write_atomic(self.args.out / "nearest.csv", text.getvalue())
        print(f"Wrote nearest.csv: {order.shape[1]} for each of {len(self.labels)} artist(s).")
        if self.pictures:
            shown = self.labels[:12]
            rows = [self._drawn(self.pictures[0], self.codes[[a, *order[a]]]) for a in shown]
            titles = ["artist", *(f"nearest {rank + 1}" for rank in range(order.shape[1]))]
            self._save("nearest.png", rows, titles, [self.names[label] for label in shown])

    def write_steps(self):
        """strips.png."""
        from ganime_tf.inference.artists import between

        labels = self.labels[:12]
        if len(labels) < 2 or self.args.steps < 2:
            raise ValueError("`--steps` needs two artists and two pictures at least.")
        ways = between(self.codes[labels], self.args.steps)
        rows = [self._drawn(self.pictures[0], way) for way in ways]
        pairs = zip(labels[:-1], labels[1:], strict=True)
        self._save(
            "strips.png", rows, (), [f"{self.names[a]} to {self.names[b]}" for a, b in pairs]
        )

    def write_random(self):
        """random.png."""
        seeds = np.arange(self.args.seed, self.args.seed + self.args.random, dtype=np.int64)
        rows = []
        for picture in self.pictures:
            many = np.repeat(picture[None], len(seeds), 0)
            drawn = [
                self.model.run(
                    "with_seed", image=many[at : at + _BATCH], seed=seeds[at : at + _BATCH]
                )
                for at in range(0, len(seeds), _BATCH)
            ]
            rows.append([picture, *np.concatenate(drawn)])
        self._save("random.png", rows, ["picture", *(f"seed {seed}" for seed in seeds)])

    def write_sum(self):
        """sum.png: the terms, then their sum."""
        from ganime_tf.inference.artists import parse_sum

        terms = parse_sum(self.args.sum, self.names)
        total = sum(sign * self.codes[label] for sign, label in terms)
        codes = np.stack([*(self.codes[label] for _, label in terms), total])
        rows = [[picture, *self._drawn(picture, codes)] for picture in self.pictures]
        titles = [f"{'-' if sign < 0 else ''}{self.names[label]}" for sign, label in terms]
        self._save("sum.png", rows, ["picture", *titles, "sum"])

    def _drawn(self, picture, codes) -> list:
        codes = np.asarray(codes, np.float32)
        drawn = []
        for at in range(0, len(codes), _BATCH):
            part = codes[at : at + _BATCH]
            drawn += list(
                self.model.run(
                    "with_style", image=np.repeat(picture[None], len(part), 0), style=part
                )
            )
        return drawn

    def _save(self, name, rows, columns=(), labels=()):
        from ganime_tf.ops.pictures import contact_sheet, save_png

        size = min(128, max(64, *rows[0][0].shape[:2]))
        save_png(
            self.args.out / name, contact_sheet(rows, columns=columns, labels=labels, size=size)
        )
        print(f"Wrote {name}.")
