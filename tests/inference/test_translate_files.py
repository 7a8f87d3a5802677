"""The batch job: nothing of the user's is written over, and a job can be repeated."""

import numpy as np
import pytest
from PIL import Image

from ganime_tf.inference import translate_files
from ganime_tf.models.uses import Runner, Use


class Inverter(Runner):
    """Inverts; remembers the batches it was given."""

    name = "inverter"

    def __init__(self):
        self.batches = []

    def uses(self):
        return {"default": Use(None, ("image",)), "same": Use(None, ("image", "seed"))}

    def call_use(self, name, tensors):
        image = np.asarray(tensors["image"])
        self.batches.append(image.shape)
        return image if name == "same" else 255 - image


def save(path, level, size=(6, 5)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (level, level, level)).save(path)
    return path.read_bytes()


def level(path):
    return int(np.asarray(Image.open(path))[0, 0, 0])


def test_results_in_the_folder_of_the_inputs_leave_them_alone_and_repeat(tmp_path):
    before = {n: save(tmp_path / n, x) for n, x in (("a.bmp", 10), ("a.png", 20))}
    for _ in range(3):
        report = translate_files(Inverter(), [tmp_path], tmp_path)
        assert sorted(level(path) for path in report.written) == [235, 245]
        assert {name: (tmp_path / name).read_bytes() for name in before} == before
        assert len(list(tmp_path.glob("*.png"))) == 3


def test_a_file_beside_the_results_that_no_job_wrote_stays(tmp_path):
    save(tmp_path / "in/001.bmp", 10)
    truth = save(tmp_path / "out/001.png", 99)
    (written,) = translate_files(Inverter(), [tmp_path / "in"], tmp_path / "out").written
    assert written.name == "001_2.png" and (tmp_path / "out/001.png").read_bytes() == truth
    (written,) = translate_files(
        Inverter(), [tmp_path / "in"], tmp_path / "out", overwrite=True
    ).written
    assert written.name == "001.png" and level(written) == 245


def test_a_result_folder_inside_the_inputs_is_not_read(tmp_path):
    for number in range(3):
        save(tmp_path / f"{number}.png", number)
    counts = [
        len(translate_files(Inverter(), [tmp_path], tmp_path / "out").written) for _ in range(3)
    ]
    assert counts == [3, 3, 3]


def test_a_job_goes_on_where_it_stopped(tmp_path):
    for number in range(3):
        save(tmp_path / f"in/{number}.png", number)
    translate_files(Inverter(), [tmp_path / "in/0.png"], tmp_path / "out")
    report = translate_files(Inverter(), [tmp_path / "in"], tmp_path / "out", skip_existing=True)
    assert [path.name for path in report.written] == ["1.png", "2.png"]
    assert [path.name for path in report.existing] == ["0.png"]


def test_pictures_of_one_size_go_through_together_in_order(tmp_path):
    for number in range(12):
        save(tmp_path / f"in/{number:02d}.png", number, (6, 5) if number != 4 else (7, 5))
    model = Inverter()
    report = translate_files(model, [tmp_path / "in"], tmp_path / "out")
    assert [shape[0] for shape in model.batches] == [4, 1, 7]
    assert [level(path) for path in report.written] == [255 - number for number in range(12)]
    assert [path.name for path in report.written] == [f"{number:02d}.png" for number in range(12)]


def test_the_use_is_the_one_that_is_named(tmp_path):
    save(tmp_path / "a.png", 10)
    (path,) = translate_files(Inverter(), [tmp_path / "a.png"], tmp_path / "x", seed=1).written
    assert level(path) == 10
    with pytest.raises(ValueError, match="no use 'reverse'"):
        translate_files(Inverter(), [tmp_path / "a.png"], tmp_path / "x", use="reverse")
