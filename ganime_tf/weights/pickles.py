"""Restricted pickles: tensors and plain containers, in memory bounded by the file.

Knows PyTorch's zip format (since 1.6), the older concatenated pickles, TorchScript archives, and
the pickled networks of NVIDIA's StyleGAN2. Nothing that a file names is ever imported: a few names
stand for harmless things below, and any other is refused. Before a pickle is read its operations
are counted, because memory follows them.
"""

import io
import pickle
import pickletools
import struct
from pathlib import Path

import numpy as np

from ganime_tf.weights.archives import Archive, typed
from ganime_tf.weights.budget import Budget

_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_MOST_OPERATIONS = 2_000_000  # a network of 10,000 tensors has about 300,000
_REFUSED = {"EXT1", "EXT2", "EXT4", "BYTEARRAY8", "NEXT_BUFFER", "READONLY_BUFFER", "INST", "OBJ"}
_STORAGE_TYPES = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "<i1",
    "ByteStorage": "<u1",
    "BoolStorage": "?",
    "UntypedStorage": "<u1",
}
_NUMBERS = ("f8", "f4", "f2", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1", "b1")


class Record(dict):
    """Attributes of an object whose class was not made."""


class Tensor:
    """A view into a storage, made into an array when it is asked for."""

    def __init__(self, budget: Budget, storage, offset, size, stride):
        self._budget, self._storage = budget, storage
        self.offset, self.size, self.stride = int(offset), tuple(size), tuple(stride)

    def array(self) -> np.ndarray:
        """The values, C-contiguous."""
        data = self._storage.data
        last = self.offset + sum((n - 1) * s for n, s in zip(self.size, self.stride, strict=True))
        if 0 in self.size:
            return np.zeros(self.size, data.dtype)
        if self.offset < 0 or min(self.stride, default=0) < 0 or last >= len(data):
            raise ValueError("a tensor reaches beyond its storage")
        count = 1
        for side in self.size:
            count *= int(side)
        self._budget.take(count * data.itemsize)
        strides = [step * data.itemsize for step in self.stride]
        view = np.lib.stride_tricks.as_strided(data[self.offset :], self.size, strides)
        return np.array(view)


class _Storage:
    """A flat buffer that is filled in before or after the tensors that look into it."""

    def __init__(self, kind: str, data: np.ndarray | None = None):
        self.kind, self.data = kind, data


class _Dtype:
    """NumPy's type of a single number."""

    def __init__(self, kind):
        if kind not in _NUMBERS:
            raise ValueError(f"a number of the type {kind!r}")
        self.kind = np.dtype(kind)

    def __setstate__(self, state):
        if state[1] == ">":
            self.kind = self.kind.newbyteorder(">")


class _Bounded(io.RawIOBase):
    """A file that never makes room for more bytes than it has."""

    def __init__(self, file, size: int):
        super().__init__()
        self._file, self._size = file, size

    def read(self, count=-1):
        left = self._size - self._file.tell()
        if count is None or count < 0 or count > left:
            raise ValueError("it ends too early")
        return self._file.read(count)

    def readline(self, limit=-1):
        return self._file.readline(limit)

    def readinto(self, buffer):
        data = self.read(len(buffer))
        buffer[:] = data
        return len(data)

    def tell(self):
        return self._file.tell()

    def seek(self, position, whence=0):
        return self._file.seek(position, whence)


class _Reader:
    """Reads the pickles of one file, all within one budget."""

    def __init__(self, budget: Budget):
        self.budget, self._operations, self._depth = budget, 0, 0

    def load(self, file: _Bounded, load_storage):
        """Reads the pickle at the file's position.

        Raises:
            ValueError: Naming what it asks for that is not allowed.
        """
        start = file.tell()
        for operation, argument, _ in pickletools.genops(file):
            self._operations += 1
            if operation.name in _REFUSED:
                raise ValueError(f"it uses {operation.name}, which no file of weights needs")
            index = argument if isinstance(argument, int) else 0
            memo = "PUT" in operation.name or "GET" in operation.name
            if self._operations > _MOST_OPERATIONS or (memo and index > _MOST_OPERATIONS):
                raise ValueError("it has more operations than any file of weights")
        file.seek(start)
        return _unpickler(self, file, load_storage).load()

    # What the names of a file stand for.

    def find(self, module: str, name: str):
        plain = {
            ("collections", "OrderedDict"): self._ordered,
            ("dnnlib.util", "EasyDict"): self._ordered,
            ("argparse", "Namespace"): _new(Record, __setstate__=lambda own, state: None),
            ("torch_utils.persistence", "_reconstruct_persistent_obj"): self._record,
            ("torch._utils", "_rebuild_tensor"): self._tensor,
            ("torch._utils", "_rebuild_tensor_v2"): self._tensor,
            ("torch._utils", "_rebuild_parameter"): lambda data, *_: data,
            ("torch.storage", "_load_from_bytes"): self._inner_storage,
            ("torch.jit._pickle", "build_intlist"): lambda values: values,
            ("torch.jit._pickle", "build_doublelist"): lambda values: values,
            ("torch", "Size"): lambda values: values,
            ("_codecs", "encode"): self._bytes,
            ("numpy", "dtype"): lambda kind, *_: _Dtype(kind),
            ("numpy.core.multiarray", "scalar"): _scalar,
            ("numpy._core.multiarray", "scalar"): _scalar,
        }
        if (module, name) in plain:
            return plain[module, name]
        if module in ("torch", "torch.storage") and name in _STORAGE_TYPES:
            return _STORAGE_TYPES[name]
        if module.startswith("__torch__"):
            return _new(Record, __setstate__=lambda own, state: self._update(own, state))
        raise ValueError(f"it asks for {module}.{name}, which is no tensor or plain container")

    def _ordered(self, pairs=()):
        self.budget.take(100 * len(pairs))
        made = _new(dict, __setstate__=lambda own, state: None)()
        made.update(pairs)
        return made

    def _record(self, attributes):
        self.budget.take(100 * len(attributes))
        return Record(attributes)

    def _update(self, own, state):
        self.budget.take(100 * len(state))
        own.update(state)

    def _tensor(self, storage, offset, size, stride, *_):
        if not isinstance(storage, _Storage):
            raise ValueError("a tensor without a storage")
        return Tensor(self.budget, storage, offset, size, stride)

    def _bytes(self, text: str, encoding: str = "latin1") -> bytes:
        if encoding != "latin1":
            raise ValueError(f"bytes in the encoding {encoding!r}")
        self.budget.take(len(text))
        return text.encode("latin1")

    def _inner_storage(self, data: bytes):
        """An inner file with the values of a storage."""
        if self._depth:
            raise ValueError("an inner file inside of an inner file")
        self._depth += 1
        try:
            storage = self.legacy(io.BytesIO(data), len(data))
        finally:
            self._depth -= 1
        if not isinstance(storage, _Storage):
            raise ValueError("an inner file that is no storage")
        return storage

    def legacy(self, file, size: int):
        """The concatenated pickles that PyTorch wrote before 1.6."""
        storages: dict[str, _Storage] = {}
        file = _Bounded(file, size)

        def load(kind: str, key: str) -> _Storage:
            return storages.setdefault(key, _Storage(kind))

        if self.load(file, load) != _LEGACY_MAGIC:
            raise ValueError("it is neither a zip archive nor an older PyTorch file")
        for _ in range(2):  # protocol version, facts about the machine that wrote it
            self.load(file, load)
        content = self.load(file, load)
        for key in self.load(file, load):
            (count,) = struct.unpack("<q", file.read(8))
            storage = storages[key]
            item = 2 if storage.kind == "bfloat16" else np.dtype(storage.kind).itemsize
            self.budget.take(count * item)
            storage.data = typed(file.read(count * item), storage.kind)
        return content


def _new(base: type, **members) -> type:
    """A class of this reading alone, so that a file that writes to it changes nothing else."""
    return type(base.__name__, (base,), members)


def _scalar(dtype: _Dtype, data: bytes):
    if not isinstance(dtype, _Dtype) or len(data) != dtype.kind.itemsize:
        raise ValueError("a number of no known type")
    return np.frombuffer(data, dtype.kind)[0].item()


def _unpickler(reader: _Reader, file, load_storage) -> pickle.Unpickler:
    class Restricted(pickle.Unpickler):
        def find_class(self, module: str, name: str):
            return reader.find(module, name)

        def persistent_load(self, identifier):
            if load_storage is None:
                raise ValueError("it refers to data outside of the file")
            kind, dtype, key, *_ = identifier
            if kind != "storage" or dtype not in _STORAGE_TYPES.values():
                raise ValueError(f"unknown storage {identifier[:2]}")
            return load_storage(dtype, key)

    return Restricted(file, encoding="utf-8")


def read_zip(archive: Archive, budget: Budget):
    """Content of a zip archive of PyTorch or TorchScript; tensors are `Tensor`."""
    index = [name for name in archive.names if name.rpartition("/")[2] == "data.pkl"]
    if len(index) != 1:
        raise ValueError(f"expected one data.pkl, found {len(index)}")
    root = index[0].removesuffix("data.pkl")
    order = f"{root}byteorder"
    if order in archive.names and archive.read(order) != b"little":
        raise ValueError("it was written with the largest byte first")
    storages: dict[str, _Storage] = {}

    def load(kind: str, key: str) -> _Storage:
        if key not in storages:
            storages[key] = _Storage(kind, typed(archive.read(f"{root}data/{key}"), kind))
        return storages[key]

    data = archive.read(index[0])
    return _Reader(budget).load(_Bounded(io.BytesIO(data), len(data)), load)


def read_pickle(path: Path, budget: Budget):
    """Content of an older PyTorch file, or of one plain pickle; tensors are `Tensor`."""
    with open(path, "rb") as file:
        if path.suffix == ".pkl":
            return _Reader(budget).load(_Bounded(file, budget.size), None)
        return _Reader(budget).legacy(file, budget.size)
