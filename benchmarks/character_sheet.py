"""A character's sheet as hints, and shade over the flats, where the truth is known.

python -m benchmarks.character_sheet [--characters 20] [--pages 10]

Characters and pages are held-out drawings. Of each character one pose is the coloured sheet, the
others are pages. *Dabs right*: share of dabs whose colour is the true one (CIEDE2000 below 4) where
they lie. *Coloured*: share of the character's clean pixels that got a colour. dE: CIEDE2000 to the
true flats there, with what stayed paper counted as paper. Shade: cross-entropy and intersection
over union of shadows with the drawn ones, light from the left.
"""

import argparse
import dataclasses
import time

import numpy as np

from ganime_tf.colouring import Page, parse_hints
from ganime_tf.colouring.examples import HELD_OUT, draw_flat, place_dabs, pose
from ganime_tf.colouring.ink import compose, extract_ink
from ganime_tf.colouring.network import included_network
from ganime_tf.colouring.shaded import shade_batch
from ganime_tf.colouring.sheet import Sheet
from ganime_tf.metrics.colour import delta_e, rgb_to_lab
from ganime_tf.toy import PARSING_CLASSES, sample_scene

SIZE = 384


def _figure(scene) -> np.ndarray:
    """Where the character is, bool `(SIZE, SIZE)`."""
    from ganime_tf.toy.artists import HOUSE_STYLE
    from ganime_tf.toy.drawing import render_many

    labels = render_many(scene, ("parsing",), SIZE, HOUSE_STYLE)["parsing"]
    return labels != PARSING_CLASSES.index("background")


def character(index: int, pages: int, sure: float) -> list[dict]:
    """One row for each page of a character."""
    hero = sample_scene(HELD_OUT, index)
    first = draw_flat(pose(hero, 0), SIZE)
    sheet = Sheet(compose(extract_ink(first.lineart), first.flat))
    rows = []
    for number in range(1, pages + 1):
        scene = pose(hero, number)
        drawing = draw_flat(scene, SIZE)
        page = Page(drawing.lineart)
        begin = time.perf_counter()
        dabs = sheet.dabs(page, sure)
        seconds = time.perf_counter() - begin
        truth = rgb_to_lab(drawing.flat)
        right = [
            delta_e(rgb_to_lab(_rgb(dab["color"])), truth[dab["y"], dab["x"]]) < 4 for dab in dabs
        ]
        clean = _figure(scene) & (page.ink.cover < 26)
        row = {"right": right, "seconds": seconds}
        oracle = place_dabs(drawing.flat, page.ink.cover)
        for name, points in {"nothing": [], "sheet": dabs, "true dabs": oracle}.items():
            hints = parse_hints({"points": points}, page.ink.size)
            colour = page.colour(hints, flat=True, paper=True).colour
            distance = delta_e(rgb_to_lab(colour), truth)[clean]
            row[name] = float(distance.mean())
            row[f"{name}, within 4"] = float((distance < 4).mean())
            if name == "sheet":
                row["coloured"] = float((colour[clean] != 255).any(-1).mean())
        rows.append(row)
    return rows


def _rgb(colour: str) -> np.ndarray:
    return np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)], np.uint8)


def shadows(batches: int = 12) -> dict[str, float]:
    """Cross-entropy and intersection over union on drawings that nobody trained on."""
    network, losses, plain, both, either = included_network("shade"), [], [], 0, 0
    for step in range(batches):
        planes, truth = shade_batch(HELD_OUT, step, 4, 1, 128)
        for seen, wanted in zip(planes, truth[..., 0], strict=True):
            chance = np.clip(network(seen), 1e-6, 1 - 1e-6)
            losses.append(-(wanted * np.log(chance) + (1 - wanted) * np.log(1 - chance)).mean())
            rate = np.clip(wanted.mean(), 1e-6, 1 - 1e-6)
            plain.append(-(rate * np.log(rate) + (1 - rate) * np.log(1 - rate)))
            both += ((chance > 0.5) & (wanted > 0.5)).sum()
            either += ((chance > 0.5) | (wanted > 0.5)).sum()
    return {"loss": np.mean(losses), "loss of a constant": np.mean(plain), "iou": both / either}


@dataclasses.dataclass
class _Mean:
    values: list

    def __str__(self):
        spread = np.std(self.values) / np.sqrt(len(self.values))
        return f"{np.mean(self.values):.3f} ± {1.96 * spread:.3f}"


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--characters", type=int, default=20)
    parser.add_argument("--pages", type=int, default=10)
    parser.add_argument("--sure", type=float, nargs="+", default=[0.6])
    args = parser.parse_args()
    print({name: round(float(value), 4) for name, value in shadows().items()})
    for sure in args.sure:
        rows = [row for k in range(args.characters) for row in character(200 + k, args.pages, sure)]
        right = [value for row in rows for value in row["right"]]
        print(f"\nsure {sure}: {len(right) / len(rows):.1f} dabs a page, right {_Mean(right)}")
        for name in rows[0]:
            if name != "right":
                print(f"{name:24} {_Mean([row[name] for row in rows])}")


if __name__ == "__main__":
    main()
