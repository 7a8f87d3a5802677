"""Gatys' optimisation and fast stylisation, and the command for both."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from ganime_tf.baselines import GATYS_PRESETS, HubStyleTransfer, StyleTransfer, open_stylizer
from ganime_tf.cli import main
from ganime_tf.networks.features import load_features
from ganime_tf.ops.colour import rgb_to_yuv

TINY = GATYS_PRESETS["tiny"]


def features(config=TINY):
    return load_features("random", config.content_layers + config.style_layers)


def picture(seed, shape=(24, 32)):
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (4, 4, 3)).astype(np.uint8)
    return np.asarray(Image.fromarray(coarse).resize(shape[::-1]))


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_gatys_lowers_its_loss_and_reports_every_step(optimizer):
    config = dataclasses.replace(TINY, num_steps=12, optimizer=optimizer)
    config = dataclasses.replace(config, content_weight=1.0, style_weight=1e3)
    losses, pictures = [], []

    def on_step(step, loss, current):
        losses.append(loss)
        if step == 2:
            pictures.append(current())

    content = picture(0)
    out = StyleTransfer(features(), config).translate(content, picture(1), on_step=on_step)
    assert out.shape == content.shape and out.dtype == np.uint8
    assert len(losses) == 12 if optimizer == "adam" else 1 <= len(losses) <= 12
    assert losses[-1] < 0.9 * losses[0]
    assert pictures[0].shape == content.shape


def test_gatys_loss_matches_closed_form():
    config = dataclasses.replace(TINY, content_weight=3.0, style_weight=5.0, tv_weight=2.0)
    transfer = StyleTransfer(lambda x: {"block2_relu1": x, "block1_relu1": x}, config)
    content = np.full((1, 2, 2, 3), 0.5, np.float32)  # 0 in [-1, 1]
    style = np.ones((1, 2, 2, 3), np.float32)
    picture = np.ones((1, 2, 2, 3), np.float32)
    picture[0, 0, 0] = 0.5
    x = picture * 2 - 1
    gram = np.einsum("bijc,bijd->bcd", x, x) / 4
    expected = 3.0 * np.mean(x**2) + 5.0 * np.mean((gram - 1.0) ** 2) + 2.0 * 3 * (0.5 + 0.5)
    loss = transfer.loss(tf.constant(picture), transfer.targets(content, style))
    np.testing.assert_allclose(loss, expected, rtol=1e-5)


def test_luminance_only_keeps_the_colours_of_the_content():
    config = dataclasses.replace(TINY, colours="luminance", content_weight=0.0, style_weight=1e5)
    content = np.full((16, 16, 3), (120, 100, 90), np.uint8)
    out = StyleTransfer(features(), config).translate(content, picture(1))
    wanted, got = (np.array(rgb_to_yuv(image / np.float32(255))) for image in (content, out))
    np.testing.assert_allclose(got[..., 1:], wanted[..., 1:], atol=0.01)


def test_wrong_settings_and_pictures_are_refused():
    with pytest.raises(ValueError, match="optimizer"):
        dataclasses.replace(TINY, optimizer="sgd")
    with pytest.raises(ValueError, match="uint8"):
        StyleTransfer(features(), TINY).translate(np.zeros((8, 8, 3)), picture(0))


class FakeNetwork:
    def stylize(self, image, styles, shares, strength):
        means = [share * each.mean((0, 1)) for share, each in zip(shares, styles, strict=True)]
        return np.round(strength * sum(means) + 0 * image).astype(np.uint8)


def test_styles_are_mixed_by_their_shares():
    stylizer = HubStyleTransfer(FakeNetwork())
    styles = [np.full((4, 4, 3), value, np.uint8) for value in (100, 200)]
    assert stylizer.translate(picture(0), styles, weights=[3, 1])[0, 0, 0] == 125
    assert stylizer.translate(picture(0)[None], styles[0]).shape == (1, 24, 32, 3)
    for wrong in ({"weights": [1.0]}, {"weights": [-1, 2]}, {"strength": 1.5}):
        with pytest.raises(ValueError):
            stylizer.translate(picture(0), styles, **wrong)


def test_saved_model_folder_gets_the_module_contract(tmp_path):
    class Module(tf.Module):
        @tf.function(
            input_signature=[tf.TensorSpec((None, None, None, 3)), tf.TensorSpec((1, 256, 256, 3))]
        )
        def __call__(self, content, style):
            tf.debugging.assert_less_equal(tf.reduce_max(content), 1.0)
            tf.debugging.assert_equal(tf.shape(content)[1:3] % 4, 0)
            return [(content + tf.reduce_mean(style)) / 2.0]

    tf.saved_model.save(Module(), str(tmp_path / "module"))
    stylizer = open_stylizer(tmp_path / "module")
    content = picture(0, (21, 30))
    out = stylizer.translate(content, np.full((9, 9, 3), 255, np.uint8))
    np.testing.assert_allclose(out, (content.astype(float) + 255) / 2, atol=0.51)
    with pytest.raises(ValueError, match="one style at full strength"):
        stylizer.translate(content, content, strength=0.5)


def test_folders_without_a_network_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="No stylisation network"):
        open_stylizer(tmp_path)


def test_litert_pair_paints_with_the_colours_of_the_style(shared):
    stylizer = open_stylizer(shared / "weights/magenta_arbitrary_style")
    pair = Image.open(sorted((shared / "data/ganime_pairs/val").glob("*.jpg"))[0]).convert("RGB")
    pair = np.asarray(pair)
    colour, sketch = pair[:, :256], pair[:200, 256:]
    full = stylizer.translate(sketch, colour)
    assert full.shape == sketch.shape

    def saturation(image):
        return np.mean(image.max(-1).astype(float) - image.min(-1))

    none = stylizer.translate(sketch, colour, strength=0.0)
    half = stylizer.translate(sketch, colour, strength=0.5)
    assert saturation(full) > saturation(half) > saturation(none)
    dark = (sketch.mean(-1) < 128).ravel()
    assert full.mean(-1).ravel()[dark].mean() < full.mean(-1).ravel()[~dark].mean()


def write_folders(tmp_path):
    for name in ("sketch", "colour"):
        (tmp_path / name).mkdir()
        for index in range(2):
            Image.fromarray(picture(index)).save(tmp_path / name / f"{index}.png")
    return tmp_path / "sketch", tmp_path / "colour"


def test_style_command_paints_folders_pair_by_pair(tmp_path, capsys):
    sketches, colours = write_folders(tmp_path)
    code = main(
        ["style", "--content", str(sketches), "--style", str(colours), "-o", str(tmp_path / "out"),
         "--features", "random", "--preset", "tiny", "--steps", "2", "--every", "1"]
    )  # fmt: skip
    assert code == 0, capsys.readouterr().err
    names = sorted(path.name for path in (tmp_path / "out").glob("[!.]*"))
    assert names == sorted(f"{i}{end}.png" for i in (0, 1) for end in ("", "_step1", "_step2"))
    assert Image.open(tmp_path / "out/0.png").size == (32, 24)


def test_style_command_names_contents_without_a_style(tmp_path, capsys):
    sketches, colours = write_folders(tmp_path)
    (colours / "1.png").unlink()
    arguments = ["--content", str(sketches), "--style", str(colours), "-o", str(tmp_path / "out")]
    assert main(["style", *arguments, "--features", "random"]) == 2
    assert "1 content(s) have no style" in capsys.readouterr().err
