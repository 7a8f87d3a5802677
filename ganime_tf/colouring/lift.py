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


def _clean(cover: np.ndarray, held: np.ndarray) -> np.ndarray:
    """Working cells that lie on one side of the ink."""
    # The clearest cell of a small region counts, else the region would be lost.
    clearest = (cover == scipy.ndimage.minimum_filter(cover, 3)) & (cover < 0.5)
    return held | clearest | (cover < 0.05)


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
    clean = _clean(cover, held) | ~uneven
    weight = clean.astype(np.float32)[..., None]
    total = _resize(weight, fine)
    known = _resize(weight, fine, Image.Resampling.NEAREST)[..., 0] > 0
    blended = _resize(sheet * weight, fine) / np.maximum(total, 1e-3)
    if known.any() and not known.all():
        owner = _owners(known, shrink(page_cover, fine) >= 0.5, 2 * (fine[0] // len(sheet) + 1))
        blended = blended.reshape(-1, 3)[owner]
    small = Image.fromarray(np.clip(np.rint(blended), 0, 255).astype(np.uint8))
    return np.array(small.resize(page_cover.shape[::-1], Image.Resampling.BILINEAR))


def lift_labels(
    labels: np.ndarray, count: int, cover: np.ndarray, held: np.ndarray, page_cover: np.ndarray
) -> np.ndarray:
    """`lift` for labels instead of colours.

    Args:
        labels: Labels below `count` at working size, int `(h, w)`.
        count: At most 256.
        cover: Ink at working size, float `(h, w)`.
        held: Cells with a hint, bool `(h, w)`.
        page_cover: Ink of the page, uint8 `(H, W)`.

    Returns:
        uint8 `(H, W)`.
    """
    fine = working_size(*page_cover.shape, _AREA)
    even = scipy.ndimage.maximum_filter(labels, 3) == scipy.ndimage.minimum_filter(labels, 3)
    clean = (_clean(cover, held) | even)[..., None].astype(np.float32)
    known = _resize(clean, fine, Image.Resampling.NEAREST)[..., 0] > 0
    large = enlarge_labels(labels, count, fine)
    if known.any() and not known.all():
        owner = _owners(known, shrink(page_cover, fine) >= 0.5, 2 * (fine[0] // len(labels) + 1))
        large = large.reshape(-1)[owner]
    return enlarge_labels(large.astype(int), count, page_cover.shape)


def enlarge_labels(labels: np.ndarray, count: int, size: tuple[int, int]) -> np.ndarray:
    """A label map at another size with smooth borders: each mask is enlarged, the largest wins.

    Args:
        labels: Labels below `count`, int `(h, w)`.
        count: At most 256.
        size: Height and width.

    Returns:
        uint8 `size`.
    """
    best = np.zeros(size, np.uint8)
    winner = np.zeros(size, np.uint8)
    scale = np.array(size) / labels.shape
    boxes = scipy.ndimage.find_objects(labels + 1, max_label=count)
    for label, box in enumerate(boxes):
        if box is None:
            continue
        # One cell of margin, so that the enlarged mask falls off within it.
        low = np.array([max(part.start - 1, 0) for part in box])
        high = np.array([min(part.stop + 1, n) for part, n in zip(box, labels.shape, strict=True)])
        top, left = np.floor(low * scale).astype(int)
        bottom, right = np.minimum(np.ceil(high * scale), size).astype(int)
        mask = Image.fromarray(((labels == label) * 255).astype(np.uint8))
        source = (left / scale[1], top / scale[0], right / scale[1], bottom / scale[0])
        large = np.asarray(
            mask.resize((right - left, bottom - top), Image.Resampling.BILINEAR, box=source)
        )
        target = np.s_[top:bottom, left:right]
        wins = large > best[target]
        best[target][wins] = large[wins]
        winner[target][wins] = label
    return winner
