"""`ganime parse`: maps in the paper's classes, overlays, the real LiteRT face parser."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from ganime_tf import toy
from ganime_tf.cli import main
from ganime_tf.data.class_tables import class_table, mirror_table
from ganime_tf.data.parsing import CLASSES
from ganime_tf.inference.parse import PALETTE, load_parser, overlay, parse_files


class _Stripes:
    """Says class `column % 19` of every pixel."""

    def parse(self, image):
        return np.broadcast_to(np.arange(image.shape[1]) % 19, image.shape[:2]).astype(np.uint8)


def test_lips_are_mouth_and_every_other_class_keeps_its_name():
    table = class_table(CLASSES["celebamask"], CLASSES["anime17"])
    for number, name in enumerate(CLASSES["celebamask"]):
        wanted = "mouth" if "lip" in name else name
        assert CLASSES["anime17"][table[number]] == wanted
    assert class_table(CLASSES["danbooru-parsing"], CLASSES["anime17"]).tolist() == [
        *range(12), 11, 11, 12, 13, 14, 15, 16,
    ]  # fmt: skip
    with pytest.raises(ValueError, match="tail"):
        class_table(["tail"], CLASSES["anime17"])


@pytest.mark.parametrize("names", [*CLASSES.values(), toy.PARSING_CLASSES])
def test_mirroring_twice_changes_nothing_and_swaps_six(names):
    table = mirror_table(names)
    assert table[table].tolist() == list(range(len(names)))
    moved = [name for number, name in enumerate(names) if table[number] != number]
    assert len(moved) == 6 and not any("lip" in name for name in moved)


def test_palette_is_the_drawn_worlds():
    assert PALETTE == toy.PARSING_PALETTE


def test_maps_hold_class_numbers_and_overlays_keep_the_background(tmp_path):
    picture = np.random.default_rng(0).integers(0, 256, (20, 38, 3), np.uint8)
    (tmp_path / "in").mkdir()
    Image.fromarray(picture).save(tmp_path / "in" / "face.png")
    (tmp_path / "in" / "broken.png").write_bytes(b"nothing")
    report = parse_files(_Stripes(), [tmp_path / "in"], tmp_path / "out")
    assert [path.name for path in report.written] == ["face.png"]
    assert [path.name for path, _ in report.skipped] == ["broken.png"]
    with Image.open(report.written[0]) as image:
        assert image.mode == "P"
        maps = np.asarray(image)
    assert (
        maps[3, :19].tolist()
        == class_table(CLASSES["danbooru-parsing"], CLASSES["anime17"]).tolist()
    )
    over = np.asarray(Image.open(tmp_path / "out" / "overlays" / "face.png"))
    np.testing.assert_array_equal(over[:, [0, 19]], picture[:, [0, 19]])
    np.testing.assert_array_equal(over, overlay(picture, maps))
    assert (over[:, 1] != picture[:, 1]).any()


def test_a_file_that_no_job_wrote_is_kept_unless_asked(tmp_path):
    Image.fromarray(np.zeros((8, 40, 3), np.uint8)).save(tmp_path / "a.png")
    theirs = tmp_path / "out" / "maps" / "a.png"
    theirs.parent.mkdir(parents=True)
    Image.fromarray(np.full((3, 3), 7, np.uint8)).save(theirs)
    before = theirs.read_bytes()
    report = parse_files(_Stripes(), [tmp_path / "a.png"], tmp_path / "out")
    assert [path.name for path in report.written] == ["a_2.png"]
    assert theirs.read_bytes() == before
    assert parse_files(_Stripes(), [tmp_path / "a.png"], tmp_path / "out", overwrite=True).written
    assert theirs.read_bytes() != before


def test_command_parses_real_faces_with_a_litert_file(shared, tmp_path, capsys):
    faces = sorted((shared / "data" / "portrait2anime" / "testA").glob("*.jpg"))[:2]
    model = shared / "weights" / "bisenetv2_celebamask_448_int8.tflite"
    arguments = ["parse", *map(str, faces), "--model", str(model), "-o", str(tmp_path)]
    assert main(arguments) == 0
    assert "2 map(s)" in capsys.readouterr().out
    for face in faces:
        maps = np.asarray(Image.open(tmp_path / "maps" / f"{face.stem}.png"))
        assert maps.shape == np.asarray(Image.open(face)).shape[:2]
        shares = np.bincount(maps.ravel(), minlength=17) / maps.size
        names = CLASSES["anime17"]
        assert shares[names.index("skin")] > 0.1 and shares[names.index("hair")] > 0.02
        rows = {name: np.nonzero(maps == names.index(name))[0] for name in ("nose", "mouth")}
        assert rows["nose"].mean() < rows["mouth"].mean()


def test_a_picture_translator_is_no_parser(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_parser(tmp_path / "nothing.tflite")


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: x[:, ::2, ::2], "must give a class or scores for every pixel"),  # half as large
        (lambda x: x[:, 0, 0, :2], "must give a class or scores for every pixel"),  # two numbers
    ],
)
def test_a_litert_network_without_a_map_is_refused(function, message, tmp_path):
    specs = tf.TensorSpec((1, 16, 16, 3), tf.float32)
    concrete = tf.function(function).get_concrete_function(specs)
    path = tmp_path / "other.tflite"
    path.write_bytes(tf.lite.TFLiteConverter.from_concrete_functions([concrete]).convert())
    with pytest.raises(ValueError, match=message):
        load_parser(path)
