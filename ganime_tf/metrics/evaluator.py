"""Scores pictures batch by batch: the one place that every evaluation goes through."""

from collections.abc import Callable, Sequence

import numpy as np

from ganime_tf.metrics import METRICS, PAIRED_DEFAULT, Settings, check_names, needing, similarity
from ganime_tf.metrics.report import Report, Score, bootstrap_interval
from ganime_tf.weights import MissingWeightsError


class Evaluator:
    """Collects pictures batch by batch and scores them.

    Memory does not grow with the number of pictures, except for KID, precision/recall and the
    intervals of set metrics, which keep one feature vector a picture (8 kB), and LPIPS-d, which
    keeps at most `diversity_pool` pictures.

    Args:
        metrics: Names from `METRICS`.
        settings: How they are computed; defaults to `Settings()`.
        aligned: Whether `real` and `fake` of one `update` show the same scenes. If not, paired
            metrics are an error.
        **overrides: Fields of the settings to replace.

    Raises:
        ValueError: On an unknown metric; suggests the closest name.

    A metric whose pretrained file is missing is refused: it appears in `Report.refused` with the
    file it wants, and the others run.
    """

    def __init__(
        self,
        metrics: Sequence[str] = PAIRED_DEFAULT,
        settings: Settings | None = None,
        *,
        aligned: bool = True,
        **overrides,
    ):
        self._aligned = aligned
        self.metrics = check_names(metrics)
        self.settings = Settings.of(settings or Settings(), **overrides)
        self._seen = 0
        self._names: list[str] = []
        self._sizes: set[tuple[int, int]] = set()
        self._refused: dict[str, str] = {}
        self._functions: dict[str, Callable] = {}  # metrics of pairs and of inputs
        self._distances: dict[str, Callable] = {}  # metrics of the fakes alone
        self._paths: dict[str, Callable] = {}  # metrics of a generator's paths
        self._banks: dict[str, object] = {}  # FeatureBank by feature protocol
        self._values: dict[str, list[np.ndarray]] = {}
        self._kept: list[np.ndarray] = []
        self._lengths: dict[str, list[np.ndarray]] = {}  # of a generator's paths
        self.confusion: np.ndarray | None = None
        self._accuracies: list[float] = []  # of single label maps
        self._random = np.random.default_rng(self.settings.seed)
        if (paired := needing(self.metrics, "pairs")) and not aligned:
            raise ValueError(f"{', '.join(paired)} compare pairs, but the pictures are not paired.")
        for name in self.metrics:
            try:
                self._prepare(name)
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
            kind: `"pairs"` (real and fake of one scene), `"source"` (the input of a translation),
                `"real"` (any real pictures), `"fake"` (any fakes) or `"paths"` (of a generator).
        """
        groups = {
            "pairs": ("pairs",),
            "source": ("source",),
            "real": ("sets", "pairs"),
            "fake": ("sets", "pairs", "source", "fakes"),
            "paths": ("paths",),
        }
        return bool(needing(self.active, *groups[kind]))

    def _prepare(self, name: str) -> None:
        metric = METRICS[name]
        if metric.needs == "classes":
            self.confusion = np.zeros((256, 256), np.int64)
        elif metric.needs == "sets":
            from ganime_tf.metrics.features import FeatureBank, load_extractor

            if metric.network not in self._banks:
                extractor = load_extractor(metric.network, self.settings.precision)
                self._banks[metric.network] = FeatureBank(extractor)
            keeps = metric.keeps_rows or self.settings.set_resamples > 0
            self._banks[metric.network].keep_rows |= keeps
        else:
            function = metric.load()
            function = function(metric.network) if metric.network else function
            places = {"fakes": self._distances, "paths": self._paths}
            places.get(metric.needs, self._functions)[name] = function

    def update(
        self,
        real: np.ndarray | None = None,
        fake: np.ndarray | None = None,
        *,
        source: np.ndarray | None = None,
        truth: np.ndarray | None = None,
        classes: np.ndarray | None = None,
        paths: tuple[np.ndarray, np.ndarray] | None = None,
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
            paths: Two float32 `(N, H, W, 3)` in [-1, 1]: a generator's pictures at latents and
                `metrics.paths.EPSILON` further.
            names: Names of the pictures; numbers by default.

        Raises:
            ValueError: When a batch is not uint8 RGB, or paired metrics meet unequal shapes.
        """
        if classes is not None and self.confusion is not None:
            self._count(np.asarray(truth), np.asarray(classes))
        if paths is not None:
            self._sizes.add(tuple(np.shape(paths[0])[1:3]))
            for name, function in self._paths.items():
                self._lengths.setdefault(name, []).append(function(*paths))
        for images in (real, fake):
            if images is not None:
                similarity.check_pair(images, images)
                self._sizes.add(tuple(np.shape(images)[1:3]))
        pairs = real is not None and fake is not None or source is not None
        if pairs or classes is not None:
            count, start = len(classes if fake is None else fake), len(self._names)
            self._names += names or [f"{i:06d}" for i in range(start, start + count)]
        if pairs:
            for name, function in self._functions.items():
                other = source if METRICS[name].needs == "source" else real
                if other is None:
                    raise ValueError(f"{name} needs {_partner(name)} in every `update`.")
                similarity.check_pair(other, fake)
                self._values.setdefault(name, []).append(function(other, fake))
        for bank in self._banks.values():
            for side, images in (("real", real), ("fake", fake)):
                if images is not None and not bank.fixed(side):
                    bank.update(side, images)
        if fake is not None and self._distances:
            self._keep(fake)

    def _count(self, truth: np.ndarray, classes: np.ndarray) -> None:
        """Adds label maps to the confusion matrix, and the accuracy of each to its values."""
        from ganime_tf.metrics.labels import confusion_matrix

        self._sizes.add(tuple(truth.shape[1:3]))
        for real, found in zip(truth, classes, strict=True):
            counted = real >= 0
            matrix = confusion_matrix(real[counted], found[counted], 256)
            self.confusion += matrix
            accuracy = np.trace(matrix) / matrix.sum() if matrix.sum() else np.nan
            self._accuracies.append(accuracy)

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
            if len(self._kept) < self.settings.diversity_pool:
                self._kept.append(image)
            elif (slot := self._random.integers(self._seen)) < self.settings.diversity_pool:
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
        report.context = {"seed": self.settings.seed}
        scorers = {
            "pairs": lambda name: [self._mean_score(name, report)],
            "source": lambda name: [self._mean_score(name, report)],
            "fakes": lambda name: [self._diversity_score(name)],
            "sets": self._set_scores,
            "classes": lambda name: [self._class_score(name, report)],
            "paths": lambda name: [self._path_score(name)],
        }
        for name in self.active:
            for score in scorers[METRICS[name].needs](name):
                report.scores[score.name] = score
        return report

    def _set_scores(self, name: str) -> list[Score]:
        from ganime_tf.metrics.sets import set_scores

        return set_scores(name, self._banks[METRICS[name].network], self.settings)

    def _mean_score(self, name: str, report: Report) -> Score:
        if name not in self._values:
            raise ValueError(f"{name} compares pairs. Give `update` {_partner(name)} and fakes.")
        values = np.concatenate(self._values[name])
        report.per_picture[name] = values
        metric, settings = METRICS[name], self.settings
        interval = None
        if settings.resamples:
            interval = bootstrap_interval(values, resamples=settings.resamples, seed=settings.seed)
        low, high = interval or (None, None)
        finite = np.isfinite(values)
        note = getattr(self._functions[name], "note", "")
        if not finite.all():
            note = f"{(~finite).sum()} identical pairs give an infinite value"
        std = float(values.std()) if finite.all() else None
        value = float(values.mean())
        return Score(name, value, len(values), metric.protocol, metric.better, std, low, high, note)

    def _class_score(self, name: str, report: Report) -> Score:
        count = len(self._accuracies)
        if not count:
            raise ValueError(f"{name} compares label maps. Give `update` `truth` and `classes`.")
        metric = METRICS[name]
        if metric.by_picture:
            report.per_picture[name] = np.array(self._accuracies)
        return Score(name, metric.load()(self.confusion), count, metric.protocol, metric.better)

    def _path_score(self, name: str) -> Score:
        from ganime_tf.metrics.paths import trimmed_mean

        metric, values = METRICS[name], np.concatenate(self._lengths.get(name, [np.zeros(0)]))
        if len(values) < metric.least:
            raise ValueError(
                f"{name} needs at least {metric.least} paths in a latent space, not {len(values)}. "
                "`ganime evaluate RUN` draws them; training does not."
            )
        note = getattr(self._paths[name], "note", "")
        return Score(name, trimmed_mean(values), len(values), metric.protocol, metric.better,
                     float(values.std()), note=note)  # fmt: skip

    def _diversity_score(self, name: str) -> Score:
        distance, metric, seed = self._distances[name], METRICS[name], self.settings.seed
        if len(self._kept) < 2:
            raise ValueError(f"{name} needs at least 2 fake pictures. Received {len(self._kept)}.")
        order = np.random.default_rng(seed).permutation(len(self._kept))
        half = len(order) // 2
        values = np.array(
            [
                distance(self._kept[i][None], self._kept[j][None])[0]
                for i, j in zip(order[:half], order[half : 2 * half], strict=True)
            ]
        )
        protocol = f"{metric.protocol} ({half} pairs, seed {seed})"
        low, high = bootstrap_interval(values, seed=seed) or (None, None)
        value, std = float(values.mean()), float(values.std())
        note = getattr(distance, "note", "")
        return Score(name, value, self._seen, protocol, metric.better, std, low, high, note)


def _partner(name: str) -> str:
    return "`source` pictures" if METRICS[name].needs == "source" else "`real` pictures"
