"""`ganime evaluate MODEL`: a run is scored on what it knows about its data, whole, by its own way.

The models are planted: what they give is known, so that the right number is too.
"""

import json
import types

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from ganime_tf import inference
from ganime_tf.cli import main
from ganime_tf.data import open_data
from ganime_tf.models.uses import Runner, Use
from ganime_tf.ops.images import to_uint8
from ganime_tf.runs import RunDir


@pytest.fixture(autouse=True)
def _no_downloads(monkeypatch, tmp_path):
    monkeypatch.setenv("GANIME_OFFLINE", "1")
    monkeypatch.setenv("GANIME_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("GANIME_WEIGHTS", raising=False)
    monkeypatch.chdir(tmp_path)


class Painter(Runner):
    """Paints every picture in one grey."""

    data_kind, name = "paired", "painter"

    def __init__(self, level=0):
        self.level = level

    def uses(self):
        return {"default": Use(None, ("image",))}

    def evaluate_batch(self, batch, first=0):
        a, b = (to_uint8(batch[key]).numpy() for key in ("a", "b"))
        return {"real": b, "fake": np.full_like(b, self.level), "source": a}


@pytest.fixture
def plant(monkeypatch, tmp_path):
    """`plant(model, **run)`: makes `run` a run directory of that model; gives its path."""

    def make(model, image_size=16, listing_hash="", **run):
        folder = RunDir(tmp_path / "run")
        folder.write(
            {
                "model": model.name,
                "config": {"image_size": image_size},
                "run": {"precision": "float32", **run},
                "data": {"listing_hash": listing_hash},
            }
        )
        monkeypatch.setattr(inference, "load", lambda *_, **__: model)
        return str(folder.path)

    return make


@pytest.fixture
def black_white(tmp_path):
    """20 side-by-side pictures of different names, left black, right white."""
    (tmp_path / "pairs").mkdir()
    picture = np.concatenate([np.zeros((16, 16, 3)), np.full((16, 16, 3), 255)], 1)
    for index in range(20):
        Image.fromarray(picture.astype(np.uint8)).save(tmp_path / f"pairs/p{index}.png")
    return str(tmp_path / "pairs")


def evaluated(*words) -> dict:
    """The JSON report of a call."""
    assert main(["evaluate", *map(str, words), "--json", "report.json"]) == 0
    with open("report.json") as file:
        return json.load(file)


def score(report, name):
    return report["scores"][name]["value"]


def test_the_direction_of_a_run_is_that_of_its_evaluation(plant, black_white):
    run = plant(Painter(0), data=black_white, direction="ba")  # the truth is the black half
    assert score(evaluated(run, "--metrics", "l1"), "l1") == 0.0
    assert score(evaluated(run, "--metrics", "l1", "--direction", "ab"), "l1") == 1.0


def test_size_and_way_of_preparing_are_those_of_the_run(plant, tmp_path):
    (tmp_path / "tall").mkdir()
    band = np.zeros((32, 16, 3), np.uint8)  # a white band in the middle, black above and below
    band[8:24] = 255
    for index in range(3):
        Image.fromarray(np.concatenate([band, band], 1)).save(tmp_path / f"tall/{index}.png")
    given = ["--data", tmp_path / "tall", "--metrics", "l1"]
    run = plant(Painter(255), data="path=elsewhere,aspect=crop", direction="ab", image_size=16)
    report = evaluated(run, *given)
    assert score(report, "l1") == 0.0 and report["resolution"] == "16x16"
    plain = plant(Painter(255), data="elsewhere", direction="ab", image_size=24)
    report = evaluated(plain, *given)
    assert score(report, "l1") == pytest.approx(0.5, abs=0.05)
    assert report["resolution"] == "24x24"
    report = evaluated(plain, *given, "--image-size", "32")
    assert report["resolution"] == "32x32"
    said = ["--data", f"path={tmp_path}/tall,aspect=stretch", "--metrics", "l1"]
    assert score(evaluated(run, *said), "l1") > 0.4  # what is said counts


def test_a_set_of_its_own_is_scored_whole(plant, black_white, capsys):
    run = plant(Painter(), data="toy:8", direction="ab")
    report = evaluated(run, "--data", black_white, "--metrics", "l1")
    assert report["scores"]["l1"]["n"] == 20
    assert "Scored 20 of 20 pictures" in capsys.readouterr().out
    report = evaluated(run, "--data", black_white, "--metrics", "l1", "--limit", "3")
    assert report["scores"]["l1"]["n"] == 3 and report["context"]["of"] == 20
    assert "Scored 3 of 20 pictures" in capsys.readouterr().out


def test_a_folder_that_holds_only_a_test_part_is_scored_whole(plant, black_white, tmp_path):
    (tmp_path / "root").mkdir()
    (tmp_path / "root/test").symlink_to(black_white, target_is_directory=True)
    run = plant(Painter(), data="toy:8", direction="ab")
    report = evaluated(run, "--data", tmp_path / "root", "--metrics", "l1")
    assert report["scores"]["l1"]["n"] == 20


def test_the_parts_of_a_runs_own_data_are_told_apart(plant, black_white, capsys):
    source = open_data(black_white, direction="ab")
    own = {"data": black_white, "direction": "ab", "listing_hash": source.listing_hash}
    run, names = plant(Painter(), **own), {}
    for split in ("auto", "validation", "train", "all"):
        report = evaluated(run, "--split", split, "--metrics", "l1", "--csv", "rows.csv")
        rows = open("rows.csv").read().splitlines()[1:]
        names[split] = {row.partition(",")[0] for row in rows}
        assert report["context"]["of"] == len(rows)
    assert names["auto"] == names["validation"] and 0 < len(names["validation"]) < 20
    assert not names["train"] & names["validation"]
    assert names["train"] | names["validation"] == names["all"] and len(names["all"]) == 20
    # The same set by another name is still the one that was trained on.
    report = evaluated(run, "--data", f"{black_white}/../pairs", "--metrics", "l1")
    assert report["scores"]["l1"]["n"] == len(names["validation"])


def test_data_that_changed_or_went_away_is_said(plant, black_white, caplog, tmp_path):
    import logging

    logging.getLogger("ganime_tf").propagate = True
    run = plant(Painter(), data=black_white, direction="ab", listing_hash="of other names")
    evaluated(run, "--metrics", "l1")
    assert "has changed since" in caplog.text
    run = plant(Painter(), data=str(tmp_path / "gone"), direction="ab")
    assert main(["evaluate", run, "--metrics", "l1"]) == 2


def test_a_model_that_knows_no_data_asks_for_it(plant, capsys, tmp_path):
    plant(Painter())
    (tmp_path / "run" / "config.json").unlink()
    assert main(["evaluate", "run", "--metrics", "l1"]) == 2
    assert "--data" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--metrics", "miou"], "painter gives pictures, no classes"),
        (["--metrics", "ppl2_wend"], "needs a generator of seeds"),
        (["--metrics", "l1", "--real", "x"], "--real: only for folders"),
        (["--metrics", "l1", "--paired", "--real-suffix", "x"], "--paired, --real-suffix: only"),
        (["--metrics", "fd_random", "--csv", "x"], "--csv needs a metric with a value a picture"),
        (["--metrics", "l1", "--worst", "1", "--worst-by", "ssim"], "--worst-by ssim"),
    ],
)
def test_wrong_calls_are_refused_in_a_line(plant, black_white, capsys, words, reason):
    run = plant(Painter(), data=black_white, direction="ab")
    assert main(["evaluate", run, *words]) == 2
    found = capsys.readouterr()
    assert reason in found.err and found.err.count("\n") == 1 and not found.out


def test_options_of_models_are_refused_for_folders(capsys):
    assert main("evaluate --real a --fake b --split all --samples 3".split()) == 2
    assert "--split, --samples: only for a model" in capsys.readouterr().err


# Generators of seeds.


class Dots(Runner):
    """Pictures that are their style: one grey a seed."""

    data_kind, name = "pictures", "dots"

    def __init__(self):
        self.asked = []

    def uses(self):
        return {
            "default": Use(None, ("seed", "truncation"), defaults={"truncation": 1.0}),
            "from_style": Use(self._paint, ("style", "truncation"), defaults={"truncation": 1.0}),
            "style_of": Use(None, ("seed",), "style"),
        }

    def _paint(self, style, truncation):
        style = np.asarray(style, np.float32) * truncation
        return np.broadcast_to(style[:, None, None, :1], (len(style), 32, 32, 3)).astype(np.float32)

    def call_use(self, name, tensors):
        style = (np.asarray(tensors["seed"]) % 17)[:, None] / np.float32(17)
        if name == "style_of":
            return style
        self.asked += list(tensors["seed"])
        return to_uint8(self._paint(style, tensors["truncation"][0])).numpy()


@pytest.fixture
def dots(plant):
    return plant(Dots(), data="toy:12", image_size=32)


def test_a_generator_is_scored_by_its_seeds_without_files(plant, tmp_path, capsys):
    model = Dots()
    run = plant(model, data="toy:12", image_size=32)
    before = {str(path) for path in tmp_path.rglob("*")}
    call = [run, "--metrics", "fd_random", "--batch-size", "4"]
    report = evaluated(*call, "--samples", "10", "--first-seed", "5", "--truncation", "0.5")
    assert model.asked == list(range(5, 15)) and report["scores"]["fd_random"]["n"] == 10
    assert report["context"]["seeds"] == "5 to 14" and report["context"]["truncation"] == 0.5
    assert "Drew 10 pictures of the seeds 5 to 14, truncation 0.5." in capsys.readouterr().out
    assert {str(p) for p in tmp_path.rglob("*")} - before == {str(tmp_path / "report.json")}
    again = evaluated(*call, "--samples", "10", "--first-seed", "5", "--truncation", "0.5")
    assert score(again, "fd_random") == score(report, "fd_random")
    for change in (["--first-seed", "6"], ["--truncation", "1"]):
        other = evaluated(*call, "--samples", "10", "--first-seed", "5", *change)
        assert score(other, "fd_random") != score(report, "fd_random")
    model.asked.clear()
    report = evaluated(*call)
    assert model.asked == list(range(report["context"]["pictures"]))  # as many as there are


def test_a_trained_generator_is_scored_by_the_same_command(tmp_path, monkeypatch):
    from helpers import tiny

    from ganime_tf.inference.load import save_model_as_run

    save_model_as_run(tiny("stylegan2", "stylegan2-tiny"), "made here", tmp_path / "gan")
    call = ["gan", "--data", "toy:8", "--metrics", "fd_random", "--samples", "6"]
    first, second = evaluated(*call), evaluated(*call, "--first-seed", "6")
    assert first["scores"]["fd_random"]["n"] == 6 and first["resolution"] == "32x32"
    assert score(first, "fd_random") != score(second, "fd_random")


def test_path_length_is_that_of_a_generator_that_is_known(dots, monkeypatch):
    from ganime_tf.metrics import paths

    lpips = types.SimpleNamespace(
        note="", distance=lambda a, b: ((a - b) ** 2).numpy().mean((1, 2, 3))
    )
    monkeypatch.setattr(paths, "load_lpips", lambda network: lpips)
    report = evaluated(dots, "--metrics", "ppl2_wend", "--samples", "40")
    seeds = np.arange(40)
    lengths = (((seeds + 2**31) % 17 - seeds % 17) / 17.0) ** 2  # the picture is the style
    kept = np.sort(lengths)  # 1st and 99th percentile of 40 are its ends
    assert score(report, "ppl2_wend") == pytest.approx(kept.mean(), rel=5e-3)
    assert report["scores"]["ppl2_wend"]["n"] == 40


def test_pairs_are_not_asked_of_samples(dots, capsys):
    assert main(["evaluate", dots, "--metrics", "ssim"]) == 2
    assert "samples of seeds have no truth" in capsys.readouterr().err


# Segmenters.


class Halves(Runner):
    """Class 1 on the left half of every picture: an export, which has no batches."""

    data_kind, name = "parsing", "halves"

    def uses(self):
        return {"default": Use(None, ("image",), "classes")}

    def call_use(self, name, tensors):
        n, h, w, _ = tensors["image"].shape
        return np.broadcast_to(np.arange(w) < w // 2, (n, h, w)).astype(np.uint8)


def test_a_segmenter_is_scored_by_overlap_over_all_pixels(plant, tmp_path, capsys):
    (tmp_path / "faces/images").mkdir(parents=True), (tmp_path / "faces/labels").mkdir()
    for index, edge in enumerate((8, 12)):  # the truth: class 1 left of the edge
        Image.fromarray(np.zeros((16, 16, 3), np.uint8)).save(
            tmp_path / f"faces/images/{index}.png"
        )
        truth = np.broadcast_to(np.arange(16) < edge, (16, 16)).astype(np.uint8)
        Image.fromarray(truth).save(tmp_path / f"faces/labels/{index}.png")
    run = plant(Halves(), data="toy:8")
    words = ["--csv", "rows.csv", "--worst", "1", "--batch-size", "1"]
    report = evaluated(run, "--data", tmp_path / "faces", *words)
    assert report["scores"]["miou"]["n"] == 2
    # Of 16 columns each: class 1 is found in 8 + 8, true in 8 + 12; class 0 in 8 + 8 and 8 + 4.
    assert score(report, "miou") == pytest.approx((16 / 20 + 12 / 16) / 2)
    assert score(report, "pixel_accuracy") == pytest.approx(28 / 32)
    rows = [line.split(",") for line in open("rows.csv").read().splitlines()[1:]]
    assert [(name, float(value)) for name, value in rows] == [("0.png", 1.0), ("1.png", 0.75)]
    assert "Drew the 1 worst by pixel_accuracy" in capsys.readouterr().out
    named = {row["name"]: row["iou"] for row in report["context"]["classes"][:2]}
    assert named == {"background": pytest.approx(12 / 16), "skin": pytest.approx(16 / 20)}
    assert main(["evaluate", run, "--data", str(tmp_path / "faces"), "--metrics", "ssim"]) == 2


def test_a_trained_parser_is_scored_by_the_same_command(tmp_path):
    from helpers import tiny

    from ganime_tf.inference.load import save_model_as_run

    model = tiny("parsing-bisenet", "parsing-bisenet-tiny")
    save_model_as_run(model, "made here", tmp_path / "parser")
    report = evaluated("parser", "--data", "toy:6")
    size = model.config.image_size
    batch = next(iter(open_data("toy:6", "parsing").validation(batch_size=9, image_size=size)))
    found, truth = model.parse(to_uint8(batch["b"]).numpy()), batch["parsing"].numpy()
    overlaps = [
        ((found == c) & (truth == c)).sum() / ((found == c) | (truth == c)).sum()
        for c in np.union1d(found, truth)
    ]
    assert score(report, "miou") == pytest.approx(np.mean(overlaps))
    assert score(report, "pixel_accuracy") == pytest.approx((found == truth).mean())


def test_every_field_of_the_runs_data_settings_is_read(plant, monkeypatch):
    """The seed of the toy world too: scenes of another seed are other pictures."""
    found = {}
    for seed in (0, 3):
        run = plant(Painter(), data="toy:6", direction="auto", seed=seed, image_size=32)
        found[seed] = score(evaluated(run, "--metrics", "l1"), "l1")
    assert found[0] != found[3]


def test_compare_takes_the_first_runs_own_data(plant, black_white, capsys):
    run = plant(Painter(0), data=black_white, direction="ba")
    Painter.translate = lambda self, images: np.full_like(images, self.level)
    try:
        assert main(["compare", run, "-o", "out", "--metrics", "l1", "--split", "all"]) == 0
    finally:
        del Painter.translate
    found = json.loads(open("out/comparison.json").read())["run"]["scores"]["l1"]
    assert found["value"] == 0.0 and found["n"] == 20
    assert "direction ba" in capsys.readouterr().out


def test_a_model_that_can_write_is_scored_when_it_is_trusted(tmp_path, black_white, capsys):
    class White(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((None, None, None, 3), tf.uint8, name="image")])
        def paint(self, image):
            tf.io.write_file(str(tmp_path / "mark"), "written")
            return {"image": tf.fill(tf.shape(image), tf.constant(255, tf.uint8))}

    made = White()
    tf.saved_model.save(made, str(tmp_path / "model"), {"serving_default": made.paint})
    given = [str(tmp_path / "model"), "--data", black_white, "--image-size", "16"]
    given += ["--metrics", "l1", "--split", "all", "--direction", "ab"]
    assert main(["evaluate", *given]) == 2
    assert "WriteFile" in capsys.readouterr().err and not (tmp_path / "mark").exists()
    assert score(evaluated(*given, "--trust"), "l1") == 0.0
    assert (tmp_path / "mark").exists()
