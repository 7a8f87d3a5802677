import numpy as np
import pytest

from ganime_tf.networks import build_patchgan


def count(model):
    return sum(int(np.prod(v.shape)) for v in model.trainable_variables)


@pytest.mark.parametrize(
    ("options", "trainable"),
    [
        ({}, 2_768_705),
        ({"norm": "instance", "conditional": False}, 2_764_737),
        ({"family": "ganime"}, 2_768_641),
        ({"family": "ganime", "conditional": False}, 2_765_569),
        ({"family": "ganime", "norm": "instance"}, 2_768_641),
        ({"family": "ganime", "norm": "instance", "conditional": False}, 2_765_569),
    ],
)
def test_full_size_has_the_published_parameters(options, trainable):
    assert count(build_patchgan(**options)) == trainable


def test_256_px_gives_30x30_scores():
    model = build_patchgan(filters=2)
    assert model.compute_output_shape([(1, 256, 256, 3)] * 2) == (1, 30, 30, 1)


@pytest.mark.parametrize("patch_size", [1, 16, 34, 70, 142])
def test_a_score_sees_exactly_its_patch(patch_size):
    """The gradient of one score with respect to the picture covers patch_size pixels."""
    import tensorflow as tf

    model = build_patchgan(patch_size=patch_size, filters=2, conditional=False, norm="instance")
    # Without normalization a score depends on its patch alone.
    x = tf.Variable(np.random.default_rng(0).normal(size=(1, 320, 320, 3)).astype("float32"))

    def scores(image):
        for layer in model.layers[1:]:
            if layer.name.startswith("norm"):
                continue
            image = layer(image)
        return image

    with tf.GradientTape() as tape:
        out = scores(x)
        middle = out[0, out.shape[1] // 2, out.shape[2] // 2, 0]
    rows = np.flatnonzero(np.abs(tape.gradient(middle, x)[0]).sum((1, 2)))
    assert rows[-1] - rows[0] + 1 == patch_size


def test_unknown_patch_is_refused():
    with pytest.raises(ValueError, match="patch_size"):
        build_patchgan(patch_size=50)


@pytest.mark.parametrize(("size", "scores"), [(100, 10), (300, 35), (256, 30), (75, 7)])
def test_odd_maps_are_halved_downwards_as_by_the_authors(size, scores):
    # Size after each of the authors' convolutions: floor((n + 2 - 4) / stride) + 1.
    network = build_patchgan(filters=4, conditional=False)
    assert network(np.zeros((1, size, size, 3), "float32")).shape == (1, scores, scores, 1)


def test_ganimes_discriminator_rounds_up_as_tensorflows_same():
    network = build_patchgan(filters=4, conditional=False, family="ganime")
    assert network(np.zeros((1, 100, 100, 3), "float32")).shape == (1, 11, 11, 1)
