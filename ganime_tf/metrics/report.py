"""What an evaluation found: values with their number of pictures, protocol and uncertainty."""

import csv
import io
import json
import math
from dataclasses import asdict, dataclass, field

import numpy as np


@dataclass(frozen=True)
class Score:
    """One number of a report.

    Attributes:
        name: The metric; its name fixes its protocol.
        value: The number.
        n: Pictures (or pairs) that it was computed from.
        protocol: How it was computed, in words.
        better: `"higher"` or `"lower"`.
        std: Standard deviation over pictures (or subsets, KID), where there is one.
        low: Lower end of the 95 % confidence interval: of means over pictures by bootstrap, of
            set metrics by random halves around the value (see `intervals`).
        high: Upper end.
        note: What a reader must know before comparing the number.
    """

    name: str
    value: float
    n: int
    protocol: str
    better: str
    std: float | None = None
    low: float | None = None
    high: float | None = None
    note: str = ""


@dataclass
class Report:
    """The result of `evaluate_folders` or `Evaluator.result`.

    Attributes:
        scores: Results by metric.
        refused: Reason by metric that could not be computed.
        left_out: Reason by picture that was left out.
        names: Names of the pictures, in the order of `per_picture`.
        per_picture: Values of paired metrics by metric, float64 `(N,)`.
        resolution: `"256x256"` (height x width) or `"mixed"`.
        context: Where the pictures came from: folders, content hashes, seed.
    """

    scores: dict[str, Score] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    per_picture: dict[str, np.ndarray] = field(default_factory=dict)
    resolution: str = ""
    context: dict = field(default_factory=dict)

    def __getitem__(self, name: str) -> float:
        """The value of a metric.

        Raises:
            KeyError: When it was not computed; says why.
        """
        if name in self.scores:
            return self.scores[name].value
        raise KeyError(self.refused.get(name, f"{name} was not asked for: {list(self.scores)}"))

    def table(self) -> str:
        """The scores as an aligned text table, then the refusals and notes."""
        rows = [("metric", "value", "std", "95 % interval", "n", "size", "protocol")]
        for score in self.scores.values():
            interval = "-" if score.low is None else f"{_text(score.low)} .. {_text(score.high)}"
            arrow = " (+)" if score.better == "higher" else " (-)"
            rows.append(
                (score.name + arrow, _text(score.value), _text(score.std), interval)
                + (str(score.n), self.resolution, score.protocol)
            )
        lines = [*align(rows), "(+) higher is better, (-) lower is better"]
        if not self.scores:
            lines = ["No metric could be computed."]
        return "\n".join(lines + self.remarks())

    def remarks(self) -> list[str]:
        """Notes, refusals and what was left out, a line for all that share one."""
        groups: dict[str, list[str]] = {}
        for score in self.scores.values():
            if score.note:
                groups.setdefault(f"note: {{}}: {score.note}", []).append(score.name)
        for name, reason in self.refused.items():
            groups.setdefault(f"refused: {{}}: {reason}", []).append(name)
        for name, reason in self.left_out.items():
            groups.setdefault(f"left out: {{}}: {reason}", []).append(name)
        return [text.replace("{}", ", ".join(names), 1) for text, names in groups.items()]

    def to_dict(self) -> dict:
        """Everything but the per-picture values, ready for JSON (infinite values as text)."""
        return {
            "scores": {name: _finite(asdict(score)) for name, score in self.scores.items()},
            "refused": dict(self.refused),
            "left_out": dict(self.left_out),
            "resolution": self.resolution,
            "context": dict(self.context),
        }

    def to_json(self) -> str:
        """`to_dict` as indented JSON."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False) + "\n"

    def to_csv(self) -> str:
        """Per-picture values as CSV: one row a picture, one column a metric."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["name", *self.per_picture])
        for row, name in enumerate(self.names):
            writer.writerow([name, *(repr(float(v[row])) for v in self.per_picture.values())])
        return text.getvalue()

    def worst(self, metric: str, k: int = 8) -> list[tuple[str, float]]:
        """Names and values of the `k` worst pictures by a paired metric, worst first.

        Raises:
            ValueError: When the metric has no per-picture values.
        """
        if metric not in self.per_picture:
            raise ValueError(
                f"{metric!r} has no per-picture values. Those that do: {list(self.per_picture)}."
            )
        values = self.per_picture[metric]
        keys = values if self.scores[metric].better == "higher" else -values
        order = np.argsort(keys, kind="stable")[:k]
        return [(self.names[i], float(values[i])) for i in order]


def align(rows: list[tuple[str, ...]]) -> list[str]:
    """Pads the cells of a table so that its columns line up."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) for row in rows]
    return [line.rstrip() for line in lines]


def bootstrap_interval(
    values: np.ndarray, *, resamples: int = 1000, seed: int = 0
) -> tuple[float, float] | None:
    """95 % percentile bootstrap interval of the mean.

    Args:
        values: One value a picture, `(N,)`.
        resamples: Number of resampled means.
        seed: Seed of the resampling.

    Returns:
        The 2.5 and 97.5 percentiles, or `None` with fewer than two finite values.
    """
    values = np.asarray(values, float)
    if len(values) < 2 or not np.isfinite(values).all():
        return None
    rng = np.random.default_rng(seed)
    means = [values[rng.integers(0, len(values), len(values))].mean() for _ in range(resamples)]
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def _text(value: float | None) -> str:
    return "-" if value is None else f"{value:.5g}"


def _finite(row: dict) -> dict:
    def clean(value):
        return str(value) if isinstance(value, float) and not math.isfinite(value) else value

    return {key: clean(value) for key, value in row.items()}
