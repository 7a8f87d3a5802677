"""Colour arithmetic on (red, green, blue) tuples of integers in [0, 255]."""

import colorsys

RGB = tuple[int, int, int]


def rgb(hue: float, saturation: float, value: float) -> RGB:
    """A colour from hue (turns; wraps), saturation and value in [0, 1] (clipped)."""
    saturation = min(max(saturation, 0.0), 1.0)
    value = min(max(value, 0.0), 1.0)
    r, g, b = colorsys.hsv_to_rgb(hue % 1.0, saturation, value)
    return round(255 * r), round(255 * g), round(255 * b)


def hsv(colour: RGB) -> tuple[float, float, float]:
    """Hue, saturation, value in [0, 1] of a colour."""
    return colorsys.rgb_to_hsv(colour[0] / 255, colour[1] / 255, colour[2] / 255)


def mix(first: RGB, second: RGB, amount: float) -> RGB:
    """`first` with `amount` in [0, 1] of `second`."""
    return tuple(round(a + (b - a) * amount) for a, b in zip(first, second, strict=True))


def darker(colour: RGB, amount: float, hue: float = 0.0) -> RGB:
    """A shadow of `colour`: less value, a little more saturation, hue turned by `hue`."""
    h, s, v = hsv(colour)
    return rgb(h + hue, min(1.0, s * (1 + 0.5 * amount) + 0.06 * amount), v * (1 - amount))


def lighter(colour: RGB, amount: float) -> RGB:
    """`colour` moved towards white."""
    return mix(colour, (255, 255, 255), amount)
