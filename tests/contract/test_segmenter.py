"""What every Segmenter promises: a picture in, the class of each pixel out."""

import numpy as np
import pytest
from helpers import tiny, tiny_names

every_segmenter = pytest.mark.parametrize(("name", "preset"), tiny_names("Segmenter"))


@every_segmenter
def test_a_parser_keeps_odd_sizes_and_names_classes(name, preset):
    model = tiny(name, preset)
    image = np.random.default_rng(0).integers(0, 256, (1, 51, 37, 3), np.uint8)
    classes = model.parse(image)
    assert classes.shape == (1, 51, 37) and classes.dtype == np.uint8
    assert classes.max() < model.config.num_classes
