"""The command line: quick help, one-line errors, exit codes."""

import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from ganime_tf.cli import COMMANDS, main


def test_help_is_quick_and_loads_no_tensorflow():
    program = (
        "import sys; from ganime_tf.cli import main; main(['--help']);"
        "assert 'tensorflow' not in sys.modules and 'tyro' not in sys.modules"
    )
    best = 9.0
    for _ in range(3):
        start = time.monotonic()
        run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        best = min(best, time.monotonic() - start)
        assert run.returncode == 0, run.stderr
    assert "translate" in run.stdout
    assert best < 0.5


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_has_help(name, capsys):
    try:
        code = main([name, "--help"])
    except SystemExit as exit:
        code = exit.code
    assert code == 0
    assert f"ganime {name}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["trian"], "Did you mean 'train'"),
        (["train", "pix2pixx"], "Did you mean 'pix2pix'"),
        (["train", "pix2pix", "--preset", "ganme"], "Presets:"),
        (["train", "pix2pix", "--data", "no/such/folder"], "no/such/folder"),
        (["translate", "x.png", "--model", "no/model", "-o", "out"], "No model at no/model"),
        (["export", "no/run", "-o", "out"], "No model at no/run"),
        (["convert", "pix2pixx", "x.pth", "-o", "out"], "Unknown layout"),
        (["convert", "pix2pix", "no.pth", "-o", "out"], "No such file"),
    ],
)
def test_a_wrong_call_is_one_line_and_exit_code_2(argv, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(argv) == 2
    errors = capsys.readouterr().err
    assert message in errors and "Traceback" not in errors
    assert not list(tmp_path.iterdir())


def test_an_unknown_flag_is_refused_before_tensorflow_starts():
    program = (
        "import sys\nfrom ganime_tf.cli import main\ncode = main(['translate', '--modle', 'x'])\n"
        "sys.exit(code + 10 * ('tensorflow' in sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.returncode == 2 and "--modle" in run.stderr


def test_models_lists_presets(capsys):
    assert main(["models"]) == 0
    out = capsys.readouterr().out
    assert "pix2pix-512" in out and "Isola" in out


def test_a_folder_without_pictures_says_what_was_looked_for(capsys, tmp_path):
    assert main(["train", "pix2pix", "--data", str(tmp_path)]) == 2
    assert str(tmp_path) in capsys.readouterr().err


def test_an_unwritable_run_dir_is_one_line(capsys, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    argv = ["train", "pix2pix", "--preset", "pix2pix-tiny", "--data", "toy:4", "--steps", "1"]
    assert main([*argv, "--run-dir", str(tmp_path / "file/run")]) == 2
    assert "Cannot write the run directory" in capsys.readouterr().err


def test_debug_shows_the_traceback():
    with pytest.raises(ValueError):
        main(["train", "nothing", "--debug"])


class Inverter:
    """A model stand-in: inverts, and fails on one size."""

    name = "inverter"

    def translate(self, images):
        if images.shape[1] == 13:
            raise ValueError("13 is unlucky")
        return 255 - images


def test_translate_files_skips_reports_and_never_overwrites(tmp_path):
    from ganime_tf.inference import translate_files

    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    picture = np.full((10, 12, 3), 200, np.uint8)
    Image.fromarray(picture).save(folder / "a.png")
    Image.fromarray(picture).save(folder / "sub/a.JPG")
    Image.fromarray(picture[:, :, :1].repeat(3, 2)[:9].repeat(2, 0)[:13]).save(folder / "bad13.png")
    (folder / "broken.png").write_bytes(b"no picture")
    report = translate_files(Inverter(), [folder], folder)
    assert sorted(str(p.relative_to(folder)) for p in report.written) == ["a_2.png", "sub/a.png"]
    assert {path.name for path, _ in report.skipped} == {"bad13.png", "broken.png"}
    assert "unlucky" in dict((p.name, r) for p, r in report.skipped)["bad13.png"]
    np.testing.assert_array_equal(np.asarray(Image.open(folder / "a.png")), picture)
    np.testing.assert_array_equal(np.asarray(Image.open(folder / "a_2.png")), 255 - picture)


def test_two_inputs_of_one_name_give_two_outputs(tmp_path):
    from ganime_tf.inference import translate_files

    for name in ("x", "y"):
        (tmp_path / name).mkdir()
        Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / name / "a.png")
    out = tmp_path / "out"
    report = translate_files(Inverter(), [tmp_path / "x/a.png", str(tmp_path / "y/*.png")], out)
    assert [p.name for p in report.written] == ["a.png", "a_2.png"]
