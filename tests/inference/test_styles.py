"""Ways between styles, for every model that gives and takes codes."""

import numpy as np
import pytest
from helpers import tiny
from PIL import Image

from ganime_tf.inference.styles import style_ways, translate_styles
from ganime_tf.models.uses import Runner, Use


def test_anigan_s_ends_are_what_its_references_give(tmp_path):
    model = tiny("anigan", "anigan-tiny")
    rng = np.random.default_rng(0)
    picture, one, two = (rng.integers(0, 256, (s, 32, 3), np.uint8) for s in (32, 40, 24))
    (tmp_path / "faces").mkdir()
    Image.fromarray(picture).save(tmp_path / "faces/face.png")
    styles = {"one": ("one", one), "two": ("two", two)}
    use, way = style_ways(model, "reference", styles, 3)
    assert use == "with_style" and list(way) == ["one", "one-to-two-1", "two"]
    out = tmp_path / "out"
    translate_styles(model, [tmp_path / "faces"], out, "style", way, use=use, strips=True)
    made = {name: np.asarray(Image.open(out / name / "face.png")) for name in way}
    for name, reference in (("one", one), ("two", two)):
        wanted = model.run(image=picture, reference=reference)
        assert np.abs(made[name].astype(int) - wanted).max() <= 1  # of 255 levels, by graph
    assert len({each.tobytes() for each in made.values()}) == 3
    assert (out / "strips/face.png").exists()


def test_munit_s_way_back_has_the_codes_of_the_other_domain():
    model = tiny("munit", "munit-tiny")
    one, two = np.random.default_rng(1).integers(0, 256, (2, 32, 32, 3), np.uint8)
    styles = {"one": ("one", one), "two": ("two", two)}
    use, way = style_ways(model, "reference", styles, 2, "reverse_with_reference")
    assert use == "reverse_with_style" and list(way) == ["one", "two"]
    wanted = model.run("reverse_style_of", reference=one)
    np.testing.assert_allclose(way["one"][1], wanted, rtol=1e-6)
    use, way = style_ways(model, "seed", {"one": ("one", 3), "two": ("two", 8)}, 2, "reverse")
    assert use == "reverse_with_style"
    np.testing.assert_allclose(way["two"][1], model.run("style_of_seed", seed=8), rtol=1e-6)


class _Coded(Runner):
    """A picture of one colour: the number of the code, in tens of levels, or of the label."""

    def __init__(self, **uses):
        self.table = uses

    def uses(self):
        return {name: Use(None, *entry) for name, entry in self.table.items()}

    def call_use(self, name, tensors):
        if name.endswith("style_of"):
            return tensors["label"][:, None].astype(np.float32)
        code = tensors.get("style", tensors.get("label", np.zeros((1, 1))))
        return np.zeros_like(tensors["image"]) + (10 * np.reshape(code, (-1, 1, 1, 1))).astype("u1")


LABELLED = {
    "default": (("image", "label"),),
    "with_style": (("image", "style"),),
    "style_of": (("label",), "style"),
    "content_of": (("reference",), "style"),
}


def test_labels_have_ways_and_a_code_of_something_else_is_none():
    model = _Coded(**LABELLED, with_reference=(("image", "reference"),))
    labels = {"x": ("x", 2), "y": ("y", 6), "z": ("z", 0)}
    use, way = style_ways(model, "label", labels, 5)
    codes = {name: float(code[0]) for name, (_, code) in way.items()}
    assert list(codes.values()) == [2, 3, 4, 5, 6, 4.5, 3, 1.5, 0] and codes["y"] == 6
    assert [title for title, _ in way.values()][:5] == ["x", "0.25", "0.50", "0.75", "y"]
    assert model.run(use, image=np.zeros((4, 4, 3), np.uint8), style=way["y"][1]).max() == 60
    picture = np.zeros((4, 4, 3), np.uint8)
    with pytest.raises(ValueError, match="no use that gives the style code of a reference"):
        style_ways(model, "reference", {"x": ("x", picture), "y": ("y", picture)}, 3)


def test_models_without_codes_say_so():
    model = _Coded(default=(("image", "label"),))
    with pytest.raises(ValueError, match="takes no style codes"):
        style_ways(model, "label", {"x": ("x", 2), "y": ("y", 6)}, 3)
    with pytest.raises(ValueError, match="named strips"):
        translate_styles(model, [], "out", "label", {"strips": ("", 1)}, strips=True)
