"""Where pixels come from: numbered pictures that can be fetched in any order.

A store has `names` (unique, they decide the order and the split), `pixels(index, size)` in the
graph and `load(index, size)` in Python; both give uint8 `(H, W, C)`. `size` is what the caller is
going to resize to: files ignore it, drawn pictures are drawn at it.
"""

import copy
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from ganime_tf.data.decoding import decode
from ganime_tf.data.io import decode_bytes, read_bytes


class BadMapError(ValueError):
    """A label map that contradicts its picture or its class list: an error, never skipped."""


RGB = tuple[int, int, int]


class FileStore:
    """Picture files.

    Args:
        root: Folder that `names` are relative to.
        names: Relative paths.
        background: RGB under transparent pixels.
    """

    channels = 3
    nearest = False

    def __init__(self, root: str | Path, names: Sequence[str], background: RGB = (255, 255, 255)):
        self.root, self.names, self.background = os.fspath(root), list(names), background
        self._paths = None

    def select(self, ids: Sequence[int]) -> "FileStore":
        """The same store with only these pictures."""
        result = copy.copy(self)
        result.names, result._paths = [self.names[i] for i in ids], None
        return result

    def path(self, index: int) -> str:
        """Full path of a picture."""
        return os.path.join(self.root, self.names[index])

    def pixels(self, index, size):
        """Decodes picture `index` in the graph; raises InvalidArgumentError on a bad file."""
        del size
        if self._paths is None:  # an eager tensor is captured by reference, not copied to graphs
            with tf.init_scope():
                self._paths = tf.constant([os.fsencode(self.path(i)) for i in range(len(self))])
        return decode(tf.io.read_file(self._paths[index]), self.background)

    def load(self, index: int, size: int) -> np.ndarray:
        """Reads picture `index`; `BadImageError` or `OSError` when it cannot be."""
        del size
        return decode_bytes(read_bytes(self.path(index)), self.background)

    def __len__(self) -> int:
        return len(self.names)


class DrawnStore:
    """Pictures that a function makes, kept in memory once made.

    Args:
        draw: `(index, size) -> uint8 (size, size, C)`, safe to call from several threads.
        names: One name a picture.
        channels: C.
        nearest: Whether resizing must not mix values (label maps).
        max_bytes: What is drawn beyond this is not kept.
    """

    def __init__(
        self,
        draw: Callable[[int, int], np.ndarray],
        names: Sequence[str],
        channels: int = 3,
        nearest: bool = False,
        max_bytes: int = 1 << 29,
    ):
        self.names, self.channels, self.nearest = list(names), channels, nearest
        self._draw, self._max_bytes = draw, max_bytes
        self._kept, self._bytes, self._lock = {}, 0, threading.Lock()

    def path(self, index: int) -> str:
        """Name of a picture."""
        return self.names[index]

    def load(self, index: int, size: int) -> np.ndarray:
        """Draws picture `index` or takes the kept one."""
        key = (int(index), int(size))
        pixels = self._kept.get(key)
        if pixels is None:
            pixels = np.ascontiguousarray(self._draw(*key))
            with self._lock:
                if key not in self._kept and self._bytes + pixels.nbytes <= self._max_bytes:
                    self._kept[key] = pixels
                    self._bytes += pixels.nbytes
        return pixels

    def select(self, ids: Sequence[int]) -> "DrawnStore":
        """The same store with only these pictures."""
        ids = list(ids)
        draw = lambda index, size: self._draw(ids[index], size)  # noqa: E731
        names = [self.names[i] for i in ids]
        return DrawnStore(draw, names, self.channels, self.nearest, self._max_bytes)

    def pixels(self, index, size):
        """Draws picture `index` from within a graph."""
        pixels = tf.numpy_function(self.load, [index, size], tf.uint8, stateful=False)
        return tf.ensure_shape(pixels, [None, None, self.channels])

    def __len__(self) -> int:
        return len(self.names)


class MapStore(FileStore):
    """Label maps: like files, but read by `reader(path) -> uint8 (H, W)` of class numbers."""

    channels = 1
    nearest = True

    def __init__(self, root: str | Path, names: Sequence[str], reader: Callable):
        super().__init__(root, names)
        self._reader = reader

    def load(self, index: int, size: int) -> np.ndarray:
        """Reads map `index`, `(H, W, 1)`."""
        del size
        return self._reader(self.path(index))[..., None]

    def pixels(self, index, size):
        """Reads map `index` from within a graph."""
        pixels = tf.numpy_function(self.load, [index, size], tf.uint8, stateful=False)
        return tf.ensure_shape(pixels, [None, None, 1])
