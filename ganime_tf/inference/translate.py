"""Files and folders in, files out: the batch job around a model's `run`.

Needs no TensorFlow where the model needs none.
"""

import dataclasses
import glob
import logging
import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from ganime_tf.data.io import SUFFIXES, find_images
from ganime_tf.inference.pictures import Finish, Picture, encode, save_picture
from ganime_tf.models.uses import pick_use
from ganime_tf.ops.jobs import OutputFolder, is_result, read_list
from ganime_tf.ops.pictures import class_colours
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
    pictures: list[dict] = dataclasses.field(default_factory=list)

    def describe(self) -> dict:
        """For a JSON report."""
        return {
            "written": self.pictures,
            "skipped": [{"source": str(path), "reason": why} for path, why in self.skipped],
            "existing": [str(path) for path in self.existing],
        }


def find_inputs(inputs: list[str | Path], out: str | Path) -> list[tuple[Path, Path]]:
    """Expands files, folders (recursively), globs and "-" to `(file, name relative to its root)`.

    What lies in the folder of the results, when that is inside an input folder, and what an earlier
    job wrote is left out.

    Raises:
        FileNotFoundError: When an input matches nothing.
    """
    found, out, lists = [], Path(os.path.realpath(out)), {}
    for entry in map(str, inputs):
        if entry == "-":
            found.append((Path("-"), Path("stdin.png")))
            continue
        path = Path(entry).expanduser()
        if path.is_dir():
            root = Path(os.path.realpath(path))
            files = [path / name for name, _ in find_images(path)]
            if out != root and out.is_relative_to(root):
                files = [
                    file for file in files if not Path(os.path.realpath(file)).is_relative_to(out)
                ]
            elif read_list(path):
                files = [file for file in files if not is_result(file, lists)]
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
    finish: Finish | None = None,
    tile: int | None = None,
    quick: bool = False,
    faces: str | None = None,
    **values,
) -> TranslateReport:
    """Runs a use of a model on picture files; results have the size of their picture.

    Pictures of one size go through the network together, while others are read and written. A file
    that cannot be read or translated is skipped and reported; the rest goes on. Neither an input
    nor any other file that is not the result of such a job is written over.

    Args:
        model: What `ganime_tf.inference.load` returns.
        inputs: Files, folders and globs; "-" is standard input.
        out: Folder for the results; sub-folders of an input folder are kept. "-" writes the one
            result to standard output.
        use: Name of the use; by default the one that takes a picture and the given values.
        overwrite: Replace files that no job wrote; inputs are safe all the same.
        skip_existing: Leave what an earlier job has finished.
        maps: Gives the input `parsing` of each picture: of its relative name and its pixels; see
            `inference.maps.MapSource`.
        finish: Format, size, colours and names of the results.
        tile: Side of the tiles that pictures are computed in; None decides by the memory that there
            is, 0 never tiles.
        quick: Tiles that take the sums over the picture from a reduced copy: faster, not equal.
        faces: Translate only the faces of photos and paste them back. "skip" leaves pictures
            without a face out, "whole" translates them as they are.
        **values: Further inputs of the use, one for all pictures, e.g. `seed`, `reference`.

    Returns:
        The files written, those skipped, with reasons, and those that were there.

    Raises:
        FileNotFoundError: When an input matches nothing.
        ValueError: When the model has no such use.
        OSError: When `out` cannot be written.
    """
    finish = finish or Finish()
    if tile is not None and tile < 0:
        raise ValueError(f"`tile` must be at least 0. Received {tile}.")
    if use is not None or values or maps:
        given = {"image", *values} | ({"parsing"} if maps else set())
        name = pick_use(model.uses(), use, given)
        if model.uses()[name].output == "style":
            raise ValueError(f"The use {name!r} gives no picture. Call `run` in Python.")
    pairs = find_inputs(inputs, out)
    bar = ProgressBar(len(pairs), "translate", "pictures")
    network = Computing(model, use, values, tile, quick, bar, maps)
    if faces is not None:
        from ganime_tf.inference.faces import FaceComputing, FaceFinder

        if getattr(maps, "by_name", False):
            raise ValueError("--parsing has maps of whole pictures: with --faces, give --parser.")
        side = getattr(getattr(model, "config", None), "image_size", 256)
        network = FaceComputing(network, FaceFinder(), side, faces)
    if str(out) == "-":
        if len(pairs) != 1:
            raise ValueError(f"Standard output takes one picture. Received {len(pairs)}.")
        picture = finish.read(pairs[0][0])
        result = finish.apply(picture, network([picture.rgb], [pairs[0][1]])[0])
        save_picture("-", result, picture.alpha, finish.kind("-"), finish.background)
        return TranslateReport([Path("-")], [], [], [])
    folder = OutputFolder(out, [source for source, _ in pairs if str(source) != "-"], overwrite)
    existing = {}
    if skip_existing:
        there = {pair: folder.existing(finish.name(pair[1]), pair[0]) for pair in pairs}
        existing = {pair: path for pair, path in there.items() if path is not None}
        pairs = [pair for pair in pairs if pair not in existing]
        bar.update(len(existing))
    targets = {pair: folder.target(finish.name(pair[1])) for pair in pairs}
    skipped, entries = [], []

    def skip(source, error):
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        reason = reason.removeprefix(f"{source}: ")
        logger.warning("Skipped %s: %s", source, reason)
        skipped.append((source, reason))
        bar.update()

    def write(pair, picture, result):
        result = finish.apply(picture, result)
        content = encode(result, picture.alpha, finish.kind(pair[1]), finish.background)
        folder.save(targets[pair], content, pair[0])
        size = {"width": result.shape[1], "height": result.shape[0]}
        return {"source": str(pair[0]), "result": str(targets[pair]), **size}

    with ThreadPoolExecutor(1) as writer:
        writing = deque()
        try:
            for batch in _batches(pairs, finish, getattr(model, "batch_limit", 1), skip):
                for (pair, picture), result in zip(batch, network.each(batch), strict=True):
                    if isinstance(result, Exception):  # one bad picture costs no other
                        skip(pair[0], result)
                        continue
                    writing.append(writer.submit(write, pair, picture, result))
                    bar.update()
                while len(writing) > _READ_AHEAD:
                    entries.append(writing.popleft().result())
            while writing:
                entries.append(writing.popleft().result())
        finally:
            folder.close()
            bar.close()
    return TranslateReport(folder.written, skipped, list(existing.values()), entries)


class Computing:
    """Runs a use on pictures of one size: together, alone, or in tiles where memory is short.

    Args:
        model: A `Runner`, or anything with `translate`.
        use: Name of the use or None.
        values: Further inputs.
        tile: See `translate_files`.
        quick: Likewise.
        bar: Shows the tiles.
        maps: See `translate_files`.
    """

    def __init__(
        self, model, use, values: dict, tile: int | None, quick: bool, bar=None, maps=None
    ):
        self.model, self.use, self.values = model, use, values
        self.tile, self.quick, self.bar, self.maps = tile, quick, bar, maps
        self._without_room: int | None = None  # pixels that did not fit

    def each(self, batch: list) -> list:
        """Results of `(pair, picture)`; for what cannot be computed, its exception."""
        pictures = [picture.rgb for _, picture in batch]
        names = [pair[1] for pair, _ in batch]
        try:
            return list(self(pictures, names))
        except (ValueError, OSError, MemoryError) as error:
            if len(batch) == 1:
                return [error]
        results = []
        for picture, name in zip(pictures, names, strict=True):
            try:
                results.append(self([picture], [name])[0])
            except (ValueError, OSError, MemoryError) as error:
                results.append(error)
        return results

    def __call__(self, pictures: list[np.ndarray], names: list[Path] | None = None) -> np.ndarray:
        """uint8 `(N, H, W, 3)` results."""
        values = dict(self.values)
        if self.maps is not None:
            names = names or [Path()] * len(pictures)
            values["parsing"] = np.stack(list(map(self.maps, names, pictures)))
            return self._whole(np.stack(pictures), values)
        height, width = pictures[0].shape[:2]
        if self._tiles(height, width):
            return np.stack([self._in_tiles(picture) for picture in pictures])
        try:
            return self._whole(np.stack(pictures), values)
        except Exception as error:
            # TensorFlow's own class of error cannot be named without TensorFlow.
            if type(error).__name__ != "ResourceExhaustedError" or self.tile == 0:
                raise
            if len(pictures) == 1:
                self._without_room = height * width
                logger.info("%dx%d does not fit in memory: in tiles.", width, height)
        return np.stack([self([picture])[0] for picture in pictures])

    def _tiles(self, height: int, width: int) -> bool:
        if self.tile is not None:
            return self.tile > 0 and height * width > self.tile**2
        if self._without_room and height * width >= self._without_room:
            return True
        if height * width < 1 << 20 or not hasattr(self.model, "networks_run_by"):
            return False
        from ganime_tf.inference.large import needs_tiles

        return needs_tiles(self.model, height, width)

    def _whole(self, pictures, values):
        if self.use is None and not values:
            return self.model.translate(pictures)
        results = self.model.run(self.use, image=pictures, **values)
        return class_colours(results) if results.ndim == 3 else results

    def _in_tiles(self, picture):
        from ganime_tf.inference.large import run_in_tiles

        result = run_in_tiles(
            self.model, self.use, {"image": picture, **self.values},
            tile=self.tile or 0, quick=self.quick, progress=self._progress,
        )  # fmt: skip
        return class_colours(result) if result.ndim == 2 else result

    def _progress(self, done: int, total: int) -> None:
        if self.bar is not None:
            self.bar.update(0, f"tile {done} of {total}")


def _batches(pairs, finish: Finish, limit: int, skip) -> Iterator[list]:
    """Decoded pictures in order, neighbours of one size together."""
    batch: list[tuple[tuple, Picture]] = []
    with ThreadPoolExecutor(2) as readers:
        waiting = deque()
        remaining = iter(pairs)

        def ask():
            pair = next(remaining, None)
            if pair is not None:
                waiting.append((pair, readers.submit(finish.read, pair[0])))

        for _ in range(_READ_AHEAD):
            ask()
        while waiting:
            pair, future = waiting.popleft()
            ask()
            try:
                picture = future.result()
            except (ValueError, OSError) as error:
                skip(pair[0], error)
                continue
            shape = picture.rgb.shape
            most = min(limit, max(1, _BATCH_PIXELS // (shape[0] * shape[1])))
            if batch and (batch[0][1].rgb.shape != shape or len(batch) >= most):
                yield batch
                batch = []
            batch.append((pair, picture))
        if batch:
            yield batch
