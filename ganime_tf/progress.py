"""One progress bar for everything that takes time: rate, time left, silent where nobody looks."""

import sys
import time
from collections.abc import Iterable, Iterator

_WIDTH = 24


def format_seconds(seconds: float) -> str:
    """Formats a duration, `42s`, `3m05s` or `2h07m`."""
    seconds = int(seconds)
    if seconds < 60:
        return f"{seconds}s"
    if seconds < 3600:
        return f"{seconds // 60}m{seconds % 60:02d}s"
    return f"{seconds // 3600}h{seconds % 3600 // 60:02d}m"


class ProgressBar:
    """A line on stderr that is redrawn at most ten times a second.

    Args:
        total: Number of units, or `None` when unknown.
        desc: Text before the bar.
        unit: Name of one unit, for the rate.
        enabled: `None` draws only when stderr is a terminal.
    """

    def __init__(
        self,
        total: int | None = None,
        desc: str = "",
        unit: str = "it",
        enabled: bool | None = None,
    ):
        self.total, self.desc, self.unit = total, desc, unit
        self.enabled = sys.stderr.isatty() if enabled is None else enabled
        self._done, self._start, self._drawn = 0, time.monotonic(), 0.0

    def update(self, count: int = 1, note: str = "") -> None:
        """Counts `count` more units and redraws the line when it is due."""
        self._done += count
        now = time.monotonic()
        if self.enabled and (now - self._drawn > 0.1 or self._done == self.total):
            self._drawn = now
            sys.stderr.write("\r\x1b[K" + self._line(now, note))
            sys.stderr.flush()

    def close(self) -> None:
        """Ends the line."""
        if self.enabled and self._done:
            sys.stderr.write("\n")
            sys.stderr.flush()

    def _line(self, now: float, note: str) -> str:
        elapsed = max(now - self._start, 1e-9)
        rate = self._done / elapsed
        parts = [self.desc] if self.desc else []
        if self.total:
            filled = int(_WIDTH * min(self._done / self.total, 1.0))
            parts.append("[" + "#" * filled + "." * (_WIDTH - filled) + "]")
            parts.append(f"{self._done}/{self.total}")
            parts.append("ETA " + format_seconds((self.total - self._done) / max(rate, 1e-9)))
        else:
            parts.append(str(self._done))
        parts.append(f"{rate:.1f} {self.unit}/s")
        if note:
            parts.append(note)
        return "  ".join(parts)


def progress(
    iterable: Iterable, total: int | None = None, desc: str = "", unit: str = "it"
) -> Iterator:
    """Yields from `iterable` while drawing a `ProgressBar`.

    Args:
        iterable: What to go through.
        total: Its length; taken from `len()` where there is one.
        desc: Text before the bar.
        unit: Name of one unit, for the rate.
    """
    if total is None and hasattr(iterable, "__len__"):
        total = len(iterable)
    bar = ProgressBar(total, desc, unit)
    try:
        for item in iterable:
            yield item
            bar.update()
    finally:
        bar.close()
