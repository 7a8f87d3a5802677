"""What every Translator promises: a picture in, a picture of its size out."""

import numpy as np
import pytest
from helpers import tiny, tiny_names

every_translator = pytest.mark.parametrize(("name", "preset"), tiny_names("Translator"))


@every_translator
def test_translate_keeps_odd_sizes_and_is_deterministic(name, preset):
    model = tiny(name, preset)
    image = np.random.default_rng(0).integers(0, 256, (1, 51, 37, 3), np.uint8)
    first = model.translate(image)
    assert first.shape == image.shape and first.dtype == np.uint8
    np.testing.assert_array_equal(first, model.translate(image))
    np.testing.assert_array_equal(first[0], model.translate(image[0]))


@every_translator
def test_translate_refuses_float_pictures(name, preset):
    with pytest.raises(ValueError, match="must be uint8 .* with range"):
        tiny(name, preset).translate(np.zeros((1, 32, 32, 3), np.float32))
