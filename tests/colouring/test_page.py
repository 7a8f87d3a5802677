"""A page from the ink to the layers, and the command."""

import json
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from PIL import Image

from ganime_tf.cli import main
from ganime_tf.colouring.hints import parse_hints
from ganime_tf.colouring.ink import read_page
from ganime_tf.colouring.layers import Layer, write_psd
from ganime_tf.colouring.page import Page
from ganime_tf.toy import render, sample_scene

_HINTS = {
    "points": [
        {"x": 20, "y": 20, "color": "#5090e0"},
        {"x": 250, "y": 270, "color": "#ffe0d0"},
        {"x": 250, "y": 120, "color": "#7040b0"},
    ]
}


@pytest.fixture(scope="module")
def lineart():
    small = render(sample_scene(5, 3), "lineart", 512)
    return np.ascontiguousarray(small)


@pytest.fixture
def folder(tmp_path, lineart):
    Image.fromarray(lineart).save(tmp_path / "page.png")
    (tmp_path / "hints.json").write_text(json.dumps(_HINTS))
    return tmp_path


@pytest.mark.parametrize("flat", [False, True])
def test_hints_are_obeyed_and_ink_is_untouched(lineart, flat):
    page = Page(lineart)
    hints = parse_hints(_HINTS, lineart.shape[:2])
    out = page.colour(hints, flat=flat)
    ink = page.ink.cover == 255
    assert ink.any()
    np.testing.assert_array_equal(out.picture[ink], lineart[ink])
    bare = hints.mask & (page.ink.cover == 0)
    difference = np.abs(out.picture[bare].astype(int) - hints.colours[bare])
    assert difference.max() <= (3 if flat else 0)
    if flat:
        assert len(np.unique(out.colour.reshape(-1, 3), axis=0)) == 3
        regions = out.flats.regions()
        for region in np.unique(regions):
            assert len(np.unique(out.flats.labels[regions == region])) == 1


def test_no_hint_leaves_the_page(lineart):
    out = Page(lineart).colour(parse_hints({}, lineart.shape[:2]))
    np.testing.assert_array_equal(out.picture, lineart)


def test_hints_of_another_size_are_refused(lineart):
    with pytest.raises(ValueError, match="512x512. Received 256x256"):
        Page(lineart).colour(parse_hints({}, (256, 256)))


def test_the_command_writes_pictures_layers_regions_and_a_report(folder):
    out = folder / "out"
    call = ["color", str(folder / "page.png"), "--hints", str(folder / "hints.json"), "-o"]
    call += [str(out), "--flat", "--layers", "ora", "--json", str(folder / "report.json")]
    assert main(call) == 0
    entry = json.loads((folder / "report.json").read_text())["pages"][0]
    assert len(entry["colours"]) == 3 and entry["regions"] >= 3
    regions = np.asarray(Image.open(out / "page-regions.png"))
    assert regions.shape == (512, 512) and regions.max() + 1 == entry["regions"]
    with zipfile.ZipFile(out / "page.ora") as file:
        first = file.infolist()[0]
        assert first.filename == "mimetype" and first.compress_type == zipfile.ZIP_STORED
        assert file.read("mimetype") == b"image/openraster"
        layers = [Image.open(file.open(f"data/layer{k}.png")).convert("RGBA") for k in (1, 0)]
        merged = np.asarray(Image.open(file.open("mergedimage.png")))
    flattened = Image.alpha_composite(*layers).convert("RGB")
    assert np.abs(np.asarray(flattened).astype(int) - merged).max() <= 2
    np.testing.assert_array_equal(merged, np.asarray(Image.open(out / "page.png")))
    # A second call would overwrite.
    assert main(call) == 2
    before = (out / "page.png").stat().st_mtime_ns
    assert main([*call, "--skip-existing"]) == 0
    assert (out / "page.png").stat().st_mtime_ns == before


def test_given_files_are_never_overwritten(folder, capsys):
    before = (folder / "page.png").read_bytes()
    assert main(["color", str(folder / "page.png"), "-o", str(folder)]) == 2
    assert "would be lost" in capsys.readouterr().err
    assert (folder / "page.png").read_bytes() == before


def test_a_bad_page_among_good_ones_is_named(folder, capsys):
    (folder / "bad.png").write_bytes(b"not a picture")
    hints = folder / "hints"
    hints.mkdir()
    (hints / "page.json").write_text(json.dumps(_HINTS))
    pages = [str(folder / "bad.png"), str(folder / "page.png")]
    assert main(["color", *pages, "--hints", str(hints), "-o", str(folder / "out")]) == 1
    assert "bad.png" in capsys.readouterr().out
    assert (folder / "out" / "page.png").exists()


def test_without_hints_the_command_says_so(folder, capsys):
    assert main(["color", str(folder / "page.png"), "-o", str(folder / "out")]) == 0
    assert "stays paper" in capsys.readouterr().out
    np.testing.assert_array_equal(
        read_page(folder / "out/page.png"), read_page(folder / "page.png")
    )


def test_photoshop_files_have_the_layers(tmp_path, lineart):
    psd_tools = pytest.importorskip("psd_tools")
    colour = np.full_like(lineart, 120)
    alpha = np.dstack([lineart, 255 - lineart[..., :1]])
    layers = [Layer("ink", alpha), Layer("shade", lineart, multiply=True), Layer("colour", colour)]
    write_psd(tmp_path / "a.psd", layers, lineart)
    psd = psd_tools.PSDImage.open(tmp_path / "a.psd")
    assert [layer.name for layer in psd] == ["colour", "shade", "ink"]
    assert [layer.blend_mode.name for layer in psd] == ["NORMAL", "MULTIPLY", "NORMAL"]
    np.testing.assert_array_equal(np.asarray(psd[0].topil().convert("RGB")), colour)
    # psd-tools writes transparency as the layer's mask.
    np.testing.assert_array_equal(np.asarray(psd[2].mask.topil()), alpha[..., 3])
    np.testing.assert_array_equal(np.asarray(psd[2].topil())[..., :3], lineart)


def test_colouring_starts_without_tensorflow():
    program = (
        "import sys, ganime_tf.colouring.page, ganime_tf.cli.color, ganime_tf.colouring.drawings"
    )
    program += "; sys.exit(any(name in sys.modules for name in ('tensorflow', 'keras')))"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


@pytest.mark.parametrize("flat", [False, True])
def test_with_paper_a_dab_fills_its_own_region_and_no_other(flat):
    lineart = np.full((400, 400, 3), 255, np.uint8)
    rows, columns = np.mgrid[:400, :400]
    radius = np.hypot(rows - 200, columns - 200)
    lineart[np.abs(radius - 120) < 4] = 0
    lineart[198:202, :] = 0  # through the circle: four regions
    hints = parse_hints({"points": [{"x": 200, "y": 120, "color": "#c03040"}]}, (400, 400))
    out = Page(lineart).colour(hints, flat=flat, paper=True)
    inside = radius < 110
    upper, lower = inside & (rows < 190), inside & (rows > 210)
    assert np.abs(out.picture[upper].astype(int) - (192, 48, 64)).max() <= 3
    outside = (radius > 130) & (abs(rows - 200) > 8)
    assert (out.picture[lower | outside] == 255).all()
    filled = Page(lineart).colour(hints, flat=flat).picture
    assert (filled[lower][:, 1] < 60).all()  # the default: nothing stays paper


def test_with_paper_an_open_page_is_filled_to_its_corners():
    lineart = np.full((600, 800, 3), 255, np.uint8)
    lineart[295:305, 100:700] = 0  # a line that closes nothing
    hints = parse_hints({"points": [{"x": 400, "y": 100, "color": "#204080"}]}, (600, 800))
    out = Page(lineart, area=320).colour(hints, paper=True).picture
    paper = lineart[..., 0] == 255
    assert np.abs(out[paper].astype(int) - (32, 64, 128)).max() <= 2
