"""`ganime sample` and `ganime project`: files, tables and scores of a generator of seeds."""

import json

import keras
import numpy as np
import pytest
from PIL import Image

from ganime_tf.cli import main
from ganime_tf.inference import load
from ganime_tf.models.stylegan2 import PRESETS, StyleGAN2


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with `g.keras`, a generator of 16 px, and `t.png`, a picture of another size."""
    keras.utils.set_random_seed(0)
    sizes = {"image_size": 16, "load_size": 16, "channel_base": 128, "channel_max": 8,
             "latent_size": 8, "style_size": 8, "mapping_layers": 2}  # fmt: skip
    model = StyleGAN2(PRESETS["stylegan2-tiny"], **sizes)
    model.compile()
    folder = tmp_path_factory.mktemp("sample")
    model.save(folder / "g.keras")
    Image.fromarray(model.sample([9])[0]).resize((40, 32)).save(folder / "t.png")
    return folder


def test_sample_writes_pictures_strips_and_mixtures(place, capsys):
    out = place / "out"
    flags = ["--seeds", "2,4-5", "--steps", "5", "--mix", "7", "--mix-layers", "0-1"]
    assert main(["sample", str(place / "g.keras"), "-o", str(out), *flags]) == 0
    assert {path.name for path in out.iterdir()} == {
        "seed000002.png", "seed000004.png", "seed000005.png", "grid.png", "strips.png", "mix.png",
    }  # fmt: skip
    drawn = np.asarray(Image.open(out / "seed000004.png"))
    expected = load(place / "g.keras").sample([4], truncation=0.7)[0]
    np.testing.assert_array_equal(drawn, expected)
    assert "2 path(s) of 5 pictures" in capsys.readouterr().out


def test_project_finds_a_latent_that_sample_draws(place, capsys):
    out = place / "found"
    flags = ["--model", str(place / "g.keras"), "-o", str(out)]
    flags += ["--steps", "40", "--features", "random", "--space", "w+", "--learning-rate", "0.05"]
    assert main(["project", str(place / "t.png"), *flags]) == 0
    assert {"t.npz", "t.png", "t_progress.png", "grid.png"} <= {p.name for p in out.iterdir()}
    with np.load(out / "t.npz") as held:
        distances, latent = held["distances"], held["latent"]
    assert distances[-1] < 0.7 * distances[0] and latent.size > 8
    assert np.asarray(Image.open(out / "t.png")).shape == (16, 16, 3)
    capsys.readouterr()
    again = place / "again"
    flags = ["--latents", str(out / "t.npz"), "-o", str(again)]
    assert main(["sample", str(place / "g.keras"), *flags]) == 0
    drawn = np.asarray(Image.open(again / "t.png")).astype(int)
    expected = load(place / "g.keras").run("from_style", style=latent[None])[0]
    np.testing.assert_array_equal(drawn, expected)


def test_samples_are_scored_without_files(place, capsys):
    report = place / "scores.json"
    flags = ["--data", "toy:20", "--metrics", "fd_random", "--path-length", "4"]
    flags += ["--features", "random", "--json", str(report)]
    assert main(["sample", str(place / "g.keras"), *flags]) == 0
    found = json.loads(report.read_text())
    assert found["scores"]["fd_random"] > 0 and found["path_length"]["value"] > 0
    assert "fd_random" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "Give a folder"),
        (["--data", "toy:20", "--metrics", "ssim"], "Samples have no partners"),
        (["-o", "x", "--mix", "3", "--mix-layers", "9"], "Layers are 0 to"),
        (["-o", "x", "--mix-layers", "a"], "`--mix-layers` takes numbers"),
    ],
)
def test_wrong_calls_are_refused_in_one_line(place, flags, message, capsys, monkeypatch):
    monkeypatch.chdir(place)
    assert main(["sample", "g.keras", *flags]) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert message in error
