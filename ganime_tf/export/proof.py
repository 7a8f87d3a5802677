"""The proof of an export: opened by its own runtime, in a clean process, compared on pictures.

As a program, `python -m ganime_tf.export.proof FORMAT PATH FOLDER` is that process: it runs every
`FOLDER/USE-N.npz` and writes `FOLDER/USE-N.out.npy`.
"""

import dataclasses
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from ganime_tf.export import get_format
from ganime_tf.models.uses import INPUTS

_WHATS = ("portrait", "lineart")
# (greatest, mean) difference in levels of 255. Half floats and integers are as good as they are:
# their bounds catch what is broken, not what is coarse.
BOUNDS = {"float32": (1.0, 0.5), "float16": (32.0, 1.0), "int8": (255.0, 16.0)}


@dataclasses.dataclass(frozen=True)
class Difference:
    """How far an export is from the model.

    Attributes:
        use: The use.
        greatest: Greatest difference: levels of 255; of classes 1 per pixel that differs.
        mean: Mean difference; of classes the share of pixels that differ.
        pictures: On how many inputs; 0 where the model draws random numbers in every call.
        output: What the use gives, one of `OUTPUTS`.
        runtime: What opened it.
    """

    use: str
    greatest: float
    mean: float
    pictures: int
    output: str
    runtime: str

    def __str__(self) -> str:
        """One line."""
        if not self.pictures:
            return f"{self.use}: not compared, the model draws random numbers in every call"
        if self.output == "classes":
            return f"{self.use}: {self.mean:.3%} of pixels have another class ({self.runtime})"
        unit = "" if self.output == "style" else " of 255 levels"
        return (
            f"{self.use}: at most {self.greatest:.3g}, on average {self.mean:.2g}{unit} from the "
            f"model, {self.pictures} pictures ({self.runtime})"
        )


def compare(request, kind, uses, pictures, clean: bool) -> list[Difference]:
    """Runs an export and its model on the same inputs.

    Args:
        request: The `Request` that was written.
        kind: Its `Format`.
        uses: Names of the uses that are in it.
        pictures: uint8 `(H, W, 3)`; drawn ones when empty.
        clean: In a process of its own.
    """
    model = request.model
    if getattr(model.config, "inference", "deterministic") != "deterministic":
        outputs = {use: model.uses()[use].output for use in uses}
        return [Difference(use, 0.0, 0.0, 0, outputs[use], "") for use in uses]
    pictures = _fitting(request, list(pictures) or drawn_pictures())
    cases = {use: _inputs(request, use, pictures) for use in uses}
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        if clean:
            for use, inputs in cases.items():
                for number, values in enumerate(inputs):
                    np.savez(folder / f"{use}-{number}.npz", **values)
            runtime = _run_clean(kind.name, request.path, folder)
            found = {
                use: [np.load(folder / f"{use}-{n}.out.npy") for n in range(len(inputs))]
                for use, inputs in cases.items()
            }
        else:
            opened, runtime = kind.open(request.path), "in the same process"
            found = {use: [opened.run(use, **x) for x in inputs] for use, inputs in cases.items()}
    return [
        _difference(use, model.uses()[use].output, found[use],
                    [model.run(use, **values) for values in inputs], runtime)
        for use, inputs in cases.items()
    ]  # fmt: skip


def check_differences(differences, precision: str) -> None:
    """Raises when an export is too far from its model.

    Raises:
        RuntimeError: Naming the use and the bound.
    """
    greatest, mean = BOUNDS[precision]
    for each in differences:
        if each.output == "classes":
            wrong = each.mean > {"float32": 0.002, "float16": 0.02, "int8": 0.2}[precision]
        elif each.output == "style":
            wrong = each.greatest > {"float32": 1e-3, "float16": 0.1, "int8": 1.0}[precision]
        else:
            wrong = each.greatest > greatest or each.mean > mean
        if wrong or not np.isfinite(each.greatest):
            raise RuntimeError(
                f"The export differs too much from the model, so it was not kept. {each}; the "
                f"bound of {precision} is at most {greatest:g}, on average {mean:g}. Please report "
                "this with your versions of TensorFlow, Keras and the runtime."
            )


def drawn_pictures() -> list[np.ndarray]:
    """A photo and a line drawing of the drawn world, of an odd size."""
    from ganime_tf.toy import render, sample_scene

    photo, lines = (render(sample_scene(0, n), what, 128) for n, what in enumerate(_WHATS))
    return [np.ascontiguousarray(picture[:101, :115]) for picture in (photo, lines)]


def _fitting(request, pictures) -> list[np.ndarray]:
    if request.size is None:
        return [np.asarray(picture) for picture in pictures]
    from ganime_tf.ops.litert import scaled

    return [scaled(np.asarray(picture), request.size) for picture in pictures]


def _inputs(request, use: str, pictures) -> list[dict]:
    """One value of every input for each picture; one random value where no picture is wanted."""
    names = request.model.uses()[use].inputs
    random = np.random.default_rng(0)
    cases = []
    for number, picture in enumerate(pictures):
        values = {}
        for name in names:
            entry = INPUTS[name]
            if entry.shape[-1:] == (3,):
                values[name] = picture
            elif name == "hints":
                mask = random.random(picture.shape[:2]) < 0.01
                values[name] = np.dstack([picture, np.uint8(255) * mask]) * mask[..., None]
            elif name == "parsing":
                values[name] = (picture.mean(-1) > 127).astype(np.uint8)
            elif entry.shape:
                values[name] = random.normal(size=request.shape_of(name)).astype(entry.dtype)
            else:
                values[name] = np.asarray(number, entry.dtype)
        cases.append(values)
    return cases


def _difference(use, output, found, wanted, runtime) -> Difference:
    deltas = [
        np.abs(a.astype(np.float64) - b.astype(np.float64))
        for a, b in zip(found, wanted, strict=True)
    ]
    if output == "classes":
        deltas = [(delta > 0).astype(np.float64) for delta in deltas]
    return Difference(
        use,
        max(float(delta.max()) for delta in deltas),
        float(np.mean([delta.mean() for delta in deltas])),
        len(deltas),
        output,
        runtime,
    )


def _run_clean(kind: str, path: Path, folder: Path) -> str:
    command = [sys.executable, "-m", "ganime_tf.export.proof", kind, str(path), str(folder)]
    root = str(Path(__file__).parents[2])
    run = subprocess.run(command, capture_output=True, text=True, env=_environment(root))
    if run.returncode:
        reason = (run.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise RuntimeError(f"The export cannot be used, so it was not kept: {reason}")
    return json.loads(run.stdout.splitlines()[-1])["runtime"]


def _environment(root: str) -> dict:
    import os

    path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    # On the CPU: this process may hold all of the GPU's memory.
    return {**os.environ, "PYTHONPATH": path, "CUDA_VISIBLE_DEVICES": "-1",
            "TF_CPP_MIN_LOG_LEVEL": "3"}  # fmt: skip


def main(argv: list[str]) -> None:
    """The clean process."""
    kind, path, folder = argv
    opened = get_format(kind).open(path)
    for file in sorted(Path(folder).glob("*.npz")):
        use = file.stem.rpartition("-")[0]
        with np.load(file) as values:
            np.save(file.with_suffix(".out.npy"), opened.run(use, **dict(values)))
    without = "" if "tensorflow" in sys.modules else ", no TensorFlow"
    names = {"litert": "LiteRT", "onnx": "ONNX Runtime", "keras": "Keras"}
    runtime = f"{names.get(kind, 'TensorFlow')} in a process of its own{without}"
    sys.stdout.write(json.dumps({"runtime": runtime}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
