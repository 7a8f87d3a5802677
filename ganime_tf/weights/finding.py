"""Finding the files of pretrained networks: the only code of the package that fetches anything.

A file is looked for in the folder `$GANIME_WEIGHTS`, then in the cache (`$GANIME_CACHE`, default
`~/.cache/ganime_tf`), then downloaded into the cache where an address is known. Its checksum is
compared where one is known. Nothing else ever stands in for a missing file.
"""

import hashlib
import logging
import os
from dataclasses import dataclass
from pathlib import Path

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class WeightFile:
    """A published file.

    Attributes:
        name: File name, below the weights folder.
        size: Size in words.
        checksum: `"sha256:..."` or `"md5:..."`, in full or its first digits; empty when unknown.
        url: Address, empty when it must be fetched by hand.
    """

    name: str
    size: str
    checksum: str = ""
    url: str = ""


_TORCH = "https://download.pytorch.org/models/"
_KERAS = "https://storage.googleapis.com/tensorflow/keras-applications/"
_LPIPS = (
    "https://raw.githubusercontent.com/richzhang/PerceptualSimilarity/master/lpips/weights/v0.1/"
)


def _torch(name: str, size: str) -> WeightFile:
    """A file named after the first digits of its SHA-256, as PyTorch's hub does."""
    return WeightFile(name, size, "sha256:" + Path(name).stem.rsplit("-", 1)[1], _TORCH + name)


def _lpips(network: str, size: str, sha256: str) -> WeightFile:
    address = f"{_LPIPS}{network}.pth"
    return WeightFile(f"lpips_v0.1/{network}.pth", size, "sha256:" + sha256, address)


# Several files under one name hold the same network; the first that is found serves.
KNOWN: dict[str, tuple[WeightFile, ...]] = {
    "inception-2015": (
        WeightFile(
            "pt_inception-2015-12-05-6726825d.pth",
            "96 MB",
            "sha256:6726825d",
            "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/"
            "pt_inception-2015-12-05-6726825d.pth",
        ),
        WeightFile(
            "weights-inception-2015-12-05-6726825d.pth",
            "96 MB",
            "sha256:6726825d",
            "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/"
            "weights-inception-2015-12-05-6726825d.pth",
        ),
        WeightFile(
            "inception-2015-12-05.tgz",
            "89 MB",
            url="http://download.tensorflow.org/models/image/imagenet/inception-2015-12-05.tgz",
        ),
        WeightFile("classify_image_graph_def.pb", "96 MB"),
    ),
    "inception-v3-keras": (
        WeightFile(
            "inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5",
            "88 MB",
            "md5:bcbd6486424b2319ff4ef7d526e38f63",
            _KERAS + "inception_v3/inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5",
        ),
    ),
    "vgg19-keras": (
        WeightFile(
            "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5",
            "80 MB",
            "md5:253f8cb515780f3b799900260a226db6",
            _KERAS + "vgg19/vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5",
        ),
    ),
    "vgg16-keras": (
        WeightFile(
            "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
            "59 MB",
            "md5:6d6bbae143d832006294945121d1f1fc",
            _KERAS + "vgg16/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
        ),
    ),
    "vgg16-torchvision": (_torch("vgg16-397923af.pth", "553 MB"),),
    "alexnet-torchvision": (_torch("alexnet-owt-7be5be79.pth", "244 MB"),),
    "squeezenet1_1-torchvision": (_torch("squeezenet1_1-b8a52dc0.pth", "5 MB"),),
    "yunet": (
        WeightFile(
            "face_detection_yunet_2023mar.onnx",
            "233 kB",
            "sha256:8f2383e4",
            "https://github.com/opencv/opencv_zoo/raw/main/models/face_detection_yunet/"
            "face_detection_yunet_2023mar.onnx",
        ),
    ),
    "lpips-alex": (
        _lpips(
            "alex",
            "6 kB",
            "df73285e35b22355a2df87cdb6b70b343713b667eddbda73e1977e0c860835c0",
        ),
    ),
    "lpips-squeeze": (
        _lpips(
            "squeeze",
            "11 kB",
            "4a5350f23600cb79923ce65bb07cbf57dca461329894153e05a1346bd531cf76",
        ),
    ),
    "lpips-vgg": (
        _lpips(
            "vgg",
            "7 kB",
            "a78928a0af1e5f0fcb1f3b9e8f8c3a2a5a3de244d830ad5c1feddc79b8432868",
        ),
    ),
}


class MissingWeightsError(FileNotFoundError):
    """A pretrained network's file is on no known place and could not be downloaded."""


def cache_dir() -> Path:
    """The cache folder: `$GANIME_CACHE`, else `~/.cache/ganime_tf`. Not created here."""
    return Path(os.environ.get("GANIME_CACHE") or "~/.cache/ganime_tf").expanduser()


def find_weights(name: str, *, download: bool | None = None) -> Path:
    """Finds the file of a pretrained network.

    Args:
        name: A key of `KNOWN`, or a plain file name.
        download: Whether a missing file may be downloaded. Defaults to yes, unless the
            environment variable `GANIME_OFFLINE` is set.

    Returns:
        Path of an existing file whose checksum is right (where one is known).

    Raises:
        MissingWeightsError: When there is no such file; names the file, its size, its checksum
            and the folder to put it in.
        ValueError: When a file is found but its checksum is wrong.
    """
    files = KNOWN.get(name, (WeightFile(name, "size unknown"),))
    folders = [cache_dir()]
    if os.environ.get("GANIME_WEIGHTS"):
        folders.insert(0, Path(os.environ["GANIME_WEIGHTS"]).expanduser())
    for file in files:
        for folder in folders:
            for path in (folder / file.name, folder / Path(file.name).name):
                if path.is_file():
                    check_file(path, file.checksum)
                    return path
    if download is None:
        download = not os.environ.get("GANIME_OFFLINE")
    reason = "downloads are off (GANIME_OFFLINE)"
    if download:
        reason = "no address is known"
        if files[0].url:
            try:
                return _download(files[0])
            except Exception as error:  # urllib, sockets, TLS: whatever it is, the file is missing
                reason = f"download failed: {error}"
    wanted = " or ".join(
        f"{file.name} ({file.size}, {file.checksum or 'checksum unknown'}"
        + (f", {file.url})" if file.url else ")")
        for file in files
    )
    raise MissingWeightsError(
        f"Weights {name!r} are missing: {wanted}. Looked in "
        f"{', '.join(map(str, folders))}; {reason}. Put the file into a folder and name the folder "
        "in the environment variable GANIME_WEIGHTS."
    )


def check_file(path: Path, checksum: str) -> None:
    """Compares a file with a checksum such as `"sha256:6726825d"` (first digits suffice).

    Raises:
        ValueError: When they differ.
    """
    if not checksum:
        return
    algorithm, digits = checksum.split(":")
    found = file_digest(path, algorithm)
    if not found.startswith(digits):
        raise ValueError(
            f"{path} is damaged or another file: its {algorithm} is {found}, expected "
            f"{digits}{'...' if len(digits) < len(found) else ''}. Remove it and fetch it again."
        )


def file_digest(path: str | Path, algorithm: str = "sha256") -> str:
    """Hexadecimal digest of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def _download(file: WeightFile) -> Path:
    import keras

    logger.info("downloading %s (%s)", file.url, file.size)
    folder = cache_dir()
    folder.mkdir(parents=True, exist_ok=True)
    partial = Path(file.name).name + ".download"
    path = Path(keras.utils.get_file(partial, file.url, cache_dir=folder, cache_subdir="."))
    try:
        check_file(path, file.checksum)
    except ValueError:
        path.unlink()
        raise
    return path.replace(folder / Path(file.name).name)
