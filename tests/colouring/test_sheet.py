"""A character's sheet as hints, on drawings whose colours are known."""

import json

import numpy as np
import pytest

from ganime_tf.cli import main
from ganime_tf.colouring import Page, parse_hints
from ganime_tf.colouring.examples import HELD_OUT, draw_flat, pose
from ganime_tf.colouring.ink import compose, extract_ink, read_page
from ganime_tf.colouring.pairs import NUM_POINTS, dark_lines, match_batch
from ganime_tf.colouring.sheet import Sheet
from ganime_tf.metrics.colour import delta_e, rgb_to_lab
from ganime_tf.ops.pictures import save_png
from ganime_tf.toy import sample_scene


def _sheet(index, number=0):
    drawing = draw_flat(pose(sample_scene(HELD_OUT, index), number), 384)
    return compose(extract_ink(drawing.lineart), drawing.flat)


def _page(index, number=2):
    return draw_flat(pose(sample_scene(HELD_OUT, index), number), 384)


def _rgb(text):
    return np.array([int(text[k : k + 2], 16) for k in (1, 3, 5)], np.uint8)


def test_a_batch_is_a_pure_function_of_seed_and_step():
    first, again = match_batch(1, 3, 2, 1, 96), match_batch(1, 3, 2, 1, 96)
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)
    planes, points = first
    assert planes.shape == (4, 96, 96, 4) and points.shape == (4, NUM_POINTS, 3)
    assert (planes[::2, ..., 1:] == 1).all() and (planes[1::2, ..., 1:] < 1).any()
    for k in (0, 2):  # a page's colours are on its sheet, but for its backdrop
        assert set(points[k, :, 2]) & set(points[k + 1, :, 2]) - {0}
    assert points[..., :2].max() < 48


def test_dark_lines_are_seen_on_any_colour():
    picture = np.full((100, 100, 3), (200, 120, 60), np.uint8)
    picture[:50] = (60, 30, 90)
    picture[:, 50:52] = 10
    lines = dark_lines(picture)
    assert lines[75, 50] > 0.9 and lines[20, 50] > 0.2
    assert lines[:, :45].max() < 0.1  # a border of two colours is no line


@pytest.mark.parametrize("index", [26, 31, 17])
def test_parts_get_the_colours_of_the_sheet(index):
    drawing = _page(index)
    page = Page(drawing.lineart)
    dabs = Sheet(_sheet(index)).dabs(page)
    assert len(dabs) >= 6
    truth = rgb_to_lab(drawing.flat)
    right = [delta_e(rgb_to_lab(_rgb(d["color"])), truth[d["y"], d["x"]]) < 4 for d in dabs]
    assert np.mean(right) > 0.6
    hints = parse_hints({"points": dabs}, page.ink.size)
    colour = page.colour(hints, flat=True, paper=True).colour
    distance = delta_e(rgb_to_lab(colour), truth)[100:, 100:284]  # the face and below
    assert np.mean(distance < 6) > 0.6


def test_another_sheet_gives_other_colours():
    page = Page(_page(26).lineart)
    own, other = (Sheet(_sheet(index)).dabs(page) for index in (26, 17))
    assert {d["color"] for d in own} != {d["color"] for d in other}
    assert {d["color"] for d in other} <= {
        "#{:02x}{:02x}{:02x}".format(*colour) for colour in Sheet(_sheet(17)).colours.tolist()
    }


def test_surer_is_fewer():
    page, sheet = Page(_page(26).lineart), Sheet(_sheet(26))
    assert len(sheet.dabs(page, 0.95)) < len(sheet.dabs(page, 0.3))


def test_what_a_person_dabbed_is_left_to_them(tmp_path):
    drawing = _page(26)
    page, sheet = Page(drawing.lineart), Sheet(_sheet(26))
    first = max(sheet.dabs(page), key=lambda dab: dab["radius"])
    mine = parse_hints({"points": [first | {"color": "#00ff00"}]}, page.ink.size)
    rest = sheet.dabs(page, taken=mine.mask)
    assert first not in rest and 0 < len(rest) < len(sheet.dabs(page))
    save_png(tmp_path / "page.png", drawing.lineart)
    save_png(tmp_path / "hero.png", _sheet(26))
    (tmp_path / "mine.json").write_text(json.dumps({"points": [first | {"color": "#00ff00"}]}))
    call = ["color", str(tmp_path / "page.png"), "--sheet", str(tmp_path / "hero.png"), "--flat"]
    assert main([*call, "--hints", str(tmp_path / "mine.json"), "-o", str(tmp_path / "out")]) == 0
    picture = read_page(tmp_path / "out" / "page.png")
    assert picture[first["y"], first["x"]].tolist() == [0, 255, 0]
    written = json.loads((tmp_path / "out" / "page-hints.json").read_text())
    assert written == {"size": [384, 384], "points": rest}
    # What was found can be changed and given again.
    again = [*call[:2], "--flat", "--paper", "--hints", str(tmp_path / "out" / "page-hints.json")]
    assert main([*again, "-o", str(tmp_path / "again")]) == 0
    once = read_page(tmp_path / "again" / "page.png")
    assert len(np.unique(once.reshape(-1, 3), axis=0)) > 3


def test_a_sheet_without_colours_is_one_line(tmp_path, capsys):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    save_png(tmp_path / "noise.png", noise)
    save_png(tmp_path / "page.png", _page(26).lineart)
    call = ["color", str(tmp_path / "page.png"), "--sheet", str(tmp_path / "noise.png")]
    assert main([*call, "-o", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert "noise.png: The sheet has no evenly painted area" in said
    assert not (tmp_path / "out").exists()


def test_the_sheet_is_never_overwritten(tmp_path, capsys):
    save_png(tmp_path / "in" / "page.png", _page(26).lineart)
    save_png(tmp_path / "out" / "page.png", _sheet(26))
    call = ["color", str(tmp_path / "in"), "--sheet", str(tmp_path / "out" / "page.png")]
    assert main([*call, "-o", str(tmp_path / "out")]) == 2
    assert "would be lost" in capsys.readouterr().err
