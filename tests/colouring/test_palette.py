"""A character's sheet as a palette."""

import numpy as np
import pytest

from ganime_tf.colouring.examples import HELD_OUT, draw_flat
from ganime_tf.colouring.palette import palette_of
from ganime_tf.toy import sample_scene


def test_the_colours_of_a_drawing_are_found_exactly_and_its_lines_rims_are_not():
    drawing = draw_flat(sample_scene(HELD_OUT, 33), 400)
    found = palette_of(drawing.flat)
    values, counts = np.unique(drawing.flat.reshape(-1, 3), axis=0, return_counts=True)
    largest = {tuple(v) for v in values[np.argsort(-counts)[:5]].tolist()}
    assert largest <= {tuple(colour) for colour in found.tolist()}
    assert {tuple(colour) for colour in found.tolist()} <= {tuple(v) for v in values.tolist()}
    painted = np.minimum(drawing.flat, drawing.lineart)  # the same with its ink
    for colour in palette_of(painted, most=6):
        assert np.abs(found.astype(int) - colour).max(-1).min() <= 3 or colour.max() < 70


def test_noise_has_no_palette_and_other_arrays_are_refused():
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    assert palette_of(noise).shape == (0, 3)
    with pytest.raises(ValueError, match="uint8"):
        palette_of(noise.astype(np.float32))
