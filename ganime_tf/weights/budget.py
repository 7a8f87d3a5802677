"""What reading a file may cost: bounded by how large the file is."""

_FREE = 64 << 20  # bytes that a file of any size may unpack to
_RATIO = 8  # weights hardly compress; nothing that does so well is weights


class Budget:
    """Bytes that reading a file may still take.

    Args:
        size: Bytes of the file.
    """

    def __init__(self, size: int):
        self.size = int(size)
        self.limit = _FREE + _RATIO * self.size
        self.left = self.limit

    def take(self, count: int) -> None:
        """Counts bytes before they are taken.

        Raises:
            ValueError: When they are more than a file of this size may hold.
        """
        self.left -= int(count)
        if self.left < 0:
            raise ValueError(
                f"{self.size:,} bytes that unpack to more than {self.limit:,} are no weights but "
                "a zip bomb or a damaged file"
            )
