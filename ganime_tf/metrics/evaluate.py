"""`evaluate_folders`: two folders of pictures in, a report out."""

import contextlib
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from ganime_tf.data.io import read_image
from ganime_tf.metrics import METRICS, PAIRED_DEFAULT, Settings, check_names, folders
from ganime_tf.metrics.evaluator import Evaluator
from ganime_tf.metrics.frechet import load_statistics
from ganime_tf.metrics.report import Report
from ganime_tf.progress import progress

logger = logging.getLogger(__name__)


def evaluate_folders(
    real: str | Path | None,
    fake: str | Path,
    metrics: Sequence[str] = PAIRED_DEFAULT,
    paired: bool = True,
    *,
    source: str | Path | None = None,
    unmatched: str = "error",
    suffixes: Mapping[str, str] | None = None,
    cache: bool = True,
    settings: Settings | None = None,
    **overrides,
) -> Report:
    """Scores a folder of generated pictures against a folder of real ones.

    Args:
        real: Folder of real pictures, or for `fid_*` a statistics file (`.npz` with `mu` and
            `sigma`). `None` when no metric compares with real pictures.
        fake: Folder of generated pictures.
        metrics: Names from `ganime_tf.metrics.METRICS`.
        paired: Whether real and fake pictures show the same scenes, matched by file name without
            suffix. Paired metrics need it; set metrics then use the matched pictures.
        source: Folder with the inputs of the translation, matched to `fake` by name, for LPIPS-s.
        unmatched: `"error"` refuses names without a partner, `"skip"` leaves them out.
        suffixes: Ends of the names of `"real"`, `"fake"` and `"source"`, such as
            `{"real": "_real_B", "fake": "_fake_B"}`: of a folder only pictures whose names end so
            count, and names are compared without it.
        cache: Whether Fréchet statistics of the real folder are kept in the cache, by the hash of
            its content and the protocol.
        settings: How metrics are computed; defaults to `Settings()`. Statistics of the real folder
            are not taken from the cache where every picture's features are needed.
        **overrides: Fields of the settings to replace.

    Returns:
        The report. Metrics whose pretrained files are missing are in `Report.refused`.

    Raises:
        FileNotFoundError: When a folder is missing.
        ValueError: On empty folders, real and fake being the same, unmatched names (listed), pairs
            of unequal size (named), unknown metrics, too few pictures.

    Pictures that are too small for a metric are left out, and named in `Report.left_out`.
    """
    metrics, ends = check_names(metrics), {"real": "", "fake": "", "source": "", **(suffixes or {})}
    statistics_file = real is not None and Path(real).suffix == ".npz"
    _check_request(metrics, paired and not statistics_file, real, source, statistics_file)
    same = real is not None and Path(real).resolve() == Path(fake).resolve()
    if same and ends["real"] == ends["fake"]:
        raise ValueError(f"Real and fake are the same folder, {fake}: nothing to measure.")
    evaluator = Evaluator(metrics, settings, **overrides)
    batch_size, seed = evaluator.settings.batch_size, evaluator.settings.seed
    statistics = load_statistics(real) if statistics_file else None
    fakes = folders.list_pictures(fake, ends["fake"])
    reals = {} if real is None or statistics_file else folders.list_pictures(real, ends["real"])
    sources = {} if source is None else folders.list_pictures(source, ends["source"])
    folders.check_different(reals, fakes)
    context = {"real": str(real), "fake": str(fake), "seed": seed}
    pair_reals = paired and bool(reals)
    if pair_reals:
        names = folders.match_pictures(reals, fakes, unmatched=unmatched)
        fakes, reals = {n: fakes[n] for n in names}, {n: reals[n] for n in names}
    if sources:
        names = folders.match_pictures(sources, fakes, unmatched=unmatched)
        fakes = {n: fakes[n] for n in names}
        reals = {n: reals[n] for n in names} if pair_reals else reals
        sources, context["source"] = {n: sources[n] for n in names}, str(source)
    fakes, left_out = _large_enough(fakes, evaluator)
    if pair_reals:
        reals = {n: reals[n] for n in fakes}
    sources = {n: sources[n] for n in fakes} if sources else {}
    if evaluator.active:
        if statistics_file:
            _use_statistics_file(evaluator, Path(real), statistics)
        elif reals:
            context["real_hash"] = folders.content_hash(reals)
            hits = _use_cache(evaluator, context["real_hash"]) if cache else set()
            if not pair_reals:
                _feed_real(evaluator, reals, batch_size)
            _feed_fake(evaluator, fakes, reals if pair_reals else {}, sources, batch_size)
            if cache:
                _fill_cache(evaluator, context["real_hash"], hits)
        if statistics_file or not reals:
            _feed_fake(evaluator, fakes, {}, sources, batch_size)
        report = evaluator.result()
    else:
        report = Report(refused=evaluator.refused)
    report.context |= context
    report.left_out = left_out
    return report


def _large_enough(fakes: dict[str, Path], evaluator: Evaluator) -> tuple[dict, dict[str, str]]:
    """The fakes that every metric can see, and why not of the others."""
    least = {name: METRICS[name].min_size for name in evaluator.active}
    name = max(least, key=least.get, default=None)
    if name is None or least[name] == 1:
        return fakes, {}
    kept, left_out = {}, {}
    for key, path in fakes.items():
        with contextlib.suppress(OSError, ValueError):  # reading it says what is wrong
            with Image.open(path) as image:
                width, height = image.size
            if min(width, height) < least[name]:
                reason = f"{width}x{height} pixels, and {name} needs {least[name]} a side"
                left_out[key] = reason
                logger.warning("Left out %s: %s.", path, reason)
                continue
        kept[key] = path
    if not kept:
        raise ValueError(
            f"All {len(fakes)} pictures are too small: {name} needs {least[name]} pixels a side."
        )
    return kept, left_out


def _check_request(metrics, paired, real, source, statistics_file) -> None:
    for name in metrics:
        metric = METRICS[name]
        if metric.needs == "classes":
            raise ValueError(f"{name} compares label maps: use `evaluate_labels`.")
        if metric.needs == "pairs" and not paired:
            raise ValueError(
                f"{name} compares picture by picture: it needs `paired=True` (--paired) and a "
                "folder of real pictures with the names of the fakes."
            )
        if metric.needs == "source" and source is None:
            raise ValueError(f"{name} needs `source` (--source), the inputs of the translation.")
        if real is None and metric.needs in ("pairs", "sets"):
            raise ValueError(f"{name} needs `real` (--real), a folder of real pictures.")
        if statistics_file and metric.needs == "sets" and not metric.from_statistics:
            raise ValueError(f"{name} needs real pictures; {real} holds only mean and covariance.")


def _read_all(names, sets, desc) -> Iterator[tuple[str, tuple[np.ndarray, ...]]]:
    for name in progress(names, desc=desc, unit="pictures"):
        pictures = tuple(read_image(paths[name]) for paths in sets)
        if len({picture.shape for picture in pictures}) > 1:
            sizes = ", ".join(
                f"{paths[name]} is {picture.shape[1]}x{picture.shape[0]}"
                for paths, picture in zip(sets, pictures, strict=True)
            )
            raise ValueError(f"Pictures of a pair must have one size: {sizes}. Resize one set.")
        yield name, pictures


def _feed_real(evaluator: Evaluator, reals: dict[str, Path], batch_size: int) -> None:
    if all(bank.fixed("real") for bank in evaluator.feature_banks().values()):
        return
    pictures = _read_all(list(reals), [reals], "real")
    for _, (images,) in folders.batches(pictures, batch_size):
        evaluator.update(real=images)


def _feed_fake(evaluator, fakes, reals, sources, batch_size) -> None:
    keys = ["fake"] + ["real"] * bool(reals) + ["source"] * bool(sources)
    sets = [fakes] + [reals] * bool(reals) + [sources] * bool(sources)
    for names, arrays in folders.batches(_read_all(list(fakes), sets, "fake"), batch_size):
        evaluator.update(names=names, **dict(zip(keys, arrays, strict=True)))


def _use_statistics_file(evaluator: Evaluator, path: Path, statistics) -> None:
    for protocol, bank in evaluator.feature_banks().items():
        if statistics.dim != bank.dim:
            raise ValueError(
                f"{path} holds {statistics.dim} features; protocol {protocol!r} has {bank.dim}."
            )
        evaluator.set_real_statistics(protocol, statistics)


def _cache_path(protocol: str, bank, content: str) -> Path:
    from ganime_tf.weights import cache_dir

    return cache_dir() / "statistics" / f"{content[:32]}-{protocol}-{bank.fingerprint}.npz"


def _use_cache(evaluator: Evaluator, content: str) -> set[str]:
    hits = set()
    for protocol, bank in evaluator.feature_banks().items():
        path = _cache_path(protocol, bank, content)
        if path.is_file() and not bank.keep_rows:
            try:
                evaluator.set_real_statistics(protocol, load_statistics(path))
                hits.add(protocol)
            except ValueError as error:
                logger.warning("computing the real set's statistics again: %s", error)
    return hits


def _fill_cache(evaluator: Evaluator, content: str, hits: set[str]) -> None:
    from ganime_tf.metrics.frechet import save_statistics

    for protocol, bank in evaluator.feature_banks().items():
        statistics = bank.statistics["real"]
        if protocol not in hits and statistics.count >= 2:
            save_statistics(_cache_path(protocol, bank, content), statistics)


def folder_statistics(
    folder: str | Path, protocol: str = "clean", *, batch_size: int = 32, precision: str = "float32"
):
    """Fréchet statistics of a folder, to keep with `frechet.save_statistics`.

    Args:
        folder: Folder of pictures, at least 2.
        protocol: `"pytorch"`, `"tf"` or `"clean"`, optionally with `_64`, `_192`, `_768`.
        batch_size: Pictures that go through the network at once.
        precision: `"float32"` or `"bfloat16"`.

    Returns:
        A `FeatureStatistics`.

    Raises:
        MissingWeightsError: When the network's weights are nowhere.
    """
    from ganime_tf.metrics.features import load_extractor
    from ganime_tf.metrics.frechet import FeatureStatistics

    extractor = load_extractor(protocol, precision)
    statistics = FeatureStatistics(extractor.dim)
    pictures = folders.list_pictures(folder)
    for _, (images,) in folders.batches(_read_all(list(pictures), [pictures], "read"), batch_size):
        statistics.update(extractor(images))
    return statistics


def evaluate_samples(
    samples: Iterable[tuple[str, dict[str, np.ndarray]]],
    metrics: Sequence[str],
    settings: Settings | None = None,
    **options,
) -> Report:
    """Scores pictures from any source, for instance a model's outputs.

    Args:
        samples: Name and pictures of each: `"fake"`, and as the metrics need `"real"` (the truth of
            that fake, or any real picture) and `"source"`, uint8 `(H, W, 3)`.
        metrics: Names from `METRICS`.
        settings: How they are computed.
        **options: Further arguments of `Evaluator`.

    Returns:
        The report.

    Raises:
        ValueError: When there is no sample, or as `Evaluator` raises.
    """
    return score_samples(Evaluator(metrics, settings, **options), samples)


def score_samples(
    evaluator: Evaluator, samples: Iterable[tuple[str, dict[str, np.ndarray]]]
) -> Report:
    """`evaluate_samples` with an evaluator at hand."""
    if not evaluator.active:
        return Report(refused=evaluator.refused)
    keys: tuple[str, ...] = ()

    def members():
        nonlocal keys
        for name, pictures in samples:
            keys = tuple(pictures)
            yield name, tuple(pictures.values())

    for names, arrays in folders.batches(members(), evaluator.settings.batch_size):
        evaluator.update(names=names, **dict(zip(keys, arrays, strict=True)))
    return evaluator.result()
