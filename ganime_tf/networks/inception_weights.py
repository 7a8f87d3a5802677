"""Reads the 2015 Inception weights from the files that people have.

Readable are pytorch-fid's and torch-fidelity's `.pth` (also as TorchScript with the same names),
the frozen graph `classify_image_graph_def.pb`, the `inception-2015-12-05.tgz` that holds it, and
this package's `.npz`. All become one dict, named like pytorch-fid's modules, in their layout.
"""

import logging
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np

from ganime_tf.ops.files import atomic_path
from ganime_tf.weights import assign, cache_dir, file_digest, read_tensors

logger = logging.getLogger(__name__)

_EPSILON = 1e-3
_LARGEST_GRAPH = 256 << 20  # bytes; the published one has 96 MB
_STEM = ("Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "Conv2d_3b_1x1", "Conv2d_4a_3x3")
_MIXED = ("5b", "5c", "5d", "6a", "6b", "6c", "6d", "6e", "7a", "7b", "7c")
# Branch of a block by its path in the frozen graph; `{}` counts convolutions in a tower.
_TOWERS: dict[str, dict[str, tuple[str, ...]]] = {
    "5bcd": {
        "": ("branch1x1",),
        "tower/": ("branch5x5_1", "branch5x5_2"),
        "tower_1/": ("branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3"),
        "tower_2/": ("branch_pool",),
    },
    "6a": {
        "": ("branch3x3",),
        "tower/": ("branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3"),
    },
    "6bcde": {
        "": ("branch1x1",),
        "tower/": tuple(f"branch7x7_{i}" for i in range(1, 4)),
        "tower_1/": tuple(f"branch7x7dbl_{i}" for i in range(1, 6)),
        "tower_2/": ("branch_pool",),
    },
    "7a": {
        "tower/": ("branch3x3_1", "branch3x3_2"),
        "tower_1/": tuple(f"branch7x7x3_{i}" for i in range(1, 5)),
    },
    "7bc": {
        "": ("branch1x1",),
        "tower/": ("branch3x3_1",),
        "tower/mixed/": ("branch3x3_2a", "branch3x3_2b"),
        "tower_1/": ("branch3x3dbl_1", "branch3x3dbl_2"),
        "tower_1/mixed/": ("branch3x3dbl_3a", "branch3x3dbl_3b"),
        "tower_2/": ("branch_pool",),
    },
}


def _numbered(prefix: str, count: int) -> list[str]:
    """TensorFlow's scope names: `conv`, `conv_1`, `conv_2`, ..."""
    return [f"{prefix}_{i}" if i else prefix for i in range(count)]


def graph_names() -> Iterator[tuple[str, str]]:
    """Pairs (scope in the frozen graph, module name) of all 94 convolutions."""
    yield from zip(_numbered("conv", len(_STEM)), _STEM, strict=True)
    for scope, block in zip(_numbered("mixed", len(_MIXED)), _MIXED, strict=True):
        towers = next(t for blocks, t in _TOWERS.items() if _in(block, blocks))
        for path, branches in towers.items():
            for name, branch in zip(_numbered("conv", len(branches)), branches, strict=True):
                yield f"{scope}/{path}{name}", f"Mixed_{block}.{branch}"


def _in(block: str, blocks: str) -> bool:
    return block[0] == blocks[0] and block[1] in blocks[1:]


def read_weights(path: str | Path) -> dict[str, np.ndarray]:
    """Reads a weight file.

    Args:
        path: `.pth`, `.pt`, `.safetensors`, `.pb`, `.tgz` or `.npz`.

    Returns:
        float32 arrays named `<module>.conv.weight` (out, in, height, width) and
        `<module>.bn.{weight,bias,running_mean,running_var}`.

    Raises:
        FileNotFoundError: When there is no such file.
        ValueError: When it is damaged, or lacks or mis-shapes weights (they are listed).
    """
    path = Path(path)
    if path.suffix in (".npz", ".pth", ".pt", ".safetensors"):
        arrays = read_tensors(path)
    elif path.suffix in (".pb", ".tgz", ".gz"):
        arrays = _from_graph(_graph_bytes(path), path)
    else:
        raise ValueError(f"{path}: expected .pth, .pt, .safetensors, .pb, .tgz or .npz.")
    wanted = [f"{module}.{part}" for _, module in graph_names() for part in _PARTS]
    missing = [name for name in wanted if name not in arrays]
    if missing:
        raise ValueError(
            f"{path} lacks {len(missing)} of {len(wanted)} weights of the 2015 Inception network: "
            f"{', '.join(missing[:5])}{', ...' if len(missing) > 5 else ''}. It holds "
            f"{', '.join(sorted(arrays)[:5])}, ..."
        )
    return {name: np.asarray(arrays[name], np.float32) for name in wanted}


_PARTS = ("conv.weight", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var")


def read_cached(path: str | Path) -> dict[str, np.ndarray]:
    """`read_weights`, converted once: the result is kept in the cache under the file's SHA-256."""
    path = Path(path)
    copy = cache_dir() / f"inception-2015-{file_digest(path)[:16]}.npz"
    if copy.is_file():
        try:
            return read_weights(copy)
        except Exception as error:  # zipfile, zlib and NumPy each have their own
            logger.warning("converting again: %s is damaged (%s)", copy, error)
    arrays = read_weights(path)
    try:
        with atomic_path(copy) as temporary, open(temporary, "wb") as file:
            np.savez(file, **arrays)
    except OSError as error:
        logger.warning("the converted weights cannot be kept: %s", error)
    return arrays


def load(network: keras.Model, arrays: dict[str, np.ndarray]) -> None:
    """Assigns weights to a network of `build_inception`, batch norm folded in (in float64).

    Raises:
        ValueError: Listing every missing weight and wrong shape.
    """
    wanted, state = {}, {}
    for layer in network.layers:
        if not isinstance(layer, keras.layers.Conv2D):
            continue
        module = re.sub(r"^(Mixed_\d\w)_", r"\1.", layer.name)
        weight, bias = f"{module}.conv.weight", f"{module}.bn.bias"
        wanted |= {weight: layer.kernel, bias: layer.bias}
        parts = [arrays.get(f"{module}.{part}") for part in _PARTS]
        if any(part is None for part in parts):
            continue  # `assign` names them
        kernel, gamma, beta, mean, variance = (part.astype(np.float64) for part in parts)
        if not len(gamma) == len(beta) == len(mean) == len(variance) == len(kernel):
            state |= {weight: kernel, bias: beta}  # `assign` says what does not fit
            continue
        scale = gamma / np.sqrt(variance + _EPSILON)
        state |= {weight: kernel.transpose(2, 3, 1, 0) * scale, bias: beta - mean * scale}
    assign(network.name, wanted, state)


def _graph_bytes(path: Path) -> bytes:
    if path.suffix == ".pb":
        return path.read_bytes()
    try:
        with tarfile.open(path) as archive:
            member = next((m for m in archive if m.name.endswith(".pb") and m.isfile()), None)
            if member is None:
                raise ValueError(f"{path} holds no .pb file.")
            if member.size > _LARGEST_GRAPH:
                raise ValueError(f"{path} holds {member.size:,} bytes: not the 2015 graph.")
            return archive.extractfile(member).read(_LARGEST_GRAPH)
    except tarfile.TarError as error:
        raise ValueError(f"{path} is not a readable archive: {error}.") from error


def _from_graph(content: bytes, path: Path) -> dict[str, np.ndarray]:
    """Constants of a frozen GraphDef, renamed and transposed."""
    import tensorflow as tf
    from google.protobuf.message import DecodeError

    graph = tf.compat.v1.GraphDef()
    try:
        graph.ParseFromString(content)
    except DecodeError as error:
        raise ValueError(f"{path} is not a readable TensorFlow graph: {error}.") from error
    constants = {node.name: node for node in graph.node if node.op == "Const"}
    parts = {
        "conv2d_params": "conv.weight",
        "batchnorm/gamma": "bn.weight",
        "batchnorm/beta": "bn.bias",
        "batchnorm/moving_mean": "bn.running_mean",
        "batchnorm/moving_variance": "bn.running_var",
    }
    arrays = {}
    for scope, module in graph_names():
        for source, target in parts.items():
            if node := constants.get(f"{scope}/{source}"):
                array = tf.make_ndarray(node.attr["value"].tensor)
                array = array.transpose(3, 2, 0, 1) if source == "conv2d_params" else array
                arrays[f"{module}.{target}"] = array
    return arrays
