"""Memory that threads share, so that many large pictures at once stay within bounds."""

import contextlib
import threading
from collections.abc import Iterator


class SharedBudget:
    """Bytes that threads take and give back; who asks for more than there is waits.

    Args:
        size: Bytes in all. Who asks for more than all of them gets all of them.
    """

    def __init__(self, size: int):
        self.size = self._left = int(size)
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def taking(self, count: int) -> Iterator[None]:
        """Holds so many bytes; waits until they are free."""
        count = min(int(count), self.size)
        with self._changed:
            self._changed.wait_for(lambda: self._left >= count)
            self._left -= count
        try:
            yield
        finally:
            with self._changed:
                self._left += count
                self._changed.notify_all()
