"""Feature protocols: pictures to feature vectors, and the set metrics computed from them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ganime_tf.metrics import resizing
from ganime_tf.metrics.frechet import FeatureStatistics, distance_between
from ganime_tf.metrics.intervals import frechet_interval, kid_interval
from ganime_tf.metrics.kid import kid
from ganime_tf.metrics.neighbours import precision_recall
from ganime_tf.metrics.report import Score

_GRAPH = "2015 Inception graph"
_RESIZE: dict[str, tuple[Callable, Callable, str]] = {  # protocol: resize, scale, words
    "pytorch": (
        resizing.bilinear,
        lambda x: x / 127.5 - 1.0,
        "bilinear 299 without antialias (= pytorch-fid)",
    ),
    "tf": (
        resizing.legacy_bilinear,
        lambda x: (x - 128.0) / 128.0,
        "TF1 bilinear 299 (= TTUR, torch-fidelity)",
    ),
    "clean": (
        resizing.pil_bicubic,
        lambda x: (x - 128.0) / 128.0,
        "bicubic 299 with antialias (= clean-fid)",
    ),
}


@dataclass
class Extractor:
    """A network of a feature protocol.

    Attributes:
        function: uint8 `(N, H, W, 3)` -> float32 `(N, dim)`.
        dim: Length of a feature vector.
        protocol: The protocol in words.
        fingerprint: Short hash of weights and precision.
        note: What a reader must know.
    """

    function: Callable[[np.ndarray], np.ndarray]
    dim: int
    protocol: str
    fingerprint: str
    note: str = ""

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Extracts the features of a batch."""
        return np.asarray(self.function(images), np.float32)


@lru_cache(maxsize=4)
def load_extractor(protocol: str, precision: str = "float32") -> Extractor:
    """Builds the network of a protocol and loads its weights; kept for further calls.

    Args:
        protocol: `"pytorch"`, `"tf"` or `"clean"`, optionally with `_64`, `_192` or `_768` for an
            earlier layer; `"ganime"`; `"fd_random"`.
        precision: `"float32"` or `"bfloat16"` (the 2015 graph only).

    Raises:
        MissingWeightsError: When the weights are nowhere; names the file.
        ValueError: On an unknown protocol or precision.
    """
    from ganime_tf.metrics import inception, inception_weights
    from ganime_tf.weights import file_digest, find_weights

    if precision not in ("float32", "bfloat16"):
        raise ValueError(f'`precision` must be "float32" or "bfloat16". Received {precision!r}.')
    if protocol == "fd_random":
        return Extractor(
            inception.random_features,
            inception.RANDOM_DIM,
            "random convolutions of fixed seed, NOT FID",
            "seed0",
            "a smoke test of the pipeline; says little about quality and compares with nothing",
        )
    if protocol == "ganime":
        path = find_weights("inception-v3-keras")
        return Extractor(
            inception.keras_inception_features(path),
            2048,
            "Keras InceptionV3 (ImageNet), 256 px, average pool (= GANime)",
            file_digest(path)[:12],
            "not comparable with any other FID: another network at another size",
        )
    kind, _, dims = protocol.partition("_")
    if kind not in _RESIZE or dims not in ("", "64", "192", "768"):
        raise ValueError(f"There is no feature protocol {protocol!r}.")
    path = find_weights("inception-2015")
    network = inception.build_inception(int(dims or 2048), dtype=precision)
    inception_weights.assign(network, inception_weights.read_cached(path))
    resize, scale, words = _RESIZE[kind]
    return Extractor(
        inception.pipeline(network, resize, scale),
        int(dims or 2048),
        f"{_GRAPH}, {dims or 2048} features, {words}" + (", bfloat16" * (precision != "float32")),
        file_digest(path)[:12] + ("-bf16" if precision != "float32" else ""),
    )


class FeatureBank:
    """Features of the real and fake set under one protocol.

    Args:
        extractor: The network.

    Attributes:
        statistics: `FeatureStatistics` by side, `"real"` and `"fake"`.
        keep_rows: Whether single vectors are kept, as KID and precision/recall need.
    """

    def __init__(self, extractor: Extractor):
        self.extractor, self.dim = extractor, extractor.dim
        self.fingerprint = extractor.fingerprint
        self.statistics = {side: FeatureStatistics(self.dim) for side in ("real", "fake")}
        self.keep_rows = False
        self._rows: dict[str, list[np.ndarray]] = {"real": [], "fake": []}
        self._fixed: set[str] = set()

    def update(self, side: str, images: np.ndarray) -> None:
        """Adds a uint8 `(N, H, W, 3)` batch to `"real"` or `"fake"`."""
        features = self.extractor(images)
        self.statistics[side].update(features)
        if self.keep_rows:
            self._rows[side].append(features)

    def fix(self, side: str, statistics: FeatureStatistics) -> None:
        """Replaces a side by known statistics; pictures of that side are then ignored."""
        self.statistics[side] = statistics
        self._fixed.add(side)

    def take_real(self, other: "FeatureBank") -> None:
        """Shares the real set of another bank of the same protocol."""
        self.fix("real", other.statistics["real"])
        self._rows["real"] = other._rows["real"]

    def fixed(self, side: str) -> bool:
        """Whether a side has known statistics."""
        return side in self._fixed

    def rows(self, side: str) -> np.ndarray:
        """The kept vectors of a side, `(N, dim)`."""
        return np.concatenate(self._rows[side] or [np.zeros((0, self.dim), np.float32)])


def set_scores(
    name: str, bank: FeatureBank, *, seed: int, kid: tuple[int, int], resamples: int = 0
) -> list[Score]:
    """Scores of a set metric (precision/recall gives two).

    Args:
        name: A set metric's name.
        bank: Features of both sets.
        seed: Seed of KID's subsets and of the interval.
        kid: Number and size of KID's subsets.
        resamples: Random halves of the pictures that the interval is drawn from; 0 leaves it out.

    Raises:
        ValueError: On fewer pictures than the metric needs; says how many.
    """
    counts = {side: statistics.count for side, statistics in bank.statistics.items()}
    least = 4 if name.startswith("precision") else 2
    for side, count in counts.items():
        if count < least and not bank.fixed(side):
            raise ValueError(f"{name} needs at least {least} {side} pictures. Received {count}.")
    words, note = bank.extractor.protocol, bank.extractor.note
    n = counts["fake"]
    if name.startswith("kid_"):
        return [_kid_score(name, bank, words, seed, kid, resamples)]
    if name.startswith("precision"):
        precision, recall = precision_recall(bank.rows("real"), bank.rows("fake"))
        words = f"k = 3, {words}"
        suffix = name.removeprefix("precision_recall_")
        return [
            Score(f"precision_{suffix}", precision, n, words, "higher", note=note),
            Score(f"recall_{suffix}", recall, n, words, "higher", note=note),
        ]
    value = distance_between(bank.statistics["real"], bank.statistics["fake"])
    real = str(counts["real"] or "unknown")
    notes = [note] if note else []
    if min(counts["real"] or n, n) < bank.dim and name != "fd_random":
        notes.append(
            f"fewer pictures ({real} real, {n} fake) than features ({bank.dim}): biased upwards, "
            "compare at equal numbers only; prefer KID"
        )
    interval = None
    if resamples:
        rows = bank.rows("real")
        interval = frechet_interval(
            rows if len(rows) else bank.statistics["real"],
            bank.rows("fake"),
            value,
            resamples=resamples,
            seed=seed,
        )
        if interval and not len(rows):
            notes.append("interval: the real set is taken as free of error")
    low, high = interval or (None, None)
    words, note = f"{words}, {real} real", "; ".join(notes)
    return [Score(name, value, n, words, "lower", low=low, high=high, note=note)]


def _kid_score(
    name: str, bank: FeatureBank, words: str, seed: int, plan: tuple[int, int], resamples: int
) -> Score:
    real, fake = bank.rows("real"), bank.rows("fake")
    size = min(plan[1], len(real), len(fake))
    mean, std = kid(real, fake, subsets=plan[0], subset_size=size, seed=seed)
    words = f"{plan[0]} subsets of {size}, seed {seed}, {words}"
    note = f"std is over subsets; {len(real)} real pictures"
    interval = kid_interval(real, fake, mean, resamples=resamples, seed=seed) if resamples else None
    low, high = interval or (None, None)
    return Score(name, mean, len(fake), words, "lower", std, low, high, note)
