"""The result as layers: OpenRaster (Krita, GIMP, MyPaint, ...) and Photoshop files."""

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import quoteattr

import numpy as np
from PIL import Image

from ganime_tf.ops.files import atomic_path

Layer = tuple[str, np.ndarray]
"""A name and its pixels, uint8 `(H, W, 3)` or `(H, W, 4)`."""


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
    for k, (name, _) in enumerate(layers):
        stack.append(f'<layer name={quoteattr(name)} src="data/layer{k}.png" x="0" y="0"/>')
    stack.append("</stack></image>")
    thumbnail = Image.fromarray(merged)
    thumbnail.thumbnail((256, 256))
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w") as file:
        # The type first and uncompressed: programs look for it at a fixed place.
        file.writestr("mimetype", "image/openraster", zipfile.ZIP_STORED)
        file.writestr("stack.xml", "\n".join(stack), zipfile.ZIP_DEFLATED)
        for k, (_, pixels) in enumerate(layers):
            file.writestr(f"data/layer{k}.png", _png(pixels), zipfile.ZIP_STORED)
        file.writestr("mergedimage.png", _png(merged), zipfile.ZIP_STORED)
        file.writestr("Thumbnails/thumbnail.png", _png(np.asarray(thumbnail)), zipfile.ZIP_STORED)


def write_psd(path: str | Path, layers: Sequence[Layer], merged: np.ndarray) -> None:
    """Writes a Photoshop file; arguments as of `write_ora`.

    Raises:
        ImportError: Without psd-tools.
    """
    try:
        from psd_tools import PSDImage
    except ImportError as error:
        raise ImportError(
            "Photoshop files need psd-tools: pip install 'ganime-tf[psd]', or use --layers ora."
        ) from error
    psd = PSDImage.frompil(Image.fromarray(merged))
    for name, pixels in reversed(layers):  # a new layer lies on top
        psd.create_pixel_layer(Image.fromarray(pixels), name=name)
    with atomic_path(path) as temporary:
        psd.save(str(temporary))


WRITERS = {"ora": write_ora, "psd": write_psd}
"""How layers are written, by suffix."""
