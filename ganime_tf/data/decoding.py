"""Decoding pictures in a graph: the same pixels as io.py for the same file.

Plain JPEG, PNG and WebP are decoded by TensorFlow's kernels; `decode` looks at the header and
hands all others to Pillow.
"""

import tensorflow as tf

from ganime_tf.data.io import JPEG_PIXELS, JPEG_PIXELS_PER_BYTE, MAX_PIXELS, decode_bytes


def _number(content, offset: int, length: int, big_endian: bool = True):
    data = tf.io.decode_raw(tf.strings.substr(content, offset, length), tf.uint8)
    data = tf.cast(data if big_endian else tf.reverse(data, [0]), tf.int64)
    return tf.reduce_sum(data * tf.constant([256**k for k in reversed(range(length))], tf.int64))


# RE2 reads the pattern as UTF-8, so only bytes below 0x80 may be named; \C is any one byte.
_SPECIAL_JPEG = (  # an EXIF orientation entry other than 1, little or big endian; a profile
    r"\C*(Exif\x00\x00\C*(\x12\x01\x03\x00\x01\x00\x00\x00[\x02-\x08]\x00"
    r"|\x01\x12\x00\x03\x00\x00\x00\x01\x00[\x02-\x08])|ICC_PROFILE\x00)\C*"
)
_HEAD = 1 << 16
_JPEG_HEAD = 1 << 18  # a profile comes after a preview and notes of up to 64 KB each


def _pixels_fit(height, width):
    return (height > 0) & (width > 0) & (height * width <= MAX_PIXELS)


def _plain_jpeg(content):
    height, width, channels = tf.unstack(tf.cast(tf.io.extract_jpeg_shape(content), tf.int64))
    head = tf.strings.substr(content, 0, _JPEG_HEAD)
    special = tf.strings.regex_full_match(head, _SPECIAL_JPEG)
    complete = tf.strings.substr(content, -2, 2) == b"\xff\xd9"
    most = JPEG_PIXELS_PER_BYTE * tf.cast(tf.strings.length(content), tf.int64)
    possible = height * width <= tf.maximum(most, JPEG_PIXELS)
    return _pixels_fit(height, width) & (channels != 4) & ~special & complete & possible


def _plain_png(content):
    depth, colour = _number(content, 24, 1), _number(content, 25, 1)
    opaque = (colour == 0) | (colour == 2) | (colour == 3)
    head = tf.strings.substr(content, 0, _HEAD)
    pixels_near = tf.strings.regex_full_match(head, r"\C*IDAT\C*")
    special = tf.strings.regex_full_match(head, r"\C*(tRNS|eXIf|acTL|iCCP)\C*")
    fits = _pixels_fit(_number(content, 16, 4), _number(content, 20, 4))
    return fits & (depth <= 8) & opaque & pixels_near & ~special


def _plain_webp(content):
    width = _number(content, 26, 2, False) % (1 << 14)
    height = _number(content, 28, 2, False) % (1 << 14)
    return (tf.strings.substr(content, 12, 4) == b"VP8 ") & _pixels_fit(height, width)


def _if(condition, then, otherwise):
    return tf.cond(condition, then, lambda: otherwise)


def decode(content, background: tuple[int, int, int] = (255, 255, 255)):
    """Decodes a picture file's content in a graph, for `Dataset.map`.

    Args:
        content: Scalar string tensor: the bytes of the file.
        background: RGB under transparent pixels.

    Returns:
        uint8 `(H, W, 3)`; equal to `decode_bytes`.

    Raises:
        tf.errors.InvalidArgumentError: When the dataset runs into a bad picture.
    """
    size = tf.strings.length(content)
    start = tf.strings.substr(content, 0, tf.minimum(size, 2))

    def with_pillow():
        pixels = tf.numpy_function(
            lambda data: decode_bytes(data, background), [content], tf.uint8, stateful=False
        )
        return tf.ensure_shape(pixels, [None, None, 3])

    def kind(prefix, minimum, test):
        return _if((start == prefix) & (size >= minimum), lambda: test(content), False)

    branches = [
        (b"\xff\xd8", 16, _plain_jpeg,
         lambda: tf.io.decode_jpeg(content, channels=3, dct_method="INTEGER_ACCURATE")),
        (b"\x89P", 34, _plain_png, lambda: tf.io.decode_png(content, channels=3)),
        (b"RI", 34, _plain_webp, lambda: tf.io.decode_webp(content, channels=3)[0]),
    ]  # fmt: skip

    def build(remaining):
        if not remaining:
            return with_pillow()
        prefix, minimum, test, decoder = remaining[0]
        return tf.cond(
            kind(prefix, minimum, test),
            decoder,
            lambda: build(remaining[1:]),
        )

    return tf.ensure_shape(build(branches), [None, None, 3])
