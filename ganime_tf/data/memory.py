"""Decoded and resized training pictures, kept in memory so that only the first epoch decodes."""

import os
from collections.abc import Callable
from pathlib import Path

import tensorflow as tf

from ganime_tf.data.domain import Domain
from ganime_tf.data.stores import FileStore

# Memory limits of a container, cgroup 2 and 1.
_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def machine_bytes() -> int:
    """Memory of the machine, or of the container when that has less."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for path in _LIMITS:
        try:
            total = min(total, int(Path(path).read_text()))
        except (OSError, ValueError):  # no such limit, or the word `max`
            continue
    return total


class Memory:
    """The prepared pictures (`Domain.prepare`) of one size, by number of the sample.

    What is kept is decided by the number alone: where not everything fits, it is the first part of
    every domain, so that no bookkeeping slows the stream. Augmentation comes after and is never
    kept. Drawn pictures have a memory of their own; with `aspect=random` nothing can be kept.

    Args:
        domains: What the stream reads.
        size: Side of the prepared pictures.
        max_bytes: Largest sum of their sizes.
    """

    def __init__(self, domains: list[Domain], size: int, max_bytes: int):
        kept = [d for d in domains if _can_keep(d)]
        needed = sum(len(d) * _sample_bytes(d, size) for d in kept)
        share = min(1.0, max_bytes / needed) if needed else 0.0
        self.size = size
        self._counts = {id(d): int(share * len(d)) for d in kept}
        self._tables = {}
        for domain in kept:
            if self._counts[id(domain)]:
                with tf.init_scope(), tf.device("CPU:0"):
                    table = tf.lookup.experimental.MutableHashTable(tf.int64, tf.string, "")
                self._tables[id(domain)] = table

    def get(self, domain: Domain, index, make: Callable[[], dict]) -> dict:
        """Takes sample `index` from memory, or makes it and keeps it.

        Args:
            domain: One of the domains given to the constructor.
            index: Scalar int64 tensor.
            make: Returns `key -> uint8 (size, size, C)`, as `Domain.prepare`.

        Returns:
            What `make` returns.
        """
        table = self._tables.get(id(domain))
        if table is None:
            return make()
        keys = domain.keys
        channels = {key: part.store.channels for part in domain.parts for key, _, _ in part.outputs}
        rows = index * len(keys) + tf.range(len(keys), dtype=tf.int64)

        def from_memory(stored):
            return {
                key: tf.ensure_shape(
                    tf.io.parse_tensor(stored[i], tf.uint8), [self.size, self.size, channels[key]]
                )
                for i, key in enumerate(keys)
            }

        def keep():
            sample = make()
            stored = tf.stack([tf.io.serialize_tensor(sample[key]) for key in keys])
            with tf.control_dependencies([table.insert(rows, stored)]):
                return {key: tf.identity(sample[key]) for key in keys}

        def look():
            stored = table.lookup(rows)
            known = tf.strings.length(stored[-1]) > 0
            return tf.cond(known, lambda: from_memory(stored), keep)

        count = self._counts[id(domain)]
        return look() if count == len(domain) else tf.cond(index < count, look, make)

    @property
    def num_bytes(self) -> int:
        """Bytes of the pictures that are kept now."""
        tables = [table.export()[1] for table in self._tables.values()]
        return sum(int(tf.reduce_sum(tf.strings.length(values))) for values in tables)


def _can_keep(domain: Domain) -> bool:
    return domain.aspect != "random" and all(isinstance(p.store, FileStore) for p in domain.parts)


def _sample_bytes(domain: Domain, size: int) -> int:
    return size * size * sum(part.store.channels * len(part.outputs) for part in domain.parts)
