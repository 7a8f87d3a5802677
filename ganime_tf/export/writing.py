"""Writing an export: into a temporary place, proved, then moved, all or nothing."""

import dataclasses
import importlib.util
import shutil
import tempfile
from pathlib import Path

import numpy as np

from ganime_tf.export import get_format
from ganime_tf.export.proof import Difference, check_differences, compare
from ganime_tf.models.trainable import Trainable
from ganime_tf.models.uses import INPUTS
from ganime_tf.version import __version__


@dataclasses.dataclass(frozen=True)
class Request:
    """What a format is asked to write.

    Attributes:
        model: A built model.
        path: A place that is free.
        uses: Names of the uses wanted.
        size: Height and width of pictures, or None for any.
        precision: "float32", or "float16" or "int8" for the weights.
        opset: Of ONNX.
        calibration: uint8 `(H, W, 3)` pictures: with them, int8 has integer features.
    """

    model: Trainable
    path: Path
    uses: tuple[str, ...]
    size: tuple[int, int] | None = None
    precision: str = "float32"
    opset: int = 17
    calibration: tuple = ()

    def shape_of(self, name: str) -> tuple:
        """The shape of one value of an input in this export."""
        entry = INPUTS[name]
        if entry.framed:
            return (*(self.size or (None, None)), *entry.shape[2:])
        if name == "style":
            return (style_size(self.model),)
        return entry.shape

    def about(self, uses) -> dict:
        """What the export says of itself."""
        table = self.model.uses()
        return {
            "ganime_tf": __version__,
            "model": self.model.name,
            "uses": {name: table[name].describe() for name in uses},
            "stride": int(self.model.stride),
            "min_size": int(self.model.min_size),
            "size": self.size,
            "precision": self.precision,
            "label_names": list(self.model.label_names),
        }


@dataclasses.dataclass(frozen=True)
class ExportReport:
    """What was written.

    Attributes:
        path: The file or folder.
        differences: How far every use is from the model's pixels.
        left_out: Uses that the format cannot hold, with the reason.
        megabytes: Size on the disk.
    """

    path: Path
    differences: tuple[Difference, ...]
    left_out: dict[str, str]
    megabytes: float


def export_model(
    model: Trainable,
    path: str | Path,
    format: str = "saved_model",
    *,
    uses: tuple[str, ...] = (),
    size: int | tuple[int, int] | None = None,
    precision: str = "float32",
    opset: int = 17,
    calibration=(),
    pictures=(),
    clean: bool = True,
    check: bool = True,
) -> ExportReport:
    """Writes a model for other programs and proves that it gives the model's pixels.

    Args:
        model: A built model.
        path: The file or folder to write. Only an earlier export may be there.
        format: One of `FORMATS`.
        uses: Names of the uses; all by default, those that the format cannot hold left out.
        size: Side, or height and width, of the pictures; None for any size.
        precision: "float32"; "float16" halves the weights; "int8" quarters them.
        opset: Of ONNX, 15 to 18.
        calibration: uint8 `(H, W, 3)` pictures of the real kind, for int8 at a fixed size: features
            become integers of 16 bits too, by the ranges that they take on these. Slower on CPUs,
            for chips that have no floats.
        pictures: uint8 `(H, W, 3)` pictures to compare on; drawn ones by default.
        clean: Open the export in a process of its own, not in this one.
        check: Compare at all.

    Returns:
        What was written, how far it is from the model, and what was left out.

    Raises:
        ValueError: When the format cannot do what is asked, or something else lies at `path`.
        ImportError: When a package is missing.
        RuntimeError: When the export differs from the model too much: nothing is kept.
    """
    kind, path = get_format(format), Path(path)
    _check_request(kind, model, path, uses, size, precision, opset, calibration)
    if kind.suffix and path.suffix != kind.suffix:
        path = path.with_name(path.name + kind.suffix)
    if path.exists() and not (path.is_dir() and not any(path.iterdir())) and not kind.is_own(path):
        raise ValueError(
            f"{path} exists and is not an export of this format. Choose a new name; nothing is "
            "written over that `ganime export` did not write."
        )
    size = (size, size) if isinstance(size, int) else size
    wanted = tuple(uses) or tuple(model.uses())
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=".tmp-export-", dir=path.parent))
    try:
        request = Request(
            model, temporary / path.name, wanted, size, precision, opset, tuple(calibration)
        )
        left_out = kind.write(request)
        if uses and left_out:
            raise ValueError("; ".join(f"{use!r}: {why}" for use, why in left_out.items()))
        differences = ()
        if check:
            held = tuple(use for use in wanted if use not in left_out)
            differences = compare(request, kind, held, pictures, clean)
            check_differences(differences, precision)
        megabytes = _megabytes(temporary)
        _move(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return ExportReport(path, tuple(differences), left_out, megabytes)


def export_saved_model(model: Trainable, path: str | Path, *, check: bool = True) -> Path:
    """Writes a SavedModel with a signature for every use of a model, for any size.

    The use `default` is `serving_default`; for a translator it takes uint8 `(N, H, W, 3)` as
    `image`. The folder replaces an earlier export in one step. It is compared with the model in
    this process, which suits the end of a training whose process holds the GPU.

    Args:
        model: A built model.
        path: The folder to write.
        check: Load it back and compare its pixels with the model's.

    Returns:
        The folder.

    Raises:
        ValueError: When `path` is a file, or a folder that is no export.
        RuntimeError: When the export does not give the model's pixels.
    """
    return export_model(model, path, "saved_model", clean=False, check=check).path


def style_size(model: Trainable) -> int | None:
    """Numbers of a style code of a model: those that its own use gives; None without one."""
    from ganime_tf.export.saved_model import made_inputs

    for name, use in model.uses().items():
        if use.output == "style" and "style" not in use.inputs:
            return int(model.call_use(name, made_inputs(model, use)).shape[-1])
    return None


def _check_request(kind, model, path, uses, size, precision, opset, calibration) -> None:
    if missing := [name for name in kind.needs if importlib.util.find_spec(name) is None]:
        raise ImportError(
            f'Writing {kind.name} needs {", ".join(missing)}: pip install "ganime-tf[{kind.extra}]"'
        )
    for use in uses:
        if use not in model.uses():
            raise ValueError(f"This model has no use {use!r}. It has {', '.join(model.uses())}.")
    if precision not in kind.precisions:
        raise ValueError(
            f"{kind.name} is written in {', '.join(kind.precisions)}. Received {precision!r}."
        )
    if size is not None and "fixed" not in kind.sizes:
        raise ValueError(f"{kind.name} holds the model for any size; leave the size out.")
    if not 15 <= opset <= 18:
        raise ValueError(f"`opset` must be 15 to 18: tf2onnx knows none above. Received {opset}.")
    if len(calibration) and (size is None or precision != "int8"):
        raise ValueError(
            "Calibration pictures are for int8 at a fixed size (--precision int8 --size SIDE)."
        )
    least = max(model.stride, model.min_size)
    for side in np.atleast_1d(size) if size is not None else ():
        if side < least or side % model.stride:
            raise ValueError(
                f"Sizes of this model are multiples of {model.stride}, at least {least}. Received "
                f"{side}."
            )


def _megabytes(folder: Path) -> float:
    return sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()) / 1e6


def _move(temporary: Path, path: Path) -> None:
    """Moves everything that was written to its place, the named file last."""
    made = sorted(temporary.iterdir(), key=lambda each: each.name == path.name)
    for each in made:
        target = path.with_name(each.name)
        if each.is_dir():
            if target.exists():
                shutil.rmtree(target)
            each.chmod(0o755)
        each.replace(target)
