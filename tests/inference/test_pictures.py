"""Pictures as people have them: profiles, transparency, 16 bits, odd shapes; finished as asked."""

import io
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from helpers import tiny
from PIL import Image, ImageCms

from ganime_tf.cli import main
from ganime_tf.inference import translate_files
from ganime_tf.inference.load import save_model_as_run
from ganime_tf.inference.pictures import Finish, decode_picture, read_picture
from ganime_tf.models.uses import Runner, Use
from ganime_tf.toy import render, sample_scene

pytestmark = pytest.mark.filterwarnings("ignore")


class Inverter(Runner):
    name = "inverter"

    def uses(self):
        return {"default": Use(None, ("image",))}

    def call_use(self, name, tensors):
        return 255 - np.asarray(tensors["image"])


def portrait(size=48):
    return render(sample_scene(0, 0), "portrait", size)


def content(image, **options):
    buffer = io.BytesIO()
    image.save(buffer, **options)
    return buffer.getvalue()


def test_colours_of_a_profile_become_srgb():
    image = Image.fromarray(portrait())
    # Lab as a profile that is surely another one: red and green are nothing alike in it.
    lab = ImageCms.profileToProfile(
        image, ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    found = decode_picture(content(lab, format="TIFF", icc_profile=profile))
    plain = decode_picture(content(image, format="PNG"))
    assert np.abs(found.rgb.astype(int) - plain.rgb).mean() < 3
    broken = decode_picture(content(image, format="PNG", icc_profile=b"not a profile"))
    np.testing.assert_array_equal(broken.rgb, plain.rgb)


def test_real_profiles_give_the_same_colours(shared):
    folder = shared / "cases/icc-profile/pics"
    wide, narrow = (read_picture(folder / f"{name}.png").rgb for name in ("adobe_like", "srgb"))
    assert np.abs(wide.astype(int) - narrow).max() <= 2


def test_transparency_is_kept_and_the_background_shows_under_it(tmp_path):
    rgba = np.dstack([portrait(), np.zeros((48, 48), np.uint8)])
    rgba[8:40, 8:40, 3] = 255
    Image.fromarray(rgba).save(tmp_path / "cut.png")
    for kind in ("png", "webp"):
        finish = Finish(format=kind, background=(0, 0, 0))
        (path,) = translate_files(
            Inverter(), [tmp_path / "cut.png"], tmp_path / kind, finish=finish
        ).written
        with Image.open(path) as image:
            out = np.asarray(image.convert("RGBA"))
        np.testing.assert_array_equal(out[..., 3], rgba[..., 3])
    assert (read_picture(tmp_path / "cut.png", (9, 8, 7)).rgb[0, 0] == (9, 8, 7)).all()


def test_soft_16_bit_gradients_have_no_bands():
    ramp = np.tile(np.linspace(20000, 20700, 512), (64, 1)).astype(np.uint16)  # not three levels
    grey = decode_picture(content(Image.fromarray(ramp), format="PNG")).rgb[..., 0].astype(float)
    wanted = ramp * (255.0 / 65535.0)
    # What an eye sees: the mean of small areas. Plain rounding is off by up to half a level.
    areas = (grey - wanted).reshape(16, 4, 128, 4).mean((1, 3))
    assert np.abs(areas).max() < 0.15
    plain = (np.rint(wanted) - wanted).reshape(16, 4, 128, 4).mean((1, 3))
    assert np.abs(plain).max() > 0.4


def test_formats_names_sizes(tmp_path):
    Image.fromarray(portrait()).save(tmp_path / "a.jpg")
    Image.fromarray(portrait()[:20]).save(tmp_path / "b.webp")
    job = [tmp_path / "a.jpg", tmp_path / "b.webp"]
    finish = Finish(format="same", size=96, suffix="_anime")
    report = translate_files(Inverter(), job, tmp_path / "out", finish=finish)
    assert [path.name for path in report.written] == ["a_anime.jpg", "b_anime.webp"]
    with Image.open(report.written[0]) as a, Image.open(report.written[1]) as b:
        assert (a.format, a.size, b.format, b.size) == ("JPEG", (96, 96), "WEBP", (96, 40))
    assert report.describe()["written"][1]["height"] == 40


def test_colours_of_the_picture_and_shares_of_it():
    picture = decode_picture(content(Image.fromarray(portrait()), format="PNG"))
    result = np.rint(picture.rgb.mean(-1, keepdims=True) * [0.9, 0.5, 0.5]).astype(np.uint8)
    kept = Finish(keep_color=True).apply(picture, result).astype(float)
    weights = [0.299, 0.587, 0.114]
    inside = (kept > 0).all(-1) & (kept < 255).all(-1)
    assert np.abs((kept - result) @ weights)[inside].max() < 1.5
    chroma = np.abs((kept - picture.rgb) - ((kept - picture.rgb) @ weights)[..., None])
    assert chroma[inside].max() < 2.5
    matched = Finish(match_histogram=True).apply(picture, result).astype(float)
    assert np.abs(matched.mean((0, 1)) - picture.rgb.mean((0, 1))).max() < 6
    half = Finish(blend=0.5).apply(picture, result)
    np.testing.assert_allclose(half, (result / 2 + picture.rgb / 2), atol=0.51)
    np.testing.assert_array_equal(Finish(blend=0.0).apply(picture, result), picture.rgb)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"blend": 1.5}, "blend"),
        ({"format": "bmp"}, "format"),
        ({"suffix": "a/b"}, "suffix"),
        ({"size": -1}, "size"),
        ({"keep_color": True, "match_histogram": True}, "exclude"),
    ],
)
def test_wrong_wishes_are_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        Finish(**fields)


def odd_pictures(folder):
    """The list of pictures that programs stumble over; sizes by name."""
    base = Image.fromarray(portrait(64))
    made = {
        "one.png": base.resize((1, 1)),
        "column.png": base.resize((1, 40)),
        "panorama.png": base.resize((200, 4)),
        "grey.png": base.convert("L"),
        "alpha.png": base.convert("RGBA"),
        "deep.png": Image.fromarray(np.asarray(base.convert("L"), np.uint16) * 257),
        "print.jpg": base.convert("CMYK"),
        "palette.gif": base.quantize(16),
        "bits.png": base.convert("1"),
    }
    for name, image in made.items():
        image.save(folder / name)
    frames = [base, base.rotate(90)]
    frames[0].save(folder / "moving.webp", save_all=True, append_images=frames[1:])
    return {name: image.size for name, image in made.items()} | {"moving.webp": base.size}


@pytest.mark.parametrize("name", ["ugatit", "pix2pix"])
def test_odd_pictures_through_every_use(name, tmp_path):
    (tmp_path / "in").mkdir()
    sizes = odd_pictures(tmp_path / "in")
    model = tiny(name, f"{name}-tiny")
    for use in model.uses():
        report = translate_files(model, [tmp_path / "in"], tmp_path / use, use=use)
        assert not report.skipped
        for entry in report.pictures:
            source = os.path.basename(entry["source"])
            assert (entry["width"], entry["height"]) == sizes[source], (use, source)


def test_the_command_reads_and_writes_streams(tmp_path, monkeypatch):
    save_model_as_run(tiny("cyclegan", "cyclegan-tiny"), "made", tmp_path / "run")
    image = Image.fromarray(portrait())

    class Stream:
        buffer = io.BytesIO(content(image, format="PNG"))

    class Out:
        buffer = io.BytesIO()

        def write(self, text):
            pass

        def flush(self):
            pass

    monkeypatch.setattr(sys, "stdin", Stream())
    monkeypatch.setattr(sys, "stdout", Out())
    arguments = ["translate", "-", "--model", str(tmp_path / "run"), "-o", "-", "--format", "jpg"]
    assert main(arguments) == 0
    with Image.open(io.BytesIO(Out.buffer.getvalue())) as result:
        assert result.format == "JPEG" and result.size == image.size


def test_the_command_reports_as_json(tmp_path):
    save_model_as_run(tiny("cyclegan", "cyclegan-tiny"), "made", tmp_path / "run")
    Image.fromarray(portrait()).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"broken")
    arguments = ["translate", str(tmp_path / "a.png"), str(tmp_path / "b.png"), "--model",
                 str(tmp_path / "run"), "-o", str(tmp_path / "out"), "--suffix", "_x",
                 "--json", str(tmp_path / "r.json")]  # fmt: skip
    assert main(arguments) == 1
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["written"][0]["result"].endswith("a_x.png")
    assert report["skipped"][0]["source"].endswith("b.png")


_SLOW_JOB = """
import sys, time
import numpy as np
from ganime_tf.inference import translate_files
from ganime_tf.models.uses import Runner, Use
class Slow(Runner):
    name = "slow"
    batch_limit = 1
    def uses(self):
        return {"default": Use(None, ("image",))}
    def call_use(self, name, tensors):
        time.sleep(float(sys.argv[3]))
        return 255 - np.asarray(tensors["image"])
report = translate_files(Slow(), [sys.argv[1]], sys.argv[2], skip_existing=True)
print(len(report.written), len(report.existing))
"""


def test_a_killed_job_goes_on_without_doubles(tmp_path):
    (tmp_path / "in").mkdir()
    for number in range(6):  # same stems, so that results need numbers
        image = Image.new("RGB", (8, 8), (number, 0, 0))
        image.save(tmp_path / f"in/{number // 2}.{('png', 'bmp')[number % 2]}")
    job = [sys.executable, "-c", _SLOW_JOB, str(tmp_path / "in"), str(tmp_path / "out")]
    process = subprocess.Popen([*job, "0.3"])
    while len(list((tmp_path / "out").glob("[!.]*.png"))) < 3:
        time.sleep(0.02)
        assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = len(list((tmp_path / "out").glob("[!.]*.png")))
    run = subprocess.run([*job, "0"], capture_output=True, text=True, check=True)
    written, existing = map(int, run.stdout.split()[-2:])
    assert existing == done >= 3 and written == 6 - done
    results = sorted((tmp_path / "out").glob("[!.]*.png"))
    reds = sorted(int(np.asarray(Image.open(path))[0, 0, 0]) for path in results)
    assert reds == [250, 251, 252, 253, 254, 255]
