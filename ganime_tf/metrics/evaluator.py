"""Scores pictures batch by batch: the one place that every evaluation goes through."""

import difflib
from collections.abc import Callable, Sequence

import numpy as np

from ganime_tf.metrics import colour, similarity
from ganime_tf.metrics.report import Report, Score, bootstrap_interval
from ganime_tf.weights import MissingWeightsError

_WINDOW = "Gaussian 11x11, sigma 1.5, full windows, RGB mean"
_PAIRED: dict[str, tuple[Callable, str, str]] = {
    "ssim": (similarity.ssim, "higher", f"{_WINDOW} (= tf.image.ssim)"),
    "ms_ssim": (similarity.ms_ssim, "higher", f"5 scales, {_WINDOW}"),
    "psnr": (similarity.psnr, "higher", "10 log10(255^2 / MSE), dB, mean over pictures"),
    "l1": (similarity.l1, "lower", "mean |a - b|, values in [0, 1]"),
    "ciede2000": (colour.ciede2000, "lower", "CIEDE2000, sRGB D65, mean over pixels"),
}
_BACKBONES = ("alex", "squeeze", "vgg")
_PROTOCOLS = ("pytorch", "tf", "clean")
_SET_METRICS = (
    *(f"fid_{protocol}" for protocol in _PROTOCOLS),
    *(f"fid_{protocol}_{d}" for protocol in _PROTOCOLS for d in (64, 192, 768)),
    "fid_ganime",
    *(f"kid_{protocol}" for protocol in _PROTOCOLS),
    *(f"precision_recall_{protocol}" for protocol in _PROTOCOLS),
    "fd_random",
)
PAIRED_METRICS = (*_PAIRED, *(f"lpips_{backbone}" for backbone in _BACKBONES))
SOURCE_METRICS = tuple(f"lpips_s_{backbone}" for backbone in _BACKBONES)
FAKE_METRICS = tuple(f"lpips_d_{backbone}" for backbone in _BACKBONES)
SET_METRICS = tuple(_SET_METRICS)
LABEL_METRICS = ("pixel_accuracy", "miou")
METRICS = (*PAIRED_METRICS, *SOURCE_METRICS, *FAKE_METRICS, *SET_METRICS, *LABEL_METRICS)


class Evaluator:
    """Collects pictures batch by batch and scores them.

    Memory does not grow with the number of pictures, except for KID, precision/recall and the
    intervals of set metrics, which keep one feature vector a picture (8 kB), and LPIPS-d, which
    keeps at most `diversity_pool` pictures.

    Args:
        metrics: Names from `METRICS`.
        seed: Seed of everything random: subsets, pairs, bootstrap.
        resamples: Bootstrap resamples of the confidence intervals of means over pictures; 0
            leaves them out.
        set_resamples: Random halves of the pictures for the intervals of `fid_*`, `fd_random` and
            `kid_*`; 0 leaves them out. Each costs a distance: seconds at 2048 features.
        kid_subsets: Number of KID subsets.
        kid_subset_size: Pictures in a KID subset; fewer when a set is smaller.
        diversity_pool: Most pictures that LPIPS-d pairs.
        precision: `"float32"`, or `"bfloat16"` for the Inception network (faster on hardware that
            has it; the score deviates, see docs/evaluation.md).
        aligned: Whether `real` and `fake` of one `update` show the same scenes. If not, paired
            metrics are an error.

    Raises:
        ValueError: On an unknown metric; suggests the closest name.

    A metric whose pretrained file is missing is refused: it appears in `Report.refused` with the
    file it wants, and the others run.
    """

    def __init__(
        self,
        metrics: Sequence[str] = ("ssim", "psnr", "l1"),
        *,
        seed: int = 0,
        resamples: int = 1000,
        set_resamples: int = 0,
        kid_subsets: int = 100,
        kid_subset_size: int = 1000,
        diversity_pool: int = 1000,
        precision: str = "float32",
        aligned: bool = True,
    ):
        self._aligned = aligned
        self.metrics = check_names(metrics, METRICS)
        self._seed, self._resamples, self._set_resamples = seed, resamples, set_resamples
        self._kid = (kid_subsets, kid_subset_size)
        self._pool, self._seen = diversity_pool, 0
        self._names: list[str] = []
        self._sizes: set[tuple[int, int]] = set()
        self._refused: dict[str, str] = {}
        self._functions: dict[str, Callable] = {}  # paired and source metrics
        self._distances: dict[str, Callable] = {}  # LPIPS by backbone
        self._banks: dict[str, object] = {}  # FeatureBank by feature protocol
        self._values: dict[str, list[np.ndarray]] = {}
        self._kept: list[np.ndarray] = []
        self._confusion, self._maps = None, 0
        self._random = np.random.default_rng(seed)
        paired = [name for name in self.metrics if name in PAIRED_METRICS]
        if paired and not aligned:
            raise ValueError(f"{', '.join(paired)} compare pairs, but the pictures are not paired.")
        for name in self.metrics:
            try:
                self._prepare(name, precision)
            except MissingWeightsError as error:
                self._refused[name] = str(error)

    @property
    def refused(self) -> dict[str, str]:
        """Why metrics cannot be computed here, by metric."""
        return dict(self._refused)

    @property
    def active(self) -> tuple[str, ...]:
        """The metrics that are being computed."""
        return tuple(name for name in self.metrics if name not in self._refused)

    def needs(self, kind: str) -> bool:
        """Whether a metric compares with this kind of picture.

        Args:
            kind: `"pairs"` (real and fake of one scene), `"source"` (the input of a translation)
                or `"real"` (any real pictures).
        """
        groups = {"pairs": PAIRED_METRICS, "source": SOURCE_METRICS, "real": SET_METRICS}
        wanted = groups[kind] + (PAIRED_METRICS if kind == "real" else ())
        return any(name in wanted for name in self.active)

    def _prepare(self, name: str, precision: str) -> None:
        if name in LABEL_METRICS:
            self._confusion = np.zeros((256, 256), np.int64)
        elif name in _PAIRED:
            self._functions[name] = _PAIRED[name][0]
        elif name.startswith("lpips"):
            backbone = name.rsplit("_", 1)[1]
            if backbone not in self._distances:
                from ganime_tf.metrics.lpips import load_lpips

                self._distances[backbone] = load_lpips(backbone)
            if name not in FAKE_METRICS:
                self._functions[name] = self._distances[backbone]
        else:
            from ganime_tf.metrics.features import FeatureBank, load_extractor

            protocol = feature_protocol(name)
            if protocol not in self._banks:
                self._banks[protocol] = FeatureBank(load_extractor(protocol, precision))
            keeps = name.startswith(("kid", "precision")) or self._set_resamples > 0
            self._banks[protocol].keep_rows |= keeps

    def update(
        self,
        real: np.ndarray | None = None,
        fake: np.ndarray | None = None,
        *,
        source: np.ndarray | None = None,
        truth: np.ndarray | None = None,
        classes: np.ndarray | None = None,
        names: Sequence[str] | None = None,
    ) -> None:
        """Adds a batch.

        Args:
            real: uint8 `(N, H, W, 3)`, or `None`.
            fake: uint8 `(N, H, W, 3)`, or `None`. Given together with `real`, picture by picture,
                it feeds the paired metrics too.
            source: Inputs of the translation, same shape as `fake`, for LPIPS-s.
            truth: True class numbers `(N, H, W)` in [0, 255], for the metrics of label maps;
                others, such as -1, do not count.
            classes: The classes found, of the same shape.
            names: Names of the pictures; numbers by default.

        Raises:
            ValueError: When a batch is not uint8 RGB, or paired metrics meet unequal shapes.
        """
        if classes is not None:
            from ganime_tf.metrics.labels import confusion_matrix

            truth, classes = np.asarray(truth), np.asarray(classes)
            counted = truth >= 0
            self._confusion += confusion_matrix(truth[counted], classes[counted], 256)
            self._maps += len(truth)
            self._sizes.add(tuple(truth.shape[1:3]))
        for images in (real, fake):
            if images is not None:
                similarity.check_pair(images, images)
                self._sizes.add(tuple(np.shape(images)[1:3]))
        if real is not None and fake is not None or source is not None:
            count = len(fake)
            start = len(self._names)
            self._names += names or [f"{i:06d}" for i in range(start, start + count)]
            for name, function in self._functions.items():
                other = source if name in SOURCE_METRICS else real
                if other is None:
                    raise ValueError(f"{name} needs {_partner(name)} in every `update`.")
                similarity.check_pair(other, fake)
                self._values.setdefault(name, []).append(function(other, fake))
        for bank in self._banks.values():
            for side, images in (("real", real), ("fake", fake)):
                if images is not None and not bank.fixed(side):
                    bank.update(side, images)
        if fake is not None and any(name in FAKE_METRICS for name in self.active):
            self._keep(fake)

    def set_real_statistics(self, protocol: str, statistics) -> None:
        """Uses known statistics of the real set instead of real pictures.

        Args:
            protocol: Feature protocol, `"pytorch"`, `"clean_768"`, ...
            statistics: A `FeatureStatistics`.
        """
        if protocol in self._banks:
            self._banks[protocol].fix("real", statistics)

    def take_real(self, other: "Evaluator") -> None:
        """Uses the real set that another evaluator of the same metrics has seen.

        Later pictures of the real set are then compared by the paired metrics only.
        """
        for protocol, bank in self._banks.items():
            bank.take_real(other._banks[protocol])

    def feature_banks(self) -> dict:
        """The `FeatureBank` of each feature protocol in use."""
        return dict(self._banks)

    def _keep(self, images: np.ndarray) -> None:
        """Reservoir sampling: every picture has the same chance to stay."""
        for image in images:
            self._seen += 1
            if len(self._kept) < self._pool:
                self._kept.append(image)
            elif (slot := self._random.integers(self._seen)) < self._pool:
                self._kept[slot] = image

    def result(self) -> Report:
        """Computes the scores of all pictures so far.

        Raises:
            ValueError: When no picture was given, or fewer than a metric needs.
        """
        if not self._sizes:
            raise ValueError("There is nothing to score: `update` was never called.")
        report = Report(refused=dict(self._refused), names=list(self._names))
        sizes = sorted(self._sizes)
        report.resolution = "{}x{}".format(*sizes[0]) if len(sizes) == 1 else "mixed"
        report.context = {"seed": self._seed}
        for name in self.active:
            if name in self._functions:
                report.scores[name] = self._paired_score(name, report)
            elif name in LABEL_METRICS:
                report.scores[name] = self._label_score(name)
            elif name in FAKE_METRICS:
                report.scores[name] = self._diversity_score(name)
            else:
                from ganime_tf.metrics.features import set_scores

                bank = self._banks[feature_protocol(name)]
                plan = {"seed": self._seed, "kid": self._kid, "resamples": self._set_resamples}
                for score in set_scores(name, bank, **plan):
                    report.scores[score.name] = score
        return report

    def _paired_score(self, name: str, report: Report) -> Score:
        if name not in self._values:
            raise ValueError(f"{name} compares pairs. Give `update` {_partner(name)} and fakes.")
        values = np.concatenate(self._values[name])
        report.per_picture[name] = values
        _, better, protocol = _PAIRED.get(name, (None, "lower", "LPIPS v0.1, mean over pictures"))
        if name in SOURCE_METRICS:
            protocol = "LPIPS v0.1 between input and translation"
        interval = None
        if self._resamples:
            interval = bootstrap_interval(values, resamples=self._resamples, seed=self._seed)
        low, high = interval or (None, None)
        finite = np.isfinite(values)
        note = getattr(self._functions[name], "note", "")
        if not finite.all():
            note = f"{(~finite).sum()} identical pairs give an infinite value"
        std = float(values.std()) if finite.all() else None
        value = float(values.mean())
        return Score(name, value, len(values), protocol, better, std, low, high, note)

    def _label_score(self, name: str) -> Score:
        from ganime_tf.metrics.labels import segmentation_scores

        if not self._maps:
            raise ValueError(f"{name} compares label maps. Give `update` `truth` and `classes`.")
        value = getattr(segmentation_scores(self._confusion), name)
        return Score(name, value, self._maps, "of all pixels together", "higher")

    def _diversity_score(self, name: str) -> Score:
        distance = self._distances[name.rsplit("_", 1)[1]]
        if len(self._kept) < 2:
            raise ValueError(f"{name} needs at least 2 fake pictures. Received {len(self._kept)}.")
        order = np.random.default_rng(self._seed).permutation(len(self._kept))
        half = len(order) // 2
        values = np.array(
            [
                distance(self._kept[i][None], self._kept[j][None])[0]
                for i, j in zip(order[:half], order[half : 2 * half], strict=True)
            ]
        )
        protocol = f"LPIPS v0.1 over {half} random disjoint pairs of fakes, seed {self._seed}"
        low, high = bootstrap_interval(values, seed=self._seed) or (None, None)
        value, std = float(values.mean()), float(values.std())
        note = getattr(distance, "note", "")
        return Score(name, value, self._seen, protocol, "higher", std, low, high, note)


def check_names(metrics: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
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


def feature_protocol(metric: str) -> str:
    """Feature protocol of a set metric: `"fid_clean_768"` -> `"clean_768"`."""
    return metric.removeprefix("fid_").removeprefix("kid_").removeprefix("precision_recall_")


def _partner(name: str) -> str:
    return "`source` pictures" if name in SOURCE_METRICS else "`real` pictures"
