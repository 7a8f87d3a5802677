"""Makes run_0_1_0.tar.xz: a run as 0.1.0 left it, trained for two steps and finished.

git worktree add --detach OLD b7fc35b
PYTHONPATH=OLD python tests/golden/make_run_0_1_0.py
"""

import dataclasses
import io
import shutil
import tarfile
import tempfile
from pathlib import Path

import numpy as np

import ganime_tf
from ganime_tf.inference.load import load
from ganime_tf.models import get_preset
from ganime_tf.training.run import RunConfig, train

HERE = Path(__file__).parent
KEPT = ("config.json", "model.keras", "expected.npz", "checkpoints")


def main() -> None:
    assert ganime_tf.__version__ == "0.1.0"
    config = dataclasses.replace(
        get_preset("pix2pix", "pix2pix-tiny"),
        image_size=32,
        load_size=36,
        filters=2,
        batch_size=2,
    )
    with tempfile.TemporaryDirectory() as folder:
        run_dir = Path(folder) / "run"
        run = RunConfig(data="toy:8", run_dir=str(run_dir), steps=2, num_validation=2, export=False)
        train("pix2pix", config, run)
        model = load(run_dir)
        picture = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3), np.uint8)
        np.savez(run_dir / "expected.npz", picture=picture, image=model.translate(picture))
        for path in run_dir.iterdir():
            if path.name not in KEPT:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        (run_dir / "checkpoints" / "best.weights.h5").unlink(missing_ok=True)
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w:xz") as archive:
            archive.add(run_dir, "run")
        (HERE / "run_0_1_0.tar.xz").write_bytes(stream.getvalue())


if __name__ == "__main__":
    main()
