"""The drawn world: deterministic, aligned, labelled, and the same at every size."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from ganime_tf import toy

SCENES = [toy.sample_scene(3, index) for index in range(12)]


def _shrunk(picture: np.ndarray, size: int) -> np.ndarray:
    return np.asarray(Image.fromarray(picture).resize((size, size), Image.Resampling.BOX), float)


def test_scene_depends_on_seed_and_index_only():
    assert toy.sample_scene(3, 5) == SCENES[5]
    assert toy.sample_scene(4, 5) != SCENES[5]
    assert len(set(SCENES)) == len(SCENES)


def test_pictures_repeat_in_another_process():
    code = (
        "import hashlib; from ganime_tf import toy;"
        "p = toy.render_many(toy.sample_scene(3, 1), toy.WHATS, 48);"
        "print(*(hashlib.sha256(p[what].tobytes()).hexdigest() for what in toy.WHATS))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    here = toy.render_many(SCENES[1], toy.WHATS, 48)
    expected = [hashlib.sha256(here[what].tobytes()).hexdigest() for what in toy.WHATS]
    assert out.stdout.split()[-len(expected) :] == expected


@pytest.mark.parametrize("what", toy.WHATS)
def test_shapes_dtypes_and_joint_rendering(what):
    together = toy.render_many(SCENES[2], toy.WHATS, 64)
    alone = toy.render(SCENES[2], what, 64)
    assert alone.dtype == np.uint8
    assert alone.shape == ((64, 64) if what.endswith("parsing") else (64, 64, 3))
    np.testing.assert_array_equal(together[what], alone)


@pytest.mark.parametrize("what", ["colour", "portrait"])
def test_content_is_the_same_at_every_size(what):
    for scene in SCENES[:4]:
        small = toy.render(scene, what, 64).astype(float)
        other = toy.render(SCENES[5], what, 64).astype(float)
        large = _shrunk(toy.render(scene, what, 256), 64)
        assert np.abs(small - large).mean() < 10
        assert np.abs(small - large).mean() < 0.4 * np.abs(other - large).mean()


def _edges(grey: np.ndarray) -> np.ndarray:
    down, across = np.gradient(grey)
    return np.hypot(down, across)


def test_line_art_lies_on_the_edges_of_the_colour_picture():
    def overlap(scene, other):
        ink = 255.0 - toy.render(scene, "lineart", 128).mean(-1)
        edges = _edges(toy.render(other, "colour", 128).mean(-1))
        return np.corrcoef(ink.ravel(), edges.ravel())[0, 1]

    for scene, other in zip(SCENES[:5], SCENES[5:10], strict=True):
        assert overlap(scene, scene) > 0.3
        assert overlap(scene, scene) > overlap(scene, other) + 0.2


def test_line_art_is_grey_ink_on_white_paper():
    for scene in SCENES:
        line = toy.render(scene, "lineart", 96)
        assert (line[..., 0] == line[..., 2]).all()
        assert 0.5 < (line > 250).mean() < 0.97


def test_parsing_has_the_seventeen_classes_of_the_paper():
    assert len(toy.PARSING_CLASSES) == len(toy.PARSING_PALETTE) == 17
    assert len(set(toy.PARSING_PALETTE)) == 17
    for what in ("parsing", "portrait_parsing"):
        seen = set()
        for index in range(40):
            seen |= set(np.unique(toy.render(toy.sample_scene(0, index), what, 64)).tolist())
        assert seen == set(range(17))


def test_left_parts_are_the_persons_own():
    eyes = [toy.PARSING_CLASSES.index(name) for name in ("left_eye", "right_eye")]
    for scene in SCENES:
        labels = toy.render(scene, "parsing", 128)
        left, right = (np.nonzero(labels == eye)[1].mean() for eye in eyes)
        assert left > right  # the person looks at us


def test_parsing_outlines_the_parts_of_the_picture():
    scene = next(s for s in SCENES if s.hat == "none" and s.glasses == "none")
    pictures = toy.render_many(scene, ("colour", "parsing"), 128)
    hair = pictures["colour"][pictures["parsing"] == toy.PARSING_CLASSES.index("hair")]
    typical = np.median(hair, axis=0)
    assert np.abs(typical - np.array(scene.hair)).max() < 60


def test_artists_are_many_named_and_different():
    assert len(toy.ARTISTS) >= 40
    assert len({artist.name for artist in toy.ARTISTS}) == len(toy.ARTISTS)
    pictures = [toy.render(SCENES[0], "colour", 48, a).astype(int) for a in toy.ARTISTS]
    differences = [np.abs(a - b).mean() for i, a in enumerate(pictures) for b in pictures[i + 1 :]]
    assert min(differences) > 2.0


def test_portrait_does_not_depend_on_the_artist():
    a = toy.render(SCENES[0], "portrait", 48, toy.ARTISTS[0])
    np.testing.assert_array_equal(a, toy.render(SCENES[0], "portrait", 48, toy.ARTISTS[7]))


def test_hair_colour_follows_from_the_cut_more_often_than_not():
    from ganime_tf.toy.colours import hsv
    from ganime_tf.toy.scene import CUTS

    near = []
    for index in range(300):
        scene = toy.sample_scene(1, index)
        gap = abs(hsv(scene.hair)[0] - CUTS[scene.cut])
        near.append(min(gap, 1 - gap) < 0.08)
    assert 0.7 < np.mean(near) < 0.98  # partly free


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(("photo", 64), "what"), (("colour", 16), "32 to 512"), (("colour", 1024), "32 to 512")],
)
def test_unknown_pictures_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        toy.render(SCENES[0], *arguments)


def test_negative_index_is_refused():
    with pytest.raises(ValueError, match=">= 0"):
        toy.sample_scene(0, -1)


def test_pairs_are_colour_left_and_sketch_right(tmp_path):
    toy.write_dataset(tmp_path, 11, 32, "pairs", seed=5)
    names = sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*.png"))
    assert names == sorted([f"train/{i:06d}.png" for i in range(11) if i != 9] + ["val/000009.png"])
    pair = np.asarray(Image.open(tmp_path / "val" / "000009.png"))
    scene = toy.sample_scene(5, 9)
    np.testing.assert_array_equal(pair[:, :32], toy.render(scene, "colour", 32))
    np.testing.assert_array_equal(pair[:, 32:], toy.render(scene, "lineart", 32))


def test_unpaired_test_sets_show_the_same_people(tmp_path):
    toy.write_dataset(tmp_path, 10, 32, "unpaired")
    listing = {d.name: sorted(p.stem for p in d.iterdir()) for d in tmp_path.iterdir()}
    assert listing["testA"] == listing["testB"] == ["000009"]
    assert len(listing["trainA"]) == len(listing["trainB"]) == 9
    assert not set(listing["trainA"]) & set(listing["trainB"])


def test_parsing_labels_are_palette_files_of_class_indices(tmp_path):
    toy.write_dataset(tmp_path, 2, 64, "parsing")
    label = Image.open(tmp_path / "labels" / "000001_anime.png")
    assert label.mode == "P"
    np.testing.assert_array_equal(
        np.asarray(label), toy.render(toy.sample_scene(0, 1), "parsing", 64)
    )
    assert tuple(label.getpalette()[3:6]) == toy.PARSING_PALETTE[1]
    assert {p.name for p in (tmp_path / "images").iterdir()} == {
        p.name for p in (tmp_path / "labels").iterdir()
    }


def test_artist_and_stylize_layouts(tmp_path):
    toy.write_dataset(tmp_path / "artists", 3, 32, "artists")
    folders = {p.name for p in (tmp_path / "artists").iterdir()}
    assert folders == {artist.name for artist in toy.ARTISTS[:3]}
    toy.write_dataset(tmp_path / "stylize", 3, 32, "stylize")
    counts = {d.name: len(list(d.iterdir())) for d in (tmp_path / "stylize").iterdir()}
    assert counts == {"train_photo": 2, "style": 2, "val": 1}


def test_command_writes_a_set_and_refuses_a_wrong_size(tmp_path, capsys):
    from ganime_tf.cli import main

    assert main(["toy", str(tmp_path), "--count", "2", "--size", "32"]) == 0
    assert len(list(tmp_path.rglob("*.png"))) == 2
    assert main(["toy", str(tmp_path), "--count", "2", "--size", "8"]) == 2
    assert "32 to 512" in capsys.readouterr().err
