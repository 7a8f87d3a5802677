"""Exports: every format opened by its own runtime, in a process that has no TensorFlow."""

import json
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from helpers import tiny

from ganime_tf.cli import main
from ganime_tf.export import FORMATS, export_model, format_of, proof, writing
from ganime_tf.inference import load
from ganime_tf.inference.load import save_model_as_run
from ganime_tf.lite import load as load_lite
from ganime_tf.toy import render, sample_scene

pytestmark = pytest.mark.filterwarnings("ignore")


def need(kind):
    for package in (*FORMATS[kind].needs, *(["ai_edge_litert"] if kind == "litert" else [])):
        pytest.importorskip(package)


def picture(height=51, width=80):
    return render(sample_scene(0, 0), "portrait", 96)[:height, :width]


# (format, model, size, uses): U-GAT-IT's attention needs a kernel that is computed, its MLP a grid.
CASES = [
    ("litert", "ugatit", None, ("default",)),
    ("litert", "ugatit", 32, ("attention",)),
    ("litert", "cyclegan", None, ()),
    ("onnx", "animegan", None, ()),
    ("onnx", "ugatit", 64, ("default",)),
]


@pytest.mark.parametrize(("kind", "name", "size", "uses"), CASES)
def test_a_clean_process_without_tensorflow_gives_the_models_pixels(
    kind, name, size, uses, tmp_path
):
    need(kind)
    model = tiny(name, f"{name}-tiny")
    opset = 18 if name == "animegan" else 15
    report = export_model(model, tmp_path / "small", kind, size=size, uses=uses, opset=opset)
    assert report.path == tmp_path / f"small{FORMATS[kind].suffix}" and not report.left_out
    assert [d.use for d in report.differences] == list(uses or model.uses())
    for difference in report.differences:
        assert difference.greatest <= 1 and "no TensorFlow" in difference.runtime
    opened = load(report.path)
    assert {n: u.describe() for n, u in opened.uses().items()} == {
        n: u.describe() for n, u in model.uses().items() if n in (uses or model.uses())
    }
    image = picture()
    got = opened.run(use := next(iter(opened.uses())), image=image)
    assert got.shape == image.shape and got.dtype == np.uint8
    if size is None:
        assert np.abs(got.astype(int) - model.run(use, image=image)).max() <= 1


@pytest.mark.parametrize("kind", ["saved_model", "keras"])
def test_formats_of_tensorflow_open_with_all_uses(kind, tmp_path):
    model = tiny("cyclegan", "cyclegan-tiny")
    report = export_model(model, tmp_path / "both", kind, clean=False)
    opened, image = load(report.path), picture()
    assert format_of(report.path).name == kind
    for use in model.uses():
        difference = opened.run(use, image=image).astype(int) - model.run(use, image=image)
        assert np.abs(difference).max() <= 1
    if kind == "keras":
        model.save(tmp_path / "run.keras")  # with the state of the training
        assert report.path.stat().st_size < 0.6 * (tmp_path / "run.keras").stat().st_size
        with zipfile.ZipFile(report.path) as archive:
            assert json.loads(archive.read("ganime.json"))["precision"] == "float32"


def test_half_floats_are_half_the_size_and_near(tmp_path):
    model, image = tiny("pix2pix", "pix2pix-tiny"), picture()
    for kind in ("litert", "onnx"):
        if any(map(_absent, FORMATS[kind].needs)):
            continue
        full = export_model(model, tmp_path / "full", kind, size=64)
        half = export_model(model, tmp_path / "half", kind, size=64, precision="float16")
        assert half.megabytes < 0.6 * full.megabytes
        assert half.differences[0].greatest <= 2
        assert load(half.path).translate(image).shape == image.shape


def _absent(package):
    import importlib.util

    return importlib.util.find_spec(package) is None


def test_integer_weights_are_small_and_integer_features_near(tmp_path):
    need("litert")
    model = tiny("pix2pix", "pix2pix-tiny")
    pictures = [render(sample_scene(0, n), "portrait", 64) for n in range(3)]
    with pytest.raises(ValueError, match="--size"):
        export_model(model, tmp_path / "x", "litert", precision="int8", calibration=pictures)
    full = export_model(model, tmp_path / "full", "litert", size=64)
    for name, calibration in (("weights", ()), ("features", pictures)):
        report = export_model(
            model, tmp_path / name, "litert", size=64, precision="int8", calibration=calibration
        )
        assert report.megabytes < 0.4 * full.megabytes
        assert report.differences[0].mean < 4


@pytest.mark.slow
def test_a_use_that_the_format_cannot_hold_is_left_out_and_said(tmp_path):
    pytest.importorskip("ai_edge_litert")
    model = tiny("stylegan2", "stylegan2-tiny")
    report = export_model(model, tmp_path / "faces", "litert", size=None)
    assert "default" in report.left_out and "Random" in report.left_out["default"]
    assert "from_style" in load(report.path).uses()


def test_nothing_is_kept_of_an_export_that_differs(tmp_path, monkeypatch):
    model = tiny("cyclegan", "cyclegan-tiny")
    monkeypatch.setattr(
        proof, "_difference",
        lambda use, output, *_: proof.Difference(use, 40.0, 9.0, 1, output, "here"),
    )  # fmt: skip
    with pytest.raises(RuntimeError, match="not kept.*at most 40"):
        export_model(model, tmp_path / "out", "saved_model", clean=False)
    assert list(tmp_path.iterdir()) == []


def test_only_an_export_is_replaced(tmp_path):
    model = tiny("cyclegan", "cyclegan-tiny")
    mine = tmp_path / "mine.keras"
    model.save(mine)
    before = mine.read_bytes()
    with pytest.raises(ValueError, match="not an export"):
        export_model(model, mine, "keras", clean=False)
    assert mine.read_bytes() == before
    for _ in range(2):  # its own it replaces
        export_model(model, tmp_path / "own.keras", "keras", clean=False)
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/todo.txt").write_text("important")
    with pytest.raises(ValueError, match="not an export"):
        export_model(model, tmp_path / "notes", "saved_model", clean=False)
    assert (tmp_path / "notes/todo.txt").read_text() == "important"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"format": "pdf"}, "Unknown format"),
        ({"format": "keras", "precision": "int8"}, "written in float32"),
        ({"format": "saved_model", "size": 30}, "multiples of 4"),
        ({"format": "saved_model", "uses": ("backwards",)}, "no use 'backwards'"),
    ],
)
def test_what_a_format_cannot_do_is_said_before_anything_is_written(options, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        export_model(tiny("cyclegan", "cyclegan-tiny"), tmp_path / "x", **options)
    assert list(tmp_path.iterdir()) == []


def test_command_exports_and_translates_with_the_export(tmp_path, capsys):
    need("onnx")
    save_model_as_run(tiny("cyclegan", "cyclegan-tiny"), "made", tmp_path / "run")
    arguments = ["export", str(tmp_path / "run"), "--format", "onnx", "-o", str(tmp_path / "both")]
    assert main([*arguments, "--json", str(tmp_path / "report.json")]) == 0
    said = capsys.readouterr().out
    assert "ONNX Runtime in a process of its own, no TensorFlow" in said
    assert (tmp_path / "both.onnx").exists() and (tmp_path / "both.reverse.onnx").exists()
    report = json.loads((tmp_path / "report.json").read_text())
    assert all(each["greatest"] <= 1 for each in report["differences"])
    from PIL import Image

    Image.fromarray(picture()).save(tmp_path / "a.png")
    program = (
        "import sys; from ganime_tf.cli import main\n"
        f"code = main(['translate', {str(tmp_path / 'a.png')!r}, '--model', "
        f"{str(tmp_path / 'both.onnx')!r}, '--use', 'reverse', '-o', {str(tmp_path / 'out')!r}])\n"
        "print(code, 'tensorflow' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.stdout.splitlines()[-1] == "0 False", run.stderr
    assert np.asarray(Image.open(tmp_path / "out/a.png")).shape == picture().shape


def test_lite_alone_translates_and_refuses_other_files(tmp_path):
    need("onnx")
    model = tiny("pix2pix", "pix2pix-tiny")
    path = export_model(model, tmp_path / "lines", "onnx").path
    image = picture()
    got = load_lite(path).translate(image).astype(int)
    assert np.abs(got - model.translate(image)).max() <= 1
    (tmp_path / "noise.onnx").write_bytes(b"noise")
    with pytest.raises(ValueError, match="cannot be run as an ONNX file"):
        load_lite(tmp_path / "noise.onnx")
    with pytest.raises(ValueError, match="Expected a .tflite or an .onnx"):
        load_lite(tmp_path / "lines.pb")


def test_a_missing_converter_is_named_with_its_extra(tmp_path, monkeypatch):
    monkeypatch.setattr(writing.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"ganime-tf\[onnx\]"):
        export_model(tiny("cyclegan", "cyclegan-tiny"), tmp_path / "x", "onnx")
