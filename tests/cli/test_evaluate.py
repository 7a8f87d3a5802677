import json

import numpy as np
import pytest
from PIL import Image

from ganime_tf.cli import main
from ganime_tf.data.io import read_image


@pytest.fixture(autouse=True)
def _no_downloads(monkeypatch, tmp_path):
    monkeypatch.setenv("GANIME_OFFLINE", "1")
    monkeypatch.setenv("GANIME_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("GANIME_WEIGHTS", raising=False)


@pytest.fixture
def sets(tmp_path):
    """Three folders of four pictures: real, close, far."""
    random = np.random.default_rng(0)
    real = random.integers(0, 256, (4, 24, 24, 3))
    for name, noise in (("real", 0), ("close", 10), ("far", 120)):
        (tmp_path / name).mkdir()
        for index, picture in enumerate(real):
            picture = np.clip(picture + random.integers(-noise, noise + 1, picture.shape), 0, 255)
            Image.fromarray(picture.astype(np.uint8)).save(tmp_path / name / f"p{index}.png")
    return tmp_path


def test_evaluate_writes_table_json_csv_and_sheet(sets, capsys):
    code = main(
        f"evaluate --real {sets}/real --fake {sets}/far --paired --json {sets}/r.json "
        f"--csv {sets}/r.csv --worst 2 --sheet {sets}/worst.png".split()
    )
    out = capsys.readouterr().out
    assert code == 0 and "ssim (+)" in out and "24x24" in out
    report = json.loads((sets / "r.json").read_text())
    assert report["scores"]["ssim"]["n"] == 4 and report["context"]["real_hash"]
    assert len((sets / "r.csv").read_text().splitlines()) == 5
    height, width, _ = read_image(sets / "worst.png").shape
    assert height > 2 * 24 and width > 2 * 24


def test_refused_metrics_give_exit_code_one_and_errors_two(sets, capsys):
    folders = f"--real {sets}/real --fake {sets}/far".split()
    assert main(["evaluate", *folders, "--metrics", "fd_random", "fid_clean"]) == 1
    assert "GANIME_WEIGHTS" in capsys.readouterr().out
    assert main(["evaluate", *folders, "--metrics", "ssim"]) == 2
    assert "--paired" in capsys.readouterr().err
    assert main(["evaluate", "--real", str(sets / "real")]) == 2


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        ("--metrics fd_random --csv x.csv", "--csv needs a metric with a value a picture"),
        ("--metrics fd_random --worst 2", "--worst needs a metric with a value a picture"),
        ("--paired --metrics ssim --worst 2 --worst-by l1", "--worst-by l1: expected one"),
        ("--metrics fd_random --save-statistics s.npz", "needs --real and a fid_"),
    ],
)
def test_outputs_that_cannot_be_written_are_refused_before_the_work(sets, capsys, flags, reason):
    assert main([*f"evaluate --real {sets}/real --fake {sets}/far".split(), *flags.split()]) == 2
    found = capsys.readouterr()
    assert reason in found.err and not found.out


def test_compare_ranks_the_closer_folder_first(sets, capsys):
    call = f"compare {sets}/close {sets}/far --real {sets}/real -o {sets}/out".split()
    assert main([*call, "--metrics", "ssim", "fd_random"]) == 0
    text = capsys.readouterr().out
    assert "close" in text and "bootstrap" in text
    found = json.loads((sets / "out" / "comparison.json").read_text())
    close, far = (found[k]["scores"]["ssim"] for k in ("close", "far"))
    assert close["low"] > far["high"]
    close, far = (found[k]["scores"]["fd_random"] for k in ("close", "far"))
    assert close["low"] <= close["value"] < close["high"] < far["value"] and close["n"] == 4
    assert read_image(sets / "out" / "comparison.png").shape[1] > 3 * 24
    (sets / "far" / "p1.png").unlink()
    assert main(call) == 2
    assert "lacks p1" in capsys.readouterr().err


def test_a_model_is_scored_on_its_validation_pictures(sets, capsys):
    import keras

    from ganime_tf.models import get_model, get_preset

    keras.utils.set_random_seed(0)
    model = get_model("pix2pix")(get_preset("pix2pix", "pix2pix-tiny"))
    model.compile()
    model.save(sets / "model.keras")
    call = f"evaluate --model {sets}/model.keras --data toy:12 --limit 3 --worst 1 "
    call += f"--sheet {sets}/w.png --json {sets}/m.json --metrics ssim l1"
    assert main(call.split()) == 0
    report = json.loads((sets / "m.json").read_text())
    assert 0 < report["scores"]["l1"]["value"] < 1 and report["context"]["data"] == "toy:12"
    call = f"compare {sets}/model.keras --data toy:12 --limit 3 -o {sets}/c --metrics l1"
    assert main(call.split()) == 0
    found = json.loads((sets / "c" / "comparison.json").read_text())["model"]
    assert found["scores"]["l1"]["value"] == pytest.approx(report["scores"]["l1"]["value"])


def test_linked_folders_and_other_unicode_forms_are_the_same_pictures(sets, capsys):
    (sets / "real2").mkdir()
    (sets / "fake2" / "sub").mkdir(parents=True)
    (sets / "real2" / "sub").symlink_to(sets / "real", target_is_directory=True)
    for path in (sets / "close").iterdir():
        (sets / "fake2/sub" / path.name).write_bytes(path.read_bytes())
    (sets / "real" / "caf\u00e9.png").write_bytes((sets / "real/p0.png").read_bytes())
    (sets / "fake2/sub" / "cafe\u0301.png").write_bytes((sets / "close/p0.png").read_bytes())
    call = f"evaluate --real {sets}/real2 --fake {sets}/fake2 --paired --json {sets}/r.json"
    assert main(call.split()) == 0
    assert json.loads((sets / "r.json").read_text())["scores"]["ssim"]["n"] == 5


def test_a_folder_is_not_compared_with_itself(sets, capsys):
    assert main(["evaluate", "--real", str(sets / "real"), "--fake", f"{sets}/./real"]) == 2
    assert "are the same folder" in capsys.readouterr().err


def test_the_ends_of_names_tell_the_files_of_one_folder_apart(sets, capsys):
    (sets / "images").mkdir()
    for name, end in (("real", "_real_B"), ("close", "_fake_B"), ("far", "_real_A")):
        for path in (sets / name).iterdir():
            copy = sets / "images" / f"{path.stem}{end}.png"
            copy.write_bytes(path.read_bytes())
    both = f"evaluate --real {sets}/images --fake {sets}/images --paired --metrics l1"
    assert main(both.split()) == 2
    ends = f"{both} --real-suffix _real_B --fake-suffix _fake_B --json {sets}/r.json --worst 1"
    assert main([*ends.split(), "--sheet", str(sets / "worst.png")]) == 0
    found = json.loads((sets / "r.json").read_text())["scores"]["l1"]
    plain = f"evaluate --real {sets}/real --fake {sets}/close --paired --metrics l1"
    assert main([*plain.split(), "--json", str(sets / "p.json")]) == 0
    assert found == json.loads((sets / "p.json").read_text())["scores"]["l1"] and found["n"] == 4
    assert read_image(sets / "worst.png").shape[0] > 24
    capsys.readouterr()
    assert main(f"{both} --real-suffix _real_C --fake-suffix _fake_B".split()) == 2
    assert "None of the 12 pictures" in capsys.readouterr().err


def test_files_that_are_linked_into_both_sets_are_refused(sets, capsys):
    (sets / "links").mkdir()
    for path in (sets / "close").iterdir():
        (sets / "links" / path.name).write_bytes(path.read_bytes())
    (sets / "links" / "p2.png").unlink()
    (sets / "links" / "p2.png").symlink_to(sets / "real" / "p2.png")
    assert main(f"evaluate --real {sets}/real --fake {sets}/links --paired".split()) == 2
    assert "1 of the 4 fake pictures are real ones too" in capsys.readouterr().err


def test_a_picture_that_is_too_small_is_left_out_by_name(sets, capsys):
    for name in ("real", "close"):
        Image.new("RGB", (8, 8)).save(sets / name / "p3.png")
    call = f"evaluate --real {sets}/real --fake {sets}/close --paired --json {sets}/r.json"
    assert main([*call.split(), "--metrics", "ssim", "l1"]) == 0
    report = json.loads((sets / "r.json").read_text())
    assert report["scores"]["ssim"]["n"] == 3 and list(report["left_out"]) == ["p3"]
    assert "left out: p3: 8x8 pixels, and ssim needs 11 a side" in capsys.readouterr().out
    assert main([*call.split(), "--metrics", "l1"]) == 0  # which sees pictures of any size
    assert json.loads((sets / "r.json").read_text())["scores"]["l1"]["n"] == 4


def test_label_maps_in_colours_are_refused_in_a_sentence(sets, capsys):
    call = f"evaluate --real {sets}/real --fake {sets}/close --metrics miou --num-classes 3"
    assert main(call.split()) == 2
    error = capsys.readouterr().err
    assert "Received one of mode RGB, an array of shape (24, 24, 3)" in error
    assert "Replace each colour by its class's number" in error
