"""Reads PyTorch weight files without PyTorch.

Knows the zip format (since 1.6), the older concatenated pickles, and TorchScript archives, whose
module attributes become dotted names. Only tensors and plain containers are ever built: a file
that names any other class is refused, so a hostile file cannot run code.
"""

import io
import pickle
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import numpy as np

_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_STORAGE_TYPES = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "<i1",
    "ByteStorage": "<u1",
    "BoolStorage": "?",
}


class _Module(dict):
    """A TorchScript module: its attributes."""

    def __setstate__(self, state):
        self.update(state)


class _Storage:
    """A flat buffer that is filled in before or after the tensors that look into it."""

    def __init__(self, dtype: str, data: np.ndarray | None):
        self.dtype, self.data = dtype, data


class _Tensor:
    def __init__(self, storage, offset, size, stride, *_):
        self.storage, self.offset, self.size, self.stride = storage, offset, size, stride

    def array(self) -> np.ndarray:
        data = self.storage.data
        last = self.offset + sum((n - 1) * s for n, s in zip(self.size, self.stride, strict=True))
        if 0 in self.size:
            return np.zeros(self.size, data.dtype)
        if self.offset < 0 or min(self.stride, default=0) < 0 or last >= len(data):
            raise ValueError("a tensor reaches beyond its storage")
        strides = [step * data.itemsize for step in self.stride]
        view = np.lib.stride_tricks.as_strided(data[self.offset :], self.size, strides)
        return np.array(view)


def _parameter(data, *_):
    return data


class _Unpickler(pickle.Unpickler):
    def __init__(self, file, load_storage: Callable[[str, str, int], _Storage]):
        super().__init__(file, encoding="utf-8")
        self._load_storage = load_storage

    def find_class(self, module: str, name: str):
        if module == "collections" and name == "OrderedDict":
            return OrderedDict
        if module == "torch._utils" and name in ("_rebuild_tensor_v2", "_rebuild_tensor"):
            return _Tensor
        if module == "torch._utils" and name == "_rebuild_parameter":
            return _parameter
        if module in ("torch", "torch.storage") and name in _STORAGE_TYPES:
            return _STORAGE_TYPES[name]
        if module.startswith("__torch__"):
            return _Module
        if module == "torch.jit._pickle" and name in ("build_intlist", "build_doublelist"):
            return list
        raise ValueError(f"it asks for {module}.{name}, which is no tensor or plain container")

    def persistent_load(self, identifier):
        kind, dtype, key, _, count, *_ = identifier
        if kind != "storage" or dtype not in _STORAGE_TYPES.values():
            raise ValueError(f"unknown storage {identifier[:2]}")
        return self._load_storage(dtype, key, count)


def read_torch_file(path: str | Path) -> dict[str, np.ndarray]:
    """Reads the tensors of a `.pth`, `.pt` or TorchScript file.

    Args:
        path: A state dict, a dict that holds one under `state_dict`, or a TorchScript module.

    Returns:
        Arrays by dotted name, layouts as stored.

    Raises:
        FileNotFoundError: When there is no such file.
        ValueError: When the file is damaged or holds anything but tensors and containers.
    """
    path = Path(path)
    try:
        if zipfile.is_zipfile(path):
            content = _read_zip(path)
        else:
            content = _read_legacy(path)
        if isinstance(content, dict) and isinstance(content.get("state_dict"), dict):
            content = content["state_dict"]
        arrays: dict[str, np.ndarray] = {}
        _flatten(content, "", arrays)
    except FileNotFoundError:
        raise
    except Exception as error:  # a damaged pickle can raise anything
        raise ValueError(f"{path} is not a readable PyTorch file: {error}.") from error
    if not arrays:
        raise ValueError(f"{path} is a PyTorch file without tensors.")
    return arrays


def _flatten(value, prefix: str, arrays: dict[str, np.ndarray]) -> None:
    if isinstance(value, _Tensor):
        arrays[prefix] = value.array()
    elif isinstance(value, dict):
        for key, item in value.items():
            _flatten(item, f"{prefix}.{key}" if prefix else str(key), arrays)


def _read_zip(path: Path):
    with zipfile.ZipFile(path) as archive:
        index = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        if len(index) != 1:
            raise ValueError(f"expected one data.pkl, found {len(index)}")
        root = index[0].removesuffix("data.pkl")
        storages: dict[str, _Storage] = {}

        def load(dtype: str, key: str, count: int) -> _Storage:
            if key not in storages:
                data = np.frombuffer(archive.read(f"{root}data/{key}"), dtype)
                storages[key] = _Storage(dtype, data)
            return storages[key]

        return _Unpickler(io.BytesIO(archive.read(index[0])), load).load()


def _read_legacy(path: Path):
    storages: dict[str, _Storage] = {}

    def load(dtype: str, key: str, count: int) -> _Storage:
        return storages.setdefault(key, _Storage(dtype, None))

    with open(path, "rb") as file:
        if _Unpickler(file, load).load() != _LEGACY_MAGIC:
            raise ValueError("it is neither a zip archive nor an older PyTorch file")
        for _ in range(2):  # protocol version, facts about the machine that wrote it
            _Unpickler(file, load).load()
        content = _Unpickler(file, load).load()
        for key in _Unpickler(file, load).load():
            (count,) = struct.unpack("<q", file.read(8))
            storage = storages[key]
            size = count * np.dtype(storage.dtype).itemsize
            data = file.read(size)
            if len(data) != size:
                raise ValueError("it ends too early")
            storage.data = np.frombuffer(data, storage.dtype)
    return content
