"""The pixels of an opened picture as sRGB: profiles, transparency, 12 and 16 bits, Lab, CMYK.

Works on bands of rows, so that beside the picture itself next to no memory is needed.
"""

import functools
import io
import logging

import numpy as np
from PIL import Image, ImageCms

logger = logging.getLogger(__name__)

_BAND = 1 << 21  # pixels
# Thresholds of an ordered dither, in levels: -0.5 to 0.5.
_BAYER = (np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]]) + 0.5) / 16 - 0.5


def convert(image: Image.Image, background: tuple[int, int, int]):
    """Converts a picture that was loaded and turned upright.

    Args:
        image: Of any mode that Pillow opens files in.
        background: RGB under transparent pixels.

    Returns:
        `(rgb, alpha)`: uint8 `(H, W, 3)` sRGB, laid on the background, and uint8 `(H, W)` or None
        where all is opaque.
    """
    width, height = image.size
    rgb = np.empty((height, width, 3), np.uint8)
    alpha = np.empty((height, width), np.uint8) if image.has_transparency_data else None
    profile = image.info.get("icc_profile")
    deep = _is_deep(image)
    scale = _scale(image) if deep else 1.0
    rows = max(4, _BAND // width // 4 * 4)  # whole cells of the dither
    for top in range(0, height, rows):
        band = image.crop((0, top, width, min(height, top + rows)))
        place = slice(top, top + band.size[1])
        if deep:
            rgb[place] = _eight_bits(np.asarray(band, np.float32), scale, image.mode != "F")
            continue
        if alpha is None:
            rgb[place] = np.asarray(_to_srgb(band, profile))
            continue
        band = band.convert("RGBA")
        opacity = band.getchannel("A")
        band = _to_srgb(band.convert("RGB"), profile)
        band.putalpha(opacity)
        canvas = Image.new("RGBA", band.size, (*background, 255))
        rgb[place] = np.asarray(Image.alpha_composite(canvas, band).convert("RGB"))
        alpha[place] = np.asarray(opacity)
    if alpha is not None and (not alpha.size or alpha.min() == 255):
        alpha = None
    return rgb, alpha


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Colours of an embedded profile as sRGB; a damaged profile is as good as none."""
    if image.mode in ("P", "1", "PA"):
        image = image.convert("RGB")
    if profile or image.mode == "LAB":
        transform = _transform(profile, image.mode)
        if transform is None and image.mode == "LAB":
            transform = _transform(None, "LAB")
        if transform is not None:
            return ImageCms.applyTransform(image, transform)
    return image.convert("RGB")


@functools.lru_cache(16)
def _transform(profile: bytes | None, mode: str):
    """What turns colours of a profile into sRGB; None where nothing is to be done."""
    if mode not in ("RGB", "L", "CMYK", "LAB"):
        return None
    try:
        if profile is None:
            source = ImageCms.createProfile("LAB")
        else:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            if mode == "RGB" and "sRGB" in ImageCms.getProfileDescription(source):
                return None
        return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None


def _is_deep(image: Image.Image) -> bool:
    return image.mode in ("I", "F") or image.mode.startswith("I;")


def _scale(image: Image.Image) -> float:
    """What makes the values of a deep picture 0 to 255."""
    peak = float(image.getextrema()[1])
    if image.mode == "F":
        return 255.0 if peak <= 1.0 else 1.0
    if image.mode == "I" and peak <= 255:
        return 1.0
    if 255 < peak <= 4095:
        _say_once("a file of 16 bits holds 12 (no value is above 4095): read as 12")
        return 255.0 / 4095.0
    return 255.0 / 65535.0


@functools.lru_cache(None)
def _say_once(text: str) -> None:
    logger.warning("%s; said once", text)


def _eight_bits(values: np.ndarray, scale: float, dither: bool) -> np.ndarray:
    """Deep grey as uint8 RGB, with an ordered dither of less than a level: no bands."""
    values = np.nan_to_num(values) * np.float32(scale)
    if dither and scale != 1.0:
        height, width = values.shape
        values += np.tile(_BAYER, (-(-height // 4), -(-width // 4)))[:height, :width]
    grey = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=-1)
