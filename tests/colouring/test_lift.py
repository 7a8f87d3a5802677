"""Borders of the enlarged sheet lie under the page's lines, however large the cells are."""

import numpy as np

from ganime_tf.colouring.lift import enlarge_labels, lift, lift_labels


def test_a_border_moves_from_the_cells_to_the_line():
    page = np.zeros((256, 256), np.uint8)
    page[:, 148:151] = 255  # a thin line inside a working cell of 16 pixels
    cover = page.reshape(16, 16, 16, 16).mean(axis=(1, 3)) / 255
    sheet = np.zeros((16, 16, 3), np.float32)
    sheet[:, :9], sheet[:, 9], sheet[:, 10:] = (240, 20, 20), (130, 20, 130), (20, 20, 240)
    out = lift(sheet, cover, np.zeros((16, 16), bool), page).astype(int)
    assert np.abs(out[:, :148] - (240, 20, 20)).max() <= 1
    assert np.abs(out[:, 151:] - (20, 20, 240)).max() <= 1


def test_an_even_sheet_and_a_soft_change_stay():
    page = np.zeros((128, 96), np.uint8)
    page[40:44] = 255
    cover = page.reshape(16, 8, 12, 8).mean(axis=(1, 3)) / 255
    nothing = np.zeros(cover.shape, bool)
    even = np.full((16, 12, 3), 77.0, np.float32)
    assert (lift(even, cover, nothing, page) == 77).all()
    soft = np.repeat(np.linspace(0, 60, 12, dtype=np.float32)[None, :, None], 16, 0).repeat(3, -1)
    out = lift(soft, cover, nothing, page)
    assert (np.diff(out[64, :, 0].astype(int)) >= 0).all() and out[64, 8, 0] < out[64, 88, 0]


def test_a_small_region_keeps_its_colour():
    page = np.zeros((128, 128), np.uint8)
    page[56:88, 56:88] = 255
    page[58:86, 58:86] = 0
    cover = page.reshape(16, 8, 16, 8).mean(axis=(1, 3)) / 255
    sheet = np.full((16, 16, 3), 200, np.float32)
    sheet[8:10, 8:10] = 30
    out = lift(sheet, cover, np.zeros(cover.shape, bool), page)
    assert (out[60:84, 60:84] == 30).all() and (out[:54] == 200).all() and (out[90:] == 200).all()


def test_labels_change_at_the_line_and_only_there():
    page = np.zeros((256, 256), np.uint8)
    page[:, 148:151] = 255
    cover = page.reshape(16, 16, 16, 16).mean(axis=(1, 3)) / 255
    labels = np.zeros((16, 16), int)
    labels[:, 9:] = 2
    out = lift_labels(labels, 3, cover, np.zeros((16, 16), bool), page)
    assert (out[:, :148] == 0).all() and (out[:, 151:] == 2).all()


def test_enlarged_labels_have_straight_diagonals():
    y, x = np.mgrid[:16, :16]
    out = enlarge_labels((x > y).astype(int), 2, (160, 160))
    rows, columns = np.mgrid[:160, :160]
    far = np.abs(columns - rows - 5) > 8
    np.testing.assert_array_equal(out[far], (columns > rows + 5)[far])
