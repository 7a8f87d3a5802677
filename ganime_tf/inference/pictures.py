"""Pictures as people have them, in and out: profiles, transparency, 16 bits, formats.

Needs no TensorFlow.
"""

import dataclasses
import io
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from ganime_tf.data.io import BadImageError, Picture, decode_picture, read_bytes
from ganime_tf.ops.files import atomic_path
from ganime_tf.ops.recolour import match_colours, transfer_luminance

FORMATS = {"png": ".png", "jpg": ".jpg", "webp": ".webp"}
_SAVE = {
    # Level 1 writes four times as fast as Pillow's own 6, for a tenth more bytes.
    "png": {"format": "PNG", "compress_level": 1},
    "jpg": {"format": "JPEG", "quality": 95, "subsampling": 0},
    "webp": {"format": "WEBP", "quality": 95, "method": 2},
}
_SUFFIXES = {".jpg": "jpg", ".jpeg": "jpg", ".jpe": "jpg", ".jfif": "jpg", ".webp": "webp"}


@dataclasses.dataclass(frozen=True)
class Finish:
    """What is done to pictures before and after the network.

    Attributes:
        format: "png", "jpg", "webp", or "same" for the input's (PNG where it is none of them).
        size: Longest side of the result; 0 keeps the picture's.
        keep_color: Luminance from the network, colour from the picture.
        match_histogram: Mean and covariance of the result's colours are the picture's.
        blend: Share of the network's result in [0, 1]; the rest is the picture.
        suffix: Added to the names of results.
        background: RGB under transparent pixels.

    Raises:
        ValueError: On values outside of these.
    """

    format: str = "png"
    size: int = 0
    keep_color: bool = False
    match_histogram: bool = False
    blend: float = 1.0
    suffix: str = ""
    background: tuple[int, int, int] = (255, 255, 255)

    def __post_init__(self):
        if self.format not in (*FORMATS, "same"):
            raise ValueError(
                f"`format` must be one of {', '.join(FORMATS)}, same. Received {self.format!r}."
            )
        if not 0.0 <= self.blend <= 1.0:
            raise ValueError(f"`blend` must be in [0, 1]. Received {self.blend}.")
        if self.size < 0:
            raise ValueError(f"`size` must not be negative. Received {self.size}.")
        if self.keep_color and self.match_histogram:
            raise ValueError("`keep_color` and `match_histogram` exclude each other.")
        if "/" in self.suffix or "\0" in self.suffix:
            raise ValueError(f"`suffix` must be part of a file's name. Received {self.suffix!r}.")

    def kind(self, source: str | Path) -> str:
        """The format of a result."""
        if self.format != "same":
            return self.format
        return _SUFFIXES.get(Path(source).suffix.lower(), "png")

    def name(self, relative: Path) -> Path:
        """Name of a result, for the name of its picture."""
        return relative.with_name(f"{relative.stem}{self.suffix}{FORMATS[self.kind(relative)]}")

    def read(self, source: str | Path) -> Picture:
        """Reads a picture and scales it to the size.

        Raises:
            BadImageError: A `ValueError` naming the file, when it is not a good picture.
        """
        return _resized(read_picture(source, self.background), self.size)

    def apply(self, picture: Picture, result: np.ndarray) -> np.ndarray:
        """Colours and blends what the network made of a picture, uint8 `(H, W, 3)`."""
        if self.keep_color or self.match_histogram:
            recolour = transfer_luminance if self.keep_color else match_colours
            floats = recolour(result / np.float32(255.0), picture.rgb / np.float32(255.0))
            result = np.rint(floats * 255.0).astype(np.uint8)
        if self.blend < 1.0:
            mixed = self.blend * result.astype(np.float32) + (1.0 - self.blend) * picture.rgb
            result = np.rint(mixed).astype(np.uint8)
        return result


def read_picture(source: str | Path, background: tuple[int, int, int] = (255, 255, 255)) -> Picture:
    """Reads a picture file, or standard input for "-".

    Colours of an embedded profile become sRGB, CMYK too; 16-bit grey is dithered to 8, so that soft
    gradients show no bands; transparency is kept beside the colours.

    Raises:
        FileNotFoundError: When there is no such file.
        BadImageError: A `ValueError` naming the file, when it is not a good picture.
    """
    content = sys.stdin.buffer.read() if str(source) == "-" else read_bytes(source)
    try:
        return decode_picture(content, background)
    except BadImageError as error:
        raise BadImageError(f"{source}: {error}") from error


def _resized(picture: Picture, size: int) -> Picture:
    longest = max(picture.rgb.shape[:2])
    if not size or longest == size:
        return picture
    # Rounded down and bicubic, as the papers' test scripts do.
    shape = [max(1, side * size // longest) for side in picture.rgb.shape[1::-1]]

    def scale(array):
        return np.asarray(Image.fromarray(array).resize(shape, Image.Resampling.BICUBIC))

    return Picture(scale(picture.rgb), None if picture.alpha is None else scale(picture.alpha))


def encode(picture: np.ndarray, alpha: np.ndarray | None, kind: str, background) -> bytes:
    """Encodes a result.

    Args:
        picture: uint8 `(H, W, 3)`.
        alpha: uint8 `(H, W)` or None; JPEG has none, so the background shows.
        kind: A key of `FORMATS`.
        background: RGB.
    """
    buffer = io.BytesIO()
    image = Image.fromarray(picture)
    if alpha is not None:
        image.putalpha(Image.fromarray(alpha))
        if kind == "jpg":
            canvas = Image.new("RGBA", image.size, (*background, 255))
            image = Image.alpha_composite(canvas, image).convert("RGB")
    image.save(buffer, **_SAVE[kind])
    return buffer.getvalue()


def save_picture(path: str | Path, picture, alpha, kind: str, background) -> None:
    """Writes a result, atomically; "-" is standard output."""
    content = encode(picture, alpha, kind, background)
    if str(path) == "-":
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)
