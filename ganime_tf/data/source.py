"""`Source`: one set of pictures as streams of training and validation batches."""

import hashlib
import logging
import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import tensorflow as tf

from ganime_tf.data.class_tables import mirror_table
from ganime_tf.data.domain import Domain
from ganime_tf.data.kinds import KINDS, Derived
from ganime_tf.data.memory import Memory, machine_bytes
from ganime_tf.data.stores import BadMapError
from ganime_tf.data.streams import training_stream, validation_stream
from ganime_tf.ops.files import write_atomic, write_json

logger = logging.getLogger(__name__)

_CHECKED_AT_START = 200


class Source:
    """A set of pictures of one kind, listed, split and checked; made by `open_data`.

    Attributes:
        kind: One of `ganime_tf.data.KINDS`.
        domains: What there is to train on, each shuffled by itself.
        validation_domains: What there is to validate on; the first one gives the names of outputs.
        num_train: Samples of one epoch: those of the largest domain.
        num_validation: Samples that `validation` gives.
        aligned: Whether validation pairs show the same thing, so that they can be compared.
        skipped: `(path, reason)` of every file that was left out so far.
        labels: Names of the label values, where the kind has labels.
    """

    def __init__(
        self,
        kind: str,
        domains: list[Domain],
        validation_domains: list[Domain],
        *,
        title: str,
        aligned: bool | None = None,
        skipped: list[tuple[str, str]] = (),
        derived: Sequence[Derived] = (),
        labels: list[str] = (),
        max_bad_share: float = 0.05,
        memory_share: float = 0.25,
    ):
        self.kind, self.domains, self.validation_domains = kind, domains, validation_domains
        self.title, self.skipped, self.labels = title, list(skipped), list(labels)
        self.aligned = KINDS[kind].aligned if aligned is None else aligned
        self._derived, self._lock = tuple(derived), threading.Lock()
        self._memory_share, self._memory = memory_share, None
        if labels:
            table = mirror_table(labels)
            for domain in [*domains, *validation_domains]:
                domain.mirrors = {key: table for key in KINDS[kind].class_keys}
        self._check(max_bad_share)

    # What there is.

    @property
    def num_train(self) -> int:
        """Samples of one epoch.

        Raises:
            ValueError: When the set has only a folder for validation.
        """
        if not self.domains:
            raise ValueError(
                f"{self.title} has nothing to train on, only {self.num_validation} samples for "
                "validation. Expected a folder `train` beside theirs."
            )
        return max(map(len, self.domains))

    @property
    def num_validation(self) -> int:
        """Samples of `validation`: no longer than the shortest domain."""
        return min(map(len, self.validation_domains), default=0)

    @property
    def listing_hash(self) -> str:
        """SHA-256 over the names and the split; changes when files are added or removed."""
        text = self.kind + "".join(domain.hash() for domain in self.domains)
        text += "".join(
            d.hash(validation=True) for d in self.validation_domains if not d.from_split
        )
        return hashlib.sha256(text.encode()).hexdigest()

    def describe(self) -> str:
        """One line: kind, place, counts."""
        counts = ", ".join(f"{len(d)} {d.name}" for d in self.domains)
        text = f"{self.kind} data {self.title}: train on {counts or 'nothing'}; "
        text += f"validate on {self.num_validation}" + ("" if self.aligned else " (not aligned)")
        return text + (f"; {len(self.skipped)} files skipped" if self.skipped else "")

    def write_split(self, path: str | os.PathLike) -> None:
        """Writes the names of the split as JSON, to be given back as `validation=path`."""
        split = {}
        for domain in self.domains:
            split[domain.name] = {
                "train": domain.names,
                "validation": [row[0] for row in domain.held_out],
            }
        write_json(path, split)

    def write_skipped(self, path: str | os.PathLike) -> None:
        """Writes the skipped files and the reasons, one a line, separated by a tab."""
        lines = [f"{name}\t{reason}\n" for name, reason in self.skipped]
        text = "".join(lines).encode("utf-8", "backslashreplace")
        write_atomic(path, text)

    # Bad files.

    def _skip(self, path: str, reason: object) -> None:
        with self._lock:
            if all(path != known for known, _ in self.skipped):
                self.skipped.append((path, str(reason)))
                logger.warning("Skipped %s: %s", path, reason)

    def _load(self, domain: Domain, index: int, size: int) -> list[np.ndarray] | None:
        """The pictures of a sample, or `None` when one is bad, which is then skipped."""
        try:
            return domain.load(int(index), size)
        except BadMapError:
            raise
        except (ValueError, OSError) as error:
            self._skip(_culprit(domain, int(index), size), error)
            return None

    def _good(self, domain: Domain, index: int, size: int) -> bool:
        return self._load(domain, index, size) is not None

    def _check(self, max_bad_share: float) -> None:
        """Decodes a sample of every domain; leaves out what is bad, stops when it is too much."""
        for place, domain in enumerate(self.domains):
            if len(domain) and all(hasattr(part.store, "root") for part in domain.parts):
                stride = -(-len(domain) // _CHECKED_AT_START)
                sample, before = np.arange(0, len(domain), stride), len(self.skipped)
                with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
                    good = list(pool.map(lambda i, d=domain: self._good(d, i, 32), sample))
                bad = sample[~np.array(good)]
                if len(bad) > max_bad_share * len(sample) and len(bad) < len(sample):
                    raise ValueError(
                        f"{len(bad)} of {len(sample)} checked files of {self.title} "
                        f"({domain.name}) are bad, more than max_bad_share={max_bad_share:g}: "
                        + _some([f"{path} ({reason})" for path, reason in self.skipped[before:]])
                        + ". Look at them with `ganime prepare scan` and remove them; in Python "
                        "`open_data(..., max_bad_share=0.5)` allows more."
                    )
                if len(bad):
                    domain = domain.select(np.setdiff1d(np.arange(len(domain)), bad))
                    self.domains[place] = domain
            if not len(domain):
                raise ValueError(
                    f"No usable {domain.name} to train on in {self.title}"
                    + (
                        ": " + _some([f"{p} ({r})" for p, r in self.skipped])
                        if self.skipped
                        else ""
                    )
                    + ". `ganime prepare scan` shows what is there."
                )

    # Streams.

    def train(
        self,
        *,
        batch_size: int,
        image_size: int,
        load_size: int | None = None,
        seed: int = 0,
        start_step: int = 0,
        augment: bool = True,
        shard: tuple[int, int] = (0, 1),
    ) -> tf.data.Dataset:
        """An endless stream of shuffled, augmented batches.

        A pure function of `(seed, step)`: `start_step=k` gives what comes after `k` batches,
        without decoding those. Every domain is gone through completely before it is shuffled anew,
        by itself, so unpaired partners are drawn anew each epoch.

        Args:
            batch_size: Samples a batch (of this shard).
            image_size: Side of the pictures.
            load_size: Side that pictures are resized to before the random crop of `image_size`;
                default `image_size` * 286 / 256, the papers' jitter.
            seed: Of shuffling and augmentation.
            start_step: Batches to leave out.
            augment: Random crop and flip; off: resize to `image_size`.
            shard: `(number, count)` of this worker: of every `count * batch_size` samples it gets
                its consecutive `batch_size`.

        Returns:
            Dataset of dicts: float32 `(batch_size, image_size, image_size, 3)` in [-1, 1], label
            maps int32 `(batch_size, image_size, image_size)`, labels int32 `(batch_size,)`.

        Raises:
            ValueError: On a size, step or shard that makes no sense.
        """
        load_size = load_size or round(image_size * 286 / 256)
        number, count = shard
        self.num_train  # noqa: B018  says it when there is nothing to train on
        _check_positive(batch_size=batch_size, image_size=image_size)
        if augment and load_size < image_size:
            raise ValueError(f"load_size ({load_size}) must be at least image_size ({image_size}).")
        if not 0 <= number < count or start_step < 0:
            raise ValueError(f"Received shard={shard}, start_step={start_step}.")
        size = load_size if augment else image_size
        return training_stream(
            self.domains,
            self._derived,
            batch_size=batch_size,
            image_size=image_size,
            size=size,
            seed=seed,
            start_step=start_step,
            augment=augment,
            shard=shard,
            memory=self._memory_of(size),
            next_good=self._next_good,
        )

    def validation(
        self, *, batch_size: int, image_size: int, limit: int | None = None
    ) -> tf.data.Dataset:
        """The validation pictures, in order, resized to `image_size`, not augmented.

        Args:
            batch_size: Samples a batch; the last one may be smaller.
            image_size: Side of the pictures.
            limit: Only the first so many samples.

        Returns:
            Finite dataset of dicts like `train` has, plus `name` (string).
        """
        _check_positive(batch_size=batch_size, image_size=image_size)
        total = self.num_validation if limit is None else min(limit, self.num_validation)
        columns = []
        for domain in self.validation_domains:
            with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
                good = pool.map(lambda i, d=domain: self._good(d, i, image_size), range(total))
                columns.append(np.flatnonzero(np.fromiter(good, bool, total)))
        shortest = min(map(len, columns))
        return validation_stream(
            self.validation_domains,
            self._derived,
            [column[:shortest] for column in columns],
            batch_size=batch_size,
            image_size=image_size,
        )

    def _memory_of(self, size: int) -> Memory:
        """The memory of pictures of side `size`; those of another size are dropped."""
        if self._memory is None or self._memory.size != size:
            limit = int(self._memory_share * machine_bytes())
            self._memory = Memory(self.domains, size, limit)
        return self._memory

    def _next_good(self, domain: Domain, index, size: int):
        """The pictures of sample `index`, or of the next sample in the list that can be read."""

        def load(index, size):
            for offset in range(len(domain)):
                candidate = (int(index) + offset) % len(domain)
                pixels = self._load(domain, candidate, size)
                if pixels is not None:
                    return [np.int64(candidate), *pixels]
            raise RuntimeError(f"All {len(domain)} files of {self.title} ({domain.name}) are bad.")

        types = [tf.int64, *[tf.uint8] * len(domain.parts)]
        found, *pixels = tf.numpy_function(load, [index, size], types)
        pixels = [
            tf.ensure_shape(picture, [None, None, part.store.channels])
            for picture, part in zip(pixels, domain.parts, strict=True)
        ]
        return pixels, tf.ensure_shape(found, [])


def _culprit(domain: Domain, index: int, size: int) -> str:
    for part in domain.parts:
        try:
            part.store.load(index, size)
        except (ValueError, OSError):
            return part.store.path(index)
    return domain.parts[0].store.path(index)


def _some(texts: list[str], limit: int = 5) -> str:
    more = f" and {len(texts) - limit} more" if len(texts) > limit else ""
    return ", ".join(texts[:limit]) + more


def _check_positive(**values: int) -> None:
    for name, value in values.items():
        if value < 1:
            raise ValueError(f"`{name}` must be at least 1. Received {value}.")
