"""What reading and writing files adds to translation: `ganime translate` against the bare graph.

python benchmarks/translate_files.py                # 256 px, PNG in, PNG out, two models
"""

from __future__ import annotations

import harness


def _drawn(spec: dict) -> list:
    """Pictures of the drawn world, as many as the batch job gets files."""
    from ganime_tf.toy import render, sample_scene

    return [render(sample_scene(0, n), "portrait", spec["size"]) for n in range(spec["files"])]


def serve_files(spec: dict) -> None:
    """A worker that runs the batch job of `ganime translate`: PNG files in, PNG files out."""
    import tempfile
    from pathlib import Path

    from ganime_tf.inference import translate_files
    from ganime_tf.models import get_model
    from ganime_tf.ops.pictures import save_png

    model = get_model(spec["model"])()
    folder = Path(tempfile.mkdtemp())
    for number, picture in enumerate(_drawn(spec)):
        save_png(folder / f"in/{number:03d}.png", picture)
    harness.serve(lambda: translate_files(model, [folder / "in"], folder / "out"), spec["files"])


def serve_graph(spec: dict) -> None:
    """A worker that runs the bare compiled graph on the same pictures, in the same batches."""
    import numpy as np
    import tensorflow as tf

    from ganime_tf.models import get_model

    model = get_model(spec["model"])()
    pictures, size = np.stack(_drawn(spec)), model.batch_limit
    batches = [
        {"image": tf.constant(pictures[start : start + size])}
        for start in range(0, len(pictures), size)
    ]
    harness.serve(
        lambda: [model.call_use("default", batch).numpy() for batch in batches], spec["files"]
    )


SIDES = {"graph": serve_graph, "files": serve_files}


def main() -> None:
    """Run, print a table, write the JSON. A ratio of 1.1 means that files add 10 %."""
    parser = harness.arguments(__doc__, repetitions=7)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--files", type=int, default=16)
    parser.add_argument("--models", nargs="+", default=["pix2pix", "animegan"])
    args = parser.parse_args()
    if harness.works(args, SIDES):
        return
    cases = [
        {"sides": list(SIDES), "model": name, "size": args.size, "files": args.files}
        for name in args.models
    ]
    harness.compare(
        __file__,
        args,
        cases,
        "model files images_per_second peak_mib",
        what="translate_files, PNG to PNG, against the compiled graph alone",
    )


if __name__ == "__main__":
    main()
