"""A run directory: what stands where, who writes it, and whether it is the same run again.

The only code that knows these paths. It knows no model and imports no TensorFlow.
"""

import contextlib
import datetime
import json
import logging
import os
import socket
import sys
from pathlib import Path

from ganime_tf.ops.files import file_digest, write_json

logger = logging.getLogger(__name__)

IDENTITY = ("seed", "precision", "direction", "sources")


class RunDir:
    """The paths of a run directory, and its record.

    Args:
        path: The directory; it need not exist.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path).expanduser()
        self.config = self.path / "config.json"
        self.checkpoints = self.path / "checkpoints"
        self.metrics = self.path / "metrics.jsonl"
        self.samples = self.path / "samples"
        self.logs = self.path / "logs"
        self.curves = self.path / "curves.png"
        self.model = self.path / "model.keras"
        self.export = self.path / "export"
        self.splits = self.path / "splits.json"
        self.skipped = self.path / "skipped.txt"
        self.best_weights = self.checkpoints / "best.weights.h5"
        self.best_record = self.checkpoints / "best.json"
        self._lock = self.path / "lock.json"

    def record(self) -> dict:
        """Reads `config.json`.

        Raises:
            FileNotFoundError: When it is no run directory.
            ValueError: When the file is damaged.
        """
        if not self.config.exists():
            raise FileNotFoundError(f"{self.path} is no run directory: it has no config.json.")
        try:
            record = json.loads(self.config.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(
                f"{self.config} is damaged ({error}). Use another --run-dir, or --override to "
                "write it anew."
            ) from error
        if not isinstance(record, dict) or not isinstance(record.get("config"), dict):
            raise ValueError(
                f"{self.config} is not the record of a run: it needs `model` and `config`."
            )
        return record

    def has_checkpoints(self) -> bool:
        """Whether training can go on here."""
        return any(self.checkpoints.glob("ckpt-*.index"))

    def keep_best(self, weights: Path, record: dict) -> None:
        """Puts the weights of the best epoch in their place, `best.json` after them.

        Killed in between, it leaves weights whose digest is known all the same.

        Args:
            weights: The file, which is moved.
            record: What `best.json` says of them.
        """
        digest, before = file_digest(weights), self._best()
        known = [digest, *before.get("sha256", [])[:1]]
        if self.best_weights.exists():
            write_json(self.best_record, before | {"sha256": known})
        os.replace(weights, self.best_weights)
        write_json(self.best_record, record | {"sha256": known})

    def check_best(self) -> None:
        """Refuses weights of the best epoch that are not what was written.

        Raises:
            FileNotFoundError: When there are none yet.
            ValueError: When they are damaged.
        """
        if not self.best_weights.exists():
            raise FileNotFoundError(f"{self.path} has no best epoch yet. Use the last checkpoint.")
        known = self._best().get("sha256")  # none in runs of before
        if known and file_digest(self.best_weights) not in known:
            raise ValueError(f"{self.best_weights} is damaged. Use the last checkpoint.")

    def _best(self) -> dict:
        try:
            found = json.loads(self.best_record.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def check_same(self, record: dict, override: bool, defaults: dict | None = None) -> None:
        """Refuses to go on with another run's directory.

        Args:
            record: What `config.json` is going to say.
            override: Go on although settings differ.
            defaults: Values of the config's fields, for those that a record of before lacks.

        Raises:
            ValueError: Naming what differs, or what the directory holds instead of a run.
        """
        if not self.config.exists():
            return
        trained = self.has_checkpoints()
        if not trained and self.model.exists():
            raise ValueError(
                f"{self.path} holds a finished model without checkpoints: it cannot be trained on "
                f"in place. Start from it in a new directory: --from {self.path} --run-dir NEW."
            )
        if override:
            return
        old = self.record()
        old["config"] = (defaults or {}) | old["config"]
        before, now = _identity(old), _identity(record)
        changed = [
            f"{key}: {before.get(key)!r} there, {now.get(key)!r} now"
            for key in sorted(before.keys() | now.keys())
            if before.get(key) != now.get(key) and not (key in IDENTITY and key not in before)
        ]
        if changed:
            raise ValueError(
                f"{self.path} holds a run of another config. It differs in {'; '.join(changed)}. "
                "Use another --run-dir, the same values, or --override to go on with the new ones."
            )

    def write(self, record: dict) -> None:
        """Creates the directory and writes the record, keeping the day it was created.

        Raises:
            OSError: When that cannot be written.
        """
        record = {"created": datetime.datetime.now().isoformat(timespec="seconds")} | record
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            if self.config.exists():
                with contextlib.suppress(ValueError):
                    old = self.record()
                    record["created"] = old.get("created", record["created"])
                    if hashes := old.get("run", {}).get("hashes_of_sources"):
                        record["run"]["hashes_of_sources"] = hashes
            write_json(self.config, record)
        except OSError as error:
            raise OSError(f"Cannot write the run directory {self.path}: {error}.") from error

    @contextlib.contextmanager
    def locked(self):
        """Keeps a second process out while this one trains here.

        Raises:
            ValueError: Naming the process that trains here; a lock whose process is gone is taken.
        """
        own = {"host": socket.gethostname(), "pid": os.getpid(), "command": sys.argv[:3]}
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._take(own)
        except OSError as error:
            raise OSError(f"Cannot write the run directory {self.path}: {error}.") from error
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                self._lock.unlink()

    def _take(self, own: dict) -> None:
        for _ in range(2):
            try:
                with open(self._lock, "x", encoding="utf-8") as file:
                    json.dump(own, file)
                return
            except FileExistsError:
                holder = _read_lock(self._lock)
                if _alive(holder, own):
                    raise ValueError(
                        f"{self.path} is being trained by process {holder['pid']} on "
                        f"{holder['host']}. Wait for it, or use another --run-dir. If it is gone, "
                        f"delete {self._lock}."
                    ) from None
                logger.warning("Took over the lock of a process that is gone: %s.", self._lock)
                self._lock.unlink(missing_ok=True)
        raise ValueError(f"{self._lock} was taken by another process just now. Try again.")


def _read_lock(path: Path) -> dict:
    try:
        holder = json.loads(path.read_text(encoding="utf-8"))
        return {"host": str(holder["host"]), "pid": int(holder["pid"])}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _alive(holder: dict, own: dict) -> bool:
    if not holder:
        return False
    if holder["host"] != own["host"]:
        return True  # cannot be looked up from here
    if holder["pid"] == own["pid"]:
        return False  # left by an earlier run of this very process
    try:
        os.kill(holder["pid"], 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _identity(entry: dict) -> dict:
    fields = {"model": entry.get("model"), **json.loads(json.dumps(entry["config"]))}
    run = json.loads(json.dumps(entry.get("run", {})))
    fields |= {key: run[key] for key in IDENTITY if key in run}
    return fields | {"data (listing)": entry.get("data", {}).get("listing_hash")}
