"""Shade over the flats: a network says where shadows lie, the page's colours are multiplied."""

import dataclasses

import numpy as np
import scipy.ndimage

from ganime_tf.colouring.lift import lift
from ganime_tf.colouring.network import BarrierNetwork

KINDS = ("cel", "soft")
LIGHTS = ("left", "right")


@dataclasses.dataclass(frozen=True)
class ShadeStyle:
    """How shadows look.

    `kind` is "cel", with an edge, or "soft"; `light` the side that the light comes from; `depth`
    how dark full shade is, 0 to 1; `tint` its colour where `depth` is 1, RGB in [0, 1].
    """

    kind: str = "cel"
    light: str = "left"
    depth: float = 0.3
    tint: tuple[float, float, float] = (0.25, 0.0, 0.45)

    def __post_init__(self):
        if self.kind not in KINDS:
            raise ValueError(f"Shade is one of {', '.join(KINDS)}. Received {self.kind!r}.")
        if self.light not in LIGHTS:
            raise ValueError(
                f"The light comes from {' or '.join(LIGHTS)}. Received {self.light!r}."
            )
        if not 0 <= self.depth <= 1:
            raise ValueError(f"The depth of shade is 0 to 1. Received {self.depth}.")


def find_shadows(
    network: BarrierNetwork, cover: np.ndarray, sheet: np.ndarray, light: str = "left"
) -> np.ndarray:
    """How likely each cell lies in shadow, float32 `(h, w)` in [0, 1].

    Args:
        network: Trained with the light on the left; from the right it looks into a mirror.
        cover: Ink at working size, float `(h, w)` in [0, 1].
        sheet: Colours at working size, float `(h, w, 3)` in [0, 255].
        light: "left" or "right".
    """
    planes = np.concatenate([cover[..., None], sheet / 255], axis=-1).astype(np.float32)
    if light == "right":
        return network(np.ascontiguousarray(planes[:, ::-1]))[:, ::-1]
    return network(planes)


def shade_layer(
    shadows: np.ndarray, style: ShadeStyle, cover: np.ndarray, page_cover: np.ndarray
) -> np.ndarray:
    """The layer that the colours are multiplied with, uint8 `(H, W, 3)`, white where it is light.

    Args:
        shadows: From `find_shadows`.
        style: How they look.
        cover: Ink at working size, float `(h, w)`.
        page_cover: Ink of the page, uint8 `(H, W)`.
    """
    soft = style.kind == "soft"
    smooth = scipy.ndimage.gaussian_filter(shadows, 2.2 if soft else 0.6)
    sheet = np.repeat(255 * smooth[..., None], 3, axis=-1)
    none = np.zeros(cover.shape, bool)
    amount = lift(sheet, cover, none, page_cover)[..., 0]
    levels = np.arange(256, dtype=np.float32) / 255
    if not soft:
        # An edge of about two pixels of the page, whatever its size.
        steep = max(4.0, 2.0 * page_cover.shape[0] / len(cover))
        levels = np.clip((levels - 0.5) * steep + 0.5, 0, 1)
    dark = 1 - style.depth * (1 - np.array(style.tint, np.float32))
    table = np.rint(255 * (1 - levels[:, None] * (1 - dark))).astype(np.uint8)
    return table[amount]


def multiply(colour: np.ndarray, layer: np.ndarray) -> np.ndarray:
    """Two uint8 `(H, W, 3)` pictures multiplied as layers are."""
    out = np.empty_like(colour)
    for top in range(0, len(out), 256):  # in bands: a page as uint16 would take 100 MB
        rows = slice(top, top + 256)
        out[rows] = (colour[rows].astype(np.uint16) * layer[rows] + 127) // 255
    return out
