"""Reads StyleGAN2 checkpoints without running code that is in them.

The official `.pkl` files carry the source of their classes and execute it when they are unpickled
the usual way. Here a class becomes a record of its attributes, and any other name is refused.
"""

import argparse
import io
import pickle
from collections import OrderedDict
from pathlib import Path

import numpy as np


class Record(dict):
    """Attributes of an object whose class was not made: `class_name`, `state` and so on."""


def _torch():
    try:
        import torch
    except ImportError as error:
        raise ImportError(
            'Reading these files needs PyTorch. Install it with `pip install "ganime-tf[convert]"`.'
        ) from error
    return torch


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str):
        if (module, name) == ("torch_utils.persistence", "_reconstruct_persistent_obj"):
            return Record
        if (module, name) in (("dnnlib.util", "EasyDict"), ("collections", "OrderedDict")):
            return OrderedDict
        if module == "torch._utils" and name in ("_rebuild_tensor_v2", "_rebuild_parameter"):
            return getattr(_torch()._utils, name)
        if (module, name) == ("torch.storage", "_load_from_bytes"):
            return _load_storage
        if (module, name) == ("_codecs", "encode"):  # how older protocols write bytes
            return _bytes
        if (module, name) == ("numpy", "dtype"):
            return np.dtype
        if module in ("numpy.core.multiarray", "numpy._core.multiarray") and name == "scalar":
            return np._core.multiarray.scalar
        raise ValueError(f"it asks for {module}.{name}, which is no tensor or plain container")

    def persistent_load(self, identifier):
        raise ValueError("it refers to data outside of the file")


def _bytes(text: str, encoding: str = "latin1") -> bytes:
    if encoding != "latin1":
        raise ValueError(f"bytes in the encoding {encoding!r}")
    return text.encode("latin1")


def _load_storage(data: bytes):
    """An inner file with the values of a tensor, read by PyTorch's own restricted reader."""
    return _torch().load(io.BytesIO(data), map_location="cpu", weights_only=True)


def read_official(path: str | Path) -> dict[str, dict[str, np.ndarray]]:
    """Reads a pickle of NVlabs' stylegan2-ada-pytorch.

    Returns:
        `{network: {name: array}}` for those of G, D and G_ema that are there.

    Raises:
        FileNotFoundError: When there is no such file.
        ValueError: When the file is damaged, holds anything but tensors, plain containers and
            networks (named in the message), or no network.
        ImportError: When PyTorch is not installed.
    """
    path = Path(path)
    with open(path, "rb") as file:
        try:
            content = _Unpickler(file).load()
        except ImportError:
            raise
        except Exception as error:  # a damaged pickle can raise anything
            raise ValueError(f"{str(path)!r} is not a readable pickle: {error}.") from error
    names = [name for name in ("G", "D", "G_ema") if _is_module(content, name)]
    if not names:
        raise ValueError(f"{str(path)!r} holds none of the networks G, D, G_ema.")
    return {name: _tensors(content[name]) for name in names}


def _is_module(content, name: str) -> bool:
    return isinstance(content, dict) and isinstance(content.get(name), Record)


def _tensors(record: Record, prefix: str = "") -> dict[str, np.ndarray]:
    state, out = record.get("state", {}), {}
    for group in ("_parameters", "_buffers"):
        for name, value in state.get(group, {}).items():
            if value is not None:
                out[f"{prefix}{name}"] = value.detach().float().numpy()
    for name, module in state.get("_modules", {}).items():
        if isinstance(module, Record):
            out |= _tensors(module, f"{prefix}{name}.")
    return out


def read_rosinality(path: str | Path) -> dict[str, dict[str, np.ndarray]]:
    """Reads a `.pt` file of rosinality/stylegan2-pytorch.

    Returns:
        `{network: {name: array}}` for those of g, d and g_ema that are there.

    Raises:
        FileNotFoundError: When there is no such file.
        ValueError: When it holds anything but tensors and plain containers, or no network.
        ImportError: When PyTorch is not installed.
    """
    path, torch = Path(path), _torch()
    if not path.is_file():
        raise FileNotFoundError(f"No checkpoint file {str(path)!r}.")
    try:
        # The flags of the training are a Namespace: attributes and nothing else.
        with torch.serialization.safe_globals([argparse.Namespace]):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises what its unpickler happens to
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ValueError(f"{str(path)!r} is no file of plain tensors: {reason}") from error
    names = [n for n in ("g", "d", "g_ema") if isinstance(content, dict) and n in content]
    if not names:
        raise ValueError(f"{str(path)!r} holds none of the networks g, d, g_ema.")
    return {
        name: {key: value.float().numpy() for key, value in content[name].items()} for name in names
    }
