import numpy as np
import pytest

from ganime_tf.networks import build_unet


def count(model, trainable=True):
    variables = model.trainable_variables if trainable else model.weights
    return sum(int(np.prod(v.shape)) for v in variables)


@pytest.mark.parametrize(
    ("options", "trainable"),
    [
        ({}, 54_413_955),
        ({"norm": "instance"}, 54_409_603),
        ({"levels": 7}, 41_828_995),
        ({"family": "ganime"}, 54_414_979),
        ({"family": "ganime", "norm": "instance"}, 54_414_979),
    ],
)
def test_full_size_has_the_published_parameters(options, trainable):
    assert count(build_unet(**options)) == trainable


@pytest.mark.parametrize("family", ["authors", "ganime"])
@pytest.mark.parametrize("upsample", ["transpose", "resize"])
def test_output_has_the_input_size_and_tanh_range(family, upsample):
    model = build_unet(levels=3, filters=4, family=family, upsample=upsample)
    out = model(np.random.default_rng(0).normal(size=(2, 16, 24, 3)).astype("float32"))
    assert out.shape == (2, 16, 24, 3)
    assert np.abs(out).max() <= 1.0


def test_dropout_is_the_only_noise():
    model = build_unet(levels=3, filters=4)
    x = np.random.default_rng(0).normal(size=(1, 16, 16, 3)).astype("float32")
    np.testing.assert_array_equal(model(x, training=False), model(x, training=False))
    assert not np.array_equal(model(x, training=True), model(x, training=True))


def test_unknown_family_is_refused():
    with pytest.raises(ValueError, match="family"):
        build_unet(family="other")
