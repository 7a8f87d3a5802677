"""Feature protocols: pictures to feature vectors, and what is kept of them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ganime_tf.metrics import resizing
from ganime_tf.metrics.frechet import FeatureStatistics

_GRAPH = "2015 Inception graph"
_RESIZE: dict[str, tuple[Callable, Callable, str]] = {  # protocol: resize, scale, words
    "pytorch": (
        resizing.bilinear,
        lambda x: x / 127.5 - 1.0,
        "bilinear 299 without antialias (= pytorch-fid)",
    ),
    "tf": (
        resizing.legacy_bilinear,
        lambda x: (x - 128.0) / 128.0,
        "TF1 bilinear 299 (= TTUR, torch-fidelity)",
    ),
    "clean": (
        resizing.pil_bicubic,
        lambda x: (x - 128.0) / 128.0,
        "bicubic 299 with antialias (= clean-fid)",
    ),
}


# Protocol: the resizer, and how many features of which layer of the 2015 network.
_INCEPTION: dict[str, tuple[str, int]] = {
    "pytorch": ("pytorch", 2048),
    "pytorch_64": ("pytorch", 64),
    "pytorch_192": ("pytorch", 192),
    "pytorch_768": ("pytorch", 768),
    "tf": ("tf", 2048),
    "tf_64": ("tf", 64),
    "tf_192": ("tf", 192),
    "tf_768": ("tf", 768),
    "clean": ("clean", 2048),
    "clean_64": ("clean", 64),
    "clean_192": ("clean", 192),
    "clean_768": ("clean", 768),
}


@dataclass
class Extractor:
    """A network of a feature protocol.

    Attributes:
        function: uint8 `(N, H, W, 3)` -> float32 `(N, dim)`.
        dim: Length of a feature vector.
        protocol: The protocol in words.
        fingerprint: Short hash of weights and precision.
        note: What a reader must know.
    """

    function: Callable[[np.ndarray], np.ndarray]
    dim: int
    protocol: str
    fingerprint: str
    note: str = ""

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Extracts the features of a batch."""
        return np.asarray(self.function(images), np.float32)


@lru_cache(maxsize=4)
def load_extractor(protocol: str, precision: str = "float32") -> Extractor:
    """Builds the network of a protocol and loads its weights; kept for further calls.

    Args:
        protocol: `"pytorch"`, `"tf"` or `"clean"`, optionally with `_64`, `_192` or `_768` for an
            earlier layer; `"ganime"`; `"random"`.
        precision: `"float32"` or `"bfloat16"` (the 2015 graph only).

    Raises:
        MissingWeightsError: When the weights are nowhere; names the file.
        ValueError: On an unknown protocol or precision.
    """
    from ganime_tf.metrics import extractors
    from ganime_tf.networks import inception, inception_weights
    from ganime_tf.weights import file_digest, find_weights

    if precision not in ("float32", "bfloat16"):
        raise ValueError(f'`precision` must be "float32" or "bfloat16". Received {precision!r}.')
    if protocol == "random":
        return Extractor(
            extractors.random_features,
            extractors.RANDOM_DIM,
            "random convolutions of fixed seed, NOT FID",
            "seed0",
            "a smoke test of the pipeline; says little about quality and compares with nothing",
        )
    if protocol == "ganime":
        path = find_weights("inception-v3-keras")
        return Extractor(
            extractors.keras_inception_features(path),
            2048,
            "Keras InceptionV3 (ImageNet), 256 px, average pool (= GANime)",
            file_digest(path)[:12],
            "not comparable with any other FID: another network at another size",
        )
    if protocol not in _INCEPTION:
        raise ValueError(f"There is no feature protocol {protocol!r}.")
    resizer, dims = _INCEPTION[protocol]
    path = find_weights("inception-2015")
    network = inception.build_inception(dims, dtype=precision)
    inception_weights.load(network, inception_weights.read_cached(path))
    resize, scale, words = _RESIZE[resizer]
    return Extractor(
        extractors.pipeline(network, resize, scale),
        dims,
        f"{_GRAPH}, {dims} features, {words}" + (", bfloat16" * (precision != "float32")),
        file_digest(path)[:12] + ("-bf16" if precision != "float32" else ""),
    )


class FeatureBank:
    """Features of the real and fake set under one protocol.

    Args:
        extractor: The network.

    Attributes:
        statistics: `FeatureStatistics` by side, `"real"` and `"fake"`.
        keep_rows: Whether single vectors are kept, as KID and precision/recall need.
    """

    def __init__(self, extractor: Extractor):
        self.extractor, self.dim = extractor, extractor.dim
        self.fingerprint = extractor.fingerprint
        self.statistics = {side: FeatureStatistics(self.dim) for side in ("real", "fake")}
        self.keep_rows = False
        self._rows: dict[str, list[np.ndarray]] = {"real": [], "fake": []}
        self._fixed: set[str] = set()

    def update(self, side: str, images: np.ndarray) -> None:
        """Adds a uint8 `(N, H, W, 3)` batch to `"real"` or `"fake"`."""
        features = self.extractor(images)
        self.statistics[side].update(features)
        if self.keep_rows:
            self._rows[side].append(features)

    def fix(self, side: str, statistics: FeatureStatistics) -> None:
        """Replaces a side by known statistics; pictures of that side are then ignored."""
        self.statistics[side] = statistics
        self._fixed.add(side)

    def take_real(self, other: "FeatureBank") -> None:
        """Shares the real set of another bank of the same protocol."""
        self.fix("real", other.statistics["real"])
        self._rows["real"] = other._rows["real"]

    def fixed(self, side: str) -> bool:
        """Whether a side has known statistics."""
        return side in self._fixed

    def rows(self, side: str) -> np.ndarray:
        """The kept vectors of a side, `(N, dim)`."""
        return np.concatenate(self._rows[side] or [np.zeros((0, self.dim), np.float32)])
