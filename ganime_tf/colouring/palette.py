"""The main colours of a coloured picture: a character's sheet as a palette."""

import numpy as np
import scipy.ndimage
from PIL import Image

from ganime_tf.colouring.lab import rgb_to_lab

_APART = 9.0  # colours nearer than this (CIE76) are one
_EVEN = 14  # levels that neighbours of one painted area differ by at most
_AREA = 400


def palette_of(picture: np.ndarray, most: int = 16, least: float = 0.0008) -> np.ndarray:
    """Finds the colours that a picture is painted with.

    Only even areas count: the blended rims of lines are no colours of their own.

    Args:
        picture: uint8 `(H, W, 3)`.
        most: Colours to return at most.
        least: Smallest share of the picture that a colour needs.

    Returns:
        uint8 `(K, 3)`, the most frequent first; none for a picture without an even area.

    Raises:
        ValueError: On a picture of another kind.
    """
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[-1] != 3:
        raise ValueError(
            f"A picture must be uint8 (H, W, 3). Received {picture.dtype} {picture.shape}."
        )
    image = Image.fromarray(picture)
    scale = min(1.0, _AREA / np.sqrt(image.width * image.height))
    # Without averaging: a line's rim must not become a colour between two.
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    small = np.asarray(image.resize(size, Image.Resampling.NEAREST)).astype(np.int16)
    spread = scipy.ndimage.maximum_filter(small, (3, 3, 1)) - scipy.ndimage.minimum_filter(
        small, (3, 3, 1)
    )
    even = small[spread.max(-1) <= _EVEN]
    if not len(even):
        return np.zeros((0, 3), np.uint8)
    colours, counts = np.unique(even // 4, axis=0, return_counts=True)
    sums = np.clip(colours * 4 + 2, 0, 255).astype(np.uint8)
    lab = rgb_to_lab(sums)
    left, found = np.ones(len(sums), bool), []
    for k in np.argsort(-counts, kind="stable"):
        if not left[k]:
            continue
        near = left & (np.linalg.norm(lab - lab[k], axis=-1) < _APART)
        left &= ~near
        if counts[near].sum() >= least * spread[..., 0].size:
            # The most frequent exact colour of the group, not a mean that nobody painted.
            same = (even // 4 == colours[k]).all(-1)
            exact, times = np.unique(even[same], axis=0, return_counts=True)
            found.append((counts[near].sum(), exact[times.argmax()]))
    found.sort(key=lambda entry: -entry[0])
    return np.array([colour for _, colour in found[:most]], np.uint8).reshape(-1, 3)
