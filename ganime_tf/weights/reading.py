"""The one reader of files of weights: `.pth`, `.pt`, TorchScript, `.pkl`, `.safetensors`, `.npz`.

Needs none of the programs that wrote them. Only tensors and plain containers are ever built, in
memory bounded by the file's size: a hostile file cannot run code, a zip bomb is refused.
"""

import re
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ganime_tf.weights import archives, pickles
from ganime_tf.weights.budget import Budget
from ganime_tf.weights.pickles import Record, Tensor

_MOST_NODES = 1_000_000


def read_content(path: str | Path):
    """Reads a file as nested plain containers of `Tensor`; other formats as arrays by name.

    Raises:
        FileNotFoundError: When there is no such file.
        ValueError: When the file is damaged, a bomb, or holds anything but tensors and containers.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"No checkpoint file {str(path)!r}.")
    budget = Budget(path.stat().st_size)
    try:
        if path.suffix == ".safetensors":
            return archives.read_safetensors(path)
        if not zipfile.is_zipfile(path):
            if path.suffix == ".npz":
                raise ValueError("it is no .npz file, which is a zip archive")
            return pickles.read_pickle(path, budget)
        with archives.Archive(path, budget) as archive:
            if path.suffix == ".npz" or all(name.endswith(".npy") for name in archive.names):
                return archives.read_npz(archive)
            return pickles.read_zip(archive, budget)
    except Exception as error:  # a damaged file can raise anything
        raise _unreadable(path, error) from error


def _unreadable(path, error) -> ValueError:
    reason = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
    return ValueError(f"{str(path)!r} is not a readable file of plain tensors: {reason}.")


def read_tensors(path: str | Path, *, whole: bool = False) -> dict[str, np.ndarray]:
    """Reads all tensors of a file.

    Args:
        path: A state dict, a dict that holds one under `state_dict`, a TorchScript module, arrays.
        whole: Keep what lies beside `state_dict`; its names then begin with `state_dict.`.

    Returns:
        Arrays by dotted name, types and layouts as stored (bfloat16 as float32).

    Raises:
        FileNotFoundError: When there is no such file.
        ValueError: When the file is damaged, a bomb, or holds anything but tensors and containers.
    """
    content = read_content(path)
    if not whole and isinstance(content, dict) and isinstance(content.get("state_dict"), dict):
        content = content["state_dict"]
    arrays = _flat(content, path)
    if not arrays:
        raise ValueError(
            f"{str(path)!r} holds no tensors. Expected a state_dict (names to tensors), as "
            "`torch.save(net.state_dict(), ...)` writes."
        )
    return arrays


def read_state(path: str | Path) -> dict[str, np.ndarray]:
    """Reads a network's state: `read_tensors`, floats as float32, without DataParallel's `module.`.

    Raises:
        FileNotFoundError: When there is no such file.
        ValueError: When the file holds something else.
    """
    return _state(read_tensors(path))


def read_networks(path: str | Path, names: Sequence[str] = ()) -> dict[str, dict[str, np.ndarray]]:
    """Reads a file of several networks' states.

    Args:
        path: A file of `{network: state dict, ...}`; what is no dict of tensors is left out.
        names: The networks to read; by default all.

    Returns:
        `{network: {key: array}}`, floats as float32.

    Raises:
        FileNotFoundError: When there is no such file.
        ValueError: When none of the networks is in the file.
    """
    content = read_content(path)
    found = {}
    for name in (names or content) if isinstance(content, dict) else ():
        state = content.get(name)
        if isinstance(state, dict) and (arrays := _flat(state, path)):
            found[str(name)] = _state(arrays)
    if not found:
        wanted = f"the networks {', '.join(names)}" if names else "networks by name"
        raise ValueError(f"{str(path)!r} holds none of {wanted}.")
    return found


def read_modules(path: str | Path, names: Sequence[str]) -> dict[str, dict[str, np.ndarray]]:
    """Reads a pickle of NVIDIA's networks, whose classes are not made.

    Args:
        path: A `.pkl` of stylegan2-ada-pytorch.
        names: The networks to look for.

    Returns:
        `{network: {dotted name: float32 array}}` of parameters and buffers.

    Raises:
        FileNotFoundError: When there is no such file.
        ValueError: When the file holds none of them, or what is no tensor, container or network.
    """
    content = read_content(path)
    there = content if isinstance(content, dict) else {}
    found = {name: there[name] for name in names if isinstance(there.get(name), Record)}
    if not found:
        raise ValueError(f"{str(path)!r} holds none of the networks {', '.join(names)}.")
    try:
        return {name: _module(record, "") for name, record in found.items()}
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise _unreadable(path, error) from error


def _module(record: Record, prefix: str) -> dict[str, np.ndarray]:
    state, out = record.get("state", {}), {}
    for group in ("_parameters", "_buffers"):
        for name, value in state.get(group, {}).items():
            if isinstance(value, Tensor):
                out[f"{prefix}{name}"] = _float32(value.array())
    for name, module in state.get("_modules", {}).items():
        if isinstance(module, Record):
            out |= _module(module, f"{prefix}{name}.")
    return out


def _flat(content, path) -> dict[str, np.ndarray]:
    arrays: dict[str, np.ndarray] = {}
    nodes = 0

    def walk(value, prefix: str) -> None:
        nonlocal nodes
        nodes += 1
        if nodes > _MOST_NODES:
            raise ValueError("it holds more entries than any file of weights")
        if isinstance(value, Tensor):
            arrays[prefix] = value.array()
        elif isinstance(value, np.ndarray):
            arrays[prefix] = value
        elif isinstance(value, dict):
            for key, item in value.items():
                walk(item, f"{prefix}.{key}" if prefix else str(key))

    try:
        walk(content, "")
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise _unreadable(path, error) from error
    return arrays


def _state(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {re.sub(r"^module\.", "", key): _float32(value) for key, value in arrays.items()}


def _float32(value: np.ndarray) -> np.ndarray:
    return value.astype(np.float32) if value.dtype.kind == "f" else value
