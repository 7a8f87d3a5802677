"""The one way in which read weights get into a network: every key or none."""

from collections.abc import Callable, Iterable, Mapping

import numpy as np

_SHOWN = 12


def assign(
    name: str,
    wanted: Mapping[str, object],
    state: Mapping[str, np.ndarray],
    *,
    unused: Iterable[str] | Callable[[str], bool] = (),
    expected: str = "",
) -> None:
    """Assigns every value of a file to the variable of its key. Nothing is assigned unless all fit.

    Args:
        name: Of the network, for the error.
        wanted: `{key of the file: variable}`, or `(variable, function)` where the function turns
            the file's array into one of the variable's shape.
        state: `{key: array}`.
        unused: Keys of the file that have no counterpart, or a function that tells them.
        expected: What file fits, a sentence for the error.

    Raises:
        ValueError: Listing every missing key, unknown key and wrong shape.
    """
    is_unused = unused if callable(unused) else set(unused).__contains__
    values, shapes = [], []
    for key in sorted(wanted.keys() & state.keys()):
        entry = wanted[key]
        variable, reorder = entry if isinstance(entry, tuple) else (entry, np.asarray)
        given, shape = np.asarray(state[key]), tuple(variable.shape)
        try:
            value = reorder(given)
        except (ValueError, IndexError):
            value = None
        if value is None or value.shape != shape:
            ours = "" if value is None else f", here {value.shape}"
            shapes.append(f"{key} {given.shape}{ours}, expected {shape}")
        values.append((variable, value))
    unknown = [key for key in sorted(state.keys() - wanted.keys()) if not is_unused(key)]
    lists = (
        ("missing", sorted(wanted.keys() - state.keys())),
        ("unknown", unknown),
        ("of another shape", shapes),
    )
    if problems := "; ".join(f"{len(k)} {what}: {_some(k)}" for what, k in lists if k):
        raise ValueError(
            f"The checkpoint does not fit the network {name!r}. Keys {problems}. {expected}".strip()
        )
    for variable, value in values:
        variable.assign(value)


def _some(keys: list[str]) -> str:
    more = f" and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else ""
    return ", ".join(keys[:_SHOWN]) + more
