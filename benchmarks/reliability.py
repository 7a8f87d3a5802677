"""Tried against the package in one run: kills, damaged files, mutated pictures, wrong calls.

python benchmarks/reliability.py [--kills 50] [--damages 200] [--mutants 20000] [--write-docs]

Writes `benchmarks/results/reliability.json` and the table of docs/reliability.md. Takes about half
an hour on two cores.
"""

import argparse
import collections
import contextlib
import dataclasses
import io
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "benchmarks" / "results" / "reliability.json"
PAGE = ROOT / "docs" / "reliability.md"
RUN = [
    *("--preset=pix2pix-tiny", "--image-size=32", "--load-size=36", "--levels=3", "--filters=4"),
    *("--patch-size=16", "--batch-size=2", "--data=toy:6", "--num-validation=2", "--num-samples=1"),
    *("--no-export", "--checkpoint-every=1", "--metrics", "l1", "--best-metric=val_l1"),
]


def kills(count: int, folder: Path) -> dict:
    """Kills one run so many times; at the end its weights are those of a run left alone."""
    from ganime_tf.inference import load

    rng, killed, starts = random.Random(0), 0, 0
    straight, broken = folder / "straight", folder / "broken"
    program = [sys.executable, "-m", "ganime_tf", "train", "pix2pix", *RUN, "--num-epochs=80"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": environment}
    whole = subprocess.Popen([*program, "--run-dir", str(straight)], **silent)
    while killed < count:
        process = subprocess.Popen([*program, "--run-dir", str(broken)], **silent)
        starts += 1
        last, more = _newest(broken), rng.randrange(4)
        while process.poll() is None and _newest(broken) < last + more:
            time.sleep(0.01)
        time.sleep(rng.random() * (0.3 if more else 8.0))  # or while it still starts
        if process.poll() is not None:
            break
        process.kill()
        process.wait()
        killed += 1
    rc = subprocess.run([*program, "--run-dir", str(broken)], **silent).returncode
    whole.wait()
    pairs = zip(load(straight).weights, load(broken).weights, strict=True)
    different = sum(not bool((a.numpy() == b.numpy()).all()) for a, b in pairs)
    return {"tried": killed, "finished": rc == 0, "weights that differ": different,
            "unexpected": different + (rc != 0)}  # fmt: skip


def _newest(run: Path) -> int:
    found = [p.stem.rpartition("-")[2] for p in (run / "checkpoints").glob("ckpt-*.index")]
    return max((int(each) for each in found if each.isdigit()), default=0)


def damages(count: int, folder: Path) -> dict:
    """Flips, cuts, empties or removes a file of a finished run: the same picture, or a sentence."""
    import numpy as np

    from ganime_tf.cli import main
    from ganime_tf.inference import load

    rng, run = random.Random(0), folder / "whole"
    words = [word for word in RUN if word != "--no-export"]
    _quiet(main, ["train", "pix2pix", *words, "--num-epochs=2", "--run-dir", str(run)])
    picture = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    places = {"last": "", "best": "", "export": "export"}
    wanted = {
        which: load(run / place, "best" if which == "best" else "last").translate(picture)
        for which, place in places.items()
    }
    files = sorted(p.relative_to(run) for p in run.rglob("*") if p.is_file())
    ended, unexpected = collections.Counter(), []
    for number in range(count):
        name, how = rng.choice(files), rng.choice(("flip", "cut", "empty", "remove"))
        shutil.rmtree(folder / "hurt", ignore_errors=True)
        shutil.copytree(run, folder / "hurt")
        hurt = folder / "hurt" / name
        content = bytearray(hurt.read_bytes())
        if how == "remove":
            hurt.unlink()
        else:
            if how == "flip" and content:
                content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
            size = {"cut": rng.randrange(len(content) + 1), "empty": 0}.get(how, len(content))
            hurt.write_bytes(content[:size])
        which = "export" if name.parts[0] == "export" else rng.choice(("last", "best"))
        try:
            model = load(folder / "hurt" / places[which], "best" if which == "best" else "last")
            same = np.array_equal(model.translate(picture), wanted[which])
            ended["same picture" if same else "another picture"] += 1
            if not same:
                unexpected.append(f"{number}: {how} {name}: another picture")
        except (ValueError, OSError):
            ended["refused in a sentence"] += 1
        except Exception as error:  # what must not happen
            unexpected.append(f"{number}: {how} {name}: {type(error).__name__}")
    return {"tried": count, **ended, "unexpected": len(unexpected), "which": unexpected[:10]}


def mutants(count: int, folder: Path) -> dict:
    """Mutated pictures through both decoders and `scan`: a picture, or an error that is named."""
    import numpy as np
    import tensorflow as tf
    from PIL import Image

    from ganime_tf.data.decoding import decode
    from ganime_tf.data.io import BadImageError, decode_bytes
    from ganime_tf.data.scanning import scan
    from ganime_tf.toy import render, sample_scene

    in_graph = tf.function(decode, input_signature=[tf.TensorSpec([], tf.string)])
    picture = Image.fromarray(render(sample_scene(0, 0), "colour", 48))
    forms = {
        "jpg": [("JPEG", {}), ("JPEG", {"progressive": True}), ("JPEG", {"quality": 30})],
        "png": [("PNG", {}), ("PNG", {"bits": 4})],
        "webp": [("WEBP", {}), ("WEBP", {"lossless": True})],
        "gif": [("GIF", {})],
        "bmp": [("BMP", {})],
        "tif": [("TIFF", {}), ("TIFF", {"compression": "tiff_lzw"})],
    }
    files = []
    for suffix, ways in forms.items():
        for form, options in ways:
            buffer = io.BytesIO()
            source = picture.quantize(16) if "bits" in options else picture
            source.save(buffer, form, **options)
            files.append((suffix, buffer.getvalue()))
    rng, ended, unexpected = np.random.default_rng(0), collections.Counter(), []
    slowest, folder = 0.0, folder / "mutants"
    folder.mkdir()
    for number in range(count):
        suffix, content = files[number % len(files)]
        content = _mutated(content, rng)
        found, start = [], time.perf_counter()
        for read in (decode_bytes, lambda x: in_graph(x).numpy()):
            try:
                found.append(read(content))
            except (BadImageError, tf.errors.OpError):
                found.append(None)
            except Exception as error:  # what must not happen
                unexpected.append(f"{number}: {type(error).__name__}: {str(error)[:80]}")
                found.append(None)
        slowest = max(slowest, time.perf_counter() - start)
        ended["a picture" if found[0] is not None else "refused"] += 1
        both = all(each is not None for each in found)
        if both and (found[0].shape != found[1].shape or (found[0] != found[1]).any()):
            ended["decoders differ"] += 1
        if number % 20 == 0:
            (folder / f"{number}.{suffix}").write_bytes(content)
    start = time.perf_counter()
    try:
        scan(folder)
    except Exception as error:  # what must not happen
        unexpected.append(f"scan: {type(error).__name__}: {str(error)[:80]}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return {
        "tried": count,
        **ended,
        "slowest, s": round(slowest, 2),
        "scan of a twentieth, s": round(time.perf_counter() - start, 1),
        "peak memory, GB": round(peak, 2),
        "unexpected": len(unexpected),
        "which": unexpected[:10],
    }


def _mutated(content: bytes, rng) -> bytes:
    data = bytearray(content)
    for _ in range(rng.integers(1, 6)):
        at = int(rng.integers(len(data)))
        data[at : at + int(rng.integers(1, 5))] = rng.bytes(int(rng.integers(0, 5)))
        data = data or bytearray(b"\0")
    return bytes(data[: rng.integers(1, len(data) + 1)] if rng.random() < 0.2 else data)


def calls(folder: Path) -> dict:
    """A wrong value for every field of every model and run: one line, and nothing begun."""
    from ganime_tf.cli import main
    from ganime_tf.configs.run import RunConfig
    from ganime_tf.models import MODELS, get_preset

    tried, slowest, unexpected = 0, 0.0, []
    for model in MODELS:
        fields = dataclasses.asdict(get_preset(model))
        if model == "pix2pix":
            free = {"data", "run_dir", "sources", "best_metric", "metrics"}
            run = dataclasses.asdict(RunConfig())
            fields |= {key: value for key, value in run.items() if key not in free}
        for field, value in fields.items():
            wrong = ["nonsense"] if isinstance(value, bool | str | tuple | None) else ["x", "nan"]
            for word in (*wrong, "-7"):
                flag = f"--{field.replace('_', '-')}"
                argv = ["train", model, f"{flag}={word}", "--run-dir", str(folder / "never")]
                if isinstance(value, str | tuple) and field in ("artists", "class_names",
                                                                "perceptual_layers"):  # fmt: skip
                    continue  # any word is a name
                start = time.perf_counter()
                code, said = _quiet(main, argv)
                slowest = max(slowest, time.perf_counter() - start)
                tried += 1
                if code != 2 or len(said.strip().splitlines()) != 1 or (folder / "never").exists():
                    unexpected.append(f"{model} {flag}={word}: {code}, {said.strip()[:80]!r}")
    return {"tried": tried, "slowest, s": round(slowest, 2), "unexpected": len(unexpected),
            "which": unexpected[:10]}  # fmt: skip


def _quiet(function, *args):
    """What a function returns, and what it says on stderr."""
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        try:
            return function(*args), said.getvalue()
        except SystemExit as error:
            return error.code, said.getvalue()


def table(record: dict) -> str:
    """The record as Markdown."""
    rows = ["| tried | times | what came out | not as it should |", "| --- | --- | --- | --- |"]
    for kind, found in record["kinds"].items():
        rest = {k: v for k, v in found.items() if k not in ("tried", "unexpected", "which")}
        words = "; ".join(f"{key}: {value}" for key, value in rest.items())
        rows.append(f"| {kind} | {found['tried']:,} | {words} | {found['unexpected']} |")
    return "\n".join([*rows, "", f"*{record['date']}, commit `{record['commit']}`.*"])


def write_docs(page: Path = PAGE, result: Path = RESULT) -> str:
    """The page with the table of the record."""
    head, _, rest = page.read_text(encoding="utf-8").partition("<!-- reliability -->\n")
    tail = rest.partition("<!-- /reliability -->")[2]
    text = table(json.loads(result.read_text(encoding="utf-8")))
    return f"{head}<!-- reliability -->\n\n{text}\n\n<!-- /reliability -->{tail}"


def main() -> None:
    """Runs what is asked for; kinds that are not keep their last record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--damages", type=int, default=200)
    parser.add_argument("--mutants", type=int, default=20_000)
    parser.add_argument("--calls", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--write-docs", action="store_true", help="only write the page")
    args = parser.parse_args()
    if not args.write_docs:
        import datetime

        record = json.loads(RESULT.read_text()) if RESULT.exists() else {"kinds": {}}
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            jobs = {
                "wrong calls": args.calls and (lambda: calls(folder)),
                "mutated pictures": args.mutants and (lambda: mutants(args.mutants, folder)),
                "damaged files of a run": args.damages and (lambda: damages(args.damages, folder)),
                "kills of one run": args.kills and (lambda: kills(args.kills, folder)),
            }
            for kind, job in jobs.items():
                if job:
                    record["kinds"][kind] = job()
                    print(kind, record["kinds"][kind], flush=True)
        git = ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]
        commit = subprocess.run(git, capture_output=True, text=True).stdout.strip()
        record |= {"date": datetime.date.today().isoformat(), "commit": commit}
        RESULT.write_text(json.dumps(record, indent=1) + "\n")
    PAGE.write_text(write_docs(), encoding="utf-8")


if __name__ == "__main__":
    main()
