"""Picture filters in NumPy: edge smoothing (CartoonGAN, AnimeGAN) and line extraction (XDoG).

They work on uint8 arrays outside of any graph and need neither TensorFlow nor OpenCV; `canny` and
`smooth_edges` give the numbers of the OpenCV calls in the official code.
"""

import numpy as np

_TAP = np.array([1, 4, 6, 4, 1]) / 16  # cv2.getGaussianKernel(5, 0): a fixed table, not a formula


def grey(image: np.ndarray) -> np.ndarray:
    """Luma of uint8 RGB `(..., 3)` as uint8 `(...)`, rounded as `cv2.cvtColor` does."""
    image = image.astype(np.int32)
    luma = image[..., 0] * 9798 + image[..., 1] * 19235 + image[..., 2] * 3735
    return ((luma + 16384) >> 15).astype(np.uint8)


def _shift(image: np.ndarray, y: int, x: int) -> np.ndarray:
    """`result[i, j] = image[i + y, j + x]`, zero outside."""
    height, width = image.shape
    result = np.zeros_like(image)
    to_y, to_x = slice(max(0, -y), height - max(0, y)), slice(max(0, -x), width - max(0, x))
    of_y, of_x = slice(max(0, y), height + min(0, y)), slice(max(0, x), width + min(0, x))
    result[to_y, to_x] = image[of_y, of_x]
    return result


def _connected(strong: np.ndarray, weak: np.ndarray) -> np.ndarray:
    """Pixels of `weak` that touch `strong` through others of `weak` (8 neighbours)."""
    height, width = strong.shape
    found = np.zeros((height + 2, width + 2), bool)
    open_ = np.zeros_like(found)
    open_[1:-1, 1:-1] = weak
    found[1:-1, 1:-1] = strong
    found, open_ = found.ravel(), open_.ravel()
    row = width + 2
    steps = np.array([-row - 1, -row, -row + 1, -1, 1, row - 1, row, row + 1])
    frontier = np.flatnonzero(found)
    while frontier.size:
        near = np.unique(frontier[:, None] + steps)
        frontier = near[open_[near] & ~found[near]]
        found[frontier] = True
    return found.reshape(height + 2, width + 2)[1:-1, 1:-1]


def canny(image: np.ndarray, low: int = 100, high: int = 200) -> np.ndarray:
    """Edges as `cv2.Canny(image, low, high)` finds them (Sobel 3x3, L1 norm).

    Args:
        image: uint8 `(H, W)`.
        low: Gradient above which a pixel continues an edge.
        high: Gradient above which a pixel starts one.

    Returns:
        bool `(H, W)`.
    """
    p = np.pad(image.astype(np.int64), 1, mode="edge")
    column = p[:-2] + 2 * p[1:-1] + p[2:]
    row = p[:, :-2] + 2 * p[:, 1:-1] + p[:, 2:]
    dx, dy = column[:, 2:] - column[:, :-2], row[2:] - row[:-2]
    size = np.abs(dx) + np.abs(dy)
    # Is the pixel the largest across the edge? Angles by the fixed-point tangents of 22.5, 67.5.
    x, y = np.abs(dx), np.abs(dy) << 15
    tangent_22 = x * 13573
    tangent_67 = tangent_22 + (x << 16)
    flat, steep = y < tangent_22, y > tangent_67
    same_sign = (dx ^ dy) >= 0
    across = np.where(
        flat,
        (size > _shift(size, 0, -1)) & (size >= _shift(size, 0, 1)),
        np.where(
            steep,
            (size > _shift(size, -1, 0)) & (size >= _shift(size, 1, 0)),
            np.where(
                same_sign,
                (size > _shift(size, -1, -1)) & (size > _shift(size, 1, 1)),
                (size > _shift(size, -1, 1)) & (size > _shift(size, 1, -1)),
            ),
        ),
    )
    candidates = across & (size > low)
    return _connected(candidates & (size > high), candidates)


def dilate(mask: np.ndarray, size: int) -> np.ndarray:
    """Bool `(H, W)`: whether any pixel of the `size` x `size` (odd) square around is set."""
    radius = size // 2
    padded = np.pad(mask, radius)
    rows = np.lib.stride_tricks.sliding_window_view(padded, size, axis=0).any(axis=-1)
    return np.lib.stride_tricks.sliding_window_view(rows, size, axis=1).any(axis=-1)


def smooth_edges(image: np.ndarray) -> np.ndarray:
    """Blurs a picture along its edges only (CartoonGAN, section 3.2; AnimeGAN `edge_smooth`).

    Canny(100, 200) on the luma, dilated by 5x5; there, every pixel becomes the Gaussian-weighted
    mean of its 5x5 square (reflected at the border), cut (not rounded) to uint8.

    Args:
        image: uint8 RGB `(H, W, 3)`, at the size of training: the papers resize to 256 first.

    Returns:
        uint8 `(H, W, 3)`.
    """
    mask = dilate(canny(grey(image)), 5)
    padded = np.pad(image.astype(np.float64), ((2, 2), (2, 2), (0, 0)), mode="reflect")
    rows = sum(weight * padded[i : i + image.shape[0]] for i, weight in enumerate(_TAP))
    blurred = sum(weight * rows[:, i : i + image.shape[1]] for i, weight in enumerate(_TAP))
    return np.where(mask[..., None], blurred.astype(np.uint8), image)


def gaussian(image: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian blur of float `(H, W)`, kernel cut at 3 sigma, border repeated."""
    radius = max(1, int(3 * sigma + 0.5))
    taps = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    taps = (taps / taps.sum()).astype(np.float32)
    padded = np.pad(image.astype(np.float32), radius, mode="edge")
    height, width = image.shape
    rows = sum(tap * padded[i : i + height] for i, tap in enumerate(taps))
    return sum(tap * rows[:, i : i + width] for i, tap in enumerate(taps))


def xdog(
    image: np.ndarray,
    sigma: float = 0.5,
    k: float = 1.6,
    sharpness: float = 14.0,
    threshold: float = 0.82,
    softness: float = 8.0,
    flatten: float = 6.0,
) -> np.ndarray:
    """Line art of a finished picture by extended difference of Gaussians.

    Winnemöller, Kyprianidis and Olsen 2012, eq. (7): with `D = (1 + p) G_sigma - p G_(k sigma)`,
    white where `D >= threshold`, else `1 + tanh(softness (D - threshold))`. Before that, the
    lightness is divided by its own surroundings, so that dark areas (hair, clothes) stay paper and
    only what is darker than what is around it becomes a line.

    Args:
        image: uint8 RGB `(H, W, 3)`.
        sigma: Line width in pixels.
        k: Ratio of the two blurs.
        sharpness: p, how strongly differences count.
        threshold: Epsilon, of the flattened lightness (1 = as light as around); more gives more
            lines.
        softness: Phi, slope from paper to ink.
        flatten: Blur in pixels of the surroundings; 0 keeps dark areas dark (the paper's form).

    Returns:
        uint8 `(H, W)`, 255 = paper.

    Reference: [XDoG](https://doi.org/10.1016/j.cag.2012.03.004)
    """
    # The darkest channel sees a line between two areas of the same luma but other colours.
    light = 0.5 * grey(image) / 255.0 + 0.5 * image.min(axis=-1) / 255.0
    if flatten > 0:
        # A closing (local maximum, then minimum) paints over dark lines and keeps large areas.
        size = 2 * int(2 * sigma + 1.5) + 1
        around = -_maximum(-_maximum(light, size), size)
        around = gaussian(around, flatten / 3)
        light = np.clip((light + 0.2) / (np.maximum(around, light) + 0.2), 0, 1)
    difference = (1 + sharpness) * gaussian(light, sigma) - sharpness * gaussian(light, k * sigma)
    lines = np.where(
        difference >= threshold, 1.0, 1.0 + np.tanh(softness * (difference - threshold))
    )
    return np.rint(255 * np.clip(lines, 0, 1)).astype(np.uint8)


def _maximum(image: np.ndarray, size: int) -> np.ndarray:
    padded = np.pad(image, size // 2, mode="edge")
    rows = np.lib.stride_tricks.sliding_window_view(padded, size, axis=0).max(axis=-1)
    return np.lib.stride_tricks.sliding_window_view(rows, size, axis=1).max(axis=-1)


def thin(lines: np.ndarray, ink: int = 128) -> np.ndarray:
    """Thins line art to lines one pixel wide (Zhang and Suen 1984).

    Args:
        lines: uint8 `(H, W)`, 255 = paper.
        ink: Darker pixels belong to a line.

    Returns:
        uint8 `(H, W)` of 0 and 255.
    """
    set_ = np.pad(lines < ink, 1)
    around = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))
    changed = True
    while changed:
        changed = False
        for first in (True, False):
            p = [_shift(set_, y, x) for y, x in around]
            count = sum(q.astype(np.uint8) for q in p)
            turns = sum((~p[i] & p[(i + 1) % 8]).astype(np.uint8) for i in range(8))
            n, e, s, w = p[0], p[2], p[4], p[6]
            open_ = ~(n & e & s) & ~(e & s & w) if first else ~(n & e & w) & ~(n & s & w)
            remove = set_ & (count >= 2) & (count <= 6) & (turns == 1) & open_
            if remove.any():
                set_ &= ~remove
                changed = True
    return np.where(set_[1:-1, 1:-1], 0, 255).astype(np.uint8)


def draw_lines(image: np.ndarray, style: str = "xdog", seed: int | None = None) -> np.ndarray:
    """Line art of a finished picture, as a user's sketch could look.

    Args:
        image: uint8 RGB `(H, W, 3)`.
        style: `xdog`; `thin`, one pixel wide with softened edges; `smooth`, broad and soft like a
            pencil; `pen`, one of these by the seed.
        seed: Varies width, threshold and darkness of the pen; `None` for the documented defaults.

    Returns:
        uint8 RGB `(H, W, 3)`, grey.

    Raises:
        ValueError: On an unknown style.
    """
    if style not in LINE_STYLES:
        raise ValueError(f"`style` must be one of {', '.join(LINE_STYLES)}. Received {style!r}.")
    width, threshold, darkness = 0.5, 0.82, 1.0
    if seed is not None:
        random = np.random.default_rng(seed)
        width *= random.uniform(0.6, 1.2)
        threshold += random.uniform(-0.04, 0.03)
        darkness = random.uniform(0.4, 1.0)
        style = random.choice(LINE_STYLES[:3]) if style == "pen" else style
    elif style == "pen":
        style = "xdog"
    # Sizes are those of a 256 px picture; larger ones get a pen in proportion.
    scale = max(1.0, min(image.shape[:2]) / 256)
    lines = xdog(image, width * scale, threshold=threshold, flatten=6.0 * scale).astype(np.float32)
    if style == "thin":
        lines = np.minimum(255.0, 1.15 * gaussian(thin(lines.astype(np.uint8)), 0.55) - 20)
    elif style == "smooth":
        lines = gaussian(lines, 0.9 * scale)
    lines = 255 - darkness * (255 - np.clip(lines, 0, 255))
    return np.repeat(np.rint(lines).astype(np.uint8)[..., None], 3, axis=-1)


LINE_STYLES = ("xdog", "thin", "smooth", "pen")


def resize_bilinear(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resizes uint8 `(H, W, C)` as `cv2.resize` does, to within one level: no antialiasing."""

    def axis(length: int, size: int):
        position = np.clip((np.arange(size) + 0.5) * length / size - 0.5, 0, length - 1)
        low = np.minimum(position.astype(int), length - 1)
        return low, np.minimum(low + 1, length - 1), (position - low).astype(np.float32)

    y0, y1, fy = axis(image.shape[0], height)
    x0, x1, fx = axis(image.shape[1], width)
    fy, fx = fy[:, None, None], fx[None, :, None]
    rows = image[y0] * (1 - fy) + image[y1] * fy
    return np.rint(rows[:, x0] * (1 - fx) + rows[:, x1] * fx).astype(np.uint8)
