"""Shade over the flats: where the drawn shadows lie, on the side away from the light."""

import numpy as np
import pytest

from ganime_tf.cli import main
from ganime_tf.colouring import Page, parse_hints
from ganime_tf.colouring.examples import HELD_OUT, draw_flat, place_dabs
from ganime_tf.colouring.ink import compose, read_page
from ganime_tf.colouring.layers import layers_of
from ganime_tf.colouring.network import included_network
from ganime_tf.colouring.shade import ShadeStyle, find_shadows
from ganime_tf.colouring.shaded import shade_batch
from ganime_tf.ops.files import write_json
from ganime_tf.ops.pictures import save_png
from ganime_tf.toy import sample_scene


@pytest.fixture(scope="module")
def drawing():
    return draw_flat(sample_scene(HELD_OUT, 33), 256)


@pytest.fixture(scope="module")
def page(drawing):
    return Page(drawing.lineart)


@pytest.fixture(scope="module")
def hints(drawing, page):
    return parse_hints({"points": place_dabs(drawing.flat, page.ink.cover)}, page.ink.size)


def test_a_batch_is_a_pure_function_of_seed_and_step():
    first, again = shade_batch(1, 3, 2, 2, 64), shade_batch(1, 3, 2, 2, 64)
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)
    assert first[0].shape == (4, 64, 64, 4) and first[1].shape == (4, 64, 64, 1)
    assert 0 <= first[1].min() and first[1].max() <= 1
    assert np.abs(first[0] - shade_batch(2, 3, 2, 2, 64)[0]).max() > 0


def test_the_included_weights_find_the_drawn_shadows():
    network, both, either = included_network("shade"), 0, 0
    for step in range(3):
        planes, truth = shade_batch(HELD_OUT, step, 4, 1, 128)
        for seen, wanted in zip(planes, truth[..., 0] > 0.5, strict=True):
            found = network(seen) > 0.5
            both, either = both + (found & wanted).sum(), either + (found | wanted).sum()
    assert both / either > 0.6


def test_light_from_the_right_is_the_mirror(page, drawing):
    network = included_network("shade")
    sheet = np.asarray(drawing.flat, np.float32)
    left = find_shadows(network, page.cover, sheet)
    mirrored = find_shadows(network, page.cover[:, ::-1], sheet[:, ::-1], "right")
    np.testing.assert_allclose(mirrored[:, ::-1], left, atol=1e-6)
    columns = np.arange(256) - 128
    right = find_shadows(network, page.cover, sheet, "right")
    # Away from the light: the centre of the shadows moves to the other side.
    assert (left * columns).sum() / left.sum() > (right * columns).sum() / right.sum() + 5


def test_shade_darkens_and_leaves_the_ink(page, hints):
    bare = page.colour(hints, flat=True)
    mean = [bare.picture.mean()]
    for depth in (0.2, 0.5):
        shaded = page.colour(hints, flat=True, shade=ShadeStyle(depth=depth))
        assert (shaded.picture <= bare.picture).all()
        ink = page.ink.cover == 255
        np.testing.assert_array_equal(shaded.picture[ink], page.ink.page[ink])
        np.testing.assert_array_equal(shaded.colour, bare.colour)
        mean.append(shaded.picture.mean())
    assert mean[0] > mean[1] + 1 > mean[2] + 2
    none = page.colour(hints, flat=True, shade=ShadeStyle(depth=0.0))
    np.testing.assert_array_equal(none.picture, bare.picture)


def test_cel_shade_has_edges_and_soft_shade_has_none(page, hints):
    cel, soft = (
        page.colour(hints, flat=True, shade=ShadeStyle(kind, depth=1.0)).shade[..., 1]
        for kind in ("cel", "soft")
    )
    between = [((layer > 25) & (layer < 230)).mean() for layer in (cel, soft)]
    assert between[0] < 0.5 * between[1]


def test_bare_paper_is_not_shaded(page):
    one = parse_hints({"points": [{"x": 128, "y": 60, "color": "#8050c0"}]}, page.ink.size)
    result = page.colour(one, flat=True, paper=True, shade=ShadeStyle())
    paper = (result.colour == 255).all(-1)
    assert paper.mean() > 0.2 and (result.shade[paper] == 255).all()
    assert (result.shade[~paper] < 255).any()


def test_layers_give_the_picture(page, hints):
    result = page.colour(hints, shade=ShadeStyle("soft"))
    layers = {layer.name: layer for layer in layers_of(page, result)}
    assert list(layers) == ["ink", "shade", "colour", "paper"] and layers["shade"].multiply
    product = layers["colour"].pixels.astype(float) * layers["shade"].pixels / 255
    again = compose(page.ink, np.rint(product).astype(np.uint8))
    assert np.abs(again.astype(int) - result.picture).max() <= 1


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"kind": "hard"}, "cel, soft"),
        ({"light": "top"}, "left or right"),
        ({"depth": 2}, "0 to 1"),
    ],
)
def test_wrong_looks_are_refused(fields, said):
    with pytest.raises(ValueError, match=said):
        ShadeStyle(**fields)


def test_the_command_shades(tmp_path, drawing, page):
    save_png(tmp_path / "page.png", drawing.lineart)
    points = place_dabs(drawing.flat, page.ink.cover)
    write_json(tmp_path / "hints.json", {"points": points})
    pictures = {}
    cel = ["--shade", "cel"]
    ways = ([], cel, [*cel, "--light", "right"], [*cel, "--depth", "0.6"], ["--shade", "soft"])
    for number, flags in enumerate(ways):
        call = ["color", str(tmp_path / "page.png"), "--hints", str(tmp_path / "hints.json")]
        assert main([*call, "-o", str(tmp_path / str(number)), "--flat", *flags]) == 0
        pictures[number] = read_page(tmp_path / str(number) / "page.png").astype(int)
    assert (pictures[0] - pictures[1]).max() > 20 and (pictures[1] - pictures[0]).max() <= 0
    assert np.abs(pictures[1] - pictures[2]).max() > 20
    assert pictures[3].mean() < pictures[1].mean() - 1  # deeper
    assert np.abs(pictures[1] - pictures[4]).max() > 20
