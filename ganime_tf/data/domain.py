"""A domain: samples that are shuffled together, each one or several aligned pictures."""

import dataclasses
import hashlib

import numpy as np
import tensorflow as tf

from ganime_tf.data import listing
from ganime_tf.data.geometry import jitter, resize, square
from ganime_tf.data.stores import DrawnStore, FileStore

Store = FileStore | DrawnStore


@dataclasses.dataclass
class Part:
    """Pictures of one store and the batch keys they become.

    Args:
        store: Where the pixels come from.
        outputs: `(key, strip, strips)`: the picture is cut into `strips` equal vertical strips and
            strip number `strip` becomes `key`.
    """

    store: Store
    outputs: tuple[tuple[str, int, int], ...]


class Domain:
    """Numbered samples of one or several aligned pictures.

    Args:
        name: What errors and the log call it.
        parts: Stores with the same number of pictures; picture i of all belongs to sample i.
        labels: Further values, `key -> array (N, ...)`.
        aspect: See `geometry.square`.
    """

    def __init__(self, name: str, parts: list[Part], labels: dict | None = None,
                 aspect: str = "stretch"):  # fmt: skip
        self.name, self.parts, self.labels, self.aspect = name, parts, labels or {}, aspect
        self.mirrors: dict[str, np.ndarray] = {}  # key of a map -> classes in a mirrored picture
        self.held_out: list[tuple[str, ...]] = []  # rows that a split took for validation
        self.from_split = False  # whether these samples are what a split took

    @property
    def names(self) -> list[str]:
        """Name of every sample: that of its first picture."""
        return self.parts[0].store.names

    def __len__(self) -> int:
        return len(self.names)

    @property
    def keys(self) -> list[str]:
        """Batch keys of the pictures."""
        return [key for part in self.parts for key, _, _ in part.outputs]

    def select(self, ids: np.ndarray) -> "Domain":
        """The domain of only these samples, in this order."""
        ids = np.asarray(ids, np.int64)
        parts = [Part(part.store.select(ids), part.outputs) for part in self.parts]
        labels = {key: values[ids] for key, values in self.labels.items()}
        result = Domain(self.name, parts, labels, self.aspect)
        result.mirrors, result.held_out = self.mirrors, self.held_out
        result.from_split = self.from_split
        return result

    def divide(self, held_out: np.ndarray) -> tuple["Domain", "Domain"]:
        """Divides the samples into those to train on and those to validate on.

        Args:
            held_out: Boolean, one a sample.
        """
        held_out = np.asarray(held_out, bool)
        train, validation = (self.select(np.flatnonzero(v)) for v in (~held_out, held_out))
        train.held_out, validation.from_split = validation.rows(), True
        return train, validation

    def split(self, share: float, known: dict | None = None) -> tuple["Domain", "Domain"]:
        """Divides by hash, or as a file of `Source.write_split` says.

        Names that the file does not know (added later) go by their hash.

        Args:
            share: Expected share of the validation side.
            known: The file's content, from `listing.read_split`.

        Raises:
            ValueError: When the file is of other data.
        """
        held = np.zeros(len(self), bool)
        held[listing.split_by_hash(self.names, share)[1]] = True
        if known is not None:
            sides = known.get(self.name)
            if sides is None:
                raise ValueError(
                    f"The split file has no {self.name!r}, only {', '.join(sorted(known))}: it "
                    "belongs to other data or to another kind."
                )
            to_train, to_validation = set(sides["train"]), set(sides["validation"])
            held = [
                name in to_validation or (name not in to_train and by_hash)
                for name, by_hash in zip(self.names, held, strict=True)
            ]
        return self.divide(held)

    def rows(self) -> list[tuple[str, ...]]:
        """The names of every sample's pictures."""
        return list(zip(*(part.store.names for part in self.parts), strict=True))

    def hash(self, validation: bool = False) -> str:
        """SHA-256 over the names to train on, then those to validate on.

        Args:
            validation: Whether this domain's own samples are to validate on.
        """
        digest = hashlib.sha256(self.name.encode())
        for side in ([], self.rows()) if validation else (self.rows(), self.held_out):
            for row in side:
                for name in row:
                    digest.update(name.encode("utf-8", "surrogateescape") + b"\0")
            digest.update(b"\1")
        return digest.hexdigest()

    def load(self, index: int, size: int) -> list[np.ndarray]:
        """Reads sample `index` in Python: one uint8 array a part; `ValueError`/`OSError` if bad."""
        return [part.store.load(index, size) for part in self.parts]

    def pixels(self, index, size: int) -> list:
        """Reads sample `index` in the graph: one uint8 tensor a part."""
        return [part.store.pixels(index, size) for part in self.parts]

    def read(self, index, size: int) -> list:
        """Reads sample `index` in Python from within a graph: what `load` can read, this can."""

        def load(index):
            return self.load(int(index), size)

        pixels = tf.numpy_function(load, [index], [tf.uint8] * len(self.parts), stateful=False)
        return [
            tf.ensure_shape(picture, [None, None, part.store.channels])
            for picture, part in zip(pixels, self.parts, strict=True)
        ]

    def prepare(self, pixels: list, size: int, position=0.5) -> dict:
        """Cuts the parts of one sample and resizes them.

        Args:
            pixels: What `pixels` returned.
            size: Side to resize to.
            position: Of the square, see `geometry.square`.

        Returns:
            `key -> uint8 (size, size, C)`.
        """
        sample = {}
        for part, picture in zip(self.parts, pixels, strict=True):
            for key, strip, strips in part.outputs:
                width = tf.shape(picture)[1] // strips
                piece = picture[:, strip * width : (strip + 1) * width] if strips > 1 else picture
                fill = 0 if part.store.nearest else 255
                piece = square(piece, self.aspect, position, fill)
                sample[key] = resize(piece, size, part.store.nearest)
        return sample

    def augment(self, sample: dict, index, image_size: int, random=None) -> dict:
        """Jitters what `prepare` gave, all keys alike, and adds the labels of sample `index`."""
        if random is not None:
            sample = {
                key: self._mirrored(key, jitter(piece, image_size, random), random)
                for key, piece in sample.items()
            }
        return sample | {key: tf.gather(v, index) for key, v in self.labels.items()}

    def _mirrored(self, key: str, piece, random):
        """In a mirrored map of classes the left eye is the right one."""
        if key not in self.mirrors:
            return piece
        table = tf.constant(self.mirrors[key])
        return tf.cond(
            random[2] < 0.5, lambda: piece, lambda: tf.gather(table, tf.cast(piece, tf.int32))
        )

    def finish(self, pixels: list, index, size: int, image_size: int, random=None) -> dict:
        """Cuts, resizes and augments the parts of one sample.

        Args:
            pixels: What `pixels` returned.
            index: Number of the sample, for its labels.
            size: Side to resize to.
            image_size: Side of the result.
            random: `(NUM_RANDOM,)` numbers for the jitter; `None` for none.

        Returns:
            `key -> uint8 (image_size, image_size, C)` and the labels.
        """
        position = 0.5 if random is None else random[3]
        return self.augment(self.prepare(pixels, size, position), index, image_size, random)
