"""Hints: what is accepted, what is refused in one clear line."""

import json

import numpy as np
import pytest
from PIL import Image

from ganime_tf.colouring.hints import parse_hints, read_hints, read_palette


def test_points_strokes_and_patches_are_drawn_in_their_colours():
    hints = parse_hints(
        {
            "points": [{"x": 10, "y": 5, "color": "#ff0000", "radius": 2}],
            "strokes": [{"points": [[20, 30], [40, 30]], "color": [0, 0, 255], "width": 3}],
            "patches": [{"points": [[50, 10], [60, 10], [60, 20], [50, 20]], "color": "hair"}],
        },
        (48, 64),
        {"hair": "#804020"},
    )
    assert tuple(hints.colours[5, 10]) == (255, 0, 0)
    assert tuple(hints.colours[30, 30]) == (0, 0, 255)
    assert tuple(hints.colours[15, 55]) == (128, 64, 32)
    assert hints.mask[5, 10] and hints.mask[30, 30] and hints.mask[15, 55] and not hints.mask[0, 0]


def test_hints_made_on_a_smaller_view_fit_the_page():
    point = {"points": [{"x": 10, "y": 5, "color": "red"}], "size": [64, 48]}
    hints = parse_hints(point, (96, 128))
    assert hints.mask[10, 20] and not hints.mask[5, 10]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"point": []}, "unknown field 'point'"),
        ({"points": [{"x": 1, "y": 1, "colour": "red"}]}, "unknown field 'colour'"),
        ({"points": [{"x": 1, "color": "red"}]}, "'y' is missing"),
        ({"points": [{"x": 100, "y": 1, "color": "red"}]}, "outside 64x48"),
        ({"points": [{"x": "1", "y": 1, "color": "red"}]}, "must be a number"),
        ({"points": [{"x": 1, "y": 1, "color": "hairy"}]}, "Received 'hairy'"),
        ({"strokes": {}}, "must be a list"),
        ({"patches": [{"points": [[1, 1]], "color": "red"}]}, "at least 3"),
        ({"size": [64, 64]}, "another shape"),
        ([], "must be an object"),
    ],
)
def test_bad_hints_are_refused_in_words(content, message):
    with pytest.raises(ValueError, match=message):
        parse_hints(content, (48, 64))


def test_pictures_of_hints_must_fit_and_be_transparent(tmp_path):
    pixels = np.zeros((48, 64, 4), np.uint8)
    pixels[10:14, 20:24] = (10, 200, 30, 255)
    Image.fromarray(pixels).save(tmp_path / "h.png")
    hints = read_hints(tmp_path / "h.png", (48, 64))
    assert hints.mask.sum() == 16 and tuple(hints.colours[12, 22]) == (10, 200, 30)
    with pytest.raises(ValueError, match="96x64. Received 64x48"):
        read_hints(tmp_path / "h.png", (64, 96))
    Image.fromarray(pixels[..., :3]).save(tmp_path / "opaque.png")
    with pytest.raises(ValueError, match="transparent"):
        read_hints(tmp_path / "opaque.png", (48, 64))
    (tmp_path / "h.json").write_text("{")
    with pytest.raises(ValueError, match="h.json"):
        read_hints(tmp_path / "h.json", (48, 64))


def test_no_dab_is_lost_at_working_size():
    mask = np.zeros((400, 400), bool)
    colours = np.zeros((400, 400, 3), np.uint8)
    for y, x, colour in ((13, 17, (255, 0, 0)), (203, 333, (0, 255, 0))):
        mask[y, x] = True
        colours[y, x] = colour
    mask[100:180, 100:180] = True
    from ganime_tf.colouring.hints import Hints

    known, mean = Hints(mask, colours).at((40, 40))
    assert known.sum() == 64 + 2
    np.testing.assert_array_equal(mean[1, 1], (255, 0, 0))
    np.testing.assert_array_equal(mean[20, 33], (0, 255, 0))


def test_palettes_are_json_or_gimp(tmp_path):
    (tmp_path / "p.json").write_text(json.dumps({"hair": "#a04020"}))
    (tmp_path / "p.gpl").write_text("GIMP Palette\nName: x\n#\n160  64  32\thair\n")
    assert read_palette(tmp_path / "p.json") == read_palette(tmp_path / "p.gpl")
    (tmp_path / "bad.json").write_text('{"hair": "no colour"}')
    with pytest.raises(ValueError, match="hair"):
        read_palette(tmp_path / "bad.json")


def test_a_stroke_ends_round_and_is_as_wide_as_it_says():
    stroke = {"points": [[30, 30], [60, 30]], "color": "#0000ff", "width": 10}
    mask = parse_hints({"strokes": [stroke]}, (60, 90)).mask
    rows, columns = np.nonzero(mask)
    assert 9 <= np.ptp(rows) + 1 <= 12
    assert 23 <= columns.min() <= 26 and 64 <= columns.max() <= 67  # half a width beyond the ends
