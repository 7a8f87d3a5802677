"""Files and folders in, files out: the batch job around a model's `translate`."""

import dataclasses
import glob
import logging
from pathlib import Path

import numpy as np

from ganime_tf.data.io import SUFFIXES, find_images, read_image
from ganime_tf.ops.pictures import save_png
from ganime_tf.progress import progress

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class TranslateReport:
    """What a batch job wrote and what it had to leave out."""

    written: list[Path]
    skipped: list[tuple[Path, str]]


def find_inputs(inputs: list[str | Path]) -> list[tuple[Path, Path]]:
    """Expands files, folders (recursively) and globs to `(file, name relative to its root)`.

    Raises:
        FileNotFoundError: When an input matches nothing.
    """
    found = []
    for entry in map(str, inputs):
        path = Path(entry)
        if path.is_dir():
            files = [path / name for name, _ in find_images(path)]
            if not files:
                raise FileNotFoundError(
                    f"No picture in {path}. Looked for {', '.join(sorted(SUFFIXES))}."
                )
            found += [(file, file.relative_to(path)) for file in files]
        elif path.exists():
            found.append((path, Path(path.name)))
        elif matches := sorted(map(Path, glob.glob(entry, recursive=True))):
            found += [(match, Path(match.name)) for match in matches if match.is_file()]
        else:
            raise FileNotFoundError(f"No such file, folder or pattern: {entry}")
    return list(dict.fromkeys(found))


def translate_files(
    model, inputs: list[str | Path], out: str | Path, *, attention=None, **style
) -> TranslateReport:
    """Translates pictures to PNG files of the same size.

    A file that cannot be read or translated is skipped and reported; the rest goes on. An input
    is never overwritten.

    Args:
        model: What `ganime_tf.inference.load` returns.
        inputs: Files, folders and globs.
        out: Folder for the results; sub-folders of an input folder are kept.
        attention: Folder for heat maps, for models that have `attention`.
        **style: The model's own inputs, e.g. `direction`.

    Returns:
        The files written and those skipped, with reasons.

    Raises:
        FileNotFoundError: When an input matches nothing.
        ValueError: When heat maps are asked of a model without.
        OSError: When `out` cannot be written.
    """
    if attention is not None and not hasattr(model, "attention"):
        raise ValueError(f"Model {model.name!r} has no attention maps; U-GAT-IT has.")
    pairs = find_inputs(inputs)
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    written, skipped, taken = [], [], set()
    for source, relative in progress(pairs, desc="translate", unit="pictures"):
        target = _free_name(out / relative.with_suffix(".png"), source, taken)
        try:
            image = np.asarray(read_image(source))
            result = model.translate(image[None], **style)[0]
            heat = None if attention is None else model.attention(image[None], **style)[0]
        except (ValueError, OSError) as error:
            reason = str(error).strip().splitlines()[0].removeprefix(f"{source}: ")
            logger.warning("Skipped %s: %s", source, reason)
            skipped.append((source, reason))
            continue
        save_png(target, result)
        if heat is not None:
            save_png(Path(attention) / target.relative_to(out), heat)
        written.append(target)
    return TranslateReport(written, skipped)


def _free_name(target: Path, source: Path, taken: set[Path]) -> Path:
    """A name that neither overwrites an input nor another result of this job."""
    candidate, number = target, 1
    while candidate in taken or (candidate.exists() and candidate.samefile(source)):
        number += 1
        candidate = target.with_name(f"{target.stem}_{number}.png")
    taken.add(candidate)
    return candidate
