"""Checking what a JSON file holds before it is used: one sentence that names the field."""


def field(holder: dict, name: str, kind: type | tuple, where: str = "", each: type | None = None):
    """A field of a JSON object.

    Args:
        holder: The object.
        name: The field.
        kind: What it must be.
        where: Names the object in errors.
        each: What all its items must be.

    Raises:
        ValueError: When it is missing or another thing; names it.
    """
    path = f"{where}.{name}" if where else name
    if not isinstance(holder, dict):
        raise ValueError(f"{where or 'it'} must be an object, not {_said(holder)}")
    if name not in holder:
        raise ValueError(f"it has no field `{path}`")
    value = holder[name]
    if not _is(value, kind):
        raise ValueError(f"`{path}` must be {_name(kind)}, not {_said(value)}")
    if each is not None:
        for number, item in enumerate(value.values() if isinstance(value, dict) else value):
            if not _is(item, each):
                raise ValueError(f"`{path}`[{number}] must be {_name(each)}, not {_said(item)}")
    return value


def _is(value, kind) -> bool:
    if isinstance(value, bool) and kind is not bool:  # True is no number here
        return False
    return isinstance(value, kind)


def _name(kind) -> str:
    words = {str: "text", int: "a whole number", list: "a list", dict: "an object", bool: "a bool"}
    return words[kind]


def _said(value) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."
