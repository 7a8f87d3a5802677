"""Every option of `ganime translate` does what it says, through the command.

The model is planted: it inverts a picture, and notes what it was asked. An option without a line in
`EFFECTS` fails.
"""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganime_tf import inference
from ganime_tf.cli import main
from ganime_tf.cli.translate import Args
from ganime_tf.data.io import read_image
from ganime_tf.inference import faces
from ganime_tf.inference.translate import Computing
from ganime_tf.models.uses import Runner, Use

SEEN = {}


class Inverter(Runner):
    """Inverts; its use `same` leaves the picture as it is, `faded` makes it darker."""

    def uses(self):
        plain = {name: Use(None, ("image",), help=name) for name in ("default", "same")}
        return plain | {"faded": Use(None, ("image", "truncation"), help="faded")}

    def call_use(self, name, tensors):
        SEEN.setdefault("pictures", []).extend(np.array(tensors["image"]))
        if name == "faded":
            return (tensors["image"] * tensors["truncation"]).astype(np.uint8)
        return tensors["image"] if name == "same" else 255 - tensors["image"]


@pytest.fixture
def picture(monkeypatch, tmp_path):
    """A coloured picture of 24x32, where the command starts."""
    SEEN.clear()

    def planted(path, checkpoint, trust):
        SEEN["load"] = (str(path), checkpoint, trust)
        return Inverter()

    monkeypatch.setattr(inference, "load", planted)
    monkeypatch.chdir(tmp_path)
    low = np.random.default_rng(0).integers(0, 256, (3, 4, 3), np.uint8)
    pixels = np.asarray(Image.fromarray(low).resize((32, 24), Image.Resampling.BICUBIC))
    Image.fromarray(pixels).save("a.png")
    return pixels


def translated(*options, source="a.png", code=0, out="out"):
    """The result of the command, or what it said."""
    assert main(["translate", source, "--model", "run", "-o", out, *options]) == code
    found = sorted(Path(out).glob("[!.]*"))
    return read_image(found[0]) if found else None


def plain(picture):
    assert np.array_equal(translated(), 255 - picture)
    assert SEEN["load"] == ("run", "last", False)


def which_weights(picture):
    translated("--checkpoint", "best")
    assert SEEN["load"][1] == "best"


def which_use(picture):
    assert np.array_equal(translated("--use", "same"), picture)


def near_to_what_is_known(picture):
    assert np.abs(translated("--truncation", "0.5") - picture / 2.0).max() <= 1


def trusted(picture):
    translated("--trust")
    assert SEEN["load"][2] is True


def formats(picture):
    for option, suffix in (("png", "png"), ("jpg", "jpg"), ("webp", "webp")):
        translated("--format", option, out=option)
        assert [p.name for p in Path(option).glob("a*")] == [f"a.{suffix}"]
        assert Image.open(f"{option}/a.{suffix}").format == {"jpg": "JPEG"}.get(
            suffix, suffix.upper()
        )
    Image.open("a.png").save("b.jpg")
    translated("--format", "same", source="b.jpg", out="same")
    assert [p.name for p in Path("same").glob("b*")] == ["b.jpg"]


def longest_side(picture):
    assert translated("--size", "16").shape == (12, 16, 3)


def colours_stay(picture):
    def chroma(pixels):
        return np.asarray(Image.fromarray(pixels).convert("YCbCr"), int)[..., 1:]

    kept, inverted = translated("--keep-color", out="kept"), translated()
    own = chroma(picture)
    assert np.abs(chroma(kept) - own).mean() < 0.5 * np.abs(chroma(inverted) - own).mean()
    luma = [np.asarray(Image.fromarray(x).convert("L"), int) for x in (kept, 255 - picture)]
    assert np.corrcoef(luma[0].ravel(), luma[1].ravel())[0, 1] > 0.8


def moments_are_the_pictures(picture):
    matched = translated("--match-histogram")
    assert np.abs(matched.mean((0, 1)) - picture.mean((0, 1))).max() < 6
    assert np.abs((255 - picture).mean((0, 1)) - picture.mean((0, 1))).max() > 6


def mixed(picture):
    wanted = 0.25 * (255.0 - picture) + 0.75 * picture
    assert np.abs(translated("--blend", "0.25") - wanted).max() <= 0.5


def named(picture):
    translated("--suffix", "_anime")
    assert [p.name for p in Path("out").glob("a*")] == ["a_anime.png"]


def under_transparent_pixels(picture):
    alpha = np.zeros((24, 32, 1), np.uint8)
    Image.fromarray(np.concatenate([picture, alpha], -1)).save("clear.png")
    for colour, level in (("ff0000", [255, 0, 0]), ("#0000ff", [0, 0, 255])):
        SEEN["pictures"] = []
        translated("--background", colour, source="clear.png", out=colour.strip("#"))
        assert SEEN["pictures"][0][5, 5].tolist() == level


def tiles(picture):
    calls = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            Computing, "_in_tiles", lambda self, x: calls.append((self.tile, self.quick)) or x
        )
        translated("--tile", "16", out="tiled")
        translated("--tile", "16", "--quick", out="quick")
        translated("--tile", "64", out="fits")
        translated("--tile", "0", out="never")
    assert calls == [(16, False), (16, True)]


def only_faces(picture):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(faces, "FaceFinder", lambda: lambda image: [])
        assert np.array_equal(translated("--faces", "whole", out="whole"), 255 - picture)
        translated("--faces", "skip", code=1, out="skip")
        assert not list(Path("skip").glob("a*"))


def writes_over_what_is_not_its_own(picture):
    Path("out").mkdir()
    Image.fromarray(picture).save("out/a.png")
    translated()  # beside it, or not at all
    assert np.array_equal(read_image("out/a.png"), picture)
    translated("--overwrite")
    assert np.array_equal(read_image("out/a.png"), 255 - picture)


def goes_on(picture):
    translated()
    SEEN["pictures"] = []
    translated("--skip-existing")
    assert not SEEN["pictures"]
    translated()
    assert len(SEEN["pictures"]) == 1


def reports(picture):
    translated("--json", "report.json")
    (entry,) = json.loads(Path("report.json").read_text())["written"]
    assert (entry["width"], entry["height"]) == (32, 24)


STYLES = "cli/test_munit_commands.py::test_seeds_references_and_directions_change_the_picture"
EFFECTS = {
    "model": plain,
    "out": plain,
    "checkpoint": which_weights,
    "use": which_use,
    "reference": STYLES,
    "parsing": "inference/test_maps.py",
    "parser": "inference/test_maps.py",
    "truncation": near_to_what_is_known,
    "seed": STYLES,
    "label": "cli/test_artists.py",
    "steps": "cli/test_munit_commands.py::test_steps_go_from_one_reference_to_the_next",
    "format": formats,
    "size": longest_side,
    "keep_color": colours_stay,
    "match_histogram": moments_are_the_pictures,
    "blend": mixed,
    "suffix": named,
    "background": under_transparent_pixels,
    "tile": tiles,
    "quick": tiles,
    "faces": only_faces,
    "overwrite": writes_over_what_is_not_its_own,
    "skip_existing": goes_on,
    "trust": trusted,
    "diversity": STYLES,
    "json": reports,
}


@pytest.mark.parametrize("name", EFFECTS)
def test_an_option_does_what_it_says(name, picture):
    check = EFFECTS[name]
    if not isinstance(check, str):
        check(picture)
        return
    file, _, function = check.partition("::")
    text = (Path(__file__).parents[1] / file).read_text(encoding="utf-8")
    assert name.replace("_", "-") in text and f"def {function}" in text


def test_every_option_has_a_line():
    options = [field.name for field in dataclasses.fields(Args)]
    assert sorted(EFFECTS) == sorted(set(options) - {"inputs"})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--blend", "1.5"], "blend"),
        (["--size", "-1"], "size"),
        (["--background", "white"], "RRGGBB"),
        (["--use", "back"], "back"),
        (["--tile", "-4"], "tile"),
    ],
)
def test_a_value_that_cannot_be_is_one_line(options, message, picture, capsys):
    translated(*options, code=2)
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and message in said
