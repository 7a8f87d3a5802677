"""A finished run of 0.1.0: used as it is, trained on elsewhere, refused in its own directory."""

import tarfile
from pathlib import Path

import numpy as np
import pytest

from ganime_tf.cli import main
from ganime_tf.inference.load import load

ARCHIVE = Path(__file__).parents[1] / "golden" / "run_0_1_0.tar.xz"
TRAIN = ["train", "pix2pix", "--preset", "pix2pix-tiny", "--data", "toy:8", "--filters", "2"]
TRAIN += ["--image-size", "32", "--load-size", "36", "--batch-size", "2", "--no-export"]
TRAIN += ["--num-validation", "2"]


@pytest.fixture
def old_run(tmp_path):
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path / "run"


def test_it_translates_as_it_did(old_run):
    expected = np.load(old_run / "expected.npz")
    image = load(old_run).translate(expected["picture"])
    assert np.abs(image.astype(int) - expected["image"].astype(int)).max() <= 1


@pytest.mark.parametrize("override", [[], ["--override"]])
def test_training_in_it_says_what_to_do(old_run, capsys, override):
    assert main([*TRAIN, "--steps", "4", "--run-dir", str(old_run), *override]) == 2
    said = capsys.readouterr().err
    assert f"--from {old_run} --run-dir NEW" in said, said
    assert "written by ganime_tf 0.1.0" in said


def test_training_starts_from_it_elsewhere(old_run, tmp_path):
    expected = np.load(old_run / "expected.npz")
    new = tmp_path / "new"
    # One step so small that it changes no pixel: what is seen are the weights it started from.
    call = [*TRAIN, "--steps", "1", "--run-dir", str(new), "--from", str(old_run)]
    assert main([*call, "--learning-rate", "1e-9"]) == 0
    image = load(new).translate(expected["picture"])
    assert np.abs(image.astype(int) - expected["image"].astype(int)).max() <= 1
