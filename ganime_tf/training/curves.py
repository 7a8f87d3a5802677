"""The curves of a run as one picture."""

import json
from pathlib import Path

from ganime_tf.ops.files import atomic_path


def plot_curves(metrics_file: str | Path, path: str | Path) -> None:
    """Draws every loss and validation metric of `metrics.jsonl` over the steps, as PNG.

    Raises:
        ValueError: When the file has no rows.
    """
    from matplotlib.figure import Figure

    rows = [json.loads(line) for line in Path(metrics_file).read_text().splitlines()]
    if not rows:
        raise ValueError(f"{metrics_file} has no epochs yet: nothing to draw.")
    skip = {"epoch", "step", "time"}
    names = list(dict.fromkeys(key for row in rows for key in row if key not in skip))
    columns = min(4, len(names))
    lines = -(-len(names) // columns)
    figure = Figure(figsize=(3.4 * columns, 2.5 * lines), layout="constrained")
    for index, name in enumerate(names):
        points = [(row["step"], row[name]) for row in rows if name in row]
        axes = figure.add_subplot(lines, columns, index + 1)
        axes.plot(*zip(*points, strict=True), marker="o" if len(points) < 30 else "", markersize=3)
        axes.set_title(name, fontsize=10)
        axes.set_xlabel("step", fontsize=8)
        axes.grid(alpha=0.3)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=90)
