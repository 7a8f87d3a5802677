"""Metrics of two sets of pictures, computed from their features."""

from ganime_tf.metrics import METRICS, Settings
from ganime_tf.metrics.features import FeatureBank
from ganime_tf.metrics.frechet import distance_between
from ganime_tf.metrics.intervals import frechet_interval, kid_interval
from ganime_tf.metrics.kernel import kid as kernel_distance
from ganime_tf.metrics.neighbours import precision_recall as neighbourhoods
from ganime_tf.metrics.report import Score


def set_scores(name: str, bank: FeatureBank, settings: Settings) -> list[Score]:
    """Scores of a set metric, one for each of its values.

    Args:
        name: A set metric's name.
        bank: Features of both sets.
        settings: Seed, KID's subsets, resamples.

    Raises:
        ValueError: On fewer pictures than the metric needs; says how many.
    """
    least = METRICS[name].least
    for side, statistics in bank.statistics.items():
        if statistics.count < least and not bank.fixed(side):
            raise ValueError(
                f"{name} needs at least {least} {side} pictures. Received {statistics.count}."
            )
    return METRICS[name].load()(name, bank, settings)


def fid(name: str, bank: FeatureBank, settings: Settings) -> list[Score]:
    """Fréchet distance, with a note where there are fewer pictures than features."""
    return _frechet(name, bank, settings, _bias_note(bank))


def smoke_distance(name: str, bank: FeatureBank, settings: Settings) -> list[Score]:
    """Fréchet distance of features that judge nothing: it compares with nothing."""
    return _frechet(name, bank, settings, "")


def _bias_note(bank: FeatureBank) -> str:
    real, fake = (bank.statistics[side].count for side in ("real", "fake"))
    if min(real or fake, fake) >= bank.dim:
        return ""
    return (
        f"fewer pictures ({real or 'unknown'} real, {fake} fake) than features ({bank.dim}): "
        "biased upwards, compare at equal numbers only; prefer KID"
    )


def _frechet(name: str, bank: FeatureBank, settings: Settings, bias: str) -> list[Score]:
    value = distance_between(bank.statistics["real"], bank.statistics["fake"])
    counts = {side: statistics.count for side, statistics in bank.statistics.items()}
    notes = [note for note in (bank.extractor.note, bias) if note]
    interval = None
    if settings.set_resamples:
        rows = bank.rows("real")
        interval = frechet_interval(
            rows if len(rows) else bank.statistics["real"],
            bank.rows("fake"),
            value,
            resamples=settings.set_resamples,
            seed=settings.seed,
        )
        if interval and not len(rows):
            notes.append("interval: the real set is taken as free of error")
    low, high = interval or (None, None)
    words = f"{bank.extractor.protocol}, {counts['real'] or 'unknown'} real"
    better, note = METRICS[name].better, "; ".join(notes)
    return [Score(name, value, counts["fake"], words, better, low=low, high=high, note=note)]


def kid(name: str, bank: FeatureBank, settings: Settings) -> list[Score]:
    """Kernel distance over random subsets."""
    real, fake = bank.rows("real"), bank.rows("fake")
    size = min(settings.kid_subset_size, len(real), len(fake))
    mean, std = kernel_distance(
        real, fake, subsets=settings.kid_subsets, subset_size=size, seed=settings.seed
    )
    words = f"{settings.kid_subsets} subsets of {size}, seed {settings.seed}, "
    words += bank.extractor.protocol
    note = f"std is over subsets; {len(real)} real pictures"
    interval = None
    if settings.set_resamples:
        interval = kid_interval(
            real, fake, mean, resamples=settings.set_resamples, seed=settings.seed
        )
    low, high = interval or (None, None)
    return [Score(name, mean, len(fake), words, METRICS[name].better, std, low, high, note)]


def precision_recall(name: str, bank: FeatureBank, settings: Settings) -> list[Score]:
    """Share of fakes near real pictures, and of real pictures near fakes."""
    metric, count = METRICS[name], bank.statistics["fake"].count
    words, note = f"{metric.protocol}, {bank.extractor.protocol}", bank.extractor.note
    found = neighbourhoods(bank.rows("real"), bank.rows("fake"))
    return [
        Score(value_name, value, count, words, metric.better, note=note)
        for value_name, value in zip(metric.values, found, strict=True)
    ]
