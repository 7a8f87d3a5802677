"""Pictures in, numbers out. Nothing here knows a model: any method is scored by the same code.

`METRICS` is the only place where a metric's name is born, and all that anyone asks of a name is in
its entry. Importing this imports no TensorFlow; networks are built, and their weights looked for,
when a metric that needs them is asked for.
"""

import dataclasses
import difflib
import importlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal

from ganime_tf.metrics.settings import Settings

if TYPE_CHECKING:
    from ganime_tf.metrics.colour import ciede2000
    from ganime_tf.metrics.evaluate import evaluate_folders, evaluate_samples, folder_statistics
    from ganime_tf.metrics.evaluator import Evaluator
    from ganime_tf.metrics.frechet import (
        FeatureStatistics,
        frechet_distance,
        frechet_distance_of_features,
        load_statistics,
        save_statistics,
    )
    from ganime_tf.metrics.kernel import kid
    from ganime_tf.metrics.labels import (
        classifier_accuracy,
        confusion_matrix,
        evaluate_labels,
        segmentation_scores,
    )
    from ganime_tf.metrics.lpips import LPIPS, load_lpips
    from ganime_tf.metrics.models import evaluate_model
    from ganime_tf.metrics.neighbours import precision_recall
    from ganime_tf.metrics.report import Report, Score
    from ganime_tf.metrics.similarity import l1, ms_ssim, psnr, ssim

Needs = Literal["pairs", "source", "fakes", "sets", "classes", "paths"]


@dataclasses.dataclass(frozen=True)
class Metric:
    """What is known of a metric before anything is computed.

    Attributes:
        needs: What it looks at: `pairs` (fakes and the truth of each), `source` (fakes and the
            input of each), `fakes` alone, `sets` (real pictures and fakes, any numbers of them),
            `classes` (true and found class of every pixel), or `paths` (two pictures of a generator
            at latents close to each other).
        better: `"higher"` or `"lower"`.
        protocol: How it is computed, in words.
        made: `module:function` in this package. Of pairs and sources, and of fakes: uint8 batches
            to one value a picture (with `network`: the function that loads such a function). Of
            sets: `(bank, settings)` to results. Of classes: a confusion matrix to a value. Of
            paths: as of pairs, float batches.
        network: The network it looks through, as `made` names it; none when empty.
        values: Names of the numbers that it gives, where that is not its own name.
        least: Fewest pictures of a set.
        min_size: Fewest pixels of a side.
        each: Whether it has a value a picture too, where it is no mean over pictures.
        wants_file: Whether a pretrained file is needed.
        from_statistics: Whether mean and covariance can stand for the real pictures.
        keeps_rows: Whether every picture's features are needed, not only their mean and covariance.
    """

    needs: Needs
    better: Literal["higher", "lower"]
    protocol: str
    made: str
    network: str = ""
    values: tuple[str, ...] = ()
    least: int = 1
    min_size: int = 1
    each: bool = False
    wants_file: bool = False
    from_statistics: bool = False
    keeps_rows: bool = False

    @property
    def by_picture(self) -> bool:
        """Whether it has a value a picture, which files and sheets of the worst show."""
        return self.each or self.needs in ("pairs", "source")

    def load(self):
        """The function that `made` names."""
        module, _, name = self.made.partition(":")
        return getattr(importlib.import_module(f"{__name__}.{module}"), name)


_WINDOW = "Gaussian 11x11, sigma 1.5, full windows, RGB mean"


def _pairs(better, protocol, made, min_size=1) -> Metric:
    return Metric("pairs", better, protocol, made, min_size=min_size)


def _lpips(needs, network, min_size) -> Metric:
    better = "higher" if needs == "fakes" else "lower"
    words = {
        "pairs": "LPIPS v0.1, mean over pictures",
        "source": "LPIPS v0.1 between input and translation",
        "fakes": "LPIPS v0.1 over random disjoint pairs of fakes",
    }[needs]
    made = "lpips:load_lpips"
    return Metric(needs, better, words, made, network, min_size=min_size, wants_file=True)


def _fid(network) -> Metric:
    return Metric("sets", "lower", "Fréchet distance", "sets:fid", network,
                  least=2, wants_file=True, from_statistics=True)  # fmt: skip


def _kid(network) -> Metric:
    return Metric("sets", "lower", "kernel distance", "sets:kid", network,
                  least=2, wants_file=True, keeps_rows=True)  # fmt: skip


def _precision_recall(network, *values) -> Metric:
    return Metric("sets", "higher", "k = 3", "sets:precision_recall", network, values,
                  least=4, wants_file=True, keeps_rows=True)  # fmt: skip


METRICS: dict[str, Metric] = {
    "ssim": _pairs("higher", f"{_WINDOW} (= tf.image.ssim)", "similarity:ssim", 11),
    "ms_ssim": _pairs("higher", f"5 scales, {_WINDOW}", "similarity:ms_ssim", 161),
    "psnr": _pairs("higher", "10 log10(255^2 / MSE), dB, mean over pictures", "similarity:psnr"),
    "l1": _pairs("lower", "mean |a - b|, values in [0, 1]", "similarity:l1"),
    "ciede2000": _pairs("lower", "CIEDE2000, sRGB D65, mean over pixels", "colour:ciede2000"),
    "lpips_alex": _lpips("pairs", "alex", 31),
    "lpips_squeeze": _lpips("pairs", "squeeze", 25),
    "lpips_vgg": _lpips("pairs", "vgg", 16),
    "lpips_s_alex": _lpips("source", "alex", 31),
    "lpips_s_squeeze": _lpips("source", "squeeze", 25),
    "lpips_s_vgg": _lpips("source", "vgg", 16),
    "lpips_d_alex": _lpips("fakes", "alex", 31),
    "lpips_d_squeeze": _lpips("fakes", "squeeze", 25),
    "lpips_d_vgg": _lpips("fakes", "vgg", 16),
    "fid_pytorch": _fid("pytorch"),
    "fid_tf": _fid("tf"),
    "fid_clean": _fid("clean"),
    "fid_pytorch_64": _fid("pytorch_64"),
    "fid_pytorch_192": _fid("pytorch_192"),
    "fid_pytorch_768": _fid("pytorch_768"),
    "fid_tf_64": _fid("tf_64"),
    "fid_tf_192": _fid("tf_192"),
    "fid_tf_768": _fid("tf_768"),
    "fid_clean_64": _fid("clean_64"),
    "fid_clean_192": _fid("clean_192"),
    "fid_clean_768": _fid("clean_768"),
    "fid_ganime": _fid("ganime"),
    "kid_pytorch": _kid("pytorch"),
    "kid_tf": _kid("tf"),
    "kid_clean": _kid("clean"),
    "precision_recall_pytorch": _precision_recall(
        "pytorch", "precision_pytorch", "recall_pytorch"
    ),
    "precision_recall_tf": _precision_recall("tf", "precision_tf", "recall_tf"),
    "precision_recall_clean": _precision_recall("clean", "precision_clean", "recall_clean"),
    "fd_random": Metric(
        "sets", "lower", "Fréchet distance", "sets:smoke_distance", "random", least=2
    ),
    "pixel_accuracy": Metric(
        "classes", "higher", "of all pixels together", "labels:accuracy_of", each=True
    ),
    "miou": Metric("classes", "higher", "of all pixels together", "labels:miou_of"),
    "ppl2_wend": Metric(
        "paths", "lower", "LPIPS / 1e-8 over 1e-4 of paths in W, at their ends, mean of 1 to 99 %",
        "paths:path_length", "vgg", least=2, min_size=16, wants_file=True,
    ),
}  # fmt: skip

PAIRED_DEFAULT = ("ssim", "psnr", "l1")
"""What is measured where nothing is asked for and every fake has a truth."""
UNPAIRED_DEFAULT = ("fid_clean", "kid_clean")
"""The same where fakes and real pictures are two sets."""


def check_names(metrics: Sequence[str], known: Iterable[str] = METRICS) -> tuple[str, ...]:
    """Checks metric names and drops repetitions.

    Raises:
        ValueError: On none or an unknown one; suggests the closest.
    """
    if isinstance(metrics, str):
        raise ValueError(f"`metrics` must be a list of names. Received the text {metrics!r}.")
    for name in metrics:
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise ValueError(f"There is no metric {name!r}.{hint} Known: {', '.join(known)}.")
    if not metrics:
        raise ValueError(f"Name at least one metric of: {', '.join(known)}.")
    return tuple(dict.fromkeys(metrics))


def needing(metrics: Iterable[str], *needs: Needs) -> list[str]:
    """Those of the metrics that look at one of these."""
    return [name for name in metrics if METRICS[name].needs in needs]


def value_names(metrics: Iterable[str] = METRICS) -> dict[str, str]:
    """`{name of a number: "higher" or "lower"}` of everything that these metrics give."""
    return {
        value: METRICS[name].better for name in metrics for value in METRICS[name].values or (name,)
    }


def overview() -> str:
    """All names by what they look at, for a person."""
    titles = {
        "pairs": "Pairs (--paired, or a model on aligned data)",
        "source": "With the inputs (--source, or a model's own)",
        "fakes": "Of the fakes alone",
        "sets": "Two sets",
        "classes": "Label maps",
        "paths": "Of a generator of seeds",
    }
    found = {title: needing(METRICS, needs) for needs, title in titles.items()}
    return " ".join(f"{title}: {' '.join(names)}." for title, names in found.items())


_EXPORTS = {
    "Evaluator": "evaluator",
    "FeatureStatistics": "frechet",
    "LPIPS": "lpips",
    "Report": "report",
    "Score": "report",
    "ciede2000": "colour",
    "classifier_accuracy": "labels",
    "confusion_matrix": "labels",
    "evaluate_folders": "evaluate",
    "evaluate_labels": "labels",
    "evaluate_model": "models",
    "evaluate_samples": "evaluate",
    "folder_statistics": "evaluate",
    "frechet_distance": "frechet",
    "frechet_distance_of_features": "frechet",
    "kid": "kernel",
    "l1": "similarity",
    "load_lpips": "lpips",
    "load_statistics": "frechet",
    "ms_ssim": "similarity",
    "precision_recall": "neighbours",
    "psnr": "similarity",
    "save_statistics": "frechet",
    "segmentation_scores": "labels",
    "ssim": "similarity",
}


def __getattr__(name: str):
    if name in _EXPORTS:
        return getattr(importlib.import_module(f"{__name__}.{_EXPORTS[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = ["METRICS", "PAIRED_DEFAULT", "UNPAIRED_DEFAULT", "Metric", "Settings", "check_names",
           "needing", "value_names", "Evaluator", "FeatureStatistics", "LPIPS", "Report", "Score",
           "ciede2000", "classifier_accuracy", "confusion_matrix", "evaluate_folders",
           "evaluate_labels", "evaluate_model", "evaluate_samples", "folder_statistics",
           "frechet_distance", "frechet_distance_of_features", "kid", "l1", "load_lpips",
           "load_statistics", "ms_ssim", "precision_recall", "psnr", "save_statistics",
           "segmentation_scores", "ssim"]  # fmt: skip
