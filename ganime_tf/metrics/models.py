"""`evaluate_model`: a model and a set in, a report out; every picture of a part of the set counts.

Nothing here knows a paper's class: a model says by `evaluate_batch` what is compared, an export by
the inputs and the output of its `default` use.
"""

import copy
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from ganime_tf.metrics import (
    METRICS,
    PAIRED_DEFAULT,
    UNPAIRED_DEFAULT,
    Settings,
    check_names,
    needing,
)
from ganime_tf.metrics.evaluator import Evaluator
from ganime_tf.metrics.labels import classes_table
from ganime_tf.metrics.report import Report
from ganime_tf.progress import progress

SPLITS = ("validation", "train", "all")


def data_kind(model) -> str:
    """The kind of data that a model is scored on, one of `ganime_tf.data.KINDS`."""
    if hasattr(model, "data_kind"):
        return model.data_kind
    if _gives_classes(model):
        return "parsing"
    return "pictures" if is_sampler(model) else "paired"


def is_sampler(model) -> bool:
    """Whether a model draws pictures of seeds alone."""
    use = model.uses().get("default")
    return use is not None and use.output == "image" and use.required == ("seed",)


def _gives_classes(model) -> tuple[str, ...]:
    """The metrics by which a model of classes is measured, none where it gives no classes."""
    if hasattr(model, "default_metrics"):
        return tuple(needing(model.default_metrics(True)[0], "classes"))
    use = model.uses().get("default")
    return tuple(needing(METRICS, "classes")) if use and use.output == "classes" else ()


def metrics_for(model, aligned: bool, metrics: Sequence[str] = ()) -> tuple[str, ...]:
    """The metrics that are computed for a model: those asked for, or what fits it.

    Args:
        model: A model or an export.
        aligned: Whether the set's pictures `b` show the same as `a`.
        metrics: Names from `METRICS`.

    Raises:
        ValueError: On unknown names, or metrics of what the model does not give.
    """
    classes = _gives_classes(model)
    if not metrics:
        if classes:
            return classes
        return PAIRED_DEFAULT if aligned and not is_sampler(model) else UNPAIRED_DEFAULT
    metrics = check_names(metrics)
    for name in metrics:
        needs, title = METRICS[name].needs, getattr(model, "name", "this model")
        if (needs == "classes") != bool(classes):
            gives = "classes, no pictures" if classes else "pictures, no classes"
            fitting = ", ".join(
                n for n in METRICS if (METRICS[n].needs == "classes") == bool(classes)
            )
            raise ValueError(f"{name}: {title} gives {gives}. Metrics for it: {fitting}.")
        if needs == "paths" and not _has_paths(model):
            raise ValueError(f"{name} needs a generator of seeds with the use `from_style`.")
        if needs in ("pairs", "source") and is_sampler(model):
            raise ValueError(f"{name} compares picture by picture; samples of seeds have no truth.")
        if needs == "pairs" and not aligned:
            raise ValueError(f"{name} compares pairs, but the pictures of the set are not paired.")
    return metrics


def _has_paths(model) -> bool:
    uses = model.uses()
    drawn = uses.get("from_style")  # an export has no function of its own: its pictures are levels
    return is_sampler(model) and "style_of" in uses and drawn is not None and bool(drawn.function)


def evaluate_model(
    model,
    source,
    metrics: Sequence[str] = (),
    settings: Settings | None = None,
    *,
    split: str = "validation",
    image_size: int | None = None,
    limit: int | None = None,
    samples: int | None = None,
    first_seed: int = 0,
    truncation: float | None = None,
    keep: Callable[[str, dict], None] | None = None,
) -> Report:
    """Scores a model on every picture of a part of a set.

    Args:
        model: A `Trainable`, or an export opened again.
        source: A `Source` of the model's kind of data (`data_kind`).
        metrics: Names from `METRICS`; by default what fits the model and the set.
        settings: How they are computed.
        split: `"validation"`, `"train"` or `"all"`.
        image_size: Side that pictures are resized to; by default the model's own, else 256.
        limit: Only the first so many pictures of the set.
        samples: Pictures that a sampler draws, and paths of it; by default as many as the set has.
        first_seed: Of those pictures: they have this seed and those that follow it.
        truncation: Of those pictures; by default the model's own default.
        keep: Called with the name of every picture and what is shown of it, uint8 by column.

    Returns:
        The report; its `context` says how many pictures of how many were scored, and the seeds.

    Raises:
        ValueError: On a part without pictures, too few, or metrics that the model cannot give.
    """
    aligned = is_aligned(source, split)
    metrics = metrics_for(model, aligned, metrics)
    evaluator = Evaluator(metrics, settings, aligned=aligned)
    size = image_size or getattr(getattr(model, "config", None), "image_size", None) or 256
    total = count(source, split)
    if not total:
        raise ValueError(f"{source.title} has no {split} pictures. Choose another `split`.")
    report, seen = Report(refused=evaluator.refused), 0
    drawing = is_sampler(model)
    if evaluator.active:
        step = evaluator.settings.batch_size
        batches = _batches(source, split, step, size, limit)
        expected = -(-min(total, limit or total) // step)
        for names, batch in progress(batches, total=expected, desc="evaluate", unit="batches"):
            found = {"real": uint8(batch["b"])} if drawing else outputs(model, batch, seen)
            evaluator.update(names=names, **found)
            seen += len(names)
            if keep and not drawing:
                for row, name in enumerate(names):
                    keep(name, {key: value[row] for key, value in _shown(found, batch).items()})
        if drawing:
            samples = samples or seen
            _draw(model, evaluator, samples, first_seed, truncation)
        report = evaluator.result()
        if evaluator.confusion is not None and evaluator.confusion.any():
            report.context["classes"] = classes_table(evaluator.confusion, source.labels)
    report.context |= {"split": split, "pictures": seen, "of": total, "image_size": size}
    if drawing and evaluator.active:
        report.context |= {
            "samples": samples,
            "seeds": f"{first_seed} to {first_seed + samples - 1}",
            "truncation": _truncation(model, truncation),
        }
    return report


def outputs(model, batch: dict, first: int = 0) -> dict:
    """What an `Evaluator` is given of a batch: arrays by the names of its `update`.

    Args:
        model: A model or an export.
        batch: float32 `[-1, 1]` pictures by key, maps and labels as they are.
        first: Pictures of the set before it.

    Raises:
        ValueError: When the model has nothing that can be scored.
    """
    if hasattr(model, "evaluate_batch"):
        try:
            return model.evaluate_batch(batch, first)
        except NotImplementedError:
            raise ValueError(f"{model.name} gives no pictures that could be scored.") from None
    use = model.uses()["default"]
    if use.output == "classes":
        return {
            "truth": np.asarray(batch["parsing"]),
            "classes": model.run("default", image=uint8(batch["b"])),
        }
    if use.required != ("image",):
        raise ValueError(
            f"An export that takes {', '.join(use.required)} cannot be scored by itself: give its "
            "run directory."
        )
    a, b = uint8(batch["a"]), uint8(batch["b"])
    return {"real": b, "fake": model.translate(a), "source": a}


def uint8(pictures) -> np.ndarray:
    """float32 pictures in [-1, 1] as uint8."""
    from ganime_tf.ops.images import to_uint8

    return np.asarray(to_uint8(pictures))


def _shown(found: dict, batch: dict) -> dict:
    if "classes" not in found:
        return {key: value for key, value in found.items() if value is not None}
    from ganime_tf.ops.pictures import class_colours

    maps = {key: class_colours(np.asarray(found[key])) for key in ("classes", "truth")}
    return {"source": uint8(batch["b"]), "fake": maps["classes"], "real": maps["truth"]}


# The pictures of a set.


def count(source, split: str = "validation") -> int:
    """Pictures of a part of a set.

    Raises:
        ValueError: On an unknown part.
    """
    return sum(part.num_validation for part in _parts(source, split))


def is_aligned(source, split: str) -> bool:
    """Whether the pictures of a part of a set show the same in pairs.

    A set can have aligned pictures to validate on beside others to train on.
    """
    return source.aligned and (split == "validation" or len(source.domains) == 1)


def _parts(source, split: str) -> list:
    """Sources whose validation pictures are the part's."""
    if split not in SPLITS:
        raise ValueError(f"`split` must be one of {', '.join(SPLITS)}. Received {split!r}.")
    train = copy.copy(source)
    train.validation_domains = source.domains
    parts = {"validation": [source], "train": [train], "all": [train, source]}[split]
    return [part for part in parts if part.num_validation]


def _batches(source, split, batch_size, image_size, limit) -> Iterator[tuple[list[str], dict]]:
    left = limit
    for part in _parts(source, split):
        dataset = part.validation(batch_size=batch_size, image_size=image_size, limit=left)
        for batch in dataset:
            names = [name.decode("utf-8", "replace") for name in batch.pop("name").numpy()]
            yield names, batch
            left = left if left is None else left - len(names)
        if left == 0:
            return


def named_batches(source, split: str = "validation", *, batch_size: int = 1, image_size: int,
                  limit: int | None = None) -> Iterator[tuple[list[str], dict]]:  # fmt: skip
    """The pictures of a part of a set, in order, not augmented.

    Args:
        source: A `Source`.
        split: `"validation"`, `"train"` or `"all"`.
        batch_size: Most pictures in a batch.
        image_size: Side that pictures are resized to.
        limit: Only the first so many.

    Yields:
        Names, and float32 `[-1, 1]` pictures by key.
    """
    return _batches(source, split, batch_size, image_size, limit)


# The pictures of a generator of seeds.


def _truncation(model, given: float | None) -> float | None:
    use = model.uses()["default"]
    if "truncation" not in use.inputs:
        if given is not None:
            raise ValueError("`truncation`: this model has none.")
        return None
    return float(use.defaults.get("truncation", 1.0) if given is None else given)


def _draw(model, evaluator: Evaluator, samples: int, first: int, truncation) -> None:
    """Feeds pictures of consecutive seeds, and paths where they are measured."""
    value, size = _truncation(model, truncation), evaluator.settings.batch_size
    inputs = {} if value is None else {"truncation": value}
    pictures, paths = evaluator.needs("fake"), evaluator.needs("paths")
    for start in progress(range(0, samples, size), desc="draw", unit="batches"):
        seeds = first + np.arange(start, min(start + size, samples))
        if pictures:
            evaluator.update(fake=model.run("default", seed=seeds, **inputs))
        if paths:
            evaluator.update(paths=short_paths(model, seeds))


def short_paths(model, seeds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pictures of seeds, and of latents a short way towards other seeds.

    Args:
        model: A sampler with the uses `style_of` and `from_style`.
        seeds: int64 `(N,)`; seed s goes towards seed s + 2^31. Truncation is 1: the whole space.

    Returns:
        Two float32 `(N, H, W, 3)`, about in [-1, 1], not rounded to levels.
    """
    from ganime_tf.metrics.paths import EPSILON

    here, there = (model.run("style_of", seed=s) for s in (seeds, seeds + 2**31))
    draw, one = model.uses()["from_style"].function, np.float32(1)
    further = here + np.float32(EPSILON) * (there - here)
    return tuple(
        np.asarray(draw(style=style, truncation=one), np.float32) for style in (here, further)
    )
