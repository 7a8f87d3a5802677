"""Pictures strip by strip: the same pixels as in one piece, for every translator."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import tiny, tiny_names

from ganime_tf.inference import large, translate_files
from ganime_tf.inference.regions import rule_for
from ganime_tf.inference.tiles import StripRunner
from ganime_tf.ops.pictures import save_png
from ganime_tf.toy import render, sample_scene


def picture(height=75, width=150):
    both = [render(sample_scene(0, number), "portrait", 96) for number in range(2)]
    return np.ascontiguousarray(np.concatenate(both, 1)[:height, :width])


def vivid(name, preset, picture):
    """A tiny model whose results have contrast: an untrained one paints nearly flat grey."""
    model = tiny(name, preset)
    # The moving averages, where they are kept.
    painters = [model.for_inference(n) for n in model.generators if n.output_shape[-1] == 3]
    uses = [use for use in ("default", "reverse") if use in model.uses()]
    random = np.random.default_rng(0)
    for network in painters:
        for layer in network._flatten_layers():  # of a style: scales near 1, not near 0
            if isinstance(layer, keras.layers.Dense):
                layer.bias.assign(random.normal(1.0, 0.3, layer.bias.shape))
    for _ in range(4):
        contrast = min(float(model.run(use, image=picture).std()) for use in uses)
        if contrast > 20:
            return model
        for network in painters:
            last = [layer for layer in network.layers if hasattr(layer, "kernel")][-1].kernel
            last.assign(last * (40.0 / max(contrast, 0.5)))
    raise AssertionError(f"{name} paints flat pictures.")


@pytest.mark.parametrize(("name", "preset"), tiny_names("Translator"))
def test_tiles_give_the_pixels_of_the_whole(name, preset):
    image = picture()
    model = vivid(name, preset, image)
    for use_name, use in model.uses().items():
        if use.inputs != ("image",) or use.output == "style":
            continue
        whole = model.run(use_name, image=image).astype(int)
        done = []
        tiled = large.run_in_tiles(
            model, use_name, {"image": image}, tile=60, progress=lambda *x, to=done: to.append(x)
        )
        assert np.abs(tiled - whole).max() <= 1
        assert whole.std() > 8, "a flat picture would prove nothing"
        # XGAN's networks know one size, the picture is resized to it: nothing is left to cut.
        assert not done if name == "xgan" else done[-1][0] == done[-1][1] > 3


def test_the_quick_way_is_near_and_another():
    image = np.kron(picture(150, 192), np.ones((4, 4, 1), np.uint8))
    model = vivid("cyclegan", "cyclegan-tiny", image)
    whole = model.translate(image).astype(int)
    quick = large.run_in_tiles(model, None, {"image": image}, tile=300, quick=True).astype(int)
    assert 0 < np.abs(quick - whole).mean() < 6


def test_features_in_a_file_are_those_in_memory():
    network = tiny("animegan", "animegan-tiny").generator
    x = tf.constant(picture(64, 64)[None], tf.float32) / 127.5 - 1.0
    there, here = (np.asarray(StripRunner(40, memory=m).run(network, [x])) for m in (0, 1 << 30))
    np.testing.assert_array_equal(there, here)


def test_the_command_says_tiles_and_paints_the_same(tmp_path):
    image = picture()
    save_png(tmp_path / "a.png", image)
    model = vivid("cartoongan", "cartoongan-tiny", image)
    for folder, tile in (("whole", 0), ("tiles", 40)):
        translate_files(model, [tmp_path / "a.png"], tmp_path / folder, tile=tile)
    from ganime_tf.data.io import read_image

    a, b = (read_image(tmp_path / f / "a.png").astype(int) for f in ("whole", "tiles"))
    assert np.abs(a - b).max() <= 1


def test_what_does_not_fit_goes_in_tiles(monkeypatch):
    model = tiny("animegan", "animegan-tiny")
    assert large.bytes_per_pixel(model) > 100
    monkeypatch.setattr(large, "memory_available", lambda: 1 << 30)
    assert large.needs_tiles(model, 4096, 4096) and not large.needs_tiles(model, 256, 256)


def test_an_unknown_layer_is_named():
    class Odd:
        name = "odd"

    with pytest.raises(ValueError, match="Odd 'odd' cannot run in tiles"):
        rule_for(Odd(), None)


def test_an_export_cannot_run_in_tiles():
    class Export:
        name = "lines"

    with pytest.raises(ValueError, match="lines is an export"):
        large.run_in_tiles(Export(), None, {})
