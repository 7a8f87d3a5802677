"""Which distance of pictures a projection or a path length looks through, by name."""

from collections.abc import Callable

import tensorflow as tf

_LPIPS = {"lpips_vgg": "vgg", "lpips_alex": "alex", "lpips_squeeze": "squeeze"}
_TAPS = {
    "vgg19": ("block1_conv2", "block2_conv2", "block3_conv4", "block4_conv4"),
    "squeezenet": ("conv1", "fire3", "fire5"),
    "random": ("block1_conv2", "block2_conv2", "block3_conv4", "block4_conv4"),
}
DISTANCES = (*_LPIPS, *_TAPS)
_LARGEST = 256  # the official projector's; larger pictures are averaged down


def load_distance(name: str) -> Callable:
    """Loads a differentiable distance of two float batches `(N, S, S, 3)` in [-1, 1], to `(N,)`.

    `lpips_*` is LPIPS; the others compare features of a network of the perceptual losses, each
    position of each layer as LPIPS does but all channels alike, and `random`, whose weights are
    random but fixed, needs no file. Pictures over 256 px are averaged down to it.

    Raises:
        ValueError: On an unknown name.
        FileNotFoundError: When the weights are nowhere; names the file.
    """
    if name not in DISTANCES:
        raise ValueError(f"`features` must be one of {', '.join(DISTANCES)}. Received {name!r}.")
    if name in _LPIPS:
        from ganime_tf.networks.lpips import SMALLEST, load_lpips_network

        kind = _LPIPS[name]
        network, _ = load_lpips_network(kind)
        return _sized(lambda x, y: network([x, y], training=False), SMALLEST[kind])
    from ganime_tf.networks.features import load_features

    extract = load_features(name, _TAPS[name])

    def distance(x, y):
        sides = [extract(side) for side in (x, y)]
        total = 0.0
        for tap in _TAPS[name]:
            a, b = (tf.math.l2_normalize(side[tap], -1, 1e-10) for side in sides)
            total += tf.reduce_mean(tf.reduce_sum(tf.square(a - b), -1), (1, 2))
        return total

    return _sized(distance, 16)


def _sized(distance: Callable, smallest: int) -> Callable:
    def sized(x, y):
        size = x.shape[1]
        if size > _LARGEST:
            factor = size // _LARGEST  # tf.image's area resizing has no gradient
            x, y = (tf.nn.avg_pool2d(side, factor, factor, "VALID") for side in (x, y))
        elif size < smallest:
            x, y = (tf.image.resize(side, (smallest, smallest)) for side in (x, y))
        return distance(x, y)

    return sized
