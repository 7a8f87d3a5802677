"""What a job was asked for, written down so that a later process can compare it with its own."""

import dataclasses
import functools
import hashlib
import json
import re
import types
from pathlib import Path

import numpy as np

from ganime_tf.ops.files import write_json


def plain(value: object) -> object:
    """A value as JSON has it: the same in every process, another one for another value.

    Functions are told by name, arrays by their content, a `functools.partial` and a dataclass by
    what they were given.

    Args:
        value: Of JSON's types, or a path, array, named function, partial or dataclass, nested.

    Raises:
        TypeError: On anything else: its `repr` might hold an address or leave something out.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, functools.partial):
        given = {str(number): each for number, each in enumerate(value.args)}
        return {"function": plain(value.func)} | plain(given | value.keywords)
    if isinstance(value, types.FunctionType) and "<" not in value.__qualname__:
        return f"{value.__module__}.{value.__qualname__}"
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
        return {"function": f"{type(value).__module__}.{type(value).__qualname__}"} | plain(fields)
    if hasattr(value, "__array__"):
        array = np.ascontiguousarray(value)
        if array.dtype != object:
            digest = hashlib.sha256(array.tobytes()).hexdigest()
            return array.item() if array.ndim == 0 else [str(array.dtype), *array.shape, digest]
    raise TypeError(f"{type(value).__name__} cannot be told apart between processes: {value!r}")


def differences(found: object, wanted: object, name: str = "") -> list[str]:
    """What two results of `plain` differ in, as `"size 64, not 32"`: wanted first."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        return [
            text
            for key in wanted | found
            for text in differences(found.get(key), wanted.get(key), key)
        ]
    if found == wanted:
        return []
    if isinstance(wanted, str) and re.fullmatch("[0-9a-f]{64}", wanted):
        return [f"another {name}"]  # a digest, which tells a person nothing
    return [f"{name} {wanted}, not {found}".strip()]


def claim_folder(out: Path, note: str, settings: dict) -> None:
    """Makes the folder of a job, or finds that it is of the same job, which goes on there.

    Args:
        out: Where results are going to be.
        note: Name of the file in it that keeps the settings.
        settings: All that the results depend on, as `plain` takes it.

    Raises:
        ValueError: When the folder is of other settings, or has files and no note, which might be
            written over.
    """
    path, wanted = out / note, plain(settings)
    if not path.exists():
        there = sorted(p.name for p in out.iterdir() if p.name[0] != ".") if out.is_dir() else ()
        if there:
            raise ValueError(
                f"{out} holds files of others ({', '.join(there[:3])}), which might be written "
                "over. Give a new folder."
            )
        write_json(path, wanted)
        return
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise ValueError(f"{path} is damaged. Give a new folder.") from None
    if other := differences(found, wanted):
        raise ValueError(
            f"{out} holds the result of other options: {'; '.join(other)}. Give a new folder."
        )
