"""The kinds of data: a file and a line here for each."""

from ganime_tf.data.kinds import (
    hints,
    labelled,
    paired,
    parsing,
    pictures,
    stylize,
    unpaired,
    unpaired_parsing,
)
from ganime_tf.data.kinds.kind import CLASSES, HINTS, LABEL, PICTURE, Derived, Found, Kind

__all__ = ["CLASSES", "HINTS", "KINDS", "LABEL", "PICTURE", "Derived", "Found", "Kind", "get_kind"]

KINDS: dict[str, Kind] = {
    "paired": paired.KIND,
    "unpaired": unpaired.KIND,
    "stylize": stylize.KIND,
    "labelled": labelled.KIND,
    "parsing": parsing.KIND,
    "pictures": pictures.KIND,
    "unpaired_parsing": unpaired_parsing.KIND,
    "hints": hints.KIND,
}


def get_kind(name: str) -> Kind:
    """The kind of this name.

    Raises:
        ValueError: When there is none; lists them.
    """
    if name not in KINDS:
        raise ValueError(f"`kind` must be one of {', '.join(KINDS)}. Received {name!r}.")
    return KINDS[name]
