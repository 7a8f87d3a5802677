"""Weights and pictures that depend on their names alone, so that golden files hold only outputs."""

import zlib

import numpy as np


def random(name: str) -> np.random.RandomState:
    """A generator for a name."""
    return np.random.RandomState(zlib.crc32(name.encode()) & 0xFFFFFFFF)


def fill(key: str, shape: tuple) -> np.ndarray:
    """float32 weights for a release's key and (PyTorch) shape."""
    z = random(key).standard_normal(shape).astype(np.float32)
    if key.endswith("gamma"):
        return (1 + 0.1 * z).astype(np.float32)
    if len(shape) > 1:
        return (z * np.sqrt(2.0 / np.prod(shape[1:]))).astype(np.float32)
    return (0.1 * z).astype(np.float32)


def picture(name: str, size: int) -> np.ndarray:
    """Two float32 pictures in [-1, 1], `(2, size, size, 3)`."""
    z = np.tanh(random(name).standard_normal((2, 3, size, size))).astype(np.float32)
    return z.transpose(0, 2, 3, 1)


def fill_table(table: dict, prefix: str) -> None:
    """Fills the variables of a converter: `{key: variable or (variable, reordering)}`."""
    for key, entry in table.items():
        variable, reorder = entry if isinstance(entry, tuple) else (entry, np.asarray)
        shape = tuple(variable.shape)
        shape = (shape[3], shape[2], *shape[:2]) if len(shape) == 4 else shape[::-1]
        variable.assign(reorder(fill(f"{prefix}.{key}", shape)))
