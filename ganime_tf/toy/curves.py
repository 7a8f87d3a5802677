"""Curves as point arrays `(N, 2)`: splines, arcs, locks of hair, strokes of varying width."""

import functools

import numpy as np


@functools.cache
def _catmull_rom_basis(samples: int) -> np.ndarray:
    t = np.arange(samples) / samples
    return 0.5 * np.stack(
        [-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, t**3 - t**2],
        axis=1,
    )


@functools.cache
def _bezier_basis(samples: int) -> np.ndarray:
    t = np.linspace(0.0, 1.0, samples)
    return np.stack([(1 - t) ** 2, 2 * t * (1 - t), t**2], axis=1)


@functools.cache
def _unit_arc(start: float, stop: float, samples: int) -> np.ndarray:
    angle = np.radians(np.linspace(start, stop, samples))
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


@functools.cache
def _spline_matrix(count: int, closed: bool, samples: int) -> np.ndarray:
    """The matrix that takes `count` control points to the points of the curve."""
    eye = np.eye(count)
    if closed:
        padded = np.concatenate([eye[-1:], eye, eye[:2]])
    else:
        padded = np.concatenate([2 * eye[:1] - eye[1:2], eye, 2 * eye[-1:] - eye[-2:-1]])
    windows = np.stack([padded[:-3], padded[1:-2], padded[2:-1], padded[3:]])
    curve = np.einsum("sk,kpc->psc", _catmull_rom_basis(samples), windows).reshape(-1, count)
    return curve if closed else np.concatenate([curve, eye[-1:]])


def spline(points, closed: bool = False, samples: int = 6) -> np.ndarray:
    """A Catmull-Rom curve through `points` (N, 2), `samples` new points per span."""
    points = np.asarray(points, np.float64)
    return _spline_matrix(len(points), closed, samples) @ points


def bezier(start, control, stop, samples: int = 8) -> np.ndarray:
    """A quadratic Bezier curve, both ends included."""
    return _bezier_basis(samples) @ np.array([start, control, stop], np.float64)


def ellipse(
    centre, radii, start: float = 0.0, stop: float = 360.0, samples: int = 24
) -> np.ndarray:
    """Points on an ellipse from `start` to `stop` degrees (0 = right, 90 = down)."""
    return _unit_arc(start, stop, samples) * radii + centre


def lock(valley, tip, samples: int = 6, bend: float = 0.65) -> np.ndarray:
    """The edge of a lock of hair: it leaves `valley` downwards, then curves into `tip`."""
    (x0, y0), (x1, y1) = valley, tip
    return bezier(valley, (x0 + 0.12 * (x1 - x0), y0 + bend * (y1 - y0)), tip, samples)


def mirror(points) -> np.ndarray:
    """`points` reflected about x = 0, in reversed order so that outlines continue."""
    return np.asarray(points, np.float64)[::-1] * (-1.0, 1.0)


def symmetric(points) -> np.ndarray:
    """A closed outline from its right half, which starts and ends on x = 0."""
    points = np.asarray(points, np.float64)
    return np.concatenate([points, mirror(points)[1:-1]])


@functools.cache
def width_profile(samples: int, kind: str) -> np.ndarray:
    """Relative half width (at most 1) along a stroke of `samples` points."""
    t = np.linspace(0.0, 1.0, samples)
    if kind == "even":
        return np.ones(samples)
    if kind == "brush":  # thin at both ends
        return 0.12 + 0.88 * np.sin(np.pi * t) ** 0.7
    if kind == "pen":  # nearly even, softer ends
        return 0.5 + 0.5 * np.sin(np.pi * t) ** 0.5
    if kind == "in":  # from a hair to full
        return 0.06 + 0.94 * t**0.8
    if kind == "out":
        return 0.06 + 0.94 * (1.0 - t) ** 0.8
    if kind == "lash":  # the upper lid: heaviest past the middle
        return 0.25 + 0.75 * np.sin(np.pi * np.clip(0.08 + 0.8 * t, 0, 1)) ** 0.8
    raise ValueError(f"`kind` must be even, brush, pen, in, out or lash. Received {kind!r}.")


def ribbon(points: np.ndarray, half_widths: np.ndarray) -> np.ndarray:
    """The outline of a stroke along `points` (N, 2) with `half_widths` (N,)."""
    z = np.ascontiguousarray(points, np.float64).view(np.complex128)[:, 0]  # x + iy: fewer calls
    count = len(z)
    side = np.empty_like(z)
    np.subtract(z[2:], z[:-2], out=side[1:-1])
    side[0], side[-1] = z[1] - z[0], z[-1] - z[-2]
    side *= half_widths * 1j / (np.abs(side) + 1e-12)
    outline = np.empty(2 * count, np.complex128)
    np.add(z, side, out=outline[:count])
    np.subtract(z[::-1], side[::-1], out=outline[count:])
    return outline.view(np.float64).reshape(-1, 2)
