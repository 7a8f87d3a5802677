"""A folder of nasty files through scan, training and translate: good ones used, bad ones named."""

import io
import json
import os
import zlib

import numpy as np
import pytest
from helpers import FLAGS, TINY
from PIL import Image, features

from ganime_tf.cli import main
from ganime_tf.models import get_model

# Filters belong to the process: one thread's `catch_warnings` can end another's.
pytestmark = pytest.mark.filterwarnings("ignore:.*EXIF:UserWarning")


def picture(number):
    """A smooth 48x48 picture, different for every number."""
    y, x = np.mgrid[:48, :48]
    channels = [x * 5 + number, y * 5, 255 - x * 2 - y * 3]
    return Image.fromarray(np.stack(channels, -1).clip(0, 255).astype(np.uint8))


def encode(image, form="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def with_alpha(image):
    image = image.convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    return image


def exif(orientation):
    data = Image.Exif()
    data[0x0112] = orientation
    return data


def huge_header(content):
    """A PNG that says it has 60000 x 60000 pixels."""
    head = bytearray(content)
    head[16:24] = (60_000).to_bytes(4, "big") * 2
    head[29:33] = zlib.crc32(head[12:29]).to_bytes(4, "big")
    return bytes(head)


def nasty_files():
    """`(good, bad)`: file name -> content."""
    rgb = [picture(i) for i in range(60)]
    deep = np.asarray(rgb[20])[..., 0].astype(np.uint16) * 257
    png, jpeg = encode(rgb[0]), encode(rgb[1], "JPEG")
    good = {f"exif{i}.jpg": encode(rgb[i], "JPEG", exif=exif(i)) for i in range(1, 9)}
    good |= {
        "plain.png": png,
        "plain.jpg": jpeg,
        "progressive.jpeg": encode(rgb[9], "JPEG", progressive=True),
        "grey.jpg": encode(rgb[10].convert("L"), "JPEG"),
        "cmyk.jpg": encode(rgb[11].convert("CMYK"), "JPEG"),
        "alpha.png": encode(with_alpha(rgb[12])),
        "grey alpha.png": encode(with_alpha(rgb[13]).convert("LA")),
        "grey.png": encode(rgb[14].convert("L")),
        "bits.png": encode(rgb[15].convert("1")),
        "palette.png": encode(rgb[16].quantize(16)),
        "palette alpha.png": encode(rgb[17].quantize(16), transparency=2),
        "depth16.png": encode(Image.fromarray(deep)),
        "turned.png": encode(rgb[18], exif=exif(6)),
        "broken exif.jpg": encode(rgb[19], "JPEG", exif=b"Exif\0\0MM\0\x2a\xff\xff\xff\xff"),
        "animated.gif": encode(rgb[21], "GIF", save_all=True, append_images=[rgb[22]]),
        "animated.webp": encode(rgb[23], "WEBP", save_all=True, append_images=[rgb[24]]),
        "lossless.webp": encode(with_alpha(rgb[25]), "WEBP", lossless=True),
        "scan.tif": encode(rgb[26], "TIFF"),
        "cmyk.tiff": encode(rgb[27].convert("CMYK"), "TIFF"),
        "scan16.tiff": encode(Image.fromarray(deep[::-1].copy()), "TIFF"),
        "old.bmp": encode(rgb[28], "BMP"),
        "table.bmp": encode(rgb[29].quantize(8), "BMP"),
        "map.ppm": encode(rgb[30], "PPM"),
        "SHOUTED.JPG": encode(rgb[31], "JPEG"),
        "png in disguise.jpg": encode(rgb[32]),
        "jpeg in disguise.png": encode(rgb[33], "JPEG"),
        "日本の絵 ü.png": encode(rgb[34]),
        "x" * 240 + ".png": encode(rgb[35]),
        "rest after end.png": encode(rgb[36]) + b"more bytes",
        "thin.png": encode(rgb[37].resize((3, 90))),
        "one pixel.png": encode(rgb[38].resize((1, 1))),
    }
    if features.check("avif"):
        good["new.avif"] = encode(rgb[39], "AVIF")
    bad = {
        "empty.png": b"",
        "page.jpg": b"<!DOCTYPE html><title>404</title>",
        "words.png": b"not a picture",
        "half.png": png[: len(png) // 2],
        "half.jpg": jpeg[: len(jpeg) // 2],
        "half.webp": encode(rgb[40], "WEBP")[:60],
        "half.gif": encode(rgb[41], "GIF")[:40],
        "header only.jpg": jpeg[:20],
        "bomb.png": huge_header(png),
        "zeros.jpg": bytes(500),
        "wrong sum.png": png[:60] + bytes([png[60] ^ 255]) + png[61:],
        "svg.png": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    }
    return good, bad


def nasty_folder(folder):
    """Writes the files and what is no file; returns the names of good and of bad pictures."""
    folder.mkdir(parents=True)
    good, bad = nasty_files()
    for name, content in (good | bad).items():
        (folder / name).write_bytes(content)
    (folder / "folder.png").mkdir()
    (folder / "loop").symlink_to(folder)
    (folder / "circle.png").symlink_to(folder / "circle.png")
    (folder / "gone.png").symlink_to(folder / "nowhere.png")
    (folder / ".hidden.png").write_bytes(good["plain.png"])
    (folder / "notes.txt").write_text("no picture")
    names = set(bad) | {"circle.png", "gone.png"}
    if os.geteuid():
        (folder / "locked.png").write_bytes(good["plain.png"])
        (folder / "locked.png").chmod(0)
        names.add("locked.png")
    return set(good), names


@pytest.fixture(scope="module")
def nasty(tmp_path_factory):
    folder = tmp_path_factory.mktemp("nasty") / "in"
    return folder, *nasty_folder(folder)


def test_scan_names_every_bad_file(nasty, capsys):
    folder, good, bad = nasty
    assert len(good) + len(bad) >= 40
    assert main(["prepare", "scan", str(folder), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert {name for name, _ in report["bad"]} == bad
    assert report["good"] == len(good) and report["files"] == len(good | bad)
    reasons = dict(map(tuple, report["bad"]))
    assert "60000x60000" in reasons["bomb.png"] or "pixels" in reasons["bomb.png"]
    assert "empty" in reasons["empty.png"] and "not a picture" in reasons["page.jpg"]
    assert all(reasons.values())


def test_training_uses_the_good_and_writes_skipped(nasty, tmp_path, capsys):
    folder, good, bad = nasty
    for side in ("sketch", "color"):
        for name in good | {"half.png"}:
            target = tmp_path / "data" / side / name
            target.parent.mkdir(parents=True, exist_ok=True)
            os.link(folder / name, target)
    # 1 of the 41 pairs is bad, and one picture has no partner.
    (tmp_path / "data/sketch/alone.png").write_bytes((folder / "plain.png").read_bytes())
    run = tmp_path / "run"
    arguments = ["train", "pix2pix", *FLAGS, "--steps=2", "--no-export", "--metrics", "l1",
                 "--best-metric=val_l1", "--num-validation=4", "--num-samples=2",
                 f"--data={tmp_path / 'data'}", f"--run-dir={run}"]  # fmt: skip
    assert main(arguments) == 0, capsys.readouterr().err
    skipped = dict(line.split("\t") for line in (run / "skipped.txt").read_text().splitlines())
    named = {os.path.basename(path) for path in skipped}
    # `plain.jpg` and others share the stem of another picture.
    shared = {name for name in good if sum(n[: n.rindex(".")] == name[: name.rindex(".")]
                                           for n in good | {"half.png"}) > 1}  # fmt: skip
    assert {"half.png", "alone.png"} <= named <= {"half.png", "alone.png"} | shared
    rows = (run / "metrics.jsonl").read_text().splitlines()
    assert all(np.isfinite(v) for v in json.loads(rows[-1]).values() if isinstance(v, float))


def test_too_many_bad_files_stop_a_run_and_are_named(nasty, tmp_path, capsys):
    folder, _, _ = nasty
    data = f"a={folder},b={folder}"
    assert main(["train", "pix2pix", *FLAGS, f"--data={data}", f"--run-dir={tmp_path}"]) == 2
    message = capsys.readouterr().err
    assert "bad, more than max_bad_share=0.05" in message and "ganime prepare scan" in message


def test_translate_writes_the_good_and_reports_the_bad(nasty, tmp_path, capsys):
    folder, good, bad = nasty
    saved = get_model("pix2pix")(TINY)
    saved.compile()
    saved.save(tmp_path / "model.keras")
    out = tmp_path / "out"
    model = str(tmp_path / "model.keras")
    status = main(["translate", str(folder), "--model", model, "--out", str(out)])
    printed = capsys.readouterr().out
    assert status == 1 and f"Wrote {len(good)} picture(s)" in printed
    assert all(f"  {folder / name}: " in printed for name in bad)
    assert printed.count(str(folder)) == len(bad)  # the reasons do not repeat the path
    assert len(list(out.glob("*.png"))) == len(good)
    sizes = {path.name: Image.open(path).size for path in out.glob("*.png")}
    assert (3, 90) in sizes.values() and (1, 1) in sizes.values()
