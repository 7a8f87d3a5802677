"""Made drawings, the dabs on them, and what the demo shows first."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from ganime_tf.colouring import Page, parse_hints
from ganime_tf.colouring.examples import HELD_OUT, draw_flat, draw_page, place_dabs, pose
from ganime_tf.metrics.colour import delta_e, rgb_to_lab
from ganime_tf.toy import sample_scene


def _error(page, picture, flat):
    clear = page.ink.cover == 0
    return float(delta_e(rgb_to_lab(picture[clear]), rgb_to_lab(flat[clear])).mean())


def test_dabs_lie_on_their_own_colour_and_colour_the_drawing():
    drawing = draw_flat(sample_scene(HELD_OUT, 33), 256)
    page = Page(drawing.lineart)
    dabs = place_dabs(drawing.flat, page.ink.cover)
    assert 10 < len(dabs) <= 80
    hints = parse_hints({"points": dabs}, page.ink.size)
    difference = np.abs(hints.colours[hints.mask].astype(int) - drawing.flat[hints.mask])
    assert np.mean(difference.max(axis=-1) > 2) < 0.02
    plain = _error(page, drawing.lineart, drawing.flat)
    assert _error(page, page.colour(hints).picture, drawing.flat) < 0.1 * plain


def test_a_character_keeps_her_colours_from_pose_to_pose():
    scene = sample_scene(HELD_OUT, 2)
    others = [pose(scene, number) for number in range(6)]
    assert {(o.hair, o.iris, o.cloth, o.skin, o.hat) for o in others} == {
        (scene.hair, scene.iris, scene.cloth, scene.skin, scene.hat)
    }
    assert len({o.yaw for o in others}) == 6
    assert others[3] == pose(scene, 3)


@pytest.mark.parametrize("panels", [1, 3, 5])
def test_pages_have_panels_with_white_between_them(panels):
    scene = sample_scene(HELD_OUT, 1)
    page = draw_page([pose(scene, k) for k in range(panels)], 300, 420)
    assert page.lineart.shape == page.flat.shape == (420, 300, 3)
    edge = page.flat[:10]
    assert (edge == 255).all() and (page.flat[40:-40, 40:-40] != 255).mean() > 0.3
    with pytest.raises(ValueError, match="1 to 6 panels"):
        draw_page([scene] * 7)


def test_the_demo_colours_before_tensorflow_is_needed(tmp_path):
    program = (
        "import sys; from ganime_tf.cli import main; "
        f"code = main(['demo', '--no-train', '-o', {str(tmp_path)!r}]); "
        "sys.exit(code or 'tensorflow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], timeout=120).returncode == 0
    page = np.asarray(Image.open(tmp_path / "page.png"))
    _, line, coloured = np.split(page, [-2480, -1240], axis=1)  # sheet, page, result
    black = (line == 0).all(axis=-1)
    assert black.any() and (coloured[black] == 0).all()
    assert (coloured.max(-1).astype(int) - coloured.min(-1) > 40).mean() > 0.2
    assert (tmp_path / "colouring.png").is_file()
