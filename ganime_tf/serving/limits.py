"""What a request may cost, and what it is told when it wants more."""

import concurrent.futures
import dataclasses
import threading
from collections.abc import Callable

import numpy as np

from ganime_tf.data.io import BadImageError, decode_bytes


class RefusedError(ValueError):
    """A request that is not served; `status` is its HTTP status."""

    def __init__(self, message: str, status: int = 400):
        super().__init__(message)
        self.status = status


@dataclasses.dataclass(frozen=True)
class Limits:
    """Limits of one server."""

    max_bytes: int = 20_000_000
    """Of a file."""
    max_pixels: int = 16_000_000
    """Of a picture, told from its header before it is decoded."""
    max_seconds: float = 60.0
    """Of a computation; waiting for a turn counts."""
    max_at_once: int = 2
    """Computations at the same time."""
    max_waiting: int = 16
    """Requests that wait for a turn; more are sent away."""
    max_kept_bytes: int = 800_000_000
    """Memory for pages that are open; the longest unused are forgotten, and sent again."""
    max_connections: int = 64
    """Connections at the same time; more are closed."""

    def __post_init__(self):
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if value <= 0:
                raise ValueError(f"`{field.name}` must be positive. Received {value!r}.")

    def check_bytes(self, count: int) -> None:
        """Refuses a file that is too large."""
        if count > self.max_bytes:
            raise RefusedError(
                f"The file has {_mega(count)} MB; this server takes at most "
                f"{_mega(self.max_bytes)} MB.",
                413,
            )

    def decode(self, content: bytes | None, line_art: bool = True) -> np.ndarray:
        """A picture file as uint8 `(H, W, 3)`.

        Args:
            content: Bytes of the file.
            line_art: Whether light ink on transparent paper is to be kept as ink.

        Raises:
            RefusedError: When it is missing, too large, or no good picture.
        """
        if not content:
            raise RefusedError("There is no picture in the request, or it is empty.")
        self.check_bytes(len(content))
        try:
            picture = decode_bytes(content, max_pixels=self.max_pixels)
            if line_art and picture.min() >= 128:
                black = decode_bytes(content, (0, 0, 0), self.max_pixels)
                if black.min() < 64 and black.max() > 128:
                    return black
        except BadImageError as error:
            status = 413 if "pixels" in str(error) else 400
            raise RefusedError(f"This picture cannot be used: {error}.", status) from error
        return picture


def _mega(count: int) -> str:
    return f"{count / 1e6:.3g}"


class Turns:
    """Runs computations a few at a time, each within a time.

    A computation that takes longer is answered for; it cannot be stopped, so that it keeps its turn
    until it ends: a server cannot be made to run more of them than `max_at_once`.
    """

    def __init__(self, limits: Limits):
        self.limits = limits
        self._pool = concurrent.futures.ThreadPoolExecutor(
            limits.max_at_once, thread_name_prefix="ganime-serve"
        )
        self._lock, self._count = threading.Lock(), 0

    def run(self, function: Callable, *args, **kwargs):
        """Calls the function when it is its turn and returns what it returns.

        Raises:
            RefusedError: When too many wait (503), or the time is over (504).
        """
        with self._lock:
            if self._count >= self.limits.max_at_once + self.limits.max_waiting:
                raise RefusedError(
                    f"The server is busy: {self._count} requests before yours. Try again later.",
                    503,
                )
            self._count += 1
        future = self._pool.submit(function, *args, **kwargs)
        future.add_done_callback(self._leave)
        try:
            return future.result(self.limits.max_seconds)
        except concurrent.futures.TimeoutError:
            if future.done():  # the function's own error
                raise
            future.cancel()
            raise RefusedError(
                f"This took longer than {self.limits.max_seconds:g} s, the limit of this server. "
                "Try a smaller picture.",
                504,
            ) from None

    def _leave(self, _) -> None:
        with self._lock:
            self._count -= 1
