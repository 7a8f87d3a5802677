"""Feature networks for the perceptual losses: which one, from which file, fed how."""

from collections.abc import Sequence
from typing import Literal

from ganime_tf.networks import squeezenet, vgg
from ganime_tf.weights import find_weights

Features = Literal["vgg19", "vgg16", "squeezenet", "random"]
# The layer that compares content, at stride 8.
CONTENT_LAYERS = {
    "vgg19": "block4_conv4",
    "vgg16": "block4_conv3",
    "squeezenet": "fire5",
    "random": "block4_conv4",
}
_RANDOM_SEED = 1009
_RANDOM_FILTERS = 8


class FeatureExtractor:
    """A frozen network with its own input convention.

    A plain object, so that a model holding one neither saves nor trains it.

    Args:
        network: Model to `{tap: features}`.
        preprocess: Function of RGB in [-1, 1] to the network's input.
        kind: "vgg19", "squeezenet" or "random".
    """

    def __init__(self, network, preprocess, kind: str):
        self.network, self.preprocess, self.kind = network, preprocess, kind

    def __call__(self, images) -> dict:
        """Returns `{tap: float32 features}` of RGB pictures in [-1, 1], `(N, H, W, 3)`."""
        return self.network(self.preprocess(images), training=False)


def _find_squeezenet():
    try:
        return find_weights("squeezenet1_1_imagenet.npz", download=False)
    except FileNotFoundError:
        return find_weights("squeezenet1_1-torchvision")


def load_features(
    kind: Features,
    taps: Sequence[str] | None = None,
    *,
    pooling: str = "max",
    unpooled: Sequence[int] = (),
) -> FeatureExtractor:
    """Builds a feature network with its weights.

    Args:
        kind: "vgg19" (the papers'), "vgg16" (MUNIT's), "squeezenet" (SqueezeNet 1.1, 5 MB) or
            "random": a VGG-19 of an eighth of the width with fixed random weights, which needs no
            file and sees edges and colours but no objects.
        taps: Outputs; defaults to the content layer of the kind.
        pooling: Of VGG: "max" or "average".
        unpooled: Of VGG: blocks without pooling.

    Raises:
        FileNotFoundError: When the weights are neither here nor to be had; names file and place.
        ValueError: On an unknown kind or tap, or weights of another network.
    """
    if kind not in CONTENT_LAYERS:
        raise ValueError(f"`features` must be one of {list(CONTENT_LAYERS)}. Received {kind!r}.")
    taps = list(taps or [CONTENT_LAYERS[kind]])
    if kind == "squeezenet":
        network = squeezenet.build_squeezenet(taps)
        squeezenet.load_squeezenet_weights(network, _find_squeezenet())
        return FeatureExtractor(network, squeezenet.preprocess_squeezenet, kind)
    if kind == "random":
        network = vgg.build_vgg(
            taps, filters=_RANDOM_FILTERS, pooling=pooling, unpooled=unpooled, seed=_RANDOM_SEED,
            name="random_vgg",
        )  # fmt: skip
        return FeatureExtractor(network, lambda images: images, kind)
    depth = int(kind.removeprefix("vgg"))
    network = vgg.build_vgg(taps, depth=depth, pooling=pooling, unpooled=unpooled, name=kind)
    vgg.load_vgg_weights(network, find_weights(f"{kind}-keras"))
    return FeatureExtractor(network, vgg.preprocess_vgg, kind)
