"""Jobs that write many files: nothing of the user's is ever written over.

A job may replace only what an earlier job wrote, which a list beside the results remembers.
"""

import contextlib
import json
import os
from pathlib import Path

from ganime_tf.ops.files import write_json

LIST_NAME = ".ganime-written.json"


class OutputFolder:
    """A folder of results.

    Args:
        path: The folder; created when the first result is written.
        inputs: Files that the job reads: never written over.
        overwrite: Whether other files that are there may be replaced.

    Attributes:
        written: Names of the results of this job.
    """

    def __init__(self, path: str | Path, inputs=(), overwrite: bool = False):
        self.path, self.overwrite = Path(path), overwrite
        self._inputs = {os.path.realpath(each) for each in inputs}  # links in circles, too
        self._own, self._taken = read_list(self.path), set()
        self.written: list[Path] = []

    def target(self, name: str | Path) -> Path:
        """Returns a free place for a result, near the name that is wanted.

        A name that is taken by an input, by another result of this job or by a file that no job
        wrote gets a number: `a.png`, `a_2.png`.
        """
        wanted = self.path / name
        candidate, number = wanted, 1
        while not self._free(candidate):
            number += 1
            candidate = wanted.with_name(f"{wanted.stem}_{number}{wanted.suffix}")
        self._taken.add(candidate)
        candidate.parent.mkdir(parents=True, exist_ok=True)
        return candidate

    def exists(self, name: str | Path) -> bool:
        """Whether an earlier job has made this result."""
        return self._is_own(self.path / name)

    def done(self, path: Path) -> None:
        """Notes that a result is written."""
        self.written.append(path)
        self._own[str(path.relative_to(self.path))] = _mark(path)

    def close(self) -> None:
        """Writes the list of results."""
        if self.written:
            write_json(self.path / LIST_NAME, self._own)

    def _free(self, path: Path) -> bool:
        if path in self._taken or os.path.realpath(path) in self._inputs:
            return False
        return self.overwrite or not path.exists() or self._is_own(path)

    def _is_own(self, path: Path) -> bool:
        known = self._own.get(str(path.relative_to(self.path)))
        return known is not None and path.exists() and _mark(path) == known


def read_list(folder: Path) -> dict[str, list[int]]:
    """The results that jobs have left in a folder: `{relative name: [bytes, time]}`."""
    with contextlib.suppress(OSError, ValueError):
        found = json.loads((Path(folder) / LIST_NAME).read_text(encoding="utf-8"))
        if isinstance(found, dict):
            return {str(name): mark for name, mark in found.items()}
    return {}


def is_result(path: Path) -> bool:
    """Whether a file is the unchanged result of an earlier job."""
    for folder in path.parents:
        known = read_list(folder)
        if known:
            return known.get(str(path.relative_to(folder))) == _mark(path)
    return False


def _mark(path: Path) -> list[int]:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns]
