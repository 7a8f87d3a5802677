"""Zip archives and .safetensors files, in bounded memory."""

import io
import json
import math
import zipfile
from pathlib import Path

import numpy as np

from ganime_tf.weights.budget import Budget

_CHUNK = 1 << 20
_SAFETENSORS = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "bfloat16", "I64": "<i8", "I32": "<i4",
    "I16": "<i2", "I8": "<i1", "U8": "<u1", "BOOL": "?",
}  # fmt: skip
_HEADER_LIMIT = 8 << 20


class Archive:
    """A zip archive whose members are read within a budget.

    Args:
        path: The file.
        budget: What reading it may cost.

    Raises:
        ValueError: When all members together are more than the budget allows.
    """

    def __init__(self, path: Path, budget: Budget):
        self._zip, self._budget = zipfile.ZipFile(path), budget
        self._members = {info.filename: info for info in self._zip.infolist()}
        Budget(budget.size).take(sum(info.file_size for info in self._members.values()))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._zip.close()

    @property
    def names(self) -> list[str]:
        """Names of the members."""
        return list(self._members)

    def read(self, name: str) -> bytearray:
        """Reads a member; never more than its entry says, whatever the compressed data holds."""
        info = self._members[name]
        self._budget.take(info.file_size)
        data, position = bytearray(info.file_size), 0
        with self._zip.open(info) as file:
            while position < len(data):
                chunk = file.read(min(_CHUNK, len(data) - position))
                if not chunk:
                    raise ValueError(f"{name} ends too early")
                data[position : position + len(chunk)] = chunk
                position += len(chunk)
        return data


def read_npz(archive: Archive) -> dict[str, np.ndarray]:
    """Reads the arrays of an `.npz`; objects are refused."""
    arrays = {}
    for name in archive.names:
        if not name.endswith(".npy"):
            raise ValueError(f"{name} is no array")
        file = io.BytesIO(archive.read(name))
        version = np.lib.format.read_magic(file)
        header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }.get(version)
        if header is None:
            raise ValueError(f"{name} has the format {version}")
        shape, fortran, dtype = header(file)
        if dtype.hasobject:
            raise ValueError(f"{name} holds objects, not numbers")
        data = file.getbuffer()[file.tell() :]
        if math.prod(shape) * dtype.itemsize != len(data):
            raise ValueError(f"{name} has another size than its header says")
        array = np.frombuffer(data, dtype)
        array = array.reshape(shape[::-1]).T if fortran else array.reshape(shape)
        arrays[name.removesuffix(".npy")] = array
    return arrays


def read_safetensors(path: Path) -> dict[str, np.ndarray]:
    """Reads a `.safetensors` file: a JSON header and the raw arrays."""
    size = path.stat().st_size
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= min(size - 8, _HEADER_LIMIT):
            raise ValueError(f"its header would have {length} bytes")
        header = json.loads(file.read(length))
        if not isinstance(header, dict):
            raise ValueError("its header is no table")
        header.pop("__metadata__", None)
        data = np.frombuffer(file.read(size - 8 - length), np.uint8)
    budget, arrays = Budget(size), {}
    for name, entry in header.items():
        first, last = entry["data_offsets"]
        kind, shape = _SAFETENSORS.get(entry["dtype"]), [int(side) for side in entry["shape"]]
        if kind is None:
            raise ValueError(f"{name} has the unknown type {entry['dtype']!r}")
        item = 2 if kind == "bfloat16" else np.dtype(kind).itemsize
        fits = 0 <= first <= last <= len(data) and min(shape, default=0) >= 0
        if not fits or math.prod(shape) * item != last - first:
            raise ValueError(f"{name} does not lie where the header says")
        budget.take(last - first)
        arrays[name] = typed(data[first:last], kind).reshape(shape)
    return arrays


def typed(data, kind: str) -> np.ndarray:
    """Bytes as numbers; bfloat16, which NumPy does not know, becomes float32."""
    if kind != "bfloat16":
        return np.frombuffer(data, kind)
    return (np.frombuffer(data, "<u2").astype(np.uint32) << 16).view(np.float32)
