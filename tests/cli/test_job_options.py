"""What an option of a command asks of the job behind it: each value arrives where it counts.

What the jobs then do is tested with them; here a flag that is dropped or crossed on its way fails.
"""

import ast
import dataclasses
import importlib
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import ganime_tf.cli
from ganime_tf.cli import main
from ganime_tf.data.io import read_image


class Asked(Exception):
    """Ends a command where its job would begin."""


@pytest.fixture
def asked(monkeypatch, tmp_path):
    """Replaces a job: notes what it is asked for and ends the command."""
    monkeypatch.chdir(tmp_path)
    found = {}

    def watch(target: str, *, goes_on=None):
        module, _, name = target.rpartition(".")

        def spy(*args, **kwargs):
            found["args"], found["kwargs"] = args, kwargs
            if goes_on is None:
                raise Asked
            return goes_on

        monkeypatch.setattr(importlib.import_module(module), name, spy)
        return found

    return watch


def run(words: list[str]) -> None:
    with pytest.raises(Asked):
        main(words)


VIDEO = {
    "codec": ("ffv1", "vp9"),
    "smooth": ("0.5", 0.0),
    "segment": ("12", 48),
    "tile": ("64", None),
    "use": ("reverse", None),
}


@pytest.mark.parametrize("option", [*VIDEO, "size", "keep_color", "blend", "overwrite"])
def test_video(option, asked):
    asked("ganime_tf.inference.load.load", goes_on="model")
    found = asked("ganime_tf.inference.video.translate_video")
    words = ["video", "in.mp4", "--model", "run", "-o", "out.webm"]
    flag = f"--{option.replace('_', '-')}"
    run(words)
    finish = found["kwargs"]["finish"]
    assert (finish.size, finish.keep_color, finish.blend) == (0, False, 1.0)
    if option in VIDEO:
        given, default = VIDEO[option]
        assert found["kwargs"][option] == default
        run([*words, flag, given])
        assert str(found["kwargs"][option]) == given
    elif option == "overwrite":
        assert found["kwargs"]["overwrite"] is False
        run([*words, flag])
        assert found["kwargs"]["overwrite"] is True
    else:
        value = {"size": "128", "blend": "0.5", "keep_color": None}[option]
        run([*words, flag] + ([value] if value else []))
        assert getattr(found["kwargs"]["finish"], option) == (float(value) if value else True)


@pytest.mark.parametrize(
    ("words", "field", "value"),
    [
        (["--colours", "luminance"], "colours", "luminance"),
        (["--colours", "histogram"], "colours", "histogram"),
        (["--tv-weight", "0.5"], "tv_weight", 0.5),
        (["--steps", "7"], "num_steps", 7),
        (["--optimizer", "lbfgs"], "optimizer", "lbfgs"),
    ],
)
def test_style_by_optimization(words, field, value, asked, monkeypatch):
    import ganime_tf.baselines as baselines

    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save("a.png")
    found = asked("ganime_tf.baselines.StyleTransfer")
    call = ["style", "--content", "a.png", "--style", "a.png", "-o", "out", "--features", "random"]
    run([*call, "--preset", "tiny"])
    default = getattr(found["args"][1], field)
    assert default == getattr(baselines.GATYS_PRESETS["tiny"], field) and default != value
    run([*call, "--preset", "tiny", *words])
    config = found["args"][1]
    assert getattr(config, field) == value
    others = {f.name for f in dataclasses.fields(config)} - {field}
    before = baselines.GATYS_PRESETS["tiny"]
    assert all(getattr(config, name) == getattr(before, name) for name in others)


def test_style_by_a_network(asked, monkeypatch):
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save("a.png")

    class Stylizer:
        def translate(self, content, style, strength):
            return np.full_like(content, round(255 * strength))

    found = asked("ganime_tf.baselines.open_stylizer", goes_on=Stylizer())
    call = ["style", "--content", "a.png", "--style", "a.png", "--method", "hub"]
    assert main([*call, "-o", "whole", "--network", "here"]) == 0
    assert found["args"] == ("here", False)
    assert main([*call, "-o", "half", "--strength", "0.4", "--trust"]) == 0
    assert found["args"][1] is True and found["args"][0].startswith("http")
    assert read_image("whole/a.png").max() == 255 and read_image("half/a.png").max() == 102
    Path("kept").mkdir()
    Image.fromarray(np.full((8, 8, 3), 7, np.uint8)).save("kept/a.png")
    main([*call, "-o", "kept"])
    assert read_image("kept/a.png").max() == 7
    assert main([*call, "-o", "kept", "--overwrite"]) == 0
    assert read_image("kept/a.png").max() == 255


def test_serve(asked):
    found = asked("ganime_tf.serving.server.Server")
    run(["serve"])
    host, port, limits = found["args"]
    assert (host, port, found["kwargs"]) == ("127.0.0.1", 7860, {"area": 320})
    given = ["--host", "0.0.0.0", "-p", "81", "--size", "200", "--max-megabytes", "3"]
    given += ["--max-megapixels", "5", "--max-seconds", "7", "--at-once", "9"]
    run(["serve", *given])
    host, port, limits = found["args"]
    assert (host, port, found["kwargs"]) == ("0.0.0.0", 81, {"area": 200})
    assert (limits.max_bytes, limits.max_pixels) == (3_000_000, 5_000_000)
    assert (limits.max_seconds, limits.max_at_once) == (7, 9)


def test_sweep(asked):
    found = asked("ganime_tf.training.sweep.sweep")
    words = ["sweep", "pix2pix", "--grid", "l1_weight=1,2"]
    run(words)
    usual = {"seeds": [0], "metric": "", "maximize": None, "num_pictures": 6}
    assert found["kwargs"] == usual
    run([*words, "--maximize", "--metric", "val_x", "--num-pictures", "2", "--steps", "5",
         "--seeds", "3-4", "--data", "toy:9", "--precision", "mixed_bfloat16"])  # fmt: skip
    other = {"seeds": [3, 4], "metric": "val_x", "maximize": True, "num_pictures": 2}
    assert found["kwargs"] == other
    settings = found["args"][1]
    assert (settings.steps, settings.data) == (5, "toy:9")
    assert settings.precision == "mixed_bfloat16" and settings.run_dir == "runs/sweep-pix2pix"
    run(["sweep", "pix2pix", "cyclegan", "--preset", "cyclegan-tiny", "pix2pix-tiny"])
    trials = [(trial.name, trial.model) for trial in found["args"][0]]
    assert trials == [("preset=cyclegan-tiny", "cyclegan"), ("preset=pix2pix-tiny", "pix2pix")]


def test_parse(asked):
    asked("ganime_tf.inference.parse.load_parser", goes_on="model")
    found = asked("ganime_tf.inference.parse.parse_files")
    words = ["parse", "a.png", "--model", "run", "-o", "out"]
    run(words)
    plain = {"classes": "auto", "overwrite": False, "skip_existing": False}
    assert found["kwargs"] == plain
    for flag, change in (
        (["--classes", "celebamask"], {"classes": "celebamask"}),
        (["--overwrite"], {"overwrite": True}),
        (["--skip-existing"], {"skip_existing": True}),
    ):
        run([*words, *flag])
        assert found["kwargs"] == plain | change


def test_prepare_faces(asked):
    found = asked("ganime_tf.data.preparing.prepare_folder")
    words = ["prepare", "crop-faces", "in", "-o", "out"]
    run(words)
    plain = {"cascade": "", "size": 256, "margin": 0.4, "upright": True}
    assert found["args"][2].keywords == plain and found["args"][3] == 0
    for flag, change in (
        (["--cascade", "anime.xml"], {"cascade": "anime.xml"}),
        (["--size", "64"], {"size": 64}),
        (["--margin", "0.1"], {"margin": 0.1}),
        (["--no-upright"], {"upright": False}),
    ):
        run([*words, *flag])
        assert found["args"][2].keywords == plain | change
    run([*words, "--workers", "3"])
    assert found["args"][3] == 3


@pytest.mark.parametrize(
    ("aspect", "shape"), [("stretch", "all"), ("crop", "middle"), ("pad", "framed")]
)
def test_prepare_aspect(aspect, shape, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    wide = np.zeros((20, 60, 3), np.uint8)
    wide[:, :20], wide[:, 20:40], wide[:, 40:] = (255, 0, 0), (0, 255, 0), (0, 0, 255)
    Image.fromarray(wide).save("in/a.png")
    assert main(["prepare", "resize", "in", "-o", "out", "--size", "30", "--aspect", aspect]) == 0
    made = read_image("out/a.png")
    middle, left, top = made[15, 15].tolist(), made[15, 2].tolist(), made[2, 15].tolist()
    assert middle[1] > 200
    assert (left[0] > 200) == (shape != "middle")
    assert (min(top) > 200) == (shape == "framed")


def test_prepare_shards(asked):
    found = asked("ganime_tf.data.records.write_records")
    run(["prepare", "shard", "toy:4", "-o", "out"])
    assert found["kwargs"]["shard_size"] == 1000
    run(["prepare", "shard", "toy:4", "-o", "out", "--shard-size", "5"])
    assert found["kwargs"]["shard_size"] == 5


def test_compare_names_and_rows(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for folder in ("real", "fake"):
        Path(folder).mkdir()
        for index in range(6):
            level = np.full((24, 24, 3), 40 * index, np.uint8)
            Image.fromarray(level).save(f"{folder}/{index}.png")
    words = ["compare", "fake", "--real", "real", "--metrics", "l1"]
    assert main([*words, "-o", "two", "--rows", "2", "--labels", "ours"]) == 0
    assert main([*words, "-o", "six"]) == 0
    heights = [Image.open(f"{name}/comparison.png").height for name in ("two", "six")]
    assert heights[1] > 2 * heights[0]
    assert list(json.loads(Path("two/comparison.json").read_text())) == ["ours"]
    assert list(json.loads(Path("six/comparison.json").read_text())) == ["fake"]


def test_color_by_a_palette_of_names(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    page = np.full((64, 64, 3), 255, np.uint8)
    page[10:54, [10, 53]] = page[[10, 53], 10:54] = 0
    Image.fromarray(page).save("page.png")
    dab = {"points": [{"x": 32, "y": 32, "color": "hair"}]}
    Path("dabs.json").write_text(json.dumps(dab))
    for name, colour in (("red", "#d02030"), ("blue", "#2030d0")):
        Path(f"{name}.json").write_text(json.dumps({"hair": colour}))
        words = ["color", "page.png", "-o", name, "--hints", "dabs.json"]
        assert main([*words, "--palette", f"{name}.json"]) == 0
        found = "#{:02x}{:02x}{:02x}".format(*read_image(f"{name}/page.png")[32, 32].tolist())
        assert found == colour


def test_demo(asked, monkeypatch):
    import ganime_tf.cli.demo as demo

    monkeypatch.setattr(demo, "_colour", lambda *args: None, raising=False)
    found = asked("ganime_tf.training.run.train")
    words = ["demo", "-o", "out", "--steps", "10", "--num-drawings", "20", "--num-held-out", "3"]
    run(words)
    config, settings = found["args"][1], found["args"][2]
    assert settings.data == "toy:20" and settings.num_validation == 3
    assert config.num_epochs == max(1, round(10 * config.batch_size / 20))


def test_export(asked, monkeypatch):
    from helpers import tiny

    for folder, count in (("few", 2), ("shown", 3)):
        Path(folder).mkdir()
        for index in range(count):
            Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(f"{folder}/{index}.png")
    asked("ganime_tf.inference.load", goes_on=tiny("pix2pix", "pix2pix-tiny"))
    found = asked("ganime_tf.export.export_model")
    run(["export", "run", "-o", "out"])
    plain = {"uses": (), "size": None, "precision": "float32", "opset": 17, "calibration": [],
             "pictures": []}  # fmt: skip
    assert found["args"][1:] == (Path("out"), "saved_model") and found["kwargs"] == plain
    given = ["--format", "onnx", "--use", "default", "--size", "32x48", "--precision", "int8"]
    run(["export", "run", "-o", "out", *given, "--opset", "15", "--calibrate", "few",
         "--pictures", "shown"])  # fmt: skip
    assert found["args"][2] == "onnx"
    kwargs = found["kwargs"]
    assert len(kwargs.pop("calibration")) == 2 and len(kwargs.pop("pictures")) == 3
    wanted = {"uses": ("default",), "size": (32, 48), "precision": "int8", "opset": 15}
    assert kwargs == wanted


def test_project(asked, monkeypatch):
    import ganime_tf.models.stylegan2_projection as projection

    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save("a.png")
    found = asked("ganime_tf.models.stylegan2_projection.ProjectionConfig")
    words = ["project", "a.png", "--model", "run", "-o", "out"]
    plain = {"steps": 1000, "space": "w", "learning_rate": 0.1, "seed": 0}
    run(words)
    assert found["kwargs"] == plain
    for flag, change in (
        (["--keep-noise"], {"noise_weight": 0.0}),
        (["--space", "w+"], {"space": "w+"}),
        (["--steps", "9"], {"steps": 9}),
        (["--seed", "4"], {"seed": 4}),
        (["--learning-rate", "0.5"], {"learning_rate": 0.5}),
    ):
        run([*words, *flag])
        assert found["kwargs"] == plain | change
    assert projection  # the fields are its own
    monkeypatch.undo()
    assert {*plain, "noise_weight"} <= {
        field.name for field in dataclasses.fields(projection.ProjectionConfig)
    }


COMMANDS = Path(ganime_tf.cli.__file__).parent
TRIED_BY_HAND = {"open"}  # a browser


def flags() -> list[tuple[str, str]]:
    """(command's file, option) of every option but what has no name on the command line."""
    found = []
    for path in sorted(COMMANDS.glob("*.py")):
        for cls in ast.parse(path.read_text(encoding="utf-8")).body:
            if not isinstance(cls, ast.ClassDef):
                continue
            if not any("dataclass" in ast.unparse(d) for d in cls.decorator_list):
                continue
            for field in cls.body:
                if isinstance(field, ast.AnnAssign):
                    kind = ast.unparse(field.annotation)
                    if "Positional" not in kind and not kind.startswith("Place"):
                        found.append((path.stem, field.target.id))
    return found


def test_every_option_is_given_by_a_test():
    tests = Path(__file__).parents[1]
    text = "\n".join(path.read_text(encoding="utf-8") for path in tests.rglob("*.py"))
    options = flags()
    assert len(options) > 150
    missing = [
        f"{command} --{name}"
        for command, name in options
        if name not in TRIED_BY_HAND
        and command != "own_data"  # values that `evaluate` hands on
        and not re.search(rf'--(no-)?{name.replace("_", "-")}\b|"{name}"', text)
    ]
    assert not missing
