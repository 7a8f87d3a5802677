"""From the working size to the page: colour borders go into the lines they belong to."""

import numpy as np
import scipy.ndimage
from PIL import Image

from ganime_tf.colouring.ink import shrink, working_size

_EVEN = 8.0  # colours of neighbours that differ by less are blended as they are
_AREA = 1024  # borders are placed on so many squared pixels, then enlarged


def _resize(planes: np.ndarray, size: tuple[int, int], how=Image.Resampling.BILINEAR) -> np.ndarray:
    """Float planes `(h, w, K)` at another size."""
    resized = [
        np.asarray(Image.fromarray(np.ascontiguousarray(plane, np.float32)).resize(size[::-1], how))
        for plane in np.moveaxis(planes, -1, 0)
    ]
    return np.stack(resized, -1)


def _owners(known: np.ndarray, line: np.ndarray, reach: int) -> np.ndarray:
    """For each pixel the flat index of the known pixel whose colour it takes, int `(H, W)`.

    First step by step without crossing a line, at most `reach` steps; then the pixels of the lines
    themselves, and what was not reached, from the nearest.
    """
    height, width = known.shape
    wide = width + 2
    owner = np.full((height + 2, wide), -1, np.int64)
    inner = owner[1:-1, 1:-1]
    inner[known] = np.flatnonzero(known)
    flat = owner.reshape(-1)
    rows, columns = np.nonzero(~known & ~line)
    waiting = (rows + 1) * wide + columns + 1
    for _ in range(reach):
        found = np.full(len(waiting), -1, np.int64)
        for offset in (1, -1, wide, -wide, wide + 1, wide - 1, -wide + 1, -wide - 1):
            found = np.where(found >= 0, found, flat[waiting + offset])
        reached = found >= 0
        if not reached.any():
            break
        flat[waiting[reached]] = found[reached]
        waiting = waiting[~reached]
    missing = inner < 0
    if missing.any():
        _, (rows, columns) = scipy.ndimage.distance_transform_edt(missing, return_indices=True)
        return inner[rows, columns]
    return inner.copy()


def lift(
    sheet: np.ndarray, cover: np.ndarray, held: np.ndarray, page_cover: np.ndarray
) -> np.ndarray:
    """Enlarges a colour sheet so that its borders lie under the page's lines.

    A working cell with a line in it holds a mixture of both sides. Its pixels take the colour of
    the nearest clean cell on their own side of the ink instead, seen on a finer grid.

    Args:
        sheet: Colours at working size, float `(h, w, 3)` in [0, 255].
        cover: Ink at working size, float `(h, w)`.
        held: Cells with a hint, bool `(h, w)`; they count as clean.
        page_cover: Ink of the page, uint8 `(H, W)`.

    Returns:
        uint8 `(H, W, 3)`.
    """
    fine = working_size(*page_cover.shape, _AREA)
    spread = scipy.ndimage.maximum_filter(sheet, (3, 3, 1)) - scipy.ndimage.minimum_filter(
        sheet, (3, 3, 1)
    )
    uneven = spread.max(axis=-1) > _EVEN
    # The clearest cell of a small region counts, else the region would be lost.
    clearest = (cover == scipy.ndimage.minimum_filter(cover, 3)) & (cover < 0.5)
    clean = ~uneven | held | clearest | (cover < 0.05)
    weight = clean.astype(np.float32)[..., None]
    total = _resize(weight, fine)
    known = _resize(weight, fine, Image.Resampling.NEAREST)[..., 0] > 0
    blended = _resize(sheet * weight, fine) / np.maximum(total, 1e-3)
    if known.any() and not known.all():
        owner = _owners(known, shrink(page_cover, fine) >= 0.5, 2 * (fine[0] // len(sheet) + 1))
        blended = blended.reshape(-1, 3)[owner]
    small = Image.fromarray(np.clip(np.rint(blended), 0, 255).astype(np.uint8))
    return np.array(small.resize(page_cover.shape[::-1], Image.Resampling.BILINEAR))
