"""Training batches from picture files: our stream, a PyTorch DataLoader, a plain tf.data pipeline.

Side-by-side JPEG pairs (512x256) become augmented float batches: halves, resized to 286, cut to 256
and mirrored at random. Then the same files as 1000 and as 100 000 names: time to the first batch
and memory.

python benchmarks/input_pipeline.py                   # draws its own pictures
python benchmarks/input_pipeline.py --data DIR        # a folder of side-by-side JPEGs
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import harness

SIZE, LOAD = 256, 286


def _take(batches, spec: dict) -> None:
    """One repetition: some batches."""
    batches = iter(batches)
    harness.serve(lambda: [next(batches) for _ in range(spec["steps"])], spec["pairs"])


def _ours(spec: dict):
    from ganime_tf.data import DataSpec, open_data

    data = DataSpec(spec["folder"], validation_share=0, memory_share=spec.get("memory", 0.25))
    source = open_data(data, direction="ba")
    return source.train(batch_size=spec["batch"], image_size=SIZE, load_size=LOAD)


def serve_ours(spec: dict) -> None:
    """Our stream; after the first epoch the pictures come from memory."""
    _take(_ours(spec), spec)


def serve_decoding(spec: dict) -> None:
    """Our stream when nothing is kept: what a set much larger than the memory runs at."""
    _take(_ours({**spec, "memory": 0.0}), spec)


def serve_shards(spec: dict) -> None:
    """The same from TFRecord shards."""
    _take(_ours({**spec, "folder": spec["shards"], "memory": 0.0}), spec)


def serve_shards_memory(spec: dict) -> None:
    """Shards, with the pictures kept as from files."""
    _take(_ours({**spec, "folder": spec["shards"]}), spec)


def serve_tutorial(spec: dict) -> None:
    """The loader of TensorFlow's Pix2Pix tutorial, which the original sources copied."""
    import tensorflow as tf

    def load(path):
        image = tf.io.decode_jpeg(tf.io.read_file(path))
        width = tf.shape(image)[1] // 2
        pair = tf.cast(image[:, width:], tf.float32), tf.cast(image[:, :width], tf.float32)
        nearest = tf.image.ResizeMethod.NEAREST_NEIGHBOR
        pair = tf.stack([tf.image.resize(x, [LOAD, LOAD], method=nearest) for x in pair])
        pair = tf.image.random_crop(pair, [2, SIZE, SIZE, 3])
        if tf.random.uniform(()) > 0.5:
            pair = tf.image.flip_left_right(pair)
        pair = pair / 127.5 - 1
        return pair[0], pair[1]

    data = tf.data.Dataset.list_files(os.path.join(spec["folder"], "*.jpg"))
    data = data.map(load, num_parallel_calls=tf.data.AUTOTUNE).shuffle(400)
    _take(data.batch(spec["batch"], drop_remainder=True).repeat(), spec)


def serve_torch(spec: dict) -> None:
    """A PyTorch DataLoader with one worker process a core, decoding and resizing with Pillow."""
    import numpy as np
    import torch
    from PIL import Image
    from torch.utils.data import DataLoader, Dataset, RandomSampler

    class Pairs(Dataset):
        def __init__(self, folder):
            self.paths = sorted(Path(folder).glob("*.jpg"))

        def __len__(self):
            return len(self.paths)

        def __getitem__(self, index):
            image = Image.open(self.paths[index]).convert("RGB")
            width = image.width // 2
            y, x = torch.randint(LOAD - SIZE + 1, (2,)).tolist()
            flip = torch.rand(()).item() < 0.5
            result = []
            for left in (width, 0):
                half = image.crop((left, 0, left + width, image.height))
                half = half.resize((LOAD, LOAD), Image.Resampling.BILINEAR)
                half = half.crop((x, y, x + SIZE, y + SIZE))
                if flip:
                    half = half.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
                pixels = torch.from_numpy(np.array(half)).permute(2, 0, 1).contiguous()
                result.append(pixels.to(torch.float32).div_(127.5).sub_(1.0))
            return result

    pairs = Pairs(spec["folder"])
    endless = RandomSampler(pairs, num_samples=10**7)
    loader = DataLoader(pairs, spec["batch"], sampler=endless, num_workers=spec["threads"])
    _take(loader, spec)


def serve_first_batch(spec: dict) -> None:
    """Not a contestant: prints the time from `open_data` to the first batch, and the memory."""
    import tensorflow as tf

    tf.constant(0)
    peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # noqa: E731
    before, start = peak(), time.perf_counter()
    batches = _ours(spec)
    opened = time.perf_counter() - start
    next(iter(batches))
    seconds = time.perf_counter() - start
    row = {
        "names": spec["names"],
        "open_seconds": round(opened, 2),
        "first_batch_seconds": round(seconds, 2),
        "peak_mib": round(peak()),
        "peak_mib_over_import": round(peak() - before),
    }
    print(json.dumps(row), flush=True)


SIDES = {
    "ganime_tf": serve_ours,
    "torch": serve_torch,
    "tutorial": serve_tutorial,
    "ganime_tf_decoding": serve_decoding,
    "shards": serve_shards_memory,
    "shards_decoding": serve_shards,
}
_COLUMNS = "side pairs_per_second first_seconds peak_mib".split()


def _draw(folder: Path, count: int) -> None:
    from PIL import Image

    from ganime_tf.toy import write_dataset

    write_dataset(folder / "drawn", count * 10 // 9 + 1, SIZE, "pairs")
    (folder / "pairs").mkdir()
    for path in sorted((folder / "drawn" / "train").glob("*.png"))[:count]:
        Image.open(path).save(folder / "pairs" / f"{path.stem}.jpg", quality=90)


def _link(folder: Path, files: list[Path], count: int) -> Path:
    folder.mkdir()
    for number in range(count):
        os.symlink(files[number % len(files)].resolve(), folder / f"{number:06d}.jpg")
    return folder


def main() -> None:
    """Run, print tables, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of side-by-side JPEGs; default: drawn")
    parser.add_argument("--count", type=int, default=640, help="pictures to draw")
    parser.add_argument("--names", type=int, nargs="*", default=[1000, 100_000])
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--sides", nargs="+", default=list(SIDES), choices=list(SIDES))
    parser.add_argument("--repetitions", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=90.0, help="after 3 rounds")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--out", help="default: benchmarks/results/<date>-cpu-input_pipeline.json")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        spec = json.loads(args.worker)
        return (SIDES | {"first_batch": serve_first_batch})[spec["side"]](spec)

    from ganime_tf.data import DataSpec, open_data
    from ganime_tf.data.records import write_records

    with tempfile.TemporaryDirectory() as name:
        temporary = Path(name)
        if args.data is None:
            _draw(temporary, args.count)
        folder = args.data or temporary / "pairs"
        files = sorted(folder.glob("*.jpg"))
        # Three epochs a repetition: what lies ready in buffers when it starts counts little.
        steps = max(1, 3 * args.count // args.batch)
        source = open_data(DataSpec(folder, validation_share=0), direction="ba")
        write_records(source, temporary / "shards", shard_size=200)
        common = {"batch": args.batch, "threads": args.threads, "steps": steps,
                  "pairs": steps * args.batch, "folder": str(folder),
                  "shards": str(temporary / "shards")}  # fmt: skip
        specs = [{"side": side, **common} for side in args.sides]
        rows = harness.compete(__file__, specs, args.repetitions, args.seconds)
        for row in rows:
            row["pairs_per_second"] = round(row.pop("images_per_second"))
            for key in ("folder", "shards", "images_per_second_best", "cpu_seconds",
                        "seconds_best"):  # fmt: skip
                row.pop(key, None)
        # The processor time does not see PyTorch's worker processes.
        drop = ("cpu_over", "best_over")
        rows[0] = {k: v for k, v in rows[0].items() if not k.startswith(drop)}
        ratios = [key for key in rows[0] if key.startswith("speed_over_")]
        print(harness.table(rows, _COLUMNS))
        print({key: rows[0][key] for key in ratios}, flush=True)
        starts = []
        for count in args.names:
            linked = _link(temporary / str(count), files, count)
            spec = {"side": "first_batch", **common, "folder": str(linked), "names": count}
            run = subprocess.run([sys.executable, __file__, "--worker", json.dumps(spec)],
                                 capture_output=True, text=True, check=True)  # fmt: skip
            starts.append(json.loads(run.stdout.splitlines()[-1]))
            print(starts[-1], flush=True)
        size = round(sum(file.stat().st_size for file in files) / len(files))
    record = {
        "what": "512x256 JPEG pairs to augmented float batches of two 256 px pictures",
        "machine": harness.machine(),
        "pictures": {"files": len(files), "drawn": args.data is None, "mean_bytes": size},
        "rows": rows,
        "first_batch": starts,
    }
    print(harness.write("input_pipeline", record, args.out))


if __name__ == "__main__":
    main()
