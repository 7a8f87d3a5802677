"""Files and folders in, files out: the batch job around a model's `run`."""

import dataclasses
import glob
import logging
import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from ganime_tf.data.io import SUFFIXES, find_images, read_image
from ganime_tf.models.uses import pick_use
from ganime_tf.ops.jobs import OutputFolder, is_result, read_list
from ganime_tf.ops.pictures import class_colours, save_png
from ganime_tf.progress import ProgressBar

logger = logging.getLogger(__name__)

_READ_AHEAD = 16  # files that are decoded while the network computes
_BATCH_PIXELS = 1 << 20


@dataclasses.dataclass(frozen=True)
class TranslateReport:
    """What a batch job wrote, what was there already, and what it had to leave out."""

    written: list[Path]
    skipped: list[tuple[Path, str]]
    existing: list[Path]


def find_inputs(inputs: list[str | Path], out: str | Path) -> list[tuple[Path, Path]]:
    """Expands files, folders (recursively) and globs to `(file, name relative to its root)`.

    What lies in the folder of the results, when that is inside an input folder, and what an earlier
    job wrote is left out.

    Raises:
        FileNotFoundError: When an input matches nothing.
    """
    found, out = [], Path(os.path.realpath(out))
    for entry in map(str, inputs):
        path = Path(entry).expanduser()
        if path.is_dir():
            root = Path(os.path.realpath(path))
            files = [path / name for name, _ in find_images(path)]
            if out != root and out.is_relative_to(root):
                files = [
                    file for file in files if not Path(os.path.realpath(file)).is_relative_to(out)
                ]
            elif read_list(path):
                files = [file for file in files if not is_result(file)]
            if not files:
                raise FileNotFoundError(
                    f"No picture in {path}. Looked for {', '.join(sorted(SUFFIXES))}."
                )
            found += [(file, file.relative_to(path)) for file in files]
        elif path.exists():
            found.append((path, Path(path.name)))
        elif matches := sorted(map(Path, glob.glob(str(path), recursive=True))):
            found += [(match, Path(match.name)) for match in matches if match.is_file()]
        else:
            raise FileNotFoundError(f"No such file, folder or pattern: {entry}")
    return list(dict.fromkeys(found))


def translate_files(
    model,
    inputs: list[str | Path],
    out: str | Path,
    *,
    use: str | None = None,
    overwrite: bool = False,
    skip_existing: bool = False,
    maps: Callable | None = None,
    **values,
) -> TranslateReport:
    """Runs a use of a model on picture files; results are PNG files of the same size.

    Pictures of one size go through the network together, while others are read and written. A file
    that cannot be read or translated is skipped and reported; the rest goes on. Neither an input
    nor any other file that is not the result of such a job is written over.

    Args:
        model: What `ganime_tf.inference.load` returns.
        inputs: Files, folders and globs.
        out: Folder for the results; sub-folders of an input folder are kept.
        use: Name of the use; by default the one that takes a picture and the given values.
        overwrite: Replace files that no job wrote; inputs are safe all the same.
        skip_existing: Leave what an earlier job has finished.
        maps: Gives the input `parsing` of each picture: of its relative name and its pixels; see
            `inference.maps.MapSource`.
        **values: Further inputs of the use, one for all pictures, e.g. `seed`, `reference`.

    Returns:
        The files written, those skipped, with reasons, and those that were there.

    Raises:
        FileNotFoundError: When an input matches nothing.
        ValueError: When the model has no such use.
        OSError: When `out` cannot be written.
    """
    if use is not None or values or maps:
        given = {"image", *values} | ({"parsing"} if maps else set())
        name = pick_use(model.uses(), use, given)
        if model.uses()[name].output == "style":
            raise ValueError(f"The use {name!r} gives no picture. Call `run` in Python.")
    pairs = find_inputs(inputs, out)
    folder = OutputFolder(out, [source for source, _ in pairs], overwrite)
    existing = []
    if skip_existing:
        existing = [p for p in pairs if folder.exists(p[1].with_suffix(".png"))]
        pairs = [pair for pair in pairs if pair not in set(existing)]
    targets = {pair: folder.target(pair[1].with_suffix(".png")) for pair in pairs}
    skipped, bar = [], ProgressBar(len(pairs), "translate", "pictures")

    def skip(source, error):
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        reason = reason.removeprefix(f"{source}: ")
        logger.warning("Skipped %s: %s", source, reason)
        skipped.append((source, reason))
        bar.update()

    def compute(batch):
        try:
            parsed = {}
            if maps:
                parsed["parsing"] = np.stack([maps(pair[1], picture) for pair, picture in batch])
            return _run(model, use, np.stack([x for _, x in batch]), values | parsed)
        except (ValueError, OSError):
            if len(batch) == 1:
                raise
            return None

    with ThreadPoolExecutor(1) as writer:
        writing = deque()
        try:
            for batch in _batches(pairs, getattr(model, "batch_limit", 1), skip):
                try:
                    results = compute(batch)
                except (ValueError, OSError) as error:
                    skip(batch[0][0][0], error)
                    continue
                for index, (pair, picture) in enumerate(batch):
                    try:  # one bad picture costs no other of its batch
                        alone = results is None
                        result = compute([(pair, picture)])[0] if alone else results[index]
                    except (ValueError, OSError) as error:
                        skip(pair[0], error)
                        continue
                    writing.append((targets[pair], writer.submit(save_png, targets[pair], result)))
                    bar.update()
                while len(writing) > _READ_AHEAD:
                    _finish(writing, folder)
            while writing:
                _finish(writing, folder)
        finally:
            folder.close()
            bar.close()
    return TranslateReport(folder.written, skipped, [folder.path / name for _, name in existing])


def _finish(writing: deque, folder: OutputFolder) -> None:
    target, future = writing.popleft()
    future.result()
    folder.done(target)


def _run(model, use, pictures, values) -> np.ndarray:
    """uint8 `(N, H, W, 3)` results; anything with `translate` serves."""
    if use is None and not values:
        return model.translate(pictures)
    results = model.run(use, image=pictures, **values)
    return class_colours(results) if results.ndim == 3 else results


def _batches(pairs, limit: int, skip) -> Iterator[list]:
    """Decoded pictures in order, neighbours of one size together."""
    batch = []
    with ThreadPoolExecutor(2) as readers:
        waiting = deque()
        remaining = iter(pairs)

        def ask():
            pair = next(remaining, None)
            if pair is not None:
                waiting.append((pair, readers.submit(read_image, pair[0])))

        for _ in range(_READ_AHEAD):
            ask()
        while waiting:
            pair, future = waiting.popleft()
            ask()
            try:
                picture = np.asarray(future.result())
            except (ValueError, OSError) as error:
                skip(pair[0], error)
                continue
            most = min(limit, max(1, _BATCH_PIXELS // (picture.shape[0] * picture.shape[1])))
            if batch and (batch[0][1].shape != picture.shape or len(batch) >= most):
                yield batch
                batch = []
            batch.append((pair, picture))
        if batch:
            yield batch
