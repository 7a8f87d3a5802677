"""Sizes and random jitter: from a decoded picture of any size to the network's square.

All randomness comes in as numbers, so that the picture, its partner and its label map can be given
the same ones and move together.
"""

import tensorflow as tf

ASPECTS = ("stretch", "crop", "pad", "random")
NUM_RANDOM = 4
"""Uniform numbers one sample needs: crop y, crop x, flip, position of the square."""
NUM_TINT = 3
"""Uniform numbers `tint_lines` needs: whether, hue, strength."""


def resize(pixels, size: int, nearest: bool = False):
    """Resizes uint8 `(H, W, C)` to uint8 `(size, size, C)`.

    Bilinear with half-pixel centres, antialiased when shrinking; nearest for label maps.
    """
    shape = tf.shape(pixels)[:2]

    def nearest_pixels():
        images = tf.image.resize(pixels, [size, size], method="nearest")
        return tf.cast(images, tf.uint8)

    def bilinear():
        shrinks = tf.reduce_any(shape > size)
        images = tf.cond(
            shrinks,
            lambda: tf.image.resize(pixels, [size, size], antialias=True),
            lambda: tf.image.resize(pixels, [size, size]),
        )
        return tf.cast(images + 0.5, tf.uint8)  # rounds; values are in [0, 255]

    resized = tf.cond(
        tf.reduce_all(shape == size), lambda: pixels, nearest_pixels if nearest else bilinear
    )
    return tf.ensure_shape(resized, [size, size, pixels.shape[-1]])


def square(pixels, aspect: str, position=0.5, fill: int = 255):
    """Makes a picture square without changing its scale.

    Args:
        pixels: uint8 `(H, W, C)`.
        aspect: `stretch` leaves the shape to the resizing that follows; `crop` cuts the centre,
            `random` a square at `position`; `pad` adds borders of `fill`.
        position: In [0, 1), along the longer side, for `random`.
        fill: Grey level (or class) of the borders.
    """
    if aspect == "stretch":
        return pixels
    height, width = tf.shape(pixels)[0], tf.shape(pixels)[1]
    if aspect == "pad":
        side = tf.maximum(height, width)
        top, left = (side - height) // 2, (side - width) // 2
        padding = [[top, side - height - top], [left, side - width - left], [0, 0]]
        return tf.pad(pixels, padding, constant_values=tf.cast(fill, pixels.dtype))
    side = tf.minimum(height, width)
    if aspect == "crop":
        top, left = (height - side) // 2, (width - side) // 2
    else:
        spare = tf.cast([height - side + 1, width - side + 1], tf.float32)
        top, left = tf.unstack(tf.cast(spare * position, tf.int32))
    return pixels[top : top + side, left : left + side]


def jitter(pixels, image_size: int, random):
    """Cuts a random square of `image_size` and mirrors it with probability 1/2.

    Args:
        pixels: `(S, S, C)` with S >= `image_size`.
        image_size: Side of the result.
        random: Float `(NUM_RANDOM,)` in [0, 1).
    """
    spare = pixels.shape[0] - image_size
    offset = tf.cast(random[:2] * (spare + 1), tf.int32)
    offset = tf.minimum(offset, spare)
    pixels = tf.slice(pixels, [offset[0], offset[1], 0], [image_size, image_size, -1])
    return tf.cond(random[2] < 0.5, lambda: pixels, lambda: tf.reverse(pixels, [1]))


def tint_lines(pixels, share: float, random):
    """Gives the ink of line art a random colour, as of a red or blue pencil; white stays white.

    Args:
        pixels: uint8 `(H, W, 3)`, dark lines on light paper.
        share: Probability in [0, 1] of a tint.
        random: Float `(NUM_TINT,)` in [0, 1).

    Returns:
        uint8 `(H, W, 3)`. Black becomes a colour of any hue, with a saturation of 1 and a value
        (its brightest channel) between 0.3 and 0.9; no channel gets darker.
    """
    corners = tf.abs((random[1] * 6.0 + tf.constant([0.0, 4.0, 2.0])) % 6.0 - 3.0) - 1.0
    ink = tf.clip_by_value(corners, 0.0, 1.0) * (0.3 + 0.6 * random[2])

    def tinted():
        darkness = 255.0 - tf.cast(pixels, tf.float32)
        return tf.cast(255.5 - darkness * (1.0 - ink), tf.uint8)

    return tf.cond(random[0] < share, tinted, lambda: pixels)
