"""The numbers of StyleAnime's tables for a trained run, on held-out people of the drawn world.

`python benchmarks/papers/styleanime.py RUN [--parser RUN] [--count 64] [--sheet FILE.png]` prints
JSON: `lpips_s` between portrait and drawing (lower: more alike), `lpips_d` between drawings drawn
at random (higher: more variety), `fd_random` to true drawings, and `miou` of the parsed drawings to
the maps they were drawn by, with a parser of drawings. `colour_own` and `colour_other` are mean
distances of hair colours (levels of [0, 255]) of drawings to their references and to others' ones.
The paper's numbers are of other pictures and FID's network: they do not compare.
"""

import argparse
import json

import numpy as np

from ganime_tf import metrics, toy
from ganime_tf.inference import load
from ganime_tf.inference.parse import load_parser
from ganime_tf.ops.pictures import class_colours, contact_sheet, save_png

_FIRST = 1_000_000_000  # scenes that no training draws
_SECOND = 1_000_500_000  # references: other people


def people(first: int, count: int, size: int) -> dict[str, np.ndarray]:
    """Portraits, drawings and their maps, uint8 arrays by the toy world's names."""
    names = ("portrait", "portrait_parsing", "colour", "parsing")
    drawn = [toy.render_many(toy.sample_scene(0, first + i), names, size) for i in range(count)]
    return {name: np.stack([picture[name] for picture in drawn]) for name in names}


def hair_colours(pictures: np.ndarray, maps: np.ndarray) -> np.ndarray:
    """Median colour of the hair, float `(N, 3)`; NaN without hair."""
    hair = toy.PARSING_CLASSES.index("hair")
    found = [picture[parsing == hair] for picture, parsing in zip(pictures, maps, strict=True)]
    return np.stack([np.median(x, axis=0) if len(x) else np.full(3, np.nan) for x in found])


def miou(truth: np.ndarray, found: np.ndarray, classes: int) -> float:
    """Mean over classes that are there of intersection over union, over all pictures."""
    counts = np.bincount(truth.ravel().astype(int) * classes + found.ravel(), minlength=classes**2)
    counts = counts.reshape(classes, classes)
    union = counts.sum(0) + counts.sum(1) - np.diag(counts)
    return float(np.mean((np.diag(counts) / np.maximum(union, 1))[counts.sum(1) > 0]))


def measure(model, count: int = 64, parser=None, network: str = "squeeze") -> tuple[dict, list]:
    """Scores of a model, and rows for a contact sheet."""
    size = model.config.image_size
    person, other = people(_FIRST, count, size), people(_SECOND, count, size)
    maps = person["portrait_parsing"]
    inputs = {"image": person["portrait"], "parsing": maps}
    own = model.run(**inputs)
    referred = model.run(**inputs, reference=other["colour"])
    bare = model.run(**inputs, truncation=1.0)
    names = ("fd_random", f"lpips_s_{network}", f"lpips_d_{network}")
    evaluator = metrics.Evaluator(names, resamples=0)
    evaluator.update(other["colour"], own, source=person["portrait"])
    report = evaluator.result()
    hair = hair_colours(referred, maps)
    wanted = hair_colours(other["colour"], other["parsing"])

    def distance(references):
        return float(np.nanmean(np.linalg.norm(hair - references, axis=1)))

    scores = {
        "count": count,
        **{name: float(report[name]) for name in names},
        "colour_own": distance(wanted),
        "colour_other": distance(np.roll(wanted, 1, axis=0)),
    }
    if parser is not None:
        classes = len(toy.PARSING_CLASSES)
        scores["miou"] = miou(maps, parser.parse(own), classes)
        scores["miou_of_true_drawings"] = miou(
            person["parsing"], parser.parse(person["colour"]), classes
        )
    columns = (person["portrait"], class_colours(maps), own, bare, other["colour"], referred,
               person["colour"], model.run(image=person["colour"], parsing=person["parsing"],
                                           reference=person["colour"]))  # fmt: skip
    return scores, list(zip(*(column[:8] for column in columns), strict=True))


def main() -> None:
    """Measures a run and prints its scores."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("run")
    arguments.add_argument("--parser", help="a run of a parser of drawings")
    arguments.add_argument("--count", type=int, default=64)
    arguments.add_argument("--network", default="squeeze", help="of LPIPS")
    arguments.add_argument("--sheet", help="a PNG file to draw examples in")
    given = arguments.parse_args()
    parser = None if given.parser is None else load_parser(given.parser)
    scores, rows = measure(load(given.run), given.count, parser, given.network)
    if given.sheet:
        titles = ("portrait", "map", "drawn", "no FaceBank", "reference", "in its colours",
                  "true drawing", "drawn again")  # fmt: skip
        save_png(given.sheet, contact_sheet(rows, columns=titles, size=96))
    print(json.dumps(scores, indent=2))


if __name__ == "__main__":
    main()
