"""Steadier videos: results follow the motion of the source; how unsteady they are, as a number."""

import numpy as np

# Levels by which a pixel may differ after following the motion before it counts as another thing.
_TOLERANCE = 12.0


def optical_flow(now: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Where every pixel of a frame was in the frame before (dense inverse search, OpenCV).

    Args:
        now: uint8 `(H, W, 3)`.
        before: The same shape.

    Returns:
        float32 `(H, W, 2)`: x and y in pixels, to add to the position.

    Raises:
        ImportError: When OpenCV is not installed.
    """
    cv2 = _opencv()
    grey = [cv2.cvtColor(np.ascontiguousarray(x), cv2.COLOR_RGB2GRAY) for x in (now, before)]
    if min(grey[0].shape) < 16:  # smaller than the method's patches
        return np.zeros((*grey[0].shape, 2), np.float32)
    return cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(*grey, None)


def warp(picture: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """Looks up every pixel where it was: float32 `(H, W, 3)`, bilinear, borders repeated."""
    cv2 = _opencv()
    height, width = flow.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return cv2.remap(
        picture.astype(np.float32),
        x + flow[..., 0],
        y + flow[..., 1],
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )


def certainty(now: np.ndarray, before: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """How surely a pixel shows the same thing as before: float32 `(H, W, 1)` in [0, 1].

    From the source frames alone: 1 where they agree along the motion, near 0 where something
    appeared, at a cut everywhere.
    """
    distance = np.abs(now.astype(np.float32) - warp(before, flow)).mean(-1, keepdims=True)
    return np.exp(-np.square(distance / _TOLERANCE))


class Smoother:
    """Blends every result with the one before, moved along the source's motion.

    Args:
        strength: 0 changes nothing; 0.8 takes four fifths from the past where it is certain.

    Attributes:
        before: Mean warping error of the results as they came.
        after: Likewise as they left.

    Raises:
        ValueError: When the strength is not in [0, 1).
    """

    def __init__(self, strength: float):
        if not 0.0 <= strength < 1.0:
            raise ValueError(f"`strength` must be in [0, 1). Received {strength}.")
        self.strength = strength
        self.errors: list[tuple[float, float]] = []
        self._source = self._raw = self._result = None

    def start(self, source: np.ndarray, raw: np.ndarray, result: np.ndarray) -> None:
        """Goes on after a frame: its source, its result as it came, and as it left."""
        self._source, self._raw, self._result = source, raw, result

    def __call__(self, source: np.ndarray, raw: np.ndarray) -> np.ndarray:
        """Takes the next source frame and its result, uint8 `(H, W, 3)`; returns the steadier one.

        A frame of another size than the last starts anew.
        """
        last, result = self._source, raw
        if last is not None and last.shape == source.shape and raw.shape == self._raw.shape:
            if raw.shape == source.shape:
                flow = optical_flow(source, last)
                sure = certainty(source, last, flow)
                past = warp(self._result, flow)
                share = self.strength * sure
                mixed = share * past + (1.0 - share) * raw
                result = np.rint(mixed).astype(np.uint8) if self.strength else raw
                self.errors.append(
                    (_error(raw, warp(self._raw, flow), sure), _error(result, past, sure))
                )
        self.start(source, raw, result)
        return result

    @property
    def before(self) -> float:
        """Mean warping error of the results as they came, in levels of 255."""
        return float(np.mean([error for error, _ in self.errors])) if self.errors else 0.0

    @property
    def after(self) -> float:
        """Mean warping error of the results as they left, in levels of 255."""
        return float(np.mean([error for _, error in self.errors])) if self.errors else 0.0


def _error(picture, past, sure) -> float:
    """Mean absolute difference along the motion, where that is certain (Lai et al. 2018)."""
    distance = np.abs(picture.astype(np.float32) - past).mean(-1, keepdims=True)
    return float((distance * sure).sum() / max(float(sure.sum()), 1e-6))


def _opencv():
    try:
        import cv2
    except ImportError as error:
        raise ImportError('Smoothing needs OpenCV: pip install "ganime-tf[video]"') from error
    return cv2
