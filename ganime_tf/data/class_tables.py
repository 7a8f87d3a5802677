"""Class lists of label maps side by side: mapping numbers, and mirroring.

The lists themselves are `ganime_tf.data.parsing.CLASSES`; the toy world's longer names are known
too (`left_brow` is `l_brow`).
"""

from collections.abc import Sequence

import numpy as np

# Other words for the same class; lips are part of the mouth where a list has none.
_WORDS = {
    "left_brow": "l_brow",
    "right_brow": "r_brow",
    "left_eye": "l_eye",
    "right_eye": "r_eye",
    "eye_glass": "eye_g",
    "left_ear": "l_ear",
    "right_ear": "r_ear",
    "earring": "ear_r",
    "necklace": "neck_l",
}
_INSIDE = {"u_lip": "mouth", "l_lip": "mouth"}


def _plain(names: Sequence[str]) -> list[str]:
    return [_WORDS.get(name, name) for name in names]


def class_table(source: Sequence[str], target: Sequence[str]) -> np.ndarray:
    """Returns a table from the numbers of one class list to those of another, by name.

    CelebAMask-HQ's 19 classes become the paper's 17: lips become mouth, the rest keeps its name.

    Args:
        source: Names in the order of the numbers in the maps.
        target: Names in the order that is wanted.

    Returns:
        uint8 `(len(source),)`: `table[maps]` are the new maps.

    Raises:
        ValueError: When a class of `source` has no place in `target`; names it.
    """
    names = _plain(target)
    table = []
    for name in _plain(source):
        name = name if name in names else _INSIDE.get(name, name)
        if name not in names:
            raise ValueError(f"Class {name!r} has no place among {', '.join(names)}.")
        table.append(names.index(name))
    return np.array(table, np.uint8)


def mirror_table(names: Sequence[str]) -> np.ndarray:
    """Returns the class numbers in a mirrored picture: left and right change places.

    Args:
        names: The class list.

    Returns:
        uint8 `(len(names),)`.
    """
    plain = _plain(names)
    sides = {"l_": "r_", "r_": "l_"}
    table = []
    for number, name in enumerate(plain):
        other = sides.get(name[:2], name[:2]) + name[2:]
        table.append(plain.index(other) if other in plain else number)
    return np.array(table, np.uint8)
