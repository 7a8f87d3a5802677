"""The result as layers: OpenRaster (Krita, GIMP, MyPaint, ...) and Photoshop files."""

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import quoteattr

import numpy as np
from PIL import Image

from ganime_tf.colouring.ink import line_layer
from ganime_tf.ops.files import atomic_path


class Layer(NamedTuple):
    """A name and its pixels, uint8 `(H, W, 3)` or `(H, W, 4)`; laid over or multiplied with."""

    name: str
    pixels: np.ndarray
    multiply: bool = False


def layers_of(page, result) -> list[Layer]:
    """A coloured page as layers, from the top: ink, shade where there is one, colours, paper.

    Args:
        page: A `Page`.
        result: Its `Coloured`.
    """
    layers = [Layer("ink", line_layer(page.ink))]
    if result.shade is not None:
        layers.append(Layer("shade", result.shade, multiply=True))
    layers.append(Layer("colour" if result.flats is None else "flats", result.colour))
    return [*layers, Layer("paper", np.full_like(result.colour, 255))]


def _png(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, format="PNG", compress_level=1)
    return stream.getvalue()


def write_ora(path: str | Path, layers: Sequence[Layer], merged: np.ndarray) -> None:
    """Writes an OpenRaster file.

    Args:
        path: File to write, atomically.
        layers: From the top down.
        merged: What all layers give together, uint8 `(H, W, 3)`.

    Reference: OpenRaster 0.0.5, File Layout Specification.
    """
    height, width = merged.shape[:2]
    stack = ["<?xml version='1.0' encoding='UTF-8'?>"]
    stack.append(f'<image version="0.0.5" w="{width}" h="{height}" xres="72" yres="72"><stack>')
    for k, layer in enumerate(layers):
        mode = ' composite-op="svg:multiply"' if layer.multiply else ""
        name = quoteattr(layer.name)
        stack.append(f'<layer name={name} src="data/layer{k}.png" x="0" y="0"{mode}/>')
    stack.append("</stack></image>")
    thumbnail = Image.fromarray(merged)
    thumbnail.thumbnail((256, 256))
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w") as file:
        # The type first and uncompressed: programs look for it at a fixed place.
        file.writestr("mimetype", "image/openraster", zipfile.ZIP_STORED)
        file.writestr("stack.xml", "\n".join(stack), zipfile.ZIP_DEFLATED)
        for k, layer in enumerate(layers):
            file.writestr(f"data/layer{k}.png", _png(layer.pixels), zipfile.ZIP_STORED)
        file.writestr("mergedimage.png", _png(merged), zipfile.ZIP_STORED)
        file.writestr("Thumbnails/thumbnail.png", _png(np.asarray(thumbnail)), zipfile.ZIP_STORED)


def write_psd(path: str | Path, layers: Sequence[Layer], merged: np.ndarray) -> None:
    """Writes a Photoshop file; arguments as of `write_ora`.

    Raises:
        ImportError: Without psd-tools.
    """
    try:
        from psd_tools import PSDImage
        from psd_tools.constants import BlendMode
    except ImportError as error:
        raise ImportError(
            "Photoshop files need psd-tools: pip install 'ganime-tf[psd]', or use --layers ora."
        ) from error
    psd = PSDImage.frompil(Image.fromarray(merged))
    for layer in reversed(layers):  # a new layer lies on top
        made = psd.create_pixel_layer(Image.fromarray(layer.pixels), name=layer.name)
        if layer.multiply:
            made.blend_mode = BlendMode.MULTIPLY
    with atomic_path(path) as temporary:
        psd.save(str(temporary))


WRITERS = {"ora": write_ora, "psd": write_psd}
"""How layers are written, by suffix."""
