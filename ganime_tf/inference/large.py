"""Pictures of any size through a model: whole where memory does, else in tiles."""

import logging
from pathlib import Path

import numpy as np
import tensorflow as tf

from ganime_tf.inference.flat import Graph
from ganime_tf.inference.tiles import StripRunner
from ganime_tf.models.graphs import graph_of
from ganime_tf.models.trainable import Trainable
from ganime_tf.models.uses import batch_inputs, pick_use

logger = logging.getLogger(__name__)

# Beside the features that a graph holds at once: TensorFlow copies some for its kernels.
_OVERHEAD = 2.0
_MOST = 768  # larger tiles save no time worth their memory


def run_large(
    model: Trainable, use: str, tensors: dict, *, tile: int = 0, quick: bool = False, progress=None
) -> np.ndarray:
    """Runs a use in tiles: the untiled result to 1 of 255 levels, or nearly with `quick`.

    Args:
        model: A model whose networks are functional.
        use: Name of the use.
        tensors: Its inputs, batches.
        tile: Side of a square of as many pixels as a tile has; 0 takes what memory allows.
        quick: Take the sums over the whole picture from a reduced copy.
        progress: Called with (finished tiles, all tiles).

    Returns:
        The raw output of the use.

    Raises:
        ValueError: When a network has a layer without a rule for tiles.
    """
    runner = StripRunner(
        tile or tile_for(model), quick=quick, memory=kept_in_memory(), progress=progress
    )
    graph = graph_of(model.uses()[use], model.stride, model.min_size)
    count = len(next(iter(tensors.values())))
    results = []
    for index in range(count):
        one = {k: tf.convert_to_tensor(v[index : index + 1]) for k, v in tensors.items()}
        with model.networks_run_by(runner.wrap):
            results.append(np.asarray(graph(**one)))
    return np.concatenate(results)


def run_in_tiles(model, use: str | None, inputs: dict, **options) -> np.ndarray:
    """`Runner.run` in tiles.

    Args:
        model: What `load` returns.
        use: Name of a use, or None for the one that takes these inputs.
        inputs: As for `run`.
        **options: Of `run_large`.

    Raises:
        ValueError: When the model is an export, or a network cannot run in tiles.
    """
    if not isinstance(model, Trainable):
        raise ValueError(
            f"{model.name} is an export: its graph runs whole. Use the run directory with --tile."
        )
    name = pick_use(model.uses(), use, inputs)
    arrays, batched = batch_inputs({**model.uses()[name].defaults, **inputs}, given=set(inputs))
    arrays = {key: arrays[key] for key in model.uses()[name].inputs}
    out = run_large(model, name, arrays, **options)
    return out if batched else out[0]


def needs_tiles(model, height: int, width: int) -> bool:
    """Whether a picture is likely not to fit in memory whole; False where nobody can say."""
    if not isinstance(model, Trainable) or tf.config.list_physical_devices("GPU"):
        return False  # a GPU says so itself, see `ganime_tf.inference.translate`
    return height * width * bytes_per_pixel(model) > memory_available()


def tile_for(model) -> int:
    """Side of tiles that take 256 MiB, or a sixteenth of the free memory if that is less."""
    room = min(memory_available() / 16, 256 << 20)
    return int(np.clip((room / max(bytes_per_pixel(model), 1)) ** 0.5, 128, _MOST))


def kept_in_memory() -> int:
    """Bytes of features that wait in memory: 256 MiB, or an eighth of what is free if less.

    What goes to a file stays in the system's cache where there is room: it costs little time.
    """
    return min(memory_available() // 8, 256 << 20)


def bytes_per_pixel(model: Trainable) -> float:
    """Memory of the features that the largest network of a model holds at once, for each pixel."""
    known = vars(model._own)  # asked for every large picture
    if "bytes_per_pixel" not in known:
        known["bytes_per_pixel"] = _most_live(model) * _OVERHEAD
    return known["bytes_per_pixel"]


def _most_live(model: Trainable) -> float:
    most = 0.0
    for network in model.networks.values():
        if len(network.inputs) == 1 and network.inputs[0].shape[-1:] == (3,):
            try:
                most = max(most, _live(Graph(network), 32 * max(model.stride, 4)))
            except (ValueError, TypeError, AttributeError):  # a network of another kind
                continue
    return most


def _live(graph: Graph, side: int) -> float:
    sizes = {
        number: float(np.prod(shape[1:])) * 4
        for number, shape in graph.shapes([(1, side, side, 3)]).items()
    }
    last = {n: index for index, step in enumerate(graph.steps) for n in step.inputs}
    last |= dict.fromkeys(graph.outputs, len(graph.steps))
    alive, most = set(graph.inputs), 0.0
    for index, step in enumerate(graph.steps):
        alive |= set(step.outputs)
        most = max(most, sum(sizes[n] for n in alive))
        alive = {n for n in alive if last.get(n, -1) > index}
    return most / side**2


def memory_available() -> int:
    """Bytes that this process may still take: of the machine, or of its control group."""
    free = [8 << 30]
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        fields = dict(line.split(":", 1) for line in lines)
        free = [int(fields["MemAvailable"].split()[0]) * 1024]
    except (OSError, KeyError, ValueError):
        pass
    for limit, used in (
        ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
        (
            "/sys/fs/cgroup/memory/memory.limit_in_bytes",
            "/sys/fs/cgroup/memory/memory.usage_in_bytes",
        ),
    ):
        try:
            free.append(int(Path(limit).read_text()) - int(Path(used).read_text()))
        except (OSError, ValueError):
            continue
    return max(min(free), 256 << 20)
