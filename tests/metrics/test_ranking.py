"""A better set of pictures ranks before a worse one, in the direction that the table names.

Networks whose files are not at hand are planted: they see means and deviations of patches. What is
shown here is the way from a metric's name to its rank, not what a network sees.
"""

import dataclasses
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from helpers import TINY, run_config
from PIL import Image

import ganime_tf
from ganime_tf import inference, metrics
from ganime_tf.cli import main
from ganime_tf.inference import load
from ganime_tf.metrics import METRICS, features, lpips, paths
from ganime_tf.models.pix2pix import Pix2Pix
from ganime_tf.models.uses import Runner, Use
from ganime_tf.training.callbacks import SaveCheckpoint, Steps, Validate
from ganime_tf.training.run import train

COUNT, SIDE = 12, 176  # MS-SSIM wants 161 pixels
VALUES = metrics.value_names()


def _patches(images):
    """Means of 16 patches of every channel."""
    n, h, w, c = images.shape
    return images.reshape(n, 4, h // 4, 4, w // 4, c).mean((2, 4)).reshape(n, -1) / 255.0


class PlantedLPIPS:
    note = ""

    def __call__(self, a, b):
        return np.abs(_patches(np.float64(a)) - _patches(np.float64(b))).mean(1)

    def distance(self, a, b):
        return tf.reduce_mean((a - b) ** 2, (1, 2, 3))


class Generator(Runner):
    """A generator of greys whose latent moves evenly, or by leaps."""

    data_kind, name = "pictures", "greys"

    def __init__(self, power):
        self.power = power

    def uses(self):
        return {
            "default": Use(None, ("seed",)),
            "from_style": Use(self._draw, ("style", "truncation"), defaults={"truncation": 1.0}),
            "style_of": Use(None, ("seed",), "style"),
        }

    def _draw(self, style, truncation):
        grey = np.sign(style) * np.abs(style) ** self.power
        return np.broadcast_to(grey[:, :, None, None], (len(style), 16, 16, 3))

    def call_use(self, name, tensors):
        style = np.cos(np.asarray(tensors["seed"], np.float32) * 7)[:, None]
        if name == "style_of":
            return style
        return np.uint8((self._draw(style, 1) + 1) * 127.5)


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """Scores by `ganime evaluate` of the better and of the worse set, by the name of the number."""
    root = tmp_path_factory.mktemp("ranking")
    random = np.random.default_rng(0)

    def write(name, pictures):
        (root / name).mkdir()
        for index, picture in enumerate(pictures):
            picture = np.clip(picture, 0, 255).astype(np.uint8)
            Image.fromarray(picture).save(root / name / f"{index:02}.png")

    coarse = random.uniform(88, 168, (COUNT, 4, 4, 3))
    real = np.kron(coarse, np.ones((1, SIDE // 4, SIDE // 4, 1)))
    noise = random.normal(0, 1, real.shape)
    write("real", real)
    write("better", real + 4 * noise)
    write("worse", 20 + 60 * noise)  # far from every truth, and all much alike
    truth = random.integers(0, 3, (COUNT, 8, 8))
    write("maps", truth)
    write("better maps", np.where(random.random(truth.shape) < 0.1, 0, truth))
    write("worse maps", np.where(random.random(truth.shape) < 0.8, 0, truth))

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GANIME_CACHE", str(root / "cache"))
        planted = features.Extractor(lambda x: _patches(np.float64(x)), 48, "patches", "planted")
        patch.setattr(features, "load_extractor", lambda protocol, precision: planted)
        patch.setattr(lpips, "load_lpips", lambda network: PlantedLPIPS())
        patch.setattr(paths, "load_lpips", lambda network: PlantedLPIPS())
        scores = {}
        for side in ("better", "worse"):
            calls = []
            names = [n for n in METRICS if METRICS[n].needs not in ("classes", "paths")]
            flags = ["--real", "real", "--fake", side, "--source", "real links", "--paired"]
            calls.append([*flags, "--metrics", *names])
            flags = ["--real", "maps", "--fake", f"{side} maps", "--num-classes", "3"]
            calls.append([*flags, "--metrics", *metrics.needing(METRICS, "classes")])
            model = Generator(1 if side == "better" else 9)
            patch.setattr(inference, "load", lambda *_, model=model: model)
            flags = ["greys", "--data", "toy:8", "--image-size", "32", "--samples", "60"]
            calls.append([*flags, "--metrics", *metrics.needing(METRICS, "paths")])
            patch.chdir(root)
            if not Path("real links").exists():
                Path("real links").symlink_to("real", target_is_directory=True)
            found = {}
            for words in calls:
                assert main(["evaluate", *words, "--json", "report.json"]) == 0
                found |= json.loads(Path("report.json").read_text())["scores"]
            scores[side] = found
    return scores


def test_every_number_of_the_table_was_computed(reports):
    assert set(reports["better"]) == set(reports["worse"]) == set(VALUES)


@pytest.mark.parametrize("name", VALUES)
def test_the_better_set_ranks_first(name, reports):
    better, worse = (reports[side][name] for side in ("better", "worse"))
    assert better["better"] == worse["better"] == VALUES[name]
    values = [better["value"], worse["value"]]
    in_order = sorted(values, reverse=VALUES[name] == "higher")
    assert values == in_order and values[0] != values[1]


class Saved:
    """Notes which step was kept as the best."""

    def __init__(self, folder):
        self.folder, self.best = folder, None

    def save(self):
        pass

    def save_best(self, step, metric, value):
        self.best = step


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("epochs", ["better worse", "worse better", "worse better worse"])
def test_the_best_epoch_is_the_better_one(name, epochs, reports, tmp_path):
    metric = next(m for m in METRICS if name in (METRICS[m].values or (m,)))
    validate = Validate(None, (metric,), True, 1, 3)
    saved, steps = Saved(tmp_path), Steps(0, 3, 1)
    save = SaveCheckpoint(saved, steps, 0, f"val_{name}", validate.better)
    save.set_model(type("Model", (), {"stop_training": False})())
    for step, side in enumerate(epochs.split()):
        steps.step = step
        save.on_epoch_end(step, {f"val_{name}": reports[side][name]["value"]})
    assert saved.best == epochs.split().index("better")


def test_best_of_a_run_is_its_best_epoch_through_the_command(monkeypatch, tmp_path):
    name = "ssim"  # better when high: what a loss is not
    noise = {1: 60, 2: 5, 3: 120}  # of the pictures after each epoch of one step

    def planted(self, batch, first=0):
        real = np.asarray((batch["b"] + 1) * 127.5)
        random = np.random.default_rng(0)
        fake = real + random.normal(0, noise[int(np.asarray(self.step))], real.shape)
        levels = (np.clip(x, 0, 255).astype(np.uint8) for x in (real, fake))
        return dict(zip(("real", "fake"), levels, strict=True))

    monkeypatch.setattr(Pix2Pix, "evaluate_batch", planted)
    monkeypatch.chdir(tmp_path)
    config = dataclasses.replace(TINY, num_epochs=3)
    run = run_config("run", data="toy:2", num_validation=1, num_samples=1, metrics=(name,),
                     best_metric=f"val_{name}")  # fmt: skip
    train("pix2pix", config, run)
    assert [int(np.asarray(load("run", which).step)) for which in ("best", "last")] == [2, 3]
    found = {}
    for which in ("best", "last"):
        words = ["evaluate", "run", "--checkpoint", which, "--metrics", name, "--json", "r.json"]
        assert main(words) == 0
        report = json.loads(Path("r.json").read_text())
        found[which] = report["scores"][name]["value"]
    assert found["best"] > found["last"]
    rows = [json.loads(line)[f"val_{name}"] for line in open("run/metrics.jsonl")]
    assert found["best"] == pytest.approx(rows[1]) and found["last"] == pytest.approx(rows[2])


def _files_that_a_name_passes(name: str, words: list[str]) -> set[str]:
    """Files of the package in which a function was called with the name, or with names."""
    package, seen = Path(ganime_tf.__file__).parent, set()

    def holds(value):
        if isinstance(value, (tuple, list, set, dict)):
            return any(isinstance(item, str) and item == name for item in list(value)[:100])
        return isinstance(value, str) and value == name

    def look(frame, event, argument):
        if event == "call" and frame.f_code.co_filename.startswith(str(package)):
            count = frame.f_code.co_argcount + frame.f_code.co_kwonlyargcount
            for key in frame.f_code.co_varnames[:count]:
                value = frame.f_locals.get(key)
                if value is not METRICS and holds(value):
                    seen.add(str(Path(frame.f_code.co_filename).relative_to(package)))

    sys.setprofile(look)
    try:
        assert main(words) == 0
    finally:
        sys.setprofile(None)
    # Words of a call that are handed on unread.
    return seen - {"cli/__init__.py", "cli/options.py"}


def test_a_name_passes_at_most_six_files(tmp_path, monkeypatch):
    for folder, level in (("real", 0), ("fake", 9)):
        (tmp_path / folder).mkdir()
        for index in range(3):
            picture = np.full((32, 32, 3), 50 * index + level, np.uint8)
            Image.fromarray(picture).save(tmp_path / folder / f"{index}.png")
    monkeypatch.setenv("GANIME_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    folders = ["--real", "real", "--fake", "fake", "--paired"]
    monkeypatch.setattr(inference, "load", lambda *_: Generator(1))
    model = ["greys", "--data", "toy:4", "--image-size", "32"]
    for name, words in (("ssim", folders), ("fd_random", folders), ("fd_random", model)):
        files = _files_that_a_name_passes(name, ["evaluate", *words, "--metrics", name])
        assert "metrics/evaluator.py" in files
        assert len(files) <= 6, (name, sorted(files))
