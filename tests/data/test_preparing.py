"""`ganime prepare` takes what metadata and pixels say, on pictures that are known."""

import functools
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from ganime_tf.cli import main
from ganime_tf.data.preparing import colour_spread
from ganime_tf.ops.settings import differences, plain
from ganime_tf.toy import render, sample_scene

FEMALE = {"one": -1, "two": 1, "grey": -1, "sepia": -1}
FORMS = ("celeba.txt", "celeba.csv", "danbooru.jsonl")


def _metadata(path):
    """Who is female by CelebA's lists; in the JSONL as a tag. "other" is in none of them."""
    if path.suffix == ".txt":
        rows = "".join(f"{name}.jpg  {sex}  1\r\n" for name, sex in FEMALE.items())
        path.write_text(f"\ufeff{len(FEMALE)}\r\nMale Young\r\n{rows}", encoding="utf-8")
    elif path.suffix == ".csv":
        rows = "".join(f"{name}.jpg,{sex},1\n" for name, sex in FEMALE.items())
        path.write_text("image_id,Male,Young\n" + rows, encoding="utf-8")
    else:
        rows = [{"file_name": f"{name}.png", "tags": ["1boy" if sex > 0 else "1girl"]}
                for name, sex in FEMALE.items()]  # fmt: skip
        path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


@pytest.fixture
def folder(tmp_path):
    """Two coloured portraits, one of them also grey and in sepia, and one without metadata."""
    folder = tmp_path / "in"
    folder.mkdir()
    for name, number in (("one", 1), ("two", 2), ("other", 3)):
        Image.fromarray(render(sample_scene(0, number), "portrait", 96)).save(
            folder / f"{name}.png"
        )
    grey = Image.open(folder / "one.png").convert("L")
    grey.save(folder / "grey.png")
    ImageOps.colorize(grey, (40, 20, 10), (255, 240, 210)).save(folder / "sepia.jpg", quality=60)
    return folder


def _prepared(folder, out, *options):
    code = main(["prepare", "resize", str(folder), "-o", str(out), "--size", "32", *options])
    assert code == 0
    reasons = dict(line.split("\t") for line in (out / "skipped.txt").read_text().splitlines())
    return {path.stem for path in out.glob("*.png")}, reasons


def test_colours_are_told_from_tints(folder):
    spreads = {path.stem: colour_spread(np.asarray(Image.open(path).convert("RGB")))
               for path in folder.iterdir()}  # fmt: skip
    assert spreads["grey"] == pytest.approx(0, abs=1e-6) and spreads["sepia"] < 1.2
    assert min(spreads[name] for name in ("one", "two", "other")) > 3.0


@pytest.mark.parametrize("form", FORMS)
def test_metadata_and_pixels_decide(folder, tmp_path, form, capsys):
    table = str(_metadata(tmp_path / form))
    where = "tag=1girl" if form.endswith("jsonl") else "Male=-1"
    given = ["--metadata", table]
    everything, reasons = _prepared(folder, tmp_path / "all")
    assert everything == {"one", "two", "other", "grey", "sepia"} and not reasons
    named, reasons = _prepared(folder, tmp_path / "named", *given)
    assert named == set(FEMALE) and reasons == {"other.png": f"not in {form}"}
    female, reasons = _prepared(folder, tmp_path / "female", *given, "--where", where)
    assert female == {"one", "grey", "sepia"} and reasons["two.png"] == f"not {where}"
    options = [*given, "--where", where, "--no-monochrome"]
    clean, reasons = _prepared(folder, tmp_path / "clean", *options)
    assert clean == {"one"} and reasons["sepia.jpg"] == reasons["grey.png"] == "monochrome"
    assert "2 monochrome" in capsys.readouterr().out
    # The same again goes on; other options do not mix with it.
    assert _prepared(folder, tmp_path / "clean", *options)[0] == {"one"}
    words = ["prepare", "resize", str(folder), "-o", str(tmp_path / "clean"), "--size", "32"]
    assert main([*words, *given]) == 2
    assert "other options" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (None, ["--where", "Male=-1"], "--where needs --metadata"),
        ("2\nMale\nnobody.jpg 1\nno-one.jpg 1\n", [], "names none of the 5 pictures"),
        ("1\nMale\none.jpg 1 1\n", [], "line 3: 2 values for 1"),
        ("1\nMale\none.jpg 1\n", ["--where", "Femal=1"], "no 'femal'"),
        ("1\nMale\none.jpg 1\n", ["--where", "Male"], "Cannot read the condition"),
        ("gone", [], "neither JSONL, CSV"),
    ],
)
def test_a_wrong_list_or_condition_is_one_line(folder, tmp_path, content, options, message, capsys):
    given = []
    if content is not None:
        (tmp_path / "list.txt").write_text(content)
        given = ["--metadata", str(tmp_path / "list.txt")]
    words = ["prepare", "resize", str(folder), "-o", str(tmp_path / "out"), *given, *options]
    assert main(words) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1 and message in said[0]
    assert not list((tmp_path / "out").glob("*.png"))


JOBS = {
    "resize": ("--size", "32"),
    "lineart": ("--style", "thin"),
    "smooth": ("--size", "32"),
    "crop-faces": ("--size", "32"),
    "split-pairs": ("--direction", "ab"),
    "shard": ("--kind", "pictures"),
}


@pytest.mark.parametrize("job", JOBS)
def test_another_process_goes_on_with_a_job(folder, tmp_path, job):
    out, command = tmp_path / "out", ["prepare", job, str(folder), *JOBS[job]]
    if job == "crop-faces":
        pytest.importorskip("cv2")
    elif job != "shard":
        metadata = tmp_path / "kept.csv"
        metadata.write_text("name,score\none,5\ngrey,5\ntwo,1\n")
        command += ["--no-monochrome", "--metadata", str(metadata), "--where", "score>=5"]
    command += ["-o", str(out)]
    code = main(command)
    assert code == 0 or job == "crop-faces"  # no cascade finds the face of a drawing
    there = {path: path.stat().st_mtime_ns for path in out.rglob("*.png")}
    run = [sys.executable, "-c", "import sys; from ganime_tf.cli import main; sys.exit(main())"]
    again = subprocess.run([*run, *command], capture_output=True, text=True)
    assert again.returncode == code and "Give a new folder" not in again.stderr, again.stderr
    assert there == {path: path.stat().st_mtime_ns for path in out.rglob("*.png")}


def test_other_options_are_named(folder, tmp_path, capsys):
    command = ["prepare", "resize", str(folder), "-o", str(tmp_path / "out"), "--size"]
    assert main([*command, "32"]) == 0
    assert main([*command, "64", "--aspect", "pad"]) != 0
    assert "size 64, not 32; aspect pad, not crop" in capsys.readouterr().err
    (tmp_path / "out/.done/settings.json").write_text("of another version")
    assert main([*command, "32"]) != 0
    assert "settings.json is damaged" in capsys.readouterr().err


def test_settings_tell_values_apart():
    large = np.zeros((50, 50))
    other = large.copy()
    other[25, 25] = 1  # where `repr` leaves values out
    assert plain({"a": large}) == plain({"a": large.copy()}) != plain({"a": other})
    work = functools.partial(render, kind="portrait", size=32)
    name = f"{render.__module__}.render"
    assert plain(work) == {"function": name, "kind": "portrait", "size": 32}
    assert json.loads(json.dumps(plain((work, Path("x"), None)))) == plain((work, Path("x"), None))
    assert differences(plain(work), plain(functools.partial(work, size=64))) == ["size 64, not 32"]
    for unknown in (lambda: 0, object(), [object()]):
        with pytest.raises(TypeError, match="cannot be told apart"):
            plain(unknown)
