"""Jobs that write many files: nothing of the user's is ever written over, nothing is made twice.

A job may replace only what an earlier job wrote, which a list beside the results remembers. Results
enter a journal before they get their names, so that a job that was killed goes on where it stopped.
"""

import contextlib
import json
import os
import re
import threading
from pathlib import Path

from ganime_tf.ops.files import atomic_path, write_json

LIST_NAME = ".ganime-written.json"
_JOURNAL_NAME = ".ganime-written.part"


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
        self._lock = threading.Lock()
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

    def existing(self, name: str | Path, source: str | Path) -> Path | None:
        """Returns the result that an earlier job made of a file, where it is still whole.

        Args:
            name: The name that is wanted for it.
            source: The file.
        """
        wanted, source = Path(name), os.path.realpath(source)
        for known, mark in self._own.items():
            found = Path(known)
            if found.parent != wanted.parent or found.suffix != wanted.suffix:
                continue
            made_of = mark[2] if len(mark) > 2 else None
            if made_of != source and (made_of is not None or found != wanted):
                continue
            numbered = re.fullmatch(re.escape(wanted.stem) + r"(_\d+)?", found.stem)
            if numbered and self._is_own(self.path / found):
                self._taken.add(self.path / found)
                return self.path / found
        return None

    def save(self, path: Path, content, source: str | Path | None = None) -> None:
        """Writes a result in one step and remembers it.

        Args:
            path: What `target` returned.
            content: Bytes, or a function that writes to the path it is given.
            source: The file that it was made of.
        """
        with atomic_path(path) as temporary:
            if callable(content):
                content(temporary)
            else:
                temporary.write_bytes(content)
            mark = _mark(temporary)
            if source is not None:
                mark = [*mark, os.path.realpath(source)]
            name = str(path.relative_to(self.path))
            with self._lock:
                self._own[name] = mark
                with open(self.path / _JOURNAL_NAME, "a", encoding="utf-8") as journal:
                    journal.write(json.dumps([name, mark]) + "\n")
        with self._lock:
            self.written.append(path)

    def exists(self, name: str | Path) -> bool:
        """Whether an earlier job has made this result."""
        return self._is_own(self.path / name)

    def done(self, path: Path) -> None:
        """Notes a result that was written by other means than `save`."""
        with self._lock:
            self.written.append(path)
            self._own[str(path.relative_to(self.path))] = _mark(path)

    def close(self) -> None:
        """Writes the list of results."""
        if self.written:
            write_json(self.path / LIST_NAME, self._own)
            (self.path / _JOURNAL_NAME).unlink(missing_ok=True)

    def _free(self, path: Path) -> bool:
        if path in self._taken or os.path.realpath(path) in self._inputs:
            return False
        return self.overwrite or not path.exists() or self._is_own(path)

    def _is_own(self, path: Path) -> bool:
        known = self._own.get(str(path.relative_to(self.path)))
        return known is not None and path.exists() and _mark(path) == known[:2]


def read_list(folder: Path) -> dict[str, list]:
    """The results that jobs have left in a folder: `{relative name: [bytes, time, source]}`."""
    known = {}
    with contextlib.suppress(OSError, ValueError):
        found = json.loads((Path(folder) / LIST_NAME).read_text(encoding="utf-8"))
        if isinstance(found, dict):
            known = {str(name): mark for name, mark in found.items() if isinstance(mark, list)}
    with contextlib.suppress(OSError):  # of a job that was killed
        for line in (Path(folder) / _JOURNAL_NAME).read_text(encoding="utf-8").splitlines():
            with contextlib.suppress(ValueError, TypeError):
                name, mark = json.loads(line)
                known[str(name)] = list(mark)
    return known


def is_result(path: Path, lists: dict[Path, dict] | None = None) -> bool:
    """Whether a file is the unchanged result of an earlier job.

    Args:
        path: The file.
        lists: Keeps what was read, for many files.
    """
    lists = {} if lists is None else lists
    for folder in path.parents:
        if folder not in lists:
            lists[folder] = read_list(folder)
        known = lists[folder]
        if known:
            return known.get(str(path.relative_to(folder)), [])[:2] == _mark(path)
    return False


def _mark(path: Path) -> list[int]:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns]
