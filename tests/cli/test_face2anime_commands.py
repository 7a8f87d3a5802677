"""Face2Anime and XGAN from the command line: train, borrow a classifier, translate both ways."""

import dataclasses
import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganime_tf.cli import main
from ganime_tf.configs import TrainableConfig
from ganime_tf.inference import load
from ganime_tf.models import get_preset
from ganime_tf.training.sweep import parse_grid

PAGE = Path(__file__).parents[2] / "docs/models/face2anime.md"


def _train(model, run_dir, *flags, steps=2):
    command = ["train", model, "--preset", f"{model}-tiny", "--data", "toy:8", "--no-export"]
    command += ["--steps", str(steps), "--num-validation", "2", "--num-samples", "2"]
    return main([*command, "--batch-size", "2", "--run-dir", str(run_dir), *flags])


def _translate_both_ways(run_dir, tmp_path):
    picture = np.random.default_rng(0).integers(0, 256, (37, 42, 3), np.uint8)
    Image.fromarray(picture).save(tmp_path / "face.png")
    results = []
    for use in ("default", "reverse"):
        out = tmp_path / use
        command = ["translate", str(tmp_path / "face.png"), "--model", str(run_dir)]
        assert main([*command, "--use", use, "-o", str(out)]) == 0
        results.append(np.asarray(Image.open(out / "face.png")))
        assert results[-1].shape == picture.shape
    assert np.abs(results[0].astype(int) - results[1]).max() > 0  # two generators
    return picture, results


def test_xgan_trains_and_translates_both_ways(tmp_path):
    assert _train("xgan", tmp_path / "run") == 0
    rows = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    assert {"g_semantic", "g_reconstruction", "d_domain", "val_ssim"} <= set(rows[-1])
    _translate_both_ways(tmp_path / "run", tmp_path)


def test_face2anime_borrows_the_classifier_that_the_package_trained(tmp_path, capsys):
    flags = ["--filters", "4", "6"]
    assert _train("anime-classifier", tmp_path / "classifier", *flags, steps=3) == 0
    own = ["--perceptual", "anime-classifier", "--perceptual-layers", "level2"]
    own += ["--classifier-filters", "4", "6", "--identity-weight", "0"]
    own += ["--domain-weight", "0", "--semantic-weight", "0"]
    capsys.readouterr()
    assert _train("face2anime", tmp_path / "without", *own) == 2
    errors = capsys.readouterr().err
    assert "needs the network 'recognizer' of a trained anime-classifier" in errors
    assert "--from" in errors and "Traceback" not in errors

    assert _train("face2anime", tmp_path / "run", *own, "--from", str(tmp_path / "classifier")) == 0
    model, classifier = load(tmp_path / "run"), load(tmp_path / "classifier")
    pairs = zip(model.recognizer.weights, classifier.recognizer.weights, strict=True)
    for mine, theirs in pairs:  # frozen: batch norm's statistics too
        np.testing.assert_array_equal(np.array(mine), np.array(theirs), err_msg=mine.path)
    picture, (there, back) = _translate_both_ways(tmp_path / "run", tmp_path)
    np.testing.assert_array_equal(there, model.translate(picture))
    np.testing.assert_array_equal(back, model.run("reverse", image=picture))


def test_the_pages_ablation_is_a_sweep_of_every_term_and_every_judge():
    grids = []
    for command in re.findall(r"^ganime sweep (face2anime (?:.*\\\n)*.*)", PAGE.read_text(), re.M):
        words = shlex.split(command.replace("\\\n", " "))
        texts = [words[index + 1] for index, word in enumerate(words) if word == "--grid"]
        preset = get_preset("face2anime", words[words.index("--preset") + 1])
        grids.append([dataclasses.replace(preset, **row) for row in parse_grid(texts, preset)])
    terms, judges = grids
    weights = ("semantic_weight", "domain_weight", "perceptual_weight")
    assert len({tuple(bool(getattr(row, weight)) for weight in weights) for row in terms}) == 8
    assert [row.adversarial for row in judges] == ["lsgan", "bce", "wgan-gp", "wgan-clip"]


@pytest.mark.parametrize("model", ["face2anime", "xgan", "anime-classifier"])
def test_every_field_has_its_reason_on_the_page(model):
    """What the papers leave open is a field, and every field is named on the model's page."""
    page = (PAGE.parent / f"{model}.md").read_text()
    fields = vars(get_preset(model)).keys() - vars(TrainableConfig()).keys()
    missing = sorted(field for field in fields if f"`{field}`" not in page)
    assert not missing, f"{model}.md does not name {missing}"
