"""Faces: what is found is translated upright, pasted back, and nothing else is touched."""

import numpy as np
import pytest
from PIL import Image

from ganime_tf.inference import faces as module
from ganime_tf.inference import translate_files
from ganime_tf.inference.faces import Face, FaceComputing, NoFaceError, placement, soft_mask
from ganime_tf.models.uses import Runner, Use

cv2 = pytest.importorskip("cv2")

POINTS = np.array([[88.0, 90.0], [112.0, 90.0], [100.0, 104.0], [90.0, 116.0], [110.0, 116.0]])


def face(angle=0.0, centre=(100.0, 100.0), points=POINTS):
    turn = np.deg2rad(angle)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    moved = (points - 100.0) @ matrix.T + centre
    return Face((centre[0] - 25, centre[1] - 30, 50, 60), moved, 0.9)


def photo():
    y, x = np.mgrid[:200, :240]
    return np.stack([x, y, (x + y) // 2], -1).astype(np.uint8)


@pytest.mark.parametrize("angle", [0, 35, -80])
def test_the_eyes_come_to_lie_level_at_their_place(angle):
    matrix = placement(face(angle), 64)
    eyes = face(angle).points[:2] @ matrix[:, :2].T + matrix[:, 2]
    assert abs(eyes[0, 1] - eyes[1, 1]) < 0.5
    assert abs(eyes[:, 0].mean() - 32) < 2 and 20 < eyes[0, 1] < 36


def test_a_profile_is_placed_by_its_box():
    side = face(points=np.vstack([POINTS[:1], POINTS[:1] + 1, POINTS[2:]]))
    matrix = placement(side, 64)
    assert matrix[0, 1] == 0 and matrix[0, 0] == 64 / 120
    np.testing.assert_allclose(matrix[:, :2] @ [100, 100] + matrix[:, 2], [32, 32])


@pytest.mark.parametrize("angle", [0, 50])
def test_the_same_face_pasted_back_changes_nothing_and_another_only_the_head(angle):
    picture = photo()
    find = lambda image: [face(angle)]  # noqa: E731
    same = FaceComputing(lambda pictures: pictures, find, 128)([picture])[0]
    assert np.abs(same.astype(int) - picture).mean() < 0.5
    black = FaceComputing(lambda pictures: [0 * p for p in pictures], find, 128)([picture])[0]
    y, x = np.mgrid[:200, :240]
    far = np.hypot(x - 100, y - 100) > 75
    np.testing.assert_array_equal(black[far], picture[far])
    assert (black[90:110, 90:110] == 0).all()
    edge = np.abs(np.diff(black.astype(int), axis=1)).max()
    assert edge < 40  # no hard border


def test_several_faces_are_all_pasted_and_none_is_said():
    picture = photo()
    two = [face(0, (60.0, 100.0)), face(20, (180.0, 100.0))]
    out = FaceComputing(lambda p: [0 * x for x in p], lambda image: two, 128)([picture])[0]
    assert (out[95:105, 55:65] == 0).all() and (out[95:105, 175:185] == 0).all()
    with pytest.raises(NoFaceError, match="no face"):
        FaceComputing(lambda p: p, lambda image: [])([picture])
    whole = FaceComputing(lambda p: [255 - x for x in p], lambda image: [], without="whole")
    np.testing.assert_array_equal(whole([picture])[0], 255 - picture)
    with pytest.raises(ValueError, match="skip or whole"):
        FaceComputing(None, None, without="maybe")


def test_the_mask_is_whole_on_the_face_and_gone_at_the_border():
    mask = soft_mask(64)
    assert mask[32, 32] == 1 and mask[0].max() == 0 and mask[:, 0].max() == 0
    assert np.abs(np.diff(mask, axis=0)).max() < 0.2


def test_the_job_skips_pictures_without_a_face(tmp_path, monkeypatch):
    class Negative(Runner):
        name = "negative"

        def uses(self):
            return {"default": Use(None, ("image",))}

        def call_use(self, name, tensors):
            return 255 - np.asarray(tensors["image"])

    class Finder:
        def __call__(self, image):
            return [face()] if image[0, 0, 0] == 0 else []

    monkeypatch.setattr(module, "FaceFinder", Finder)
    Image.fromarray(photo()).save(tmp_path / "person.png")
    Image.fromarray(255 - photo()).save(tmp_path / "wall.png")
    report = translate_files(
        Negative(), [tmp_path / "person.png", tmp_path / "wall.png"], tmp_path / "out", faces="skip"
    )
    assert [path.name for path in report.written] == ["person.png"]
    assert report.skipped[0][1] == "no face was found in it"


def test_real_faces_are_found(shared):
    from ganime_tf.data.io import read_image
    from ganime_tf.weights import MissingWeightsError

    try:
        find = module.FaceFinder()
    except MissingWeightsError:
        pytest.skip("YuNet's file is not here")
    people = sorted((shared / "data" / "portrait2anime" / "testA").glob("*.jpg"))[:4]
    assert all(len(find(read_image(path))) >= 1 for path in people)
