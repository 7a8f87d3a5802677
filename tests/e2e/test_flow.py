"""From files to coloured files through the commands, and every script's door."""

import json
import runpy
import sys
from pathlib import Path

import pytest
from PIL import Image

from ganime_tf.cli import main

SCRIPTS = sorted((Path(__file__).resolve().parents[2] / "scripts").glob("*.py"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_every_script_is_a_short_door_with_help(script, monkeypatch, capsys):
    lines = [line for line in script.read_text().splitlines() if line.strip()]
    assert len(lines) <= 15
    monkeypatch.setattr(sys, "argv", [str(script), "--help"])
    monkeypatch.setattr(sys, "path", list(sys.path))
    with pytest.raises(SystemExit) as exit:
        runpy.run_path(str(script), run_name="__main__")
    assert not exit.value.code
    assert "ganime " in capsys.readouterr().out


def test_from_files_to_coloured_files(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["toy", "set", "--count", "8", "--size", "48", "--what", "pairs"]) == 0
    train = ["train", "pix2pix", "--preset=pix2pix-tiny", "--data", "set", "--image-size=32"]
    train += ["--load-size=36", "--levels=3", "--filters=4", "--patch-size=16", "--batch-size=2"]
    assert main([*train, "--run-dir", "run", "--steps", "2"]) == 0
    assert main([*train, "--run-dir", "run", "--steps", "3"]) == 0
    rows = [json.loads(line) for line in Path("run/metrics.jsonl").read_text().splitlines()]
    assert rows[-1]["step"] == 3

    sketch = Path("sketches/one.png")
    sketch.parent.mkdir()
    source = next(Path("set").rglob("*.png"))
    with Image.open(source) as pair:
        width, height = pair.size
        pair.crop((width // 2, 0, width, height)).resize((57, 41)).save(sketch)
    Path("sketches/broken.png").write_bytes(b"\x89PNG broken")
    assert main(["translate", "sketches", "--model", "run", "-o", "coloured"]) == 1
    assert "broken.png" in capsys.readouterr().out
    with Image.open("coloured/one.png") as image:
        assert image.size == (57, 41)

    assert main(["export", "run", "-o", "export"]) == 0
    assert main(["translate", str(sketch), "--model", "export", "-o", "again"]) == 0
    evaluate = ["evaluate", "--real", "coloured", "--fake", "again", "--paired"]
    assert main([*evaluate, "--metrics", "ssim", "l1"]) == 0
    assert "ssim" in capsys.readouterr().out.lower()
