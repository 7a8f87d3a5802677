"""One reader: profiles, 12 and 16 bits, Lab and alpha through it; what files may cost."""

import functools
import io
import json
import struct
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from PIL import Image

from ganime_tf.data import open_data
from ganime_tf.data.budget import SharedBudget
from ganime_tf.data.io import BadImageError, decode_bytes, decode_picture, read_image
from ganime_tf.data.preparing import prepare_folder, resize
from ganime_tf.data.scanning import scan


def swapping_profile():
    """A profile of sRGB's curve whose red is sRGB's green, green its blue, blue its red."""
    fixed = lambda x: struct.pack(">i", round(x * 65536))  # noqa: E731
    xyz = lambda x, y, z: b"XYZ \0\0\0\0" + fixed(x) + fixed(y) + fixed(z)  # noqa: E731
    primaries = {  # sRGB's, adapted to D50
        "r": xyz(0.43607, 0.22249, 0.01392),
        "g": xyz(0.38515, 0.71687, 0.09708),
        "b": xyz(0.14307, 0.06061, 0.71410),
    }
    curve = b"para\0\0\0\0\0\3\0\0" + b"".join(
        fixed(x) for x in (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
    )
    text = b"made"
    tags = {
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", 5) + text + bytes(1 + 78),
        b"cprt": b"text\0\0\0\0none\0",
        b"wtpt": xyz(0.9642, 1.0, 0.8249),
        b"rXYZ": primaries["g"],
        b"gXYZ": primaries["b"],
        b"bXYZ": primaries["r"],
        b"rTRC": curve,
        b"gTRC": curve,
        b"bTRC": curve,
    }
    table, body, start = struct.pack(">I", len(tags)), b"", 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        data += bytes(-len(data) % 4)
        table += name + struct.pack(">II", start + len(body), len(data))
        body += data
    head = struct.pack(">I4sI4s4s4s", start + len(body), b"\0\0\0\0", 0x02400000, b"mntr", b"RGB ",
                       b"XYZ ")  # fmt: skip
    head += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28)
    head += fixed(0.9642) + fixed(1.0) + fixed(0.8249)
    return (head + bytes(128 - len(head))) + table + body


PROFILE = swapping_profile()


def encode(image, form, **options):
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
def test_profiles_count_wherever_pictures_are_read(suffix, tmp_path):
    """(200, 90, 30) by a profile whose red is green, green blue, blue red is (30, 200, 90)."""
    options = {"jpg": {"quality": 95}, "webp": {"lossless": True}}.get(suffix, {})
    for side in ("a", "b"):
        (tmp_path / "in" / side).mkdir(parents=True)
        for i in range(2):
            image = Image.new("RGB", (32, 32), (200, 90, 30))
            image.save(tmp_path / f"in/{side}/{i}.{suffix}", icc_profile=PROFILE, **options)
    source = open_data(tmp_path / "in", validation="0.5")
    settings = {"batch_size": 1, "image_size": 16}
    streams = [source.train(**settings), source.validation(**settings)]
    shown = [np.rint((next(iter(stream))["a"].numpy() + 1) * 127.5) for stream in streams]
    shown.append(read_image(tmp_path / f"in/a/0.{suffix}"))
    work = functools.partial(resize, size=16, aspect="stretch")
    done = prepare_folder(tmp_path / "in", tmp_path / "out", work, 1)
    assert all(reason is None for _, reason in done)
    with Image.open(tmp_path / "out/a/0.png") as copy:
        assert "icc_profile" not in copy.info  # sRGB now
        shown.append(np.asarray(copy))
    for pixels in shown:
        assert np.abs(pixels.reshape(-1, 3) - [30, 200, 90]).max() <= 4


def test_a_damaged_profile_is_as_good_as_none_and_srgb_changes_nothing():
    from PIL import ImageCms

    noise = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for profile in (b"no profile at all", srgb, PROFILE[:200]):
        content = encode(Image.fromarray(noise), "PNG", icc_profile=profile)
        np.testing.assert_array_equal(decode_bytes(content), noise)


def test_alpha_is_kept_beside_the_colours_of_a_profile():
    rgba = np.full((9, 9, 4), (200, 90, 30, 255), np.uint8)
    rgba[:4, :, 3] = 0
    content = encode(Image.fromarray(rgba), "PNG", icc_profile=PROFILE)
    picture = decode_picture(content, (1, 2, 3))
    np.testing.assert_array_equal(picture.alpha, rgba[..., 3])
    assert (picture.rgb[:4] == (1, 2, 3)).all()
    assert np.abs(picture.rgb[4:].astype(int) - [30, 200, 90]).max() <= 2
    rgba[..., 3] = 255
    assert decode_picture(encode(Image.fromarray(rgba), "PNG")).alpha is None


def test_twelve_bits_in_sixteen_are_read_as_twelve_and_said(caplog):
    from ganime_tf.data import pixels

    ramp = np.tile(np.arange(0, 4096, 16, dtype=np.uint16), (8, 1))
    pixels._say_once.cache_clear()
    read = decode_bytes(encode(Image.fromarray(ramp), "TIFF"))[..., 0].astype(float)
    assert np.abs(read - ramp * (255 / 4095)).max() <= 1
    assert "12" in caplog.text
    whole = decode_bytes(encode(Image.fromarray(ramp * 16), "TIFF"))[..., 0].astype(float)
    assert np.abs(whole - ramp * 16 * (255 / 65535)).max() <= 1


def test_lab_and_float_pictures_are_read():
    colour = Image.new("RGB", (8, 8), (200, 90, 30))
    from PIL import ImageCms

    lab = ImageCms.profileToProfile(
        colour, ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    assert np.abs(decode_bytes(encode(lab, "TIFF")).astype(int) - [200, 90, 30]).max() <= 4
    ramp = np.tile(np.linspace(0, 1, 256, dtype=np.float32), (4, 1))
    for scale in (1, 255):
        read = decode_bytes(encode(Image.fromarray(ramp * scale), "TIFF"))
        np.testing.assert_array_equal(read[0, :, 1], np.arange(256))


def test_wide_pictures_are_converted_in_bands_without_a_seam():
    """Several bands, with alpha, and of 16 bits: equal to a small piece read by itself."""
    from ganime_tf.data import pixels

    random = np.random.default_rng(1)
    rgba = random.integers(0, 256, (64, 40, 4), np.uint8)
    deep = random.integers(0, 65536, (64, 40), np.uint16)
    for array in (rgba, deep):
        content = encode(Image.fromarray(array), "PNG")
        whole = decode_picture(content)
        old, pixels._BAND = pixels._BAND, 40 * 12
        try:
            banded = decode_picture(content)
        finally:
            pixels._BAND = old
        np.testing.assert_array_equal(banded.rgb, whole.rgb)
        if array is rgba:
            np.testing.assert_array_equal(banded.alpha, rgba[..., 3])


def _jpeg_claiming(width, height):
    content = bytearray(encode(Image.new("L", (8, 8)), "JPEG"))
    at = content.find(b"\xff\xc0")
    content[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(content)


_COST = """
import resource, sys, time
from ganime_tf.data.io import decode_bytes
content = open(sys.argv[1], "rb").read()
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
before = peak()
start = time.monotonic()
pixels = decode_bytes(content)
print((peak() - before - pixels.nbytes) / (pixels.size / 3), time.monotonic() - start)
"""


@pytest.mark.parametrize("kind", ["float tiff", "16-bit png", "alpha", "palette alpha", "turned"])
def test_reading_takes_few_bytes_a_pixel_beside_the_picture(kind, tmp_path):
    """At the limit of 89 million pixels 6.7 bytes a pixel are 600 MB."""
    side = 4000
    if kind == "float tiff":
        content = encode(Image.fromarray(np.full((side, side), 0.5, np.float32)), "TIFF")
    elif kind == "16-bit png":
        deep = np.full((side, side), 40_000, np.uint16)
        content = encode(Image.fromarray(deep), "PNG", compress_level=1)
    elif kind == "alpha":
        image = Image.new("RGBA", (side, side), (1, 2, 3, 4))
        content = encode(image, "PNG", compress_level=1)
    elif kind == "palette alpha":
        image = Image.new("P", (side, side))
        content = encode(image, "PNG", transparency=3, compress_level=1)
    else:
        exif = Image.Exif()
        exif[0x0112] = 6
        content = encode(Image.new("RGB", (side, side)), "JPEG", exif=exif)
    (tmp_path / "file").write_bytes(content)
    run = [sys.executable, "-c", _COST, str(tmp_path / "file")]
    bytes_a_pixel, seconds = map(float, subprocess.check_output(run).split())
    assert bytes_a_pixel < 6.7 and seconds < 5


def test_a_small_jpeg_that_claims_to_be_huge_is_refused_at_once():
    start = time.monotonic()
    with pytest.raises(BadImageError, match="claims 9459x9459 pixels"):
        decode_bytes(_jpeg_claiming(9459, 9459))
    assert time.monotonic() - start < 0.5
    white = encode(Image.new("L", (6000, 6000), 255), "JPEG", progressive=True, optimize=True)
    assert decode_bytes(white).shape == (6000, 6000, 3)  # as small as honest ones get


def test_threads_share_a_budget():
    budget, together, most = SharedBudget(10), [], []
    lock = threading.Lock()

    def work(count):
        with budget.taking(count):
            with lock:
                together.append(count)
                most.append(sum(min(10, each) for each in together))
            time.sleep(0.01)
            with lock:
                together.remove(count)

    threads = [threading.Thread(target=work, args=(3 + i % 5 * 4,)) for i in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(most) == 20 and max(most) <= 10


def test_scan_names_pictures_that_look_alike_but_not_flat_ones(tmp_path):
    drawn = np.random.default_rng(0).integers(0, 256, (8, 9), np.uint8)
    image = Image.fromarray(drawn).resize((90, 80), Image.Resampling.NEAREST).convert("RGB")
    image.save(tmp_path / "a.png")
    image.save(tmp_path / "b.jpg", quality=95)
    for i in range(3):
        Image.new("RGB", (40, 40), (200, 40 * i, 0)).save(tmp_path / f"flat{i}.png")
    report = json.loads(json.dumps(scan(tmp_path)))
    assert report["look_alikes"] == [["a.png", "b.jpg"]] and report["good"] == 5


def _only_pillow_reads():
    """A PNG whose last chunk, which holds nothing, is cut: TensorFlow refuses it."""
    return encode(Image.new("RGB", (24, 24), (200, 90, 30)), "PNG")[:-6]


def test_pillow_decides_what_can_be_read_and_the_streams_follow(tmp_path):
    import tensorflow as tf

    from ganime_tf.data.decoding import decode

    content = _only_pillow_reads()
    np.testing.assert_array_equal(decode_bytes(content)[0, 0], (200, 90, 30))
    with pytest.raises(tf.errors.OpError):
        decode(tf.constant(content))
    for i in range(4):
        (tmp_path / f"{i}.png").write_bytes(content)
    source = open_data(tmp_path, "pictures", validation="0.5")
    settings = {"batch_size": 1, "image_size": 16}
    for stream in (source.train(**settings).take(3), source.validation(**settings)):
        shown = [np.rint((batch["b"].numpy() + 1) * 127.5) for batch in stream]
        assert len(shown) >= 2
        assert all((pixels.reshape(-1, 3) == (200, 90, 30)).all() for pixels in shown)
    assert not source.skipped


def test_a_shard_is_opened_once_however_many_threads_read_it(tmp_path, monkeypatch):
    from concurrent.futures import ThreadPoolExecutor

    from ganime_tf.data import records

    records.write_records(open_data("toy:6", "pictures"), tmp_path)
    (domain,) = open_data(tmp_path, "pictures").domains
    opened = []

    def slow(path, mode):
        opened.append(path)
        time.sleep(0.02)
        return open(path, mode)

    monkeypatch.setattr(records, "open", slow, raising=False)
    with ThreadPoolExecutor(6) as pool:
        assert len(list(pool.map(lambda i: domain.load(i, 32), range(6)))) == 6
    assert len(opened) <= 1
