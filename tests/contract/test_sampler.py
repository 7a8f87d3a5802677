"""What every Sampler promises: a seed in, a picture out."""

import numpy as np
import pytest
from helpers import tiny, tiny_names

every_sampler = pytest.mark.parametrize(("name", "preset"), tiny_names("Sampler"))


@every_sampler
def test_the_same_seed_gives_the_same_picture_and_another_one_another(name, preset):
    model = tiny(name, preset)
    first = model.sample([0, 1, 0])
    size = model.config.image_size
    assert first.shape == (3, size, size, 3) and first.dtype == np.uint8
    np.testing.assert_array_equal(first[0], first[2])
    assert not np.array_equal(first[0], first[1])
