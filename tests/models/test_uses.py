"""One vocabulary: which use is run, what is refused, and that options do what they say."""

import numpy as np
import pytest
import tensorflow as tf
from helpers import tiny

from ganime_tf.models.graphs import graph_of
from ganime_tf.models.uses import INPUTS, Runner, Use, pick_use


class Recorder(Runner):
    """Answers with the name of the use and the inputs it was given."""

    def __init__(self, **uses):
        self._uses, self.calls = uses, []

    def uses(self):
        return self._uses

    def call_use(self, name, tensors):
        self.calls.append((name, {k: np.asarray(v) for k, v in tensors.items()}))
        count = len(next(iter(tensors.values())))
        return np.arange(count * 12, dtype=np.uint8).reshape(count, 2, 2, 3)


IMAGE = np.zeros((2, 2, 2, 3), np.uint8)
USES = {
    "default": Use(None, ("image", "seed"), defaults={"seed": 7}),
    "with_reference": Use(None, ("image", "reference")),
    "with_style": Use(None, ("image", "style")),
    "reverse": Use(None, ("image", "seed"), defaults={"seed": 7}),
}


@pytest.mark.parametrize(
    ("use", "given", "expected"),
    [
        (None, ["image"], "default"),
        (None, ["image", "seed"], "default"),
        (None, ["image", "reference"], "with_reference"),
        ("reverse", ["image"], "reverse"),
    ],
)
def test_the_inputs_decide_unless_a_use_is_named(use, given, expected):
    assert pick_use(USES, use, given) == expected


@pytest.mark.parametrize(
    ("use", "given", "error"),
    [
        ("revers", ["image"], "Did you mean 'reverse'"),
        (None, ["image", "lable"], "no input 'lable'. Did you mean 'label'"),
        (None, ["image", "label"], "No use of this model takes image, label. It has: default"),
        ("with_style", ["image"], "'with_style' takes image, style. Received image"),
    ],
)
def test_a_use_that_is_not_there_says_what_there_is(use, given, error):
    with pytest.raises(ValueError, match=error):
        pick_use(USES, use, given)


def test_single_values_serve_the_batch_and_defaults_fill_in():
    model = Recorder(**USES)
    model.translate(IMAGE)
    model.run(image=IMAGE, seed=3)
    model.run(image=IMAGE, seed=[3, 4])
    model.run(image=IMAGE, reference=np.ones((5, 4, 3), np.uint8))
    seeds = [call[1]["seed"].tolist() for call in model.calls[:3]]
    assert seeds == [[7, 7], [3, 3], [3, 4]]
    assert model.calls[3][1]["reference"].shape == (2, 5, 4, 3)
    assert model.run(image=IMAGE[0]).shape == (2, 2, 3)


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"image": IMAGE.astype("float32")}, "`images` must be uint8"),
        ({"image": IMAGE, "seed": -1}, r"`seed` must be in \[0, "),
        ({"image": IMAGE, "seed": 0.5}, "`seed` must be int64"),
        ({"image": IMAGE, "seed": [1, 2, 3]}, "2 values for 3 pictures"),
        ({"image": IMAGE, "style": [np.nan]}, "`style` must be finite"),
        ({"image": IMAGE, "reference": IMAGE[..., :2]}, "`reference` must be RGB"),
    ],
)
def test_wrong_values_are_one_clear_line(values, error):
    with pytest.raises(ValueError, match=error):
        Recorder(**USES).run(**values)


def test_framed_inputs_share_the_pictures_frame():
    uses = {"default": Use(None, ("image", "parsing"))}
    with pytest.raises(ValueError, match="image 2x2, parsing 3x2"):
        Recorder(**uses).run(image=IMAGE, parsing=np.zeros((2, 3, 2), np.uint8))


def test_the_crop_after_padding_is_where_the_picture_was():
    image = np.random.default_rng(0).integers(0, 256, (1, 13, 21, 3), np.uint8)
    seen = []

    def identity(image):
        seen.append(image.shape)
        return image

    graph = graph_of(Use(identity, ("image",)), stride=8, min_size=32)
    np.testing.assert_array_equal(graph(image=tf.constant(image)), image)
    assert seen == [(1, 32, 32, 3)]


def test_hints_reach_the_network_as_colours_and_a_mask():
    hints = np.zeros((1, 4, 4, 4), np.uint8)
    hints[0, 1, 2] = (255, 0, 255, 255)
    found = []
    use = Use(lambda image, hints: found.append(hints.numpy()) or image, ("image", "hints"))
    graph_of(use, 1, 1)(image=tf.zeros((1, 4, 4, 3), tf.uint8), hints=tf.constant(hints))
    assert found[0][0, 1, 2].tolist() == [1.0, -1.0, 1.0, 1.0]
    assert np.abs(found[0]).sum() == 4.0


def test_the_reverse_of_cyclegan_is_the_other_generator():
    model = tiny("cyclegan", "cyclegan-tiny")
    image = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3), np.uint8)
    x = tf.constant(image, tf.float32) / 127.5 - 1.0
    for use, network in (("default", model.generator_a2b), ("reverse", model.generator_b2a)):
        expected = np.rint((network(x).numpy() + 1.0) * 127.5)
        found = model.run(use, image=image).astype(float)
        assert np.abs(found - expected).max() <= 1
    assert not np.array_equal(model.translate(image), model.run("reverse", image=image))


def test_every_input_is_documented():
    assert all(entry.help for entry in INPUTS.values())
