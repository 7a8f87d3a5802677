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
    name = report["rows"][0]["run_dir"]
    log = (tmp_path / name / "metrics.jsonl").read_text()
    assert main(command) == 0
    assert (tmp_path / name / "metrics.jsonl").read_text() == log
    assert "Best of 2 by g_l1" in capsys.readouterr().out
