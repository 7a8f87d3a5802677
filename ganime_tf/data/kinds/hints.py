"""Line art, the finished picture, and some dabs of its colours: colouring with hints."""

import tensorflow as tf

from ganime_tf.data.kinds import paired
from ganime_tf.data.kinds.kind import HINTS, PICTURE, Derived, Kind
from ganime_tf.data.kinds.tint import tint
from ganime_tf.data.spec import DataSpec

_STREAM = 2
_RADIUS = (1 / 128, 1 / 32)  # of a dab, as a share of the picture's side


def dab_hints(pixels, most: int, random):
    """Dabs of a picture's own colours.

    Args:
        pixels: uint8 `(S, S, 3)`.
        most: Largest number of dabs; how many there are is uniform in 0..most.
        random: Float `(1 + 3 * most,)` in [0, 1): how many, then place and radius of each.

    Returns:
        uint8 `(S, S, 4)`: in round dabs the mean colour of the picture there and 255, elsewhere 0.
        Later dabs lie over earlier ones.
    """
    side = pixels.shape[0]
    count = tf.cast(random[0] * (most + 1), tf.int32)
    numbers = tf.reshape(random[1:], [most, 3])
    centre = tf.floor(numbers[:, :2] * side)
    radius = side * (_RADIUS[0] + numbers[:, 2] * (_RADIUS[1] - _RADIUS[0]))
    line = tf.range(side, dtype=tf.float32)
    down = tf.square(line[None] - centre[:, :1])[:, :, None]  # (most, S, 1)
    across = tf.square(line[None] - centre[:, 1:])[:, None]
    inside = (down + across <= tf.square(tf.maximum(radius, 0.5))[:, None, None]) & (
        tf.range(most) < count
    )[:, None, None]  # (most, S, S)
    weight = tf.cast(tf.reshape(inside, [most, -1]), tf.float32)
    total = tf.matmul(weight, tf.cast(tf.reshape(pixels, [-1, 3]), tf.float32))
    colour = total / tf.maximum(tf.reduce_sum(weight, 1, keepdims=True), 1.0)
    number = tf.reduce_max(
        tf.where(inside, tf.range(1, most + 1)[:, None, None], 0), axis=0
    )  # (S, S), 0 where there is no dab
    table = tf.concat([colour + 0.5, tf.fill([most, 1], 255.0)], 1)
    table = tf.concat([tf.zeros([1, 4]), table], 0)
    return tf.gather(tf.cast(table, tf.uint8), number)


def derive(spec: DataSpec) -> tuple[Derived, ...]:
    """Hints of `b`, in training and in validation, beside the tint of `a`."""

    def function(sample, random):
        return sample | {"hints": dab_hints(sample["b"], spec.hints, random)}

    return (*tint(spec), Derived(function, 1 + 3 * spec.hints, _STREAM))


KIND = Kind(
    keys={"a": PICTURE, "b": PICTURE, "hints": HINTS},
    aligned=True,
    read=paired.read,
    draw=paired.draw,
    derive=derive,
    options=("direction", "tint", "hints"),
    help="`a`, `b` of the same thing, and `hints`, dabs of the colours of `b`",
)
