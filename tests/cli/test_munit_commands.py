"""MUNIT from the command line: train, then translate by seeds and references, both ways."""

import json

import numpy as np
import pytest
from helpers import tiny
from PIL import Image

from ganime_tf.cli import main
from ganime_tf.inference import load


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("munit") / "run"
    command = ["train", "munit", "--preset", "munit-anigan-tiny", "--data", "toy:6", "--no-export"]
    command += ["--steps", "2", "--num-validation", "2", "--num-samples", "2"]
    command += ["--batch-size", "2", "--run-dir", str(folder)]
    assert main(command) == 0
    return folder


def test_training_writes_every_loss(run_dir):
    rows = [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]
    names = {"d_loss", "g_adversarial", "g_image", "g_style", "g_content"}
    assert names <= set(rows[-1])
    assert all(np.isfinite(rows[-1][name]) for name in names)
    config = json.loads((run_dir / "config.json").read_text())
    assert "anigan" in json.dumps(config)


def test_seeds_references_and_directions_change_the_picture(run_dir, tmp_path):
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (37, 42, 3), np.uint8)
    Image.fromarray(picture).save(tmp_path / "face.png")
    # A reference of another size, with transparency.
    Image.fromarray(rng.integers(0, 256, (50, 21, 4), np.uint8), "RGBA").save(tmp_path / "ref.png")

    def translate(name, *flags):
        command = ["translate", str(tmp_path / "face.png"), "--model", str(run_dir), *flags]
        assert main([*command, "-o", str(tmp_path / name)]) == 0
        out = np.asarray(Image.open(tmp_path / name / "face.png"))
        assert out.shape == picture.shape
        return out

    first = translate("first", "--seed", "0")
    outputs = {
        "seed 0": first,
        "seed 1": translate("other", "--seed", "1"),
        "reference": translate("reference", "--reference", str(tmp_path / "ref.png")),
        "reverse": translate("reverse", "--use", "reverse"),
    }
    assert len({output.tobytes() for output in outputs.values()}) == len(outputs)
    model = load(run_dir)
    np.testing.assert_array_equal(first, model.run(image=picture))  # seed 0 is the default
    np.testing.assert_array_equal(outputs["seed 1"], model.run(image=picture, seed=1))
    np.testing.assert_array_equal(outputs["reverse"], model.run("reverse", image=picture, seed=0))


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--use", "with_reference"], "'with_reference' takes image, reference. Received image"),
        (["--seed", "-1"], "`seed` must be in [0, "),
        (["--seed", "1", "--reference", "face.png"], "No use of this model takes"),
    ],
)
def test_wrong_inputs_get_one_clear_line(run_dir, tmp_path, capsys, monkeypatch, flags, message):
    monkeypatch.chdir(tmp_path)
    Image.fromarray(np.zeros((32, 32, 3), np.uint8)).save("face.png")
    assert main(["translate", "face.png", "--model", str(run_dir), "-o", "out", *flags]) != 0
    errors = capsys.readouterr()
    assert message in errors.err + errors.out and "Traceback" not in errors.err


def test_codes_mix_and_those_of_another_length_are_refused():
    model = tiny("munit", "munit-tiny")
    picture, x, y = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), np.uint8)
    one, two = model.run("style_of", reference=np.stack([x, y]))
    mixtures = np.stack([one + share * (two - one) for share in (0.0, 0.5, 1.0)])
    row = model.run(image=np.stack([picture] * 3), style=mixtures)
    assert np.abs(row[0].astype(int) - model.run(image=picture, reference=x)).max() <= 1
    assert np.abs(row[2].astype(int) - model.run(image=picture, reference=y)).max() <= 1
    assert len({each.tobytes() for each in row}) == 3
    with pytest.raises(ValueError, match="style.*4.*3"):
        model.run(image=picture, style=np.zeros(3, np.float32))
