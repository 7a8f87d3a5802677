"""Every option of `ganime evaluate` changes the result, and to the right one.

`EFFECTS` has an entry an option: words without it, words with it, and what follows. A new option
fails here until it has one. Networks are planted: means of patches.
"""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganime_tf import inference
from ganime_tf.cli import main
from ganime_tf.cli.evaluate import Args
from ganime_tf.data.io import read_image
from ganime_tf.metrics import features, lpips
from ganime_tf.metrics.frechet import load_statistics
from ganime_tf.models.uses import Runner, Use
from ganime_tf.ops.images import to_uint8

# The options of models have tests of their own there.
IN_MODELS = {
    "data": "test_a_set_of_its_own_is_scored_whole",
    "split": "test_the_parts_of_a_runs_own_data_are_told_apart",
    "image_size": "test_size_and_way_of_preparing_are_those_of_the_run",
    "direction": "test_the_direction_of_a_run_is_that_of_its_evaluation",
    "limit": "test_a_set_of_its_own_is_scored_whole",
    "samples": "test_a_generator_is_scored_by_its_seeds_without_files",
    "first_seed": "test_a_generator_is_scored_by_its_seeds_without_files",
    "truncation": "test_a_generator_is_scored_by_its_seeds_without_files",
    "trust": "test_a_model_that_can_write_is_scored_when_it_is_trusted",
}


def value(report, name):
    return report["scores"][name]["value"]


def _patches(images):
    images = np.float64(images)
    n, h, w, c = images.shape
    return images.reshape(n, 2, h // 2, 2, w // 2, c).mean((2, 4)).reshape(n, -1) / 255.0


class Level(Runner):
    """Paints everything in a level that its path or its checkpoint names."""

    name, data_kind = "level", "paired"

    def __init__(self, level):
        self.level = level

    def uses(self):
        return {"default": Use(None, ("image",))}

    def evaluate_batch(self, batch, first=0):
        real = to_uint8(batch["b"]).numpy()
        return {"real": real, "fake": np.full_like(real, self.level), "source": real}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Folders: real and close are pairs, far is far, more has one picture more; maps of classes."""
    root, random = tmp_path_factory.mktemp("options"), np.random.default_rng(0)

    def write(folder, name, picture):
        (root / folder).mkdir(exist_ok=True)
        Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).save(
            root / folder / f"{name}.png"
        )

    for index in range(12):
        picture = random.uniform(60, 190, (32, 32, 3))
        write("real", index, picture)
        write("close", index, picture + (index + 1))  # the last is the worst by l1
        noise = random.normal(0, 60, picture.shape)
        write("far", index, picture + noise)
        write("more", index, picture + noise)
        write("one", f"{index}_real_B", picture)
        write("one", f"{index}_fake_B", picture + (index + 1))
        write("one", f"{index}_real_A", picture + noise)
    write("more", "alone", picture)
    truth = random.integers(0, 3, (4, 8, 8))
    for index in range(4):
        write("maps", index, truth[index])
        write("found", index, np.where(truth[index] == 2, 1, truth[index]))
    return root


@pytest.fixture
def seen(world, monkeypatch, tmp_path):
    """What went through the planted network: sizes of batches, and precisions."""
    seen = {"batches": [], "precisions": []}

    def planted(protocol, precision):
        seen["precisions"].append(precision)

        def function(images):
            seen["batches"].append(len(images))
            return _patches(images)

        return features.Extractor(function, 12, "patches", "planted")

    def distance(a, b):
        return np.abs(_patches(a) - _patches(b)).mean(1)

    monkeypatch.setattr(features, "load_extractor", planted)
    monkeypatch.setattr(lpips, "load_lpips", lambda network: distance)
    monkeypatch.setattr(
        inference,
        "load",
        lambda path, which, *_: Level(
            {"last": 0, "best": 255}[which] // (1 + ("half" in path.name))
        ),
    )
    monkeypatch.setenv("GANIME_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(world)
    return seen


PAIRS = "--real real --fake close --paired --metrics l1"
SETS = "--real real --fake far --metrics"
LABELS = "--real maps --fake found --metrics miou pixel_accuracy --num-classes"
MODEL = "model --data toy:4 --image-size 32 --metrics l1"
EFFECTS = {}


def effect(name, before, after):
    """Notes the test of an option: the reports without it and with it."""
    return lambda check: EFFECTS.setdefault(name, (before, after, check))


@effect(
    "seed",
    f"{SETS} kid_clean --kid-subset-size 4",
    f"{SETS} kid_clean --kid-subset-size 4 --seed 1",
)
def _(before, after):
    assert value(before, "kid_clean") != value(after, "kid_clean")
    assert after["context"]["seed"] == 1 and "seed 1" in after["scores"]["kid_clean"]["protocol"]


@effect("resamples", PAIRS, f"{PAIRS} --resamples 0")
def _(before, after):
    assert (
        before["scores"]["l1"]["low"] < value(before, "l1") and after["scores"]["l1"]["low"] is None
    )


@effect("set_resamples", f"{SETS} fd_random", f"{SETS} fd_random --set-resamples 8")
def _(before, after):
    assert before["scores"]["fd_random"]["low"] is None
    assert after["scores"]["fd_random"]["low"] < value(after, "fd_random")


@effect("kid_subsets", f"{SETS} kid_clean --kid-subset-size 4",
        f"{SETS} kid_clean --kid-subset-size 4 --kid-subsets 3")  # fmt: skip
def _(before, after):
    assert "100 subsets of 4" in before["scores"]["kid_clean"]["protocol"]
    assert "3 subsets of 4" in after["scores"]["kid_clean"]["protocol"]
    assert value(before, "kid_clean") != value(after, "kid_clean")


@effect("kid_subset_size", f"{SETS} kid_clean", f"{SETS} kid_clean --kid-subset-size 5")
def _(before, after):
    assert "subsets of 12" in before["scores"]["kid_clean"]["protocol"]
    assert "subsets of 5" in after["scores"]["kid_clean"]["protocol"]
    assert before["scores"]["kid_clean"]["std"] < 1e-9 < after["scores"]["kid_clean"]["std"]


@effect("diversity_pool", f"{SETS} lpips_d_alex", f"{SETS} lpips_d_alex --diversity-pool 4")
def _(before, after):
    assert "(6 pairs" in before["scores"]["lpips_d_alex"]["protocol"]
    assert "(2 pairs" in after["scores"]["lpips_d_alex"]["protocol"]


@effect("batch_size", f"{SETS} fd_random --no-cache", f"{SETS} fd_random --no-cache --batch-size 5")
def _(before, after, seen):
    assert seen["batches"] == [12, 12, 5, 5, 2, 5, 5, 2]
    assert value(before, "fd_random") == pytest.approx(value(after, "fd_random"), rel=1e-9)


@effect("precision", f"{SETS} fd_random", f"{SETS} fd_random --precision bfloat16")
def _(before, after, seen):
    assert seen["precisions"] == ["float32", "bfloat16"]


@effect("model", MODEL, MODEL.replace("model", "half --checkpoint best", 1))
def _(before, after):
    assert value(before, "l1") != value(after, "l1")
    assert (before["context"]["model"], after["context"]["model"]) == ("model", "half")


@effect("checkpoint", MODEL, f"{MODEL} --checkpoint best")
def _(before, after):
    assert value(before, "l1") + value(after, "l1") == pytest.approx(1)  # black, and white


@effect("real", PAIRS, PAIRS.replace("real real", "real far"))
def _(before, after):
    assert value(before, "l1") == pytest.approx(6.5 / 255, abs=1e-3) and value(after, "l1") > 0.1


@effect("fake", PAIRS, PAIRS.replace("close", "far"))
def _(before, after):
    assert value(before, "l1") == pytest.approx(6.5 / 255, abs=1e-3) and value(after, "l1") > 0.1


@effect("paired", "--real real --fake close", "--real real --fake close --paired")
def _(before, after):
    assert list(before["scores"]) == ["fid_clean", "kid_clean"]
    assert list(after["scores"]) == ["ssim", "psnr", "l1"]


@effect("metrics", PAIRS, f"{PAIRS} psnr")
def _(before, after):
    assert list(before["scores"]) == ["l1"] and list(after["scores"]) == ["l1", "psnr"]


@effect("source", "--fake close --metrics lpips_s_alex --source real",
        "--fake close --metrics lpips_s_alex --source far")  # fmt: skip
def _(before, after):
    assert value(before, "lpips_s_alex") == pytest.approx(6.5 / 255, abs=1e-3)
    assert value(after, "lpips_s_alex") != pytest.approx(value(before, "lpips_s_alex"), rel=1e-3)


ONE = "--real one --fake one --paired --metrics l1 --real-suffix {} --fake-suffix {}"


@effect("real_suffix", ONE.format("_real_B", "_fake_B"), ONE.format("_real_A", "_fake_B"))
def _(before, after):
    assert value(before, "l1") == pytest.approx(6.5 / 255, abs=1e-3) and value(after, "l1") > 0.1


@effect("fake_suffix", ONE.format("_real_B", "_fake_B"), ONE.format("_real_B", "_real_A"))
def _(before, after):
    assert value(before, "l1") == pytest.approx(6.5 / 255, abs=1e-3) and value(after, "l1") > 0.1


LPIPS = "--fake one --fake-suffix _fake_B --metrics lpips_s_alex --source one --source-suffix "


@effect("source_suffix", f"{LPIPS} _real_B", f"{LPIPS} _real_A")
def _(before, after):
    assert value(before, "lpips_s_alex") == pytest.approx(6.5 / 255, abs=1e-3)
    assert value(after, "lpips_s_alex") != pytest.approx(value(before, "lpips_s_alex"), rel=1e-3)


@effect("num_classes", f"{LABELS} 3", f"{LABELS} 4")
def _(before, after):
    assert "3 classes" in before["scores"]["miou"]["protocol"]
    assert len(before["context"]["classes"]) == 3 and len(after["context"]["classes"]) == 4
    assert value(before, "miou") == value(after, "miou")  # a class that never occurs


@effect("ignore_label", f"{LABELS} 3", f"{LABELS} 3 --ignore-label 2")
def _(before, after):
    assert value(before, "pixel_accuracy") < 1 and value(after, "pixel_accuracy") == 1


@effect(
    "skip_unmatched",
    PAIRS.replace("close", "more"),
    PAIRS.replace("close", "more --skip-unmatched"),
)
def _(before, after):
    assert before is None and after["scores"]["l1"]["n"] == 12  # refused without


@effect("cache", f"{SETS} fd_random", f"{SETS} fd_random --no-cache")
def _(before, after, seen):
    assert len(list(Path(seen["cache"]).rglob("*.npz"))) == 1
    assert value(before, "fd_random") == pytest.approx(value(after, "fd_random"), rel=1e-5)
    assert seen["batches"] == [12, 12, 12, 12]  # nothing was taken from the cache


@effect("save_statistics", f"{SETS} fid_clean", f"{SETS} fid_clean --save-statistics stats.npz")
def _(before, after):
    assert load_statistics("stats.npz").count in (0, 12) and load_statistics("stats.npz").dim == 12


@effect("json", PAIRS, f"{PAIRS} --json again.json")
def _(before, after):
    assert json.loads(Path("again.json").read_text())["scores"] == before["scores"]


@effect("csv", PAIRS, f"{PAIRS} --csv rows.csv")
def _(before, after):
    rows = Path("rows.csv").read_text().splitlines()
    assert rows[0] == "name,l1" and len(rows) == 13


@effect("worst", PAIRS, f"{PAIRS} --worst 3 --sheet three.png")
def _(before, after, seen):
    assert "Drew the 3 worst by l1" in seen["out"]
    assert 3 * 64 < read_image("three.png").shape[0] < 4 * 64 + 60


@effect("worst_by", f"{PAIRS} psnr --worst 1", f"{PAIRS} psnr --worst 1 --worst-by psnr")
def _(before, after, seen):
    assert "worst by l1" in seen["out"] and "worst by psnr" in seen["out"]


@effect("sheet", f"{PAIRS} --worst 1 --sheet a.png", f"{PAIRS} --worst 1 --sheet b.png")
def _(before, after):
    assert Path("a.png").is_file() and Path("b.png").is_file()


def _report(words, tmp_path, name):
    flags = [] if "--json" in words else ["--json", str(tmp_path / name)]
    if main(["evaluate", *words.split(), *flags]) == 2:
        return None
    path = tmp_path / name if flags else Path("again.json")
    return json.loads(path.read_text())


@pytest.mark.parametrize("name", EFFECTS)
def test_an_option_has_its_effect(name, seen, tmp_path, capsys):
    before, after, check = EFFECTS[name]
    reports = [_report(words, tmp_path, f"{i}.json") for i, words in enumerate((before, after))]
    seen |= {"out": capsys.readouterr().out, "cache": str(tmp_path / "cache")}
    wants_seen = check.__code__.co_argcount == 3
    check(*reports, *([seen] if wants_seen else []))


def test_every_option_has_a_test_of_its_effect():
    names = {field.name for field in dataclasses.fields(Args)}
    assert names == EFFECTS.keys() | IN_MODELS.keys()
    text = Path(__file__).with_name("test_evaluate_models.py").read_text()
    for option, test in IN_MODELS.items():
        body = text.partition(f"def {test}(")[2].partition("\ndef ")[0]
        assert f"--{option.replace('_', '-')}" in body, f"{test} does not use {option}"
