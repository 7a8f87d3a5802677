"""Pictures through StyleAnime by label maps from files, folders and parsers."""

import numpy as np
import pytest
from PIL import Image

from ganime_tf.cli import main
from ganime_tf.inference.load import load, save_model_as_run
from ganime_tf.inference.maps import MapSource
from ganime_tf.models.parsing import ParsingBiSeNet
from ganime_tf.models.styleanime import PRESETS, StyleAnime
from ganime_tf.models.uses import needs_map

_TINY = {"image_size": 16, "load_size": 16, "channel_base": 64, "channel_max": 8, "style_size": 8,
         "latent_size": 8, "mapping_layers": 2, "filters": 4, "bank_size": 40,
         "appearance_codes": 2}  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    model = StyleAnime(PRESETS["styleanime-tiny"], **_TINY, name="styleanime")
    model.fill_bank()
    save_model_as_run(model, "made", tmp_path_factory.mktemp("runs") / "portraits")
    return tmp_path_factory.getbasetemp() / "runs0" / "portraits"


@pytest.fixture
def pictures(tmp_path):
    random = np.random.default_rng(0)
    (tmp_path / "in").mkdir()
    (tmp_path / "maps").mkdir()
    for name in ("one", "two"):
        picture = random.integers(0, 256, (20, 24, 3), np.uint8)
        Image.fromarray(picture).save(tmp_path / "in" / f"{name}.png")
    labels = np.repeat(np.repeat(random.integers(0, 17, (5, 6), np.uint8), 8, 0), 8, 1)
    Image.fromarray(labels).save(tmp_path / "maps" / "one.png")
    return tmp_path


def _translate(run, pictures, *flags, out="out"):
    flags = ["--model", str(run), "-o", str(pictures / out), *flags]
    return main(["translate", str(pictures / "in"), *flags])


def _read(path):
    return np.asarray(Image.open(path))


def test_an_edited_map_changes_the_drawing_and_a_missing_one_skips_the_picture(
    run, pictures, capsys
):
    assert _translate(run, pictures, "--parsing", str(pictures / "maps")) == 1
    assert "no label map" in capsys.readouterr().out
    drawn = _read(pictures / "out/one.png")
    assert drawn.shape == (20, 24, 3)
    labels = np.array(_read(pictures / "maps/one.png"))
    model = load(run)
    picture = _read(pictures / "in/one.png")
    small = np.asarray(Image.fromarray(labels).resize((24, 20), Image.Resampling.NEAREST))
    np.testing.assert_array_equal(drawn, model.run(image=picture, parsing=small))
    edited = (labels + 5) % 17
    Image.fromarray(edited).save(pictures / "edited.png")
    assert _translate(run, pictures, "--parsing", str(pictures / "edited.png"), out="new") == 0
    assert (_read(pictures / "new/one.png") != drawn).any()
    assert (pictures / "new/two.png").exists()


def test_a_parser_makes_the_maps_and_it_is_said(run, pictures, caplog, monkeypatch):
    parser = ParsingBiSeNet.presets["parsing-bisenet-tiny"]
    save_model_as_run(ParsingBiSeNet(parser, name="parsing-bisenet"), "made", pictures / "parser")
    assert _translate(run, pictures, "--parser", str(pictures / "parser")) == 0
    assert any("the maps are made by" in record.message for record in caplog.records)
    model = load(run)
    assert needs_map(model)
    found = MapSource(model, parser=pictures / "parser")(None, _read(pictures / "in/one.png"))
    assert found.shape == (20, 24) and found.max() < 17
    monkeypatch.setenv("GANIME_WEIGHTS", str(pictures))
    monkeypatch.setenv("GANIME_CACHE", str(pictures))
    with pytest.raises(ValueError, match="--parsing FILE_OR_FOLDER, or --parser"):
        MapSource(model)
    with pytest.raises(ValueError, match="not both"):
        MapSource(model, pictures, pictures)


def test_maps_of_another_class_list_are_renumbered(run, pictures):
    labels = np.full((4, 4), 13, np.uint8)  # hair in CelebAMask-HQ
    Image.fromarray(labels).save(pictures / "hair.png")
    source = MapSource(load(run), pictures / "hair.png", classes="celebamask")
    assert (source(None, np.zeros((8, 8, 3), np.uint8)) == 15).all()
