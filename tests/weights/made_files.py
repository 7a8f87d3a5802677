"""Files of weights as PyTorch writes them, made without it: good ones, and ones that lie."""

import io
import pickle
import struct
import sys
import types
import zipfile
from collections import OrderedDict
from contextlib import contextmanager

import numpy as np

_NAMES = {"f8": "Double", "f4": "Float", "f2": "Half", "i8": "Long", "i4": "Int", "u1": "Byte"}


class Tensor:
    """What is written as a tensor.

    Args:
        array: Its values.
        size: Its shape, where the file is to lie about it.
        stride: Its strides in numbers, likewise.
        offset: Of its first number.
    """

    def __init__(self, array, size=None, stride=None, offset=0):
        self.array = np.array(array, order="C")
        self.offset, self.size = offset, self.array.shape if size is None else size
        steps = [s // self.array.itemsize for s in self.array.strides]
        self.stride = tuple(steps) if stride is None else stride


def tensors(value):
    """Makes the arrays of nested containers tensors."""
    if isinstance(value, dict):
        return OrderedDict((key, tensors(item)) for key, item in value.items())
    return Tensor(value) if isinstance(value, np.ndarray) else value


@contextmanager
def _torch():
    """A module of the name, with what pickles name, while they are written."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    for name in _NAMES.values():
        kind = type(f"{name}Storage", (), {"__module__": "torch"})
        setattr(torch, kind.__name__, kind)

    def _rebuild_tensor_v2():
        raise AssertionError

    _rebuild_tensor_v2.__module__, _rebuild_tensor_v2.__qualname__ = (
        utils.__name__,
        "_rebuild_tensor_v2",
    )
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2
    before = {name: sys.modules.get(name) for name in ("torch", "torch._utils")}
    sys.modules |= {"torch": torch, "torch._utils": utils}
    try:
        yield torch, utils
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


class _Storage:
    def __init__(self, kind, key, array):
        self.kind, self.key, self.array = kind, key, array


def _pickled(content, claim=None) -> tuple[bytes, dict[str, np.ndarray]]:
    """A pickle of tensors, and the arrays of its storages by key."""
    storages: dict[str, np.ndarray] = {}
    with _torch() as (torch, utils):

        class Pickler(pickle.Pickler):
            def persistent_id(self, value):
                if not isinstance(value, _Storage):
                    return None
                kind = getattr(torch, f"{value.kind}Storage")
                return ("storage", kind, value.key, "cpu", claim or value.array.size)

            def reducer_override(self, value):
                if not isinstance(value, Tensor):
                    return NotImplemented
                key = str(len(storages))
                storages[key] = value.array
                kind = _NAMES[value.array.dtype.str[1:]]
                storage = _Storage(kind, key, value.array)
                state = (storage, value.offset, value.size, value.stride, False, OrderedDict())
                return utils._rebuild_tensor_v2, state

        stream = io.BytesIO()
        Pickler(stream, protocol=2).dump(tensors(content))
    return stream.getvalue(), storages


def save_zip(path, content, *, compress=False, **replaced: bytes):
    """Writes PyTorch's format since 1.6.

    Args:
        path: The file.
        content: Nested containers of arrays and `Tensor`s.
        compress: Whether members are compressed, which PyTorch does not do.
        **replaced: Other bytes of a storage, `data_0=b"..."`.
    """
    data, storages = _pickled(content)
    kind = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    with zipfile.ZipFile(path, "w", kind) as archive:
        archive.writestr("archive/data.pkl", data)
        for key, array in storages.items():
            archive.writestr(f"archive/data/{key}", replaced.get(f"data_{key}", array.tobytes()))
        archive.writestr("archive/version", "3\n")
    return path


def save_legacy(path, content, *, counts: dict[str, int] | None = None):
    """Writes the concatenated pickles from before 1.6; `counts` replaces those of storages."""
    data, storages = _pickled(content)
    with open(path, "wb") as file:
        for head in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}):
            pickle.dump(head, file, protocol=2)
        file.write(data)
        pickle.dump(list(storages), file, protocol=2)
        for key, array in storages.items():
            file.write(struct.pack("<q", (counts or {}).get(key, array.size)) + array.tobytes())
    return path


def save_safetensors(path, arrays: dict, header: dict | None = None, length: int | None = None):
    """Writes `.safetensors`; `header` and `length` replace what the file says of itself."""
    import json

    kinds = {"f4": "F32", "f2": "F16", "i8": "I64", "u1": "U8"}
    entries, position = {"__metadata__": {"format": "pt"}}, 0
    for name, array in arrays.items():
        end = position + array.nbytes
        entries[name] = {
            "dtype": kinds[array.dtype.str[1:]],
            "shape": list(array.shape),
            "data_offsets": [position, end],
        }
        position = end
    entries |= header or {}
    text = json.dumps(entries).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text) if length is None else length) + text)
        for array in arrays.values():
            file.write(array.tobytes())
    return path
