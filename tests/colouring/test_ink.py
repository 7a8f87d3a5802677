"""Ink: taken off any paper, laid back untouched."""

import numpy as np
import pytest
from PIL import Image

from ganime_tf.colouring.ink import compose, doubts, extract_ink, line_layer, read_page


def _page(paper=(255, 255, 255), ink=(0, 0, 0), size=64):
    """A frame of full ink with a half-covered rim."""
    cover = np.zeros((size, size))
    cover[16:49, 16:49] = 0.5
    cover[17:48, 17:48] = 1.0
    cover[20:45, 20:45] = 0.0
    cover = cover[..., None]
    return np.rint(np.array(paper) * (1 - cover) + np.array(ink) * cover).astype(np.uint8), cover


@pytest.mark.parametrize("paper", [(255, 255, 255), (240, 228, 200)])
@pytest.mark.parametrize("ink", [(0, 0, 0), (40, 40, 90)])
def test_under_full_ink_the_artists_pixels_and_elsewhere_the_colour(paper, ink):
    page, cover = _page(paper, ink)
    found = extract_ink(page)
    colour = np.full_like(page, 0) + np.array([200, 120, 40], np.uint8)
    out = compose(found, colour)
    full = cover[..., 0] == 1
    assert (found.cover[full] == 255).all() and (found.cover[cover[..., 0] == 0] == 0).all()
    np.testing.assert_array_equal(out[full], page[full])
    np.testing.assert_array_equal(out[cover[..., 0] == 0], colour[cover[..., 0] == 0])


def test_paper_under_the_ink_gives_the_page_back():
    page, _ = _page((250, 240, 230))
    found = extract_ink(page)
    paper = np.broadcast_to(np.rint(found.paper), page.shape).astype(np.uint8)
    assert np.abs(compose(found, np.ascontiguousarray(paper)).astype(int) - page).max() <= 1


def test_the_line_layer_over_the_colour_is_the_picture():
    page, _ = _page()
    found = extract_ink(page)
    colour = np.full_like(page, 90)
    over = Image.alpha_composite(
        Image.fromarray(colour).convert("RGBA"), Image.fromarray(line_layer(found))
    )
    difference = np.asarray(over.convert("RGB")).astype(int) - compose(found, colour)
    assert np.abs(difference).max() <= 2


def test_pencil_counts_as_much_as_black():
    page, cover = _page(ink=(150, 150, 150))
    assert (extract_ink(page).cover[cover[..., 0] == 1] == 255).all()


def test_white_ink_on_transparent_paper_stays_white_ink(tmp_path):
    pixels = np.full((64, 64, 4), 255, np.uint8)
    pixels[..., 3] = 0
    pixels[16:20, 8:56, 3] = 255
    Image.fromarray(pixels).save(tmp_path / "white.png")
    page = read_page(tmp_path / "white.png")
    found = extract_ink(page)
    out = compose(found, np.full_like(page, 100))
    assert (out[16:20, 8:56] == 255).all() and (out[30:] == 100).all()


@pytest.mark.parametrize("mode", ["1", "CMYK", "L", "P"])
def test_other_modes_are_read(tmp_path, mode):
    page, cover = _page()
    Image.fromarray(page).convert(mode).save(tmp_path / "page.tif")
    found = extract_ink(read_page(tmp_path / "page.tif"))
    assert (found.cover[cover[..., 0] == 1] > 250).all()


def test_doubts_are_spoken_of_a_photo_and_a_blank_page_but_not_of_line_art():
    page, _ = _page()
    ramp = np.repeat(np.linspace(0, 255, 128).astype(np.uint8)[None, :, None], 128, 0)
    assert doubts(extract_ink(page)) == ""
    assert "photo" in doubts(extract_ink(np.repeat(ramp, 3, -1)))
    assert "blank" in doubts(extract_ink(np.full((40, 40, 3), 250, np.uint8)))
