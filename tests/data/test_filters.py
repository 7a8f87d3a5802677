"""Edge smoothing as OpenCV and the official scripts do it; line art and its pens."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from ganime_tf.ops.filters import (
    canny,
    draw_lines,
    grey,
    resize_bilinear,
    smooth_edges,
    thin,
)

GOLDEN = np.load(Path(__file__).parents[1] / "golden" / "filters.npz")


@pytest.mark.parametrize("number", range(3))
def test_edges_and_smoothing_equal_opencv(number):
    image = GOLDEN[f"image{number}"]
    edges = canny(grey(image))
    np.testing.assert_array_equal(np.packbits(edges), GOLDEN[f"edges{number}"])
    np.testing.assert_array_equal(smooth_edges(image), GOLDEN[f"smooth{number}"])
    expected = GOLDEN[f"resized{number}"].astype(int)  # OpenCV's weights have 11 bits
    assert np.abs(resize_bilinear(image, *expected.shape[:2]) - expected).max() <= 1


def test_edges_of_a_step_are_blurred_and_the_rest_is_kept():
    image = np.zeros((20, 20, 3), np.uint8)
    image[:, 10:] = 200
    edges = canny(image[..., 0])
    assert edges.any(axis=0).sum() == 1 and edges.any(axis=0)[9:11].any()
    result = smooth_edges(image)
    row = result[10, :, 0].tolist()
    assert row[:7] == [0] * 7 and row[13:] == [200] * 7
    assert row[8:12] == [12, 62, 137, 187]  # 200 * cumulative [1, 5, 11, 15] / 16, truncated


def test_thinning_leaves_one_pixel():
    lines = np.full((20, 20), 255, np.uint8)
    lines[8:13, 3:17] = 0
    ink = thin(lines) == 0
    assert ink.any() and ink.sum(axis=0).max() == 1


def drawing():
    """Two filled shapes with black outlines, 128 px."""
    image = Image.new("RGB", (128, 128), (250, 240, 230))
    draw = ImageDraw.Draw(image)
    draw.ellipse((20, 20, 80, 100), (240, 200, 180), (20, 10, 10), 3)
    draw.rectangle((60, 60, 115, 110), (40, 40, 90), (0, 0, 0), 3)
    return np.array(image)


@pytest.mark.parametrize("style", ["xdog", "thin", "smooth"])
def test_line_art_has_the_outlines_and_leaves_areas_paper(style):
    lines = draw_lines(drawing(), style)
    assert lines.shape == (128, 128, 3) and lines.dtype == np.uint8
    assert np.ptp(lines, axis=-1).max() == 0
    paper = [lines[10, 10, 0], lines[40, 50, 0], lines[90, 95, 0]]  # ground, skin, dark cloth
    assert min(paper) > 245
    for y, x in ((60, slice(16, 26)), (109, slice(80, 90))):
        assert lines[y - 6 : y + 7, x].min() < 160
    assert 0.01 < (lines < 128).mean() < 0.2


def test_pens_differ_by_seed_only():
    image = drawing()
    pens = [draw_lines(image, "pen", seed) for seed in range(8)]
    np.testing.assert_array_equal(pens[3], draw_lines(image, "pen", 3))
    np.testing.assert_array_equal(draw_lines(image, "pen"), draw_lines(image, "xdog"))
    assert len({pen.tobytes() for pen in pens}) == 8
    ink = [(255 - pen.astype(float)).mean() for pen in pens]
    assert max(ink) > 1.3 * min(ink)
    with pytest.raises(ValueError, match="`style` must be one of xdog, thin"):
        draw_lines(image, "brush")
