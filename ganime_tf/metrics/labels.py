"""Metrics of class numbers: segmentation maps and classifiers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ganime_tf.metrics import folders
from ganime_tf.metrics.report import Report, Score
from ganime_tf.progress import progress


def confusion_matrix(real, predicted, num_classes: int, *, ignore: int | None = None) -> np.ndarray:
    """Counts pixels by true class (row) and predicted class (column).

    Args:
        real: Class numbers, integer, any shape.
        predicted: The same shape.
        num_classes: Number of classes, background included.
        ignore: True class number to leave out.

    Returns:
        int64 `(num_classes, num_classes)`; matrices of several pictures add up.

    Raises:
        ValueError: On unequal shapes or class numbers outside the range.
    """
    real, predicted = np.asarray(real), np.asarray(predicted)
    if real.shape != predicted.shape:
        raise ValueError(f"Label maps differ in shape: {real.shape} and {predicted.shape}.")
    if ignore is not None:
        kept = real != ignore
        real, predicted = real[kept], predicted[kept]
    for name, labels in (("real", real), ("predicted", predicted)):
        if labels.size and not 0 <= labels.min() <= labels.max() < num_classes:
            raise ValueError(
                f"`{name}` holds class numbers {labels.min()} to {labels.max()}; expected 0 to "
                f"{num_classes - 1}."
            )
    index = real.astype(np.int64).ravel() * num_classes + predicted.astype(np.int64).ravel()
    return np.bincount(index, minlength=num_classes**2).reshape(num_classes, num_classes)


@dataclass(frozen=True)
class SegmentationScores:
    """Scores of one confusion matrix over a whole test set (StyleAnime, Table 1).

    Attributes:
        pixel_accuracy: Correct pixels / all pixels.
        miou: Mean of TP / (TP + FP + FN) over the classes that occur in either map.
        class_accuracy: TP / (TP + FN) by class, NaN where the class never occurs.
        class_iou: Intersection over union by class, NaN where it occurs in neither map.
    """

    pixel_accuracy: float
    miou: float
    class_accuracy: np.ndarray
    class_iou: np.ndarray


def segmentation_scores(matrix: np.ndarray) -> SegmentationScores:
    """Scores a confusion matrix.

    Args:
        matrix: From `confusion_matrix`, summed over the test set. Averaging scores of single
            pictures gives other numbers.

    Raises:
        ValueError: When the matrix counts no pixel.
    """
    matrix = np.asarray(matrix, np.float64)
    if matrix.sum() == 0:
        raise ValueError("The confusion matrix counts no pixel.")
    correct, real, predicted = np.diag(matrix), matrix.sum(1), matrix.sum(0)
    with np.errstate(invalid="ignore"):
        recall, iou = correct / real, correct / (real + predicted - correct)
    accuracy = float(correct.sum() / matrix.sum())
    return SegmentationScores(accuracy, float(np.nanmean(iou)), recall, iou)


def accuracy_of(matrix: np.ndarray) -> float:
    """Pixel accuracy of a confusion matrix."""
    return segmentation_scores(matrix).pixel_accuracy


def miou_of(matrix: np.ndarray) -> float:
    """Mean intersection over union of a confusion matrix."""
    return segmentation_scores(matrix).miou


def evaluate_labels(
    real: str | Path,
    fake: str | Path,
    num_classes: int,
    *,
    ignore: int | None = None,
    unmatched: str = "error",
    suffixes: Mapping[str, str] | None = None,
) -> Report:
    """Scores a folder of predicted label maps against true ones, matched by name.

    Args:
        real: Folder of true maps, single-channel pictures of class numbers.
        fake: Folder of predicted maps.
        num_classes: Number of classes, background included.
        ignore: True class number to leave out.
        unmatched: `"error"` or `"skip"`.
        suffixes: Ends of the names of `"real"` and `"fake"`, see `evaluate_folders`.

    Returns:
        A report with `pixel_accuracy` and `miou` over one confusion matrix, and pixel accuracy by
        picture; accuracy and IoU by class are in `Report.context["classes"]`.

    Raises:
        FileNotFoundError: When a folder is missing.
        ValueError: On unmatched names, unequal sizes, other class numbers.
    """
    ends = dict(suffixes or {})
    reals = folders.list_pictures(real, ends.get("real", ""))
    fakes = folders.list_pictures(fake, ends.get("fake", ""))
    folders.check_different(reals, fakes)
    names = folders.match_pictures(reals, fakes, unmatched=unmatched)
    total = np.zeros((num_classes, num_classes), np.int64)
    accuracy, sizes = [], set()
    for name in progress(names, desc="labels", unit="maps"):
        truth, predicted = folders.read_labels(reals[name]), folders.read_labels(fakes[name])
        try:
            matrix = confusion_matrix(truth, predicted, num_classes, ignore=ignore)
        except ValueError as error:
            raise ValueError(f"{reals[name]} (real), {fakes[name]}: {error}") from error
        sizes.add(truth.shape)
        accuracy.append(np.trace(matrix) / matrix.sum() if matrix.sum() else np.nan)
        total += matrix
    scores = segmentation_scores(total)
    present = int((~np.isnan(scores.class_iou)).sum())
    words = f"one confusion matrix, {num_classes} classes"
    n = len(names)
    return Report(
        scores={
            "pixel_accuracy": Score("pixel_accuracy", scores.pixel_accuracy, n, words, "higher"),
            "miou": Score(
                "miou", scores.miou, n, f"{words}, mean over the {present} that occur", "higher"
            ),
        },
        names=names,
        per_picture={"pixel_accuracy": np.array(accuracy)},
        resolution="{}x{}".format(*min(sizes)) if len(sizes) == 1 else "mixed",
        context={
            "real": str(real),
            "fake": str(fake),
            "classes": classes_table(total),
        },
    )


def classes_table(matrix: np.ndarray, names=()) -> list[dict]:
    """Accuracy and IoU of every class, ready for JSON.

    Args:
        matrix: From `confusion_matrix`.
        names: Of the classes; with them, as many rows as names.
    """
    scores = segmentation_scores(matrix)
    rows = []
    for i, (a, u) in enumerate(zip(scores.class_accuracy, scores.class_iou, strict=True)):
        rows.append({"class": i, "accuracy": _plain(a), "iou": _plain(u)})
        if i < len(names):
            rows[-1]["name"] = names[i]
    return rows[: len(names)] if len(names) else rows


def read_shown(path: str | Path) -> np.ndarray:
    """Reads a label map in colours, uint8 `(H, W, 3)`."""
    from ganime_tf.ops.pictures import class_colours

    return class_colours(folders.read_labels(path))


def _plain(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def classifier_accuracy(
    classify: Callable[[np.ndarray], np.ndarray],
    images,
    labels,
    *,
    top: int = 1,
    batch_size: int = 32,
) -> float:
    """Share of generated pictures that a classifier puts into the class they were made for.

    The measure of Table 3 of the disentangling paper (86.65 % by a classifier trained on real
    pictures alone, 14.37 % by the adversarial one): high is necessary, not sufficient, so say
    which classifier was used.

    Args:
        classify: uint8 `(N, H, W, 3)` -> scores `(N, classes)`.
        images: uint8 `(N, H, W, 3)`.
        labels: Class numbers, integer `(N,)`.
        top: A picture counts when its class is among the `top` highest scores.
        batch_size: Pictures classified at once.

    Returns:
        Accuracy in [0, 1].

    Raises:
        ValueError: On no or unequal numbers of pictures and labels, or scores of a wrong shape.

    Reference: Xiang and Li, 2019, arXiv:1905.10742, appendix B.2.
    """
    images, labels = np.asarray(images), np.asarray(labels)
    if len(images) != len(labels) or not len(images):
        raise ValueError(f"Expected one label a picture. Received {len(images)}, {len(labels)}.")
    hits = 0
    for start in range(0, len(images), batch_size):
        batch = slice(start, start + batch_size)
        scores = np.asarray(classify(images[batch]))
        if scores.ndim != 2 or len(scores) != len(images[batch]):
            raise ValueError(f"`classify` must return (N, classes). Received {scores.shape}.")
        chosen = np.argsort(-scores, axis=1, kind="stable")[:, :top]
        hits += int((chosen == labels[batch, None]).any(1).sum())
    return hits / len(images)
