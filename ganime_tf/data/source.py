"""`Source`: one set of pictures as streams of training and validation batches."""

import hashlib
import logging
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import tensorflow as tf

from ganime_tf.data.class_tables import mirror_table
from ganime_tf.data.domain import Domain
from ganime_tf.data.geometry import NUM_RANDOM, NUM_TINT, tint_lines
from ganime_tf.data.memory import Memory, machine_bytes
from ganime_tf.data.stores import BadMapError
from ganime_tf.data.streams import fill_gaps, plain, to_model, with_options
from ganime_tf.ops.files import write_atomic, write_json

logger = logging.getLogger(__name__)

_STEPS_PER_PLAN = 16
_CHECKED_AT_START = 200


class Source:
    """A set of pictures of one kind, listed, split and checked; made by `open_data`.

    Attributes:
        kind: One of `ganime_tf.data.KINDS`.
        domains: The independently shuffled parts, the first one decides names of outputs.
        validation_domains: The same for `validation`; often the same objects.
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
        *,
        title: str,
        aligned: bool,
        skipped: list[tuple[str, str]] = (),
        validation_domains: list[Domain] | None = None,
        derive: Callable[[dict], dict] | None = None,
        labels: list[str] = (),
        max_bad_share: float = 0.05,
        memory_share: float = 0.25,
        tint: float = 0.0,
    ):
        self.kind, self.domains, self.title, self.aligned = kind, domains, title, aligned
        self.skipped, self.labels = list(skipped), list(labels)
        self.validation_domains = validation_domains or domains
        self.tint, self._memory_share, self._memory = tint, memory_share, None
        if kind == "parsing" and labels:
            for domain in domains:
                domain.mirrors = {"parsing": mirror_table(labels)}
        self._derive, self._lock = derive or (lambda sample: sample), threading.Lock()
        self._check(max_bad_share)

    # What there is.

    @property
    def num_train(self) -> int:
        """Samples of one epoch."""
        return max(len(domain.train_ids) for domain in self.domains)

    @property
    def num_validation(self) -> int:
        """Samples of `validation`: no longer than the shortest domain."""
        return min(len(domain.validation_ids) for domain in self.validation_domains)

    @property
    def listing_hash(self) -> str:
        """SHA-256 over the names and the split; changes when files are added or removed."""
        domains = {id(d): d for d in [*self.domains, *self.validation_domains]}.values()
        text = self.kind + "".join(domain.hash() for domain in domains)
        return hashlib.sha256(text.encode()).hexdigest()

    def describe(self) -> str:
        """One line: kind, place, counts."""
        counts = ", ".join(f"{len(d.train_ids)} {d.name}" for d in self.domains)
        text = f"{self.kind} data {self.title}: train on {counts}; "
        text += f"validate on {self.num_validation}" + ("" if self.aligned else " (not aligned)")
        return text + (f"; {len(self.skipped)} files skipped" if self.skipped else "")

    def write_split(self, path: str | os.PathLike) -> None:
        """Writes the names of the split as JSON, to be given back as `validation=path`."""
        split = {}
        for domain in self.domains:
            split[domain.name] = {
                "train": [domain.names[i] for i in domain.train_ids],
                "validation": [domain.names[i] for i in domain.validation_ids],
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
        for domain in {id(d): d for d in self.domains}.values():
            ids = domain.train_ids
            if len(ids) and all(hasattr(part.store, "root") for part in domain.parts):
                stride = -(-len(ids) // _CHECKED_AT_START)
                sample, before = ids[::stride], len(self.skipped)
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
                domain.train_ids = np.setdiff1d(ids, bad)
            if not len(domain.train_ids):
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
        _check_positive(batch_size=batch_size, image_size=image_size)
        if augment and load_size < image_size:
            raise ValueError(f"load_size ({load_size}) must be at least image_size ({image_size}).")
        if not 0 <= number < count or start_step < 0:
            raise ValueError(f"Received shard={shard}, start_step={start_step}.")
        size = load_size if augment else image_size
        memory, tinted = self._memory_of(size), augment and self.tint > 0
        ids = [tf.constant(domain.train_ids, tf.int64) for domain in self.domains]
        per_plan = _STEPS_PER_PLAN * batch_size * count

        def plan(number_of_plan):
            positions = number_of_plan * per_plan + tf.range(per_plan, dtype=tf.int64)
            indices = []
            for stream, domain_ids in enumerate(ids):
                length = tf.size(domain_ids, tf.int64)
                epochs = positions // length
                seeds = tf.stack(
                    [tf.fill([per_plan], tf.constant(seed, tf.int64)),
                     tf.fill([per_plan], tf.constant(stream, tf.int64)), epochs], axis=1
                )  # fmt: skip
                # The raw op: the public wrapper takes one seed for all positions only.
                shuffled = tf.raw_ops.RandomIndexShuffle(
                    index=positions % length, seed=seeds, max_index=length - 1, rounds=4
                )
                indices.append(tf.gather(domain_ids, shuffled))
            random = tf.random.stateless_uniform(
                [per_plan, len(ids), NUM_RANDOM], tf.stack([seed, number_of_plan])
            )
            # Numbers of their own, so that a tint changes no crop.
            tints = tf.random.stateless_uniform(
                [per_plan, NUM_TINT],
                tf.random.experimental.stateless_fold_in(tf.stack([seed, number_of_plan]), 1),
            )

            def mine(values):
                shape = values.shape.as_list()[1:]
                values = tf.reshape(values, [_STEPS_PER_PLAN, count, batch_size, *shape])
                return tf.reshape(values[:, number], [_STEPS_PER_PLAN * batch_size, *shape])

            return mine(tf.stack(indices, axis=1)), mine(random), mine(tints)

        def row(position):
            table = plan(position // (_STEPS_PER_PLAN * batch_size))
            at = position % (_STEPS_PER_PLAN * batch_size)
            return tuple(column[at] for column in table)

        def sample(row, prepared):
            indices, random, tints = row
            result = {}
            for stream, domain in enumerate(self.domains):
                numbers = random[stream] if augment else None
                position = random[stream, 3] if augment else 0.5
                pictures, index = prepared(domain, indices[stream], position)
                result |= domain.augment(pictures, index, image_size, numbers)
            if tinted:
                result["a"] = tint_lines(result["a"], self.tint, tints)
            return self._derive(result)

        def fast(position, row):
            def prepared(domain, index, at):
                make = lambda: domain.prepare(domain.pixels(index, size), size, at)  # noqa: E731
                return memory.get(domain, index, make), index

            return position, sample(row, prepared)

        def slow(position):
            def prepared(domain, index, at):
                pixels, found = self._next_good(domain, index, size)
                return domain.prepare(pixels, size, at), found

            return sample(row(position), prepared)

        first = start_step * batch_size
        first_plan, rest = divmod(first, _STEPS_PER_PLAN * batch_size)
        data = tf.data.Dataset.range(first_plan, np.iinfo(np.int64).max // per_plan)
        data = data.map(plain(plan)).unbatch().skip(rest).enumerate(first)
        data = data.map(plain(fast), num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        data = fill_gaps(data.ignore_errors(), first, slow)
        data = data.rebatch(batch_size, drop_remainder=True)
        return with_options(data.map(plain(to_model), num_parallel_calls=1).prefetch(2))

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
            ids = domain.validation_ids[:total]
            with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
                good = pool.map(lambda i, d=domain: self._good(d, i, image_size), ids)
                columns.append(ids[np.fromiter(good, bool, len(ids))])
        shortest = min(map(len, columns))
        columns = [column[:shortest] for column in columns]
        table = np.stack(columns, axis=1) if self.validation_domains else np.zeros((0, 1))
        names = [os.fsencode(self.validation_domains[0].names[i]) for i in columns[0]]

        def load(indices, name):
            result = {}
            for stream, domain in enumerate(self.validation_domains):
                pixels = domain.pixels(indices[stream], image_size)
                result |= domain.finish(pixels, indices[stream], image_size, image_size)
            return self._derive(result) | {"name": name}

        data = tf.data.Dataset.from_tensor_slices(
            (tf.constant(table, tf.int64), tf.constant(names, tf.string))
        )
        data = data.map(plain(load), num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        return with_options(data.batch(batch_size).map(plain(to_model)).prefetch(1))

    def _memory_of(self, size: int) -> Memory:
        """The memory of pictures of side `size`; those of another size are dropped."""
        if self._memory is None or self._memory.size != size:
            limit = int(self._memory_share * machine_bytes())
            self._memory = Memory(self.domains, size, limit)
        return self._memory

    def _next_good(self, domain: Domain, index, size: int):
        """The pictures of sample `index`, or of the next sample in the list that can be read."""

        def load(index, size):
            ids = domain.train_ids
            start = int(np.searchsorted(ids, index))
            for offset in range(len(ids)):
                candidate = int(ids[(start + offset) % len(ids)])
                pixels = self._load(domain, candidate, size)
                if pixels is not None:
                    return [np.int64(candidate), *pixels]
            raise RuntimeError(f"All {len(ids)} files of {self.title} ({domain.name}) are bad.")

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
