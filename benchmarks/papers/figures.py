"""Curves (figures 10 to 12 of the sketches paper) and contact sheets, small PNG files."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from ganime_tf.ops.files import write_atomic
from ganime_tf.ops.pictures import contact_sheet

_LARGEST = 150_000  # bytes


CURVES = {"fd_random": "fd_random", "ssim": "SSIM, mean", "ssim_std": "SSIM, standard deviation"}


def draw_curves(record: dict, path: Path, titles=None) -> None:
    """Fréchet distance, SSIM mean and SSIM deviation by epoch: mean and range over seeds."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    panels = list(zip(CURVES, titles or CURVES.values(), strict=True))
    figure, axes = pyplot.subplots(1, 3, figsize=(10.5, 3), dpi=80)
    for method in record["methods"].values():
        runs = [run["curve"] for run in method["runs"].values() if run.get("curve")]
        if not runs:
            continue
        epochs = [row["epoch"] for row in runs[0]]
        for axis, (key, title) in zip(axes, panels, strict=True):
            lines = np.array([[row[key] for row in curve] for curve in runs])
            (line,) = axis.plot(epochs, lines.mean(0), label=method["title"])
            axis.fill_between(
                epochs, lines.min(0), lines.max(0), color=line.get_color(), alpha=0.2, lw=0
            )
            axis.set_title(title, fontsize=9)
            axis.set_xlabel("epoch")
    axes[0].set_yscale("log")
    axes[0].legend(fontsize=8)
    figure.tight_layout()
    buffer = io.BytesIO()
    figure.savefig(buffer)
    pyplot.close(figure)
    write_atomic(path, buffer.getvalue())


def draw_sheet(columns: dict[str, np.ndarray], path: Path) -> None:
    """One row a picture, one column a method; as many colours as the file size allows.

    Args:
        columns: Title and pictures, uint8 `(N, H, W, 3)`.
        path: The PNG file.
    """
    rows = list(zip(*columns.values(), strict=True))
    for size, colours in ((96, 256), (96, 128), (96, 64), (64, 128), (64, 64)):
        sheet = Image.fromarray(contact_sheet(rows, columns=list(columns), size=size))
        buffer = io.BytesIO()
        sheet.quantize(colours, dither=Image.Dither.NONE).save(buffer, format="PNG", optimize=True)
        if buffer.tell() < _LARGEST:
            break
    write_atomic(path, buffer.getvalue())
