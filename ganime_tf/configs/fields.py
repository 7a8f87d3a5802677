"""What a field of a settings dataclass may be: ranges beside the types, checked in one place.

`Annotated[float, Range(...)]` is read by `check_fields`; the command line shows only the type.
"""

import dataclasses
import math
import types
import typing
from typing import Annotated


@dataclasses.dataclass(frozen=True)
class Range:
    """An interval of numbers.

    Args:
        low: Smallest value, or None.
        high: Largest value, or None.
        open_low: Whether `low` itself is refused.
        open_high: Whether `high` itself is refused.
    """

    low: float | None = None
    high: float | None = None
    open_low: bool = False
    open_high: bool = False

    def __contains__(self, value) -> bool:
        low, high = self.low, self.high
        if low is not None and (value < low or (self.open_low and value == low)):
            return False
        return high is None or not (value > high or (self.open_high and value == high))

    def __str__(self) -> str:
        if self.high is None:
            return f"{'above' if self.open_low else 'at least'} {self.low:g}"
        if self.low is None:
            return f"{'below' if self.open_high else 'at most'} {self.high:g}"
        brackets = "(["[not self.open_low] + ")]"[not self.open_high]
        return f"in {brackets[0]}{self.low:g}, {self.high:g}{brackets[1]}"


Count = Annotated[int, Range(1)]
"""A number of things, at least one."""
CountOrNone = Annotated[int, Range(0)]
"""A number of things, 0 for none."""
Positive = Annotated[float, Range(0.0, open_low=True)]
"""A rate, a scale or an epsilon."""
Weight = Annotated[float, Range(0.0)]
"""A weight of a loss, 0 for none."""
Decay = Annotated[float, Range(0.0, 1.0, open_high=True)]
"""A decay of a running mean, or a rate of dropout: in [0, 1)."""
Share = Annotated[float, Range(0.0, 1.0)]
"""A share or a probability: in [0, 1]."""


def check_fields(settings) -> None:
    """Checks every field of a dataclass against its type, its choices and its range.

    Numbers must be finite. `int` is taken for `float`; `bool` is no number.

    Args:
        settings: An instance of a dataclass.

    Raises:
        ValueError: Naming the field, what is allowed and what was received.
        TypeError: When a value has another type.
    """
    for name, hint in typing.get_type_hints(type(settings), include_extras=True).items():
        _check(name, getattr(settings, name), hint)


def _check(name: str, value, hint) -> None:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        _check(name, value, arguments[0])
        for limit in arguments[1:]:
            if isinstance(limit, Range) and value is not None and value not in limit:
                raise ValueError(f"`{name}` must be {limit}. Received {value!r}.")
    elif origin in (typing.Union, types.UnionType):
        if value is not None or type(None) not in arguments:
            _check(name, value, next(kind for kind in arguments if kind is not type(None)))
    elif origin is typing.Literal:
        if value not in arguments:
            allowed = ", ".join(map(repr, arguments))
            raise ValueError(f"`{name}` must be one of {allowed}. Received {value!r}.")
    elif origin is tuple:
        if not isinstance(value, tuple):
            raise TypeError(f"`{name}` must be a tuple. Received {value!r}.")
        for item in value:
            _check(name, item, arguments[0])
    elif hint in (int, float):
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or (hint is int and not isinstance(value, int)):
            what = "a whole number" if hint is int else "a number"
            raise TypeError(f"`{name}` must be {what}. Received {value!r}.")
        if not math.isfinite(value):
            raise ValueError(f"`{name}` must be finite. Received {value!r}.")
    elif hint in (bool, str) and not isinstance(value, hint):
        raise TypeError(f"`{name}` must be {hint.__name__}. Received {value!r}.")
