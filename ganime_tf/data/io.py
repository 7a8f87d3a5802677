"""Reading pictures: one decoder for every file. decoding.py does the same in graphs.

Everything comes out as uint8 sRGB: EXIF orientation applied, embedded profiles converted, alpha
laid on a background, 16-bit, grey, palette, Lab and CMYK converted, of animations the first frame.
"""

import dataclasses
import io
import os
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from ganime_tf.data.budget import SharedBudget
from ganime_tf.data.pixels import convert

SUFFIXES = frozenset(
    ".jpg .jpeg .jpe .jfif .png .apng .webp .bmp .dib .gif .tif .tiff .avif .mpo .ppm .pgm".split()
)
_KNOWN = {  # suffixes of files that people keep among pictures, and why they are passed over
    "HEIC pictures are not read: save them as JPEG or PNG": ".heic .heif .hif",
    "this kind of picture is not read: save it as PNG": (
        ".jxl .jp2 .j2k .psd .psb .svg .xcf .kra .clip .ai .eps .pdf .exr .hdr .tga .dds .ico"
    ),
    "raw files of cameras are not read: develop them first": (
        ".cr2 .cr3 .nef .arw .dng .raf .orf .rw2"
    ),
    "a video: take its frames out first": ".mp4 .mov .avi .mkv .webm .m4v .wmv .flv .mpg .mpeg",
    "an archive: unpack it first": ".zip .rar .7z .tar .gz .tgz .bz2 .xz .zst",
}
PASSED_OVER = {suffix: why for why, text in _KNOWN.items() for suffix in text.split()}
"""Why files of other suffixes are not listed."""
MAX_PIXELS = 89_478_485
"""Largest picture that is decoded (Pillow's own limit): 256 MB as RGB."""

# Pillow guesses by content; this list keeps it from starting Ghostscript and other programs.
_FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "BMP", "DIB", "GIF", "TIFF", "AVIF", "PPM")


BYTES_PER_PIXEL = 8
"""What reading takes for a moment, beside what it gives: Pillow's copy, and another when turned."""
_DECODING = SharedBudget(1 << 30)  # of all threads
# A JPEG has at least a bit for each block of 64 pixels; small ones may claim what they like.
JPEG_PIXELS_PER_BYTE = 1024
JPEG_PIXELS = 1 << 22


class BadImageError(ValueError):
    """A file that cannot be made into a picture; the message is the reason, without the path."""


@dataclasses.dataclass(frozen=True)
class Picture:
    """A picture that was read.

    Attributes:
        rgb: uint8 `(H, W, 3)`, sRGB, laid on the background where it is transparent.
        alpha: uint8 `(H, W)`, or None where all is opaque.
    """

    rgb: np.ndarray
    alpha: np.ndarray | None = None


def open_picture(content: bytes, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Opens the content of a picture file without decoding it.

    Raises:
        BadImageError: When it is none, or larger than `max_pixels`.
    """
    if not content:
        raise BadImageError("the file is empty (0 bytes)")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(io.BytesIO(content), formats=_available_formats())
    except Image.DecompressionBombError as error:
        raise BadImageError(f"too many pixels: {error}") from error
    except Image.UnidentifiedImageError as error:
        if content[4:12] in (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftyphevc", b"ftypmsf1"):
            raise BadImageError(PASSED_OVER[".heic"]) from error
        raise BadImageError("not a picture of a known format") from error
    except (Exception, MemoryError) as error:
        raise BadImageError(f"damaged header: {error}") from error
    width, height = image.size
    if width * height > max_pixels:
        raise BadImageError(f"{width}x{height} has more than the limit of {max_pixels} pixels")
    if not width or not height:
        raise BadImageError(f"the picture is empty: {width}x{height}")
    most = max(JPEG_PIXELS, JPEG_PIXELS_PER_BYTE * len(content))
    if image.format in ("JPEG", "MPO") and width * height > most:
        raise BadImageError(f"claims {width}x{height} pixels, which {len(content)} bytes cannot be")
    return image


def _available_formats() -> list[str]:
    Image.init()
    return [name for name in _FORMATS if name in Image.OPEN]


def decode_bytes(
    content: bytes,
    background: tuple[int, int, int] = (255, 255, 255),
    max_pixels: int = MAX_PIXELS,
) -> np.ndarray:
    """Decodes the content of a picture file with Pillow.

    Args:
        content: The bytes of a JPEG, PNG, WebP, BMP, GIF, TIFF, AVIF (where Pillow has it) or PPM.
        background: RGB under transparent pixels.
        max_pixels: Larger pictures are refused.

    Returns:
        uint8 `(H, W, 3)`.

    Raises:
        BadImageError: When it cannot be decoded whole; says why.
    """
    return decode_picture(content, background, max_pixels).rgb


def decode_picture(
    content: bytes,
    background: tuple[int, int, int] = (255, 255, 255),
    max_pixels: int = MAX_PIXELS,
) -> Picture:
    """Decodes the content of a picture file, with its transparency; see `decode_bytes`."""
    image = open_picture(content, max_pixels)
    try:
        with (
            _DECODING.taking(image.width * image.height * BYTES_PER_PIXEL),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")
            image.load()
            try:
                image = ImageOps.exif_transpose(image)
            except Exception:  # broken EXIF in a good picture: keep the stored orientation
                pass
            return Picture(*convert(image, background))
    except (Exception, MemoryError) as error:
        raise BadImageError(f"damaged or truncated: {error}") from error


def read_image(
    path: str | Path,
    background: tuple[int, int, int] = (255, 255, 255),
    max_pixels: int = MAX_PIXELS,
) -> np.ndarray:
    """Reads a picture file.

    Args:
        path: A file of any format `decode_bytes` knows; the suffix does not matter.
        background: RGB under transparent pixels.
        max_pixels: Larger pictures are refused.

    Returns:
        uint8 `(H, W, 3)`.

    Raises:
        FileNotFoundError: When there is no such file.
        BadImageError: A `ValueError` naming the file, when it is not a good picture.
    """
    content = read_bytes(path)
    try:
        return decode_bytes(content, background, max_pixels)
    except BadImageError as error:
        raise BadImageError(f"{path}: {error}") from error


def read_bytes(path: str | Path) -> bytes:
    """Reads a regular file whole; `BadImageError` for unreadable files and non-files."""
    path = os.fspath(path)
    if "://" in path:
        import tensorflow as tf  # here: processes that only read and draw start without it

        with tf.io.gfile.GFile(path, "rb") as file:
            return file.read()
    try:
        if not os.path.isfile(path):  # a FIFO or a device would block the reader for ever
            if not os.path.lexists(path):
                raise FileNotFoundError(f"{path}: there is no such file")
            link = os.path.islink(path) and not os.path.exists(path)
            what = "a link that leads nowhere" if link else "not a regular file"
            raise BadImageError(f"{path}: {what}")
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise BadImageError(f"{path}: {error.strerror or error}") from error


def find_images(
    folder: str | Path, passed_over: list[tuple[str, str]] | None = None
) -> Iterator[tuple[str, int]]:
    """Yields `(path relative to the folder, bytes)` of the picture files below a folder.

    Sorted by name, hidden files left out, symbolic links followed without running in circles.

    Args:
        folder: Where to look.
        passed_over: Gets `(relative path, reason)` of files of `PASSED_OVER`.
    """
    folder = os.fspath(folder)

    def walk(directory: str, prefix: str, seen: frozenset):
        try:
            with os.scandir(directory) as entries:
                entries = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            return
        for entry in entries:
            if entry.name.startswith("."):
                continue
            name = f"{prefix}{entry.name}"
            suffix = os.path.splitext(entry.name)[1].lower()
            try:
                if entry.is_dir():
                    status = entry.stat()
                    key = (status.st_dev, status.st_ino)
                    if key not in seen:
                        yield from walk(entry.path, name + "/", seen | {key})
                elif suffix in SUFFIXES:
                    yield name, entry.stat().st_size
                elif passed_over is not None and suffix in PASSED_OVER:
                    passed_over.append((name, PASSED_OVER[suffix]))
            except OSError:  # a dangling or circular link, a name that cannot be looked at
                if suffix in SUFFIXES:
                    yield name, -1

    status = os.stat(folder)
    yield from walk(folder, "", frozenset({(status.st_dev, status.st_ino)}))
