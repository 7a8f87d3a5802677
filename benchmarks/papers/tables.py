"""From the records in `benchmarks/results/papers_*.json` to the tables of docs/papers.md.

Needs the standard library only, so that a test can compare the two anywhere.
"""

import json
import re
import statistics
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "papers.md"
MISSING = "*Not measured yet: `python benchmarks/papers/run.py all --runs DIR`.*"

# The papers' own numbers, in the order of their tables.
PAPER = {
    "sketches": {  # GANime sketches, table 1: FID, SSIM mean, SSIM standard deviation
        "neural-style": (345.506, 0.6547214, 0.09885219),
        "sketches-cyclegan": (272.619, 0.7238495, 0.08240251),
        "pix2pix": (227.948, 0.7468922, 0.07413621),
        "pix2pix-tv": (220.499, 0.75587333, 0.07380538),
    },
    "portraits": {  # GANime portraits, table 1; CycleGAN's is quoted there from AniGAN's paper
        "animegan-d": (135.91,),
        "ugatit": (51.96,),
        "cyclegan": (50.0,),
        "munit": (58.01,),
    },
    "munit-steps": {  # GANime portraits, section 5.2, figures 1 and 2: iterations, words
        "munit-third": ("50,000: not yet anime characters",),
        "munit": ("100,000: just starting to resemble anime characters",),
        "munit-anigan-half": ("20,000: eyes not clearly formed",),
        "munit-anigan": ("50,000: close to MUNIT at 100,000",),
    },
    "face2anime": {  # the ablation that the paper plans: no numbers
        "f2a-cyclegan": ("the base",),
        "f2a-domain": ("codes of both domains alike",),
        "f2a-semantic": ("the code survives translation",),
        "f2a-perceptual": ("features survive translation",),
        "f2a-all": ("the paper's method",),
        "f2a-critic": ("steadier training hoped for",),
    },
    "animegan-steps": {  # GANime portraits, section 5.1: words, no numbers
        "animegan-b": ("equal weights: much of the original colour was lost",),
        "animegan-c": ("more colour and smooth weight: still like a watercolour filter and blur",),
        "animegan-d": ("least squares, longer, slower: more of the facial features",),
    },
}
QUOTED = {"cyclegan"}  # from another paper, on other photos

# metric -> (heading, digits, which is better)
METRICS = {
    "fd_random": ("fd_random", 3, "lower"),
    "ssim": ("SSIM", 3, "higher"),
    "ssim_std": ("SSIM std", 3, "lower"),
    "l1": ("L1", 3, "lower"),
    "ciede2000": ("ΔE00 to truth", 1, "lower"),
    "ciede2000_to_input": ("ΔE00 to input", 1, "lower"),
    "chroma": ("chroma", 1, ""),
    "ssim_to_input": ("SSIM to input", 3, "higher"),
    "hair": ("hair", 2, "higher"),
    "eyes": ("eyes", 2, "higher"),
    "turn": ("turn", 2, "higher"),
    "glasses": ("glasses", 2, "higher"),
}
COLUMNS = {
    "sketches": ("fd_random", "ssim", "ssim_std", "l1", "ciede2000"),
    "portraits": ("fd_random", "ssim", "l1", "ciede2000", "ciede2000_to_input", "chroma"),
    "face2anime": ("fd_random", "ssim", "l1", "hair", "eyes", "turn", "glasses"),
    "munit-steps": ("fd_random", "ssim", "l1", "ciede2000", "ssim_to_input"),
    "animegan-steps": ("ciede2000_to_input", "chroma", "ssim_to_input", "fd_random", "ssim"),
}
PAPER_HEADINGS = {
    "sketches": ("paper: FID", "paper: SSIM", "paper: SSIM std"),
    "portraits": ("paper: FID",),
    "face2anime": ("what it is for",),
    "munit-steps": ("paper: iterations",),
    "animegan-steps": ("paper",),
}
# (study, our metric, the paper's column, its name, whether higher is better)
ORDERS = (
    ("sketches", "fd_random", 0, "FID"),
    ("sketches", "ssim", 1, "SSIM"),
    ("sketches", "ssim_std", 2, "SSIM std"),
    ("portraits", "fd_random", 0, "FID"),
)


def path_of(study: str, folder: Path = RESULTS) -> Path:
    """Where the record of a study is."""
    return Path(folder) / f"papers_{study.replace('-', '_')}.json"


def marker_of(study: str) -> str:
    """Name of the markers `<!-- papers:... -->` of a study."""
    return f"papers:{study}"


def read(study: str, folder: Path = RESULTS) -> dict | None:
    """The record of a study, or None when it was not run."""
    path = path_of(study, folder)
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def values(record: dict, name: str, metric: str) -> list[float]:
    """One number a seed; none where the metric means nothing for the method."""
    runs = record["methods"][name]["runs"].values()
    return [run["scores"][metric] for run in runs if metric in run["scores"]]


def cell(numbers: list[float], digits: int) -> str:
    """Mean and standard deviation over seeds."""
    if not numbers:
        return "–"
    mean = f"{statistics.fmean(numbers):.{digits}f}"
    return f"{mean} ± {statistics.stdev(numbers):.{digits}f}" if len(numbers) > 1 else mean


def _paper_cells(study: str, name: str) -> list[str]:
    known = PAPER[study].get(name)
    if known is None:
        return ["–"] * len(PAPER_HEADINGS[study])
    cells = [value if isinstance(value, str) else f"{value:.4g}" for value in known]
    return [f"({value})" if study == "portraits" and name in QUOTED else value for value in cells]


def table(study: str, record: dict) -> str:
    """The table of a study in Markdown."""
    columns = COLUMNS[study]
    head = ["method", *PAPER_HEADINGS[study], *(METRICS[m][0] for m in columns)]
    rows = [head + ["steps", "training, s"], ["---"] * (len(head) + 2)]
    for name, method in record["methods"].items():
        cells = [cell(values(record, name, metric), METRICS[metric][1]) for metric in columns]
        seconds = [run["seconds"] for run in method["runs"].values()]
        effort = [str(method["steps"] or "–"), cell(seconds, 0) if method["steps"] else "–"]
        rows.append([method["title"], *_paper_cells(study, name), *cells, *effort])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def apart(record: dict, metric: str, first: str, second: str) -> bool:
    """Whether every seed of the first method is better than every seed of the second."""
    a, b = values(record, first, metric), values(record, second, metric)
    return min(a) > max(b) if METRICS[metric][2] == "higher" else max(a) < min(b)


def ranking(record: dict, metric: str, names: list[str]) -> tuple[list[str], str]:
    """Methods by the mean of a metric, best first, and the same as text.

    In the text `≈` joins neighbours whose ranges over seeds overlap, `>` those that are apart.
    """
    mean = {name: statistics.fmean(values(record, name, metric)) for name in names}
    order = sorted(names, key=mean.get, reverse=METRICS[metric][2] == "higher")
    text = record["methods"][order[0]]["title"]
    for first, second in zip(order, order[1:], strict=False):
        sign = " > " if apart(record, metric, first, second) else " ≈ "
        text += sign + record["methods"][second]["title"]
    return order, text


def _verdict(record: dict, metric: str, paper: list[str], ours: list[str]) -> str:
    """How our order of methods stands to the paper's."""
    if ours == paper:
        return "Ours is the paper's order."
    against = [
        f"{record['methods'][worse]['title']} is better than {record['methods'][better]['title']}"
        for index, better in enumerate(paper)
        for worse in paper[index + 1 :]
        if apart(record, metric, worse, better)
    ]
    if not against:
        return "Ours differs only where the seeds overlap."
    return f"Ours is NOT the paper's order: {', '.join(against)}."


def orders(study: str, record: dict) -> list[str]:
    """Whether the paper's order of methods comes out, a line a metric."""
    lines = []
    for of, metric, column, theirs in ORDERS:
        names = [name for name in PAPER[of] if name in record["methods"]]
        if of != study or len(names) < 2:
            continue
        higher = METRICS[metric][2] == "higher"
        paper = sorted(names, key=lambda n: PAPER[study][n][column], reverse=higher)
        ours, text = ranking(record, metric, names)
        wanted = " > ".join(record["methods"][name]["title"] for name in paper)
        lines.append(
            f"- {METRICS[metric][0]}, best first: {text}. Paper, by {theirs}: {wanted}. "
            + _verdict(record, metric, paper, ours)
        )
    if study == "animegan-steps":
        for metric, better, worse, words in (
            ("ciede2000_to_input", "animegan-c", "animegan-b", "c keeps the colours better than b"),
            ("ssim_to_input", "animegan-d", "animegan-c", "d keeps more of the features than c"),
        ):
            if apart(record, metric, better, worse):
                verdict = "comes out"
            elif apart(record, metric, worse, better):
                verdict = "does NOT come out: the opposite does"
            else:
                verdict = "does not come out: the seeds overlap"
            heading = METRICS[metric][0]
            lines.append(f"- The paper says that {words}. By {heading} this {verdict}.")
    if "of_true_drawings" in record:
        seeds = record["of_true_drawings"].values()
        words = ", ".join(
            f"{name} {statistics.fmean(seed[name] for seed in seeds):.2f}"
            for name in ("hair", "eyes", "turn", "glasses")
        )
        lines.append(f"- Attributes read from the true drawings themselves: {words}.")
    if study == "munit-steps":
        whole, other = "munit", "munit-anigan"
        near = not apart(record, "fd_random", whole, other)
        lines.append(
            "- The paper says that the hybrid comes close to MUNIT in fewer iterations. By "
            f"fd_random this {'comes out' if near else 'does NOT come out: MUNIT is better'}."
        )
    return lines


def provenance(record: dict) -> str:
    """Where the numbers of a record come from."""
    versions = ", ".join(f"{name} {version}" for name, version in record["versions"].items())
    budget, seeds = record["budget"], ", ".join(map(str, record["seeds"]))
    commits = ", ".join(f"`{commit}`" for commit in record["commits"])
    return (
        f"*Seeds {seeds}: mean ± standard deviation over seeds; {budget['held_out']} held-out "
        f"pictures a seed at {budget['image_size']} px, {budget['num_train']} to train on; "
        f"features compared: {budget['features']}. "
        f"{record['processor']}, {budget['cores']} cores, no GPU; {versions}; commit {commits}. "
        f"All runs of the table together: {budget['minutes']:.0f} minutes.*"
    )


def pictures(study: str) -> dict[str, str]:
    """File names of the pictures of a study, with what they show."""
    stem = path_of(study).stem
    shown = {f"{stem}.png": "Held-out pictures: input, each method, truth; the first seed"}
    if study == "sketches":
        shown[f"{stem}_curves.png"] = (
            "fd_random, SSIM mean and SSIM deviation by epoch, both variants of Pix2Pix; the bands "
            "are the range over seeds"
        )
    return shown


def block(study: str, record: dict | None) -> str:
    """What stands between the markers of a study."""
    if record is None:
        return MISSING
    parts = [
        table(study, record),
        "\n".join(orders(study, record)),
        *(f"![{words}](images/{name})" for name, words in pictures(study).items()),
        provenance(record),
    ]
    return "\n\n".join(part for part in parts if part)


def truth_pictures(group) -> dict[str, str]:
    """File names of the pictures of a group of methods, with what they show."""
    stem = f"papers_truth_{group[0].split('-')[0]}"
    return {
        f"{stem}.png": "Held-out pictures: input, each method there and back, truth",
        f"{stem}_curves.png": "fd_random, SSIM mean and SSIM deviation by epoch",
    }


def truth_block(record: dict | None) -> str:
    """What stands between the markers of `truth.py`'s tables."""
    if record is None:
        return "*Not measured yet: `python benchmarks/papers/truth.py --runs DIR`.*"
    keys = {"l1": 3, "psnr": 1, "ssim": 3, "hair": 1, "cycle": 3}
    head = ["method", "L1", "PSNR", "SSIM", "hair ΔE00", "cycle L1", "steps"]
    parts = []
    for title, methods in record["groups"].items():
        rows = [head, ["---"] * len(head)]
        for method in methods.values():
            for label, runs in method["rows"].items():
                cells = [cell([run[key] for run in runs.values()], keys[key]) for key in keys]
                steps = str(method["steps"]) if label == "trained" else "–"
                rows.append([f"{method['title']}, {label}", *cells, steps])
        lines = ["| " + " | ".join(row) + " |" for row in rows]
        parts += [f"**{title}**", "\n".join(lines)]
        parts += [f"![{words}](images/{n})" for n, words in truth_pictures(list(methods)).items()]
    seeds = ", ".join(map(str, record["seeds"]))
    return "\n\n".join([*parts, f"*Seeds {seeds}; commit `{record['commit']}`.*"])


def fill(page: str, study: str, text: str) -> str:
    """Puts `text` between the markers of a study.

    Raises:
        ValueError: When the page lacks them.
    """
    marker = marker_of(study)
    pattern = re.compile(rf"(<!-- {marker} -->\n).*?(<!-- /{marker} -->)", re.S)
    if not pattern.search(page):
        raise ValueError(f"The page has no markers <!-- {marker} --> and <!-- /{marker} -->.")
    return pattern.sub(lambda match: match[1] + "\n" + text + "\n\n" + match[2], page)


def write_docs(page: Path = PAGE, folder: Path = RESULTS) -> None:
    """Writes all tables into the page."""
    text = page.read_text(encoding="utf-8")
    for study in PAPER:
        text = fill(text, study, block(study, read(study, folder)))
    text = fill(text, "truth", truth_block(read("truth", folder)))
    page.write_text(text, encoding="utf-8")
