"""A sweep: every combination, trained alike, ranked, and resumed without training again."""

import json

import numpy as np
import pytest
from PIL import Image

from ganime_tf.cli import main
from ganime_tf.models import get_preset
from ganime_tf.training.sweep import parse_grid


def test_grid_is_every_combination_with_the_fields_types():
    config = get_preset("ugatit", "ugatit-tiny")
    grid = parse_grid(["cycle-weight=5,10", "light=true,false", "variant=torch,tf1"], config)
    assert len(grid) == 8
    assert grid[0] == {"cycle_weight": 5.0, "light": True, "variant": "torch"}
    assert grid[-1] == {"cycle_weight": 10.0, "light": False, "variant": "tf1"}


@pytest.mark.parametrize(
    ("texts", "match"),
    [
        ([], "Nothing to sweep"),
        (["cycel_weight=1"], "no field 'cycel_weight'"),
        (["cycle_weight=a"], "cannot be 'a'"),
        (["variant=jax"], "cannot be 'jax'"),
        (["light=maybe"], "cannot be 'maybe'"),
        (["cycle_weight=1", "cycle_weight=2"], "once"),
        (["cycle_weight=1,1"], "repeated"),
    ],
)
def test_wrong_grids_are_refused(texts, match):
    with pytest.raises(ValueError, match=match):
        parse_grid(texts, get_preset("ugatit", "ugatit-tiny"))


def test_a_sweep_ranks_and_resumes(tmp_path, capsys):
    command = ["sweep", "pix2pix", "--preset", "pix2pix-tiny", "--data", "toy:16", "--steps", "2"]
    command += ["--grid", "l1_weight=1,100", "--metric", "g_l1", "--num-pictures", "2"]
    command += ["--run-dir", str(tmp_path)]
    assert main(command) == 0
    report = json.loads((tmp_path / "sweep.json").read_text())
    values = [row["g_l1"] for row in report["rows"]]
    assert len(values) == 2 and values == sorted(values) and values[0] < values[1]
    assert "| rank | l1_weight | g_l1 |" in (tmp_path / "sweep.md").read_text()
    assert np.asarray(Image.open(tmp_path / "sweep.png")).ndim == 3
    log = tmp_path / report["rows"][0]["name"] / "seed0/metrics.jsonl"
    before = log.read_text()
    assert main(command) == 0
    assert log.read_text() == before
    assert f"Best of 2: {report['rows'][0]['name']}" in capsys.readouterr().out


def test_models_are_compared_over_seeds(tmp_path):
    presets = ["pix2pix-tiny", "cyclegan-tiny"]
    command = ["sweep", "pix2pix", "cyclegan", "--preset", *presets, "--data", "toy-sketch:8"]
    command += ["--steps", "1", "--seeds", "0-1", "--num-pictures", "2", "--run-dir"]
    assert main([*command, str(tmp_path)]) == 0
    report = json.loads((tmp_path / "sweep.json").read_text())
    assert report["metric"] == "val_ssim" and report["maximize"] and report["seeds"] == [0, 1]
    assert {row["name"] for row in report["rows"]} == {f"preset={name}" for name in presets}
    for row in report["rows"]:
        both = [row["runs"][seed]["val_ssim"] for seed in "01"]
        assert both[0] != both[1] and row["val_ssim"] == pytest.approx(np.mean(both))
        assert row["val_ssim_over_seeds"] == pytest.approx(np.std(both, ddof=1))
    assert report["rows"][0]["val_ssim"] > report["rows"][1]["val_ssim"]
    assert (tmp_path / "sweep.md").read_text().count(" ± ") >= 2 * 4
    for name in presets:
        config = json.loads((tmp_path / f"preset={name}/seed1/config.json").read_text())
        assert config["run"]["seed"] == 1 and config["model"] == name.removesuffix("-tiny")


def test_what_a_run_would_refuse_is_refused_before_the_first(tmp_path, capsys):
    command = ["sweep", "pix2pix", "--preset", "pix2pix-tiny", "--data", "toy:16", "--steps", "2"]
    command += ["--run-dir", str(tmp_path), "--grid"]
    for words, message in (
        (["l1_weight=1,2", "--metric", "val_sim"], "Did you mean 'val_ssim'?"),
        (["image_size=64,67"], "image_size"),
        (["l1_weight=1,2", "--seeds", "1,1"], "must differ"),
    ):
        assert main([*command, *words]) == 2
        assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
