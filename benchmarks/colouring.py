"""Colouring from hints, measured: real pairs where they are, drawings of ours elsewhere.

python -m benchmarks.colouring --real FOLDER [--split test] [--pictures N] [--hints 5,20,80]

Every row is an ink-free colour sheet under the artist's ink, at about 256 x 256 pixels. Random
hints are 5 x 5 pixels of the true mean colour anywhere off the ink; clicked ones are placed where a
person would: on the largest remaining error, a few at a time. dE is CIEDE2000, a mean over the
picture. Leak is the share of clean pixels 1 to 4 px beside a line that are painted more like its
far side.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import scipy.ndimage
import scipy.sparse
import scipy.sparse.csgraph
from PIL import Image

from ganime_tf.colouring.drawings import (
    abstract_sheet,
    composed_sheet,
    drawn_sheet,
    randomize_ink,
)
from ganime_tf.colouring.hints import Hints
from ganime_tf.colouring.ink import compose, extract_ink, working_size
from ganime_tf.colouring.network import included_network
from ganime_tf.colouring.page import Page
from ganime_tf.colouring.propagation import Propagator, edge_barrier
from ganime_tf.metrics.colour import delta_e, rgb_to_lab

AREA = 256
METHODS = (
    "sketch",
    "flood",
    "geodesic",
    "geodesic barrier",
    "levin",
    "levin sharp",
    "ours",
    "flats",
)


class Case:
    """A picture with its truth and what the methods start from."""

    def __init__(self, name, sketch, truth, network):
        size = working_size(*sketch.shape[:2], AREA)
        self.name = name
        self.sketch = np.array(Image.fromarray(sketch).resize(size[::-1], Image.Resampling.BOX))
        self.truth = np.array(Image.fromarray(truth).resize(size[::-1], Image.Resampling.BOX))
        self.ink = extract_ink(self.sketch)
        self.cover = self.ink.cover.astype(np.float32) / 255
        self.size = size
        self.lab = rgb_to_lab(self.truth)
        self.learned = network(self.cover)
        self.free = self.cover < 0.3
        self.propagators = {
            "levin": Propagator(edge_barrier(self.cover), sharpness=12.0),
            "levin sharp": Propagator(edge_barrier(self.cover)),
            "ours": Propagator(edge_barrier(self.cover, self.learned)),
        }
        self.sides = _sides(self.cover, self.lab)

    def dab(self, row, column, hints: Hints) -> None:
        box = np.s_[max(row - 2, 0) : row + 3, max(column - 2, 0) : column + 3]
        free = self.free[box]
        if free.any():
            colour = self.truth[box][free].mean(axis=0)
            hints.mask[box], hints.colours[box] = True, np.rint(colour)

    def empty(self) -> Hints:
        return Hints(np.zeros(self.size, bool), np.zeros((*self.size, 3), np.uint8))


def _sides(cover, lab):
    """Pairs of clean pixels on both sides of a line with different true colours."""
    line = cover > 0.5
    if not line.any() or line.all():
        return None
    distance, (rows, columns) = scipy.ndimage.distance_transform_edt(~line, return_indices=True)
    y, x = np.nonzero((distance >= 1) & (distance <= 4) & (cover < 0.1))
    step = np.stack([rows[y, x] - y, columns[y, x] - x], -1) / distance[y, x][:, None]
    far, crossed = np.full((len(y), 2), -1), np.zeros(len(y), bool)
    for t in range(1, 20):
        at = np.rint(np.stack([y, x], -1) + t * step).astype(int)
        inside = ((at >= 0) & (at < cover.shape)).all(axis=-1)
        at = np.clip(at, 0, np.array(cover.shape) - 1)
        crossed |= inside & line[at[:, 0], at[:, 1]]
        new = inside & crossed & (cover[at[:, 0], at[:, 1]] < 0.1) & (far[:, 0] < 0)
        far[new] = at[new]
    good = far[:, 0] >= 0
    near, far = np.stack([y, x], -1)[good], far[good]
    differ = delta_e(lab[near[:, 0], near[:, 1]], lab[far[:, 0], far[:, 1]]) > 12
    return near[differ], far[differ]


def _nearest(hints: Hints, cost=None):
    """Colours of the nearest hint: straight, or along the cheapest path over `cost`."""
    if cost is None:
        _, (rows, columns) = scipy.ndimage.distance_transform_edt(~hints.mask, return_indices=True)
        return hints.colours[rows, columns].astype(np.float32)
    index = np.arange(cost.size).reshape(cost.shape)
    first = np.concatenate([index[:, 1:].ravel(), index[1:].ravel()])
    second = np.concatenate([index[:, :-1].ravel(), index[:-1].ravel()])
    flat = cost.ravel()
    graph = scipy.sparse.coo_matrix(
        (1 + np.maximum(flat[first], flat[second]), (first, second)), (cost.size, cost.size)
    ).tocsr()
    _, _, sources = scipy.sparse.csgraph.dijkstra(
        graph,
        directed=False,
        indices=np.flatnonzero(hints.mask),
        min_only=True,
        return_predecessors=True,
    )
    return hints.colours.reshape(-1, 3)[sources].reshape(*cost.shape, 3).astype(np.float32)


def _flood(case: Case, hints: Hints):
    regions, count = scipy.ndimage.label(case.cover < 0.5)
    sheet = _nearest(hints)
    for region in np.unique(regions[hints.mask]):
        if region:
            inside = regions == region
            mine = Hints(hints.mask & inside, hints.colours)
            sheet[inside] = _nearest(mine)[inside]
    return sheet


def _flats(case: Case, hints: Hints):
    from ganime_tf.colouring.flats import flat_regions

    known = (hints.mask, hints.colours.astype(np.float32))
    return flat_regions(case.propagators["ours"], known, case.cover, case.ink.cover).sheet()


def paint(case: Case, method: str, hints: Hints) -> np.ndarray:
    """The colour sheet of a method, uint8."""
    if method == "sketch" or not hints:
        return np.full((*case.size, 3), 255, np.uint8)
    if method == "flood":
        sheet = _flood(case, hints)
    elif method == "geodesic":
        sheet = _nearest(hints, 60 * case.cover)
    elif method == "geodesic barrier":
        sheet = _nearest(hints, 60 * edge_barrier(case.cover, case.learned))
    elif method == "flats":
        sheet = _flats(case, hints)
    else:
        values = hints.colours.astype(np.float32)
        sheet = case.propagators[method].solve(hints.mask, values)
    return np.clip(np.rint(sheet), 0, 255).astype(np.uint8)


def random_hints(case: Case, count: int, rng) -> Hints:
    """Dabs anywhere off the ink."""
    hints = case.empty()
    rows, columns = np.nonzero(case.free)
    for k in rng.choice(len(rows), min(count, len(rows)), replace=False):
        case.dab(rows[k], columns[k], hints)
    return hints


def clicked_hints(case: Case, method: str, counts):
    """Yields hints of rising counts, each placed on the method's largest errors so far."""
    hints, placed = case.empty(), 0
    for count in counts:
        while placed < count:
            now = rgb_to_lab(paint(case, method, hints))
            error = np.linalg.norm(now - case.lab, axis=-1) * case.free
            error = scipy.ndimage.gaussian_filter(error, 4)
            error[scipy.ndimage.binary_dilation(hints.mask, iterations=3)] = 0
            for _ in range(min(max(1, placed // 2), count - placed)):
                row, column = np.unravel_index(error.argmax(), error.shape)
                case.dab(row, column, hints)
                error[max(row - 20, 0) : row + 21, max(column - 20, 0) : column + 21] = 0
                placed += 1
        yield count, hints


def score(case: Case, sheet: np.ndarray, hints: Hints) -> dict[str, float]:
    """L1 in [0, 1], dE, leak in percent, dE at the hints."""
    picture = compose(case.ink, sheet)
    result = {"l1": float(np.abs(picture.astype(int) - case.truth).mean() / 255)}
    result["dE"] = float(delta_e(rgb_to_lab(picture), case.lab).mean())
    lab = rgb_to_lab(sheet)
    if case.sides is not None and len(case.sides[0]):
        near, far = (tuple(points.T) for points in case.sides)
        to_far = np.linalg.norm(lab[near] - case.lab[far], axis=-1)
        to_near = np.linalg.norm(lab[near] - case.lab[near], axis=-1)
        result["leak"] = 100 * float((to_far < to_near).mean())
    if hints:
        at = delta_e(lab[hints.mask], rgb_to_lab(hints.colours[hints.mask]))
        result["hint"] = float(np.percentile(at, 99))
    return result


def real_pairs(folder: Path, split: str):
    """Pairs of the two sets; `split` is test, train or all."""
    for part in ("test", "train") if split == "all" else (split,):
        for path in sorted((folder / "artist_pairs" / part / "sketch").glob("*.jpg")):
            sketch = np.array(Image.open(path).convert("RGB"))
            colour = Image.open(path.parent.parent / "color" / path.name).convert("RGB")
            yield path.stem, sketch, np.array(colour.resize(sketch.shape[1::-1]))
        other = "val" if part == "test" else part
        for path in sorted((folder / "ganime_pairs" / other).glob("*.jpg")):
            both = np.array(Image.open(path).convert("RGB"))
            half = both.shape[1] // 2
            yield path.stem, both[:, half:], both[:, :half]


def drawn_pairs(kind: str, count: int):
    """Held-out drawings: seeds that no training draws; `clean` keeps the pen as it is."""
    for k in range(count):
        rng = np.random.Generator(np.random.PCG64((77_000, k)))
        if kind in ("drawn", "clean"):
            lineart, sheet = drawn_sheet(rng, 77_000, k, AREA, recolour=False)
        elif kind == "abstract":
            lineart, sheet = abstract_sheet(rng, AREA)
        else:
            lineart, sheet = composed_sheet(rng, 77_000, k, AREA)
        page = np.repeat(lineart[..., None], 3, -1)
        if kind != "clean":
            page = randomize_ink(rng, lineart)
        yield f"{kind}{k}", page, compose(extract_ink(page), sheet)


def closed_leak(count: int = 12) -> None:
    """Every closed region of drawings without gaps gets one dab of its own colour: what leaks?"""
    wrong, total, at_hints = 0, 0, []
    for kind in ("clean", "abstract"):
        for k in range(count):
            rng = np.random.Generator(np.random.PCG64((78_000, k)))
            maker = abstract_sheet if kind == "abstract" else drawn_sheet
            lineart = maker(rng, *((78_000, k) if kind == "clean" else ()), 512)[0]
            page = Page(np.repeat(lineart[..., None], 3, -1))
            regions, number = scipy.ndimage.label(page.ink.cover < 90)
            mask = np.zeros(regions.shape, bool)
            colours = np.zeros((*regions.shape, 3), np.uint8)
            kept = []
            for region, box in enumerate(scipy.ndimage.find_objects(regions), 1):
                inside = np.pad(regions[box] == region, 1)
                depth = scipy.ndimage.distance_transform_edt(inside)[1:-1, 1:-1]
                if depth.max() < 5:
                    continue  # thinner than a dab
                row, column = np.unravel_index(depth.argmax(), depth.shape)
                row, column = row + box[0].start, column + box[1].start
                mask[row - 2 : row + 3, column - 2 : column + 3] = True
                colours[regions == region] = rng.integers(0, 256, 3)
                kept.append(region)
            out = page.colour(Hints(mask, colours)).colour
            judged = np.isin(regions, kept) & (page.ink.cover == 0)
            differ = delta_e(rgb_to_lab(out[judged]), rgb_to_lab(colours[judged]))
            wrong, total = wrong + (differ > 5).sum(), total + judged.sum()
            at = delta_e(rgb_to_lab(out[mask]), rgb_to_lab(colours[mask]))
            at_hints.append(np.percentile(at, 99))
    print(f"leak beyond closed lines: {100 * wrong / total:.3f} % of {total} clean pixels")
    print(f"dE at hints, 99th percentile: {max(at_hints):.3f}")


def measure(cases, methods, counts, click_counts, sheet_path=None) -> dict:
    """Scores of every method, by way of hinting and count."""
    rows = {}
    started = time.monotonic()
    shown = []
    for number, case in enumerate(cases):
        shows = [case.sketch]
        for method in methods:
            if method == "sketch":
                rows.setdefault((method, "none", 0), []).append(
                    score(case, paint(case, method, case.empty()), case.empty())
                )
                continue
            for count in counts:
                rng = np.random.Generator(np.random.PCG64((5, number, count)))
                hints = random_hints(case, count, rng)
                sheet = paint(case, method, hints)
                rows.setdefault((method, "random", count), []).append(score(case, sheet, hints))
            for count, hints in clicked_hints(case, method, click_counts):
                sheet = paint(case, method, hints)
                rows.setdefault((method, "clicked", count), []).append(score(case, sheet, hints))
                if count == click_counts[0]:
                    shows.append(compose(case.ink, sheet))
        shown.append([*shows, case.truth])
    print(f"{len(shown)} pictures, {time.monotonic() - started:.0f} s")
    if sheet_path:
        from ganime_tf.ops.pictures import contact_sheet, save_png

        titles = ["sketch", *[m for m in methods if m != "sketch"], "truth"]
        save_png(sheet_path, contact_sheet(shown, columns=titles, size=220))
    return rows


def paired(rows, first, second, key="dE") -> str:
    """Mean difference of two rows and its 95 % interval."""
    d = np.array([a[key] - b[key] for a, b in zip(rows[first], rows[second], strict=True)])
    half = 1.96 * d.std(ddof=1) / np.sqrt(len(d))
    return f"{d.mean():+.2f} ± {half:.2f} ({(d < 0).sum()} of {len(d)} better)"


def table(rows) -> str:
    """The rows as Markdown."""
    lines = [
        "| method | hints | dE | L1 | leak % | dE at hints (p99) |",
        "|---|---|---|---|---|---|",
    ]
    for (method, way, count), scores in rows.items():
        means = {}
        for key in ("dE", "l1", "leak", "hint"):
            values = [s[key] for s in scores if key in s]
            means[key] = f"{np.mean(values):.3g}" if values else "-"
        lines.append(
            f"| {method} | {count} {way} | {means['dE']} | {means['l1']} | {means['leak']} | "
            f"{means['hint']} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--real", type=Path)
    parser.add_argument("--split", default="test", choices=("test", "train", "all"))
    parser.add_argument("--drawn", choices=("drawn", "clean", "abstract", "composed"))
    parser.add_argument("--pictures", type=int, default=12)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--hints", default="5,20,80")
    parser.add_argument("--clicked", default="20")
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--leak", action="store_true")
    args = parser.parse_args()
    if args.leak:
        return closed_leak()
    network = included_network()
    pairs = drawn_pairs(args.drawn, args.pictures) if args.drawn else None
    if pairs is None:
        pairs = list(real_pairs(args.real, args.split))[:: args.every][: args.pictures]
    cases = (Case(*pair, network) for pair in pairs)
    counts = [int(v) for v in args.hints.split(",") if v]
    clicks = [int(v) for v in args.clicked.split(",") if v]
    rows = measure(cases, args.methods.split(","), counts, clicks, args.sheet)
    print(table(rows))
    for other in ("levin", "levin sharp"):
        for way, many in (("random", counts), ("clicked", clicks)):
            for count in many:
                if ("ours", way, count) in rows and (other, way, count) in rows:
                    against = paired(rows, ("ours", way, count), (other, way, count))
                    print(f"ours against {other}, {count} {way}: dE {against}")
    if args.json:
        named = {" ".join(map(str, key)): value for key, value in rows.items()}
        args.json.write_text(json.dumps(named, indent=1))


if __name__ == "__main__":
    main()
