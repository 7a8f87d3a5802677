"""The decoder: equal in Python and in the graph, for every kind of file; fuzzed."""

import io
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, features

from ganime_tf.data.decoding import decode
from ganime_tf.data.io import BadImageError, decode_bytes, find_images, read_image


def picture(height=24, width=40):
    """Smooth in all channels, so that lossy formats stay close."""
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 6, y * 10, 255 - x * 3 - y * 4], -1).clip(0, 255).astype(np.uint8)


def encode(image, form, **options):
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def rgba():
    alpha = np.full((24, 40, 1), 255, np.uint8)
    alpha[:, :20] = 0
    return Image.fromarray(np.concatenate([picture(), alpha], -1))


def exif(orientation):
    data = Image.Exif()
    data[0x0112] = orientation
    return data


RGB = Image.fromarray(picture())
FILES = {
    "jpeg": encode(RGB, "JPEG", quality=95),
    "jpeg grey": encode(RGB.convert("L"), "JPEG"),
    "jpeg progressive": encode(RGB, "JPEG", progressive=True),
    "jpeg cmyk": encode(RGB.convert("CMYK"), "JPEG"),
    "jpeg exif": encode(RGB, "JPEG", exif=exif(6)),
    "png": encode(RGB, "PNG"),
    "png grey": encode(RGB.convert("L"), "PNG"),
    "png palette": encode(RGB.quantize(16), "PNG"),
    "png palette alpha": encode(RGB.quantize(16), "PNG", transparency=3),
    "png alpha": encode(rgba(), "PNG"),
    "png grey alpha": encode(rgba().convert("LA"), "PNG"),
    "png 1 bit": encode(RGB.convert("1"), "PNG"),
    "png exif": encode(RGB, "PNG", exif=exif(3)),
    "png 16 bit": encode(Image.fromarray(picture()[..., 0].astype(np.uint16) * 257), "PNG"),
    "webp": encode(RGB, "WEBP", quality=90),
    "webp lossless": encode(RGB, "WEBP", lossless=True),
    "webp alpha": encode(rgba(), "WEBP", lossless=True),
    "webp animated": encode(RGB, "WEBP", save_all=True, append_images=[rgba().convert("RGB")]),
    "bmp": encode(RGB, "BMP"),
    "bmp palette": encode(RGB.quantize(16), "BMP"),
    "gif animated": encode(RGB, "GIF", save_all=True, append_images=[RGB.rotate(180)]),
    "tiff": encode(RGB, "TIFF"),
    "tiff cmyk": encode(RGB.convert("CMYK"), "TIFF"),
    "ppm": encode(RGB, "PPM"),
}
if features.check("avif"):
    FILES["avif"] = encode(RGB, "AVIF", quality=95)


@pytest.fixture(scope="module")
def in_map():
    """Decodes through `Dataset.map`, tracing once."""
    return tf.function(decode, input_signature=[tf.TensorSpec([], tf.string)])


@pytest.mark.parametrize("name", FILES)
def test_graph_and_pillow_give_the_same_pixels(name, in_map):
    expected = decode_bytes(FILES[name])
    assert expected.dtype == np.uint8 and expected.shape[-1] == 3
    np.testing.assert_array_equal(in_map(FILES[name]).numpy(), expected)


def test_decoding_within_dataset_map_matches_eager():
    data = tf.data.Dataset.from_tensor_slices(list(FILES.values())).map(decode)
    for name, pixels in zip(FILES, data, strict=True):
        np.testing.assert_array_equal(pixels, decode_bytes(FILES[name]), err_msg=name)


def test_orientation_alpha_depth_and_frames():
    np.testing.assert_array_equal(decode_bytes(FILES["png exif"]), picture()[::-1, ::-1])
    assert decode_bytes(FILES["jpeg exif"]).shape == (40, 24, 3)
    alpha = decode_bytes(FILES["png alpha"])
    assert (alpha[:, :20] == 255).all() and (alpha[:, 20:] == picture()[:, 20:]).all()
    assert (decode_bytes(FILES["png alpha"], background=(1, 2, 3))[0, 0] == (1, 2, 3)).all()
    np.testing.assert_array_equal(decode_bytes(FILES["png 16 bit"])[..., 1], picture()[..., 0])
    first = decode_bytes(FILES["gif animated"]).astype(int)
    assert np.abs(first - picture()).mean() < 12


@pytest.mark.parametrize(
    "content, reason",
    [
        (b"", "empty"),
        (b"<html>", "not a picture"),
        (FILES["jpeg"][:-100], "truncated"),
        (FILES["png"][:-30], "truncated"),
    ],
)
def test_bad_content_is_named(content, reason, in_map):
    with pytest.raises(BadImageError, match=reason):
        decode_bytes(content)
    with pytest.raises(tf.errors.OpError):
        in_map(content)


def test_bombs_are_refused_before_they_are_decoded(in_map):
    head = bytearray(FILES["png"])
    head[16:24] = (60_000).to_bytes(4, "big") * 2
    head[29:33] = zlib.crc32(head[12:29]).to_bytes(4, "big")
    with pytest.raises(BadImageError, match="pixels"):
        decode_bytes(bytes(head))
    with pytest.raises(tf.errors.OpError):
        in_map(bytes(head))


def test_nasty_folder_lists_without_looping(tmp_path):
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere")
    (tmp_path / ("ü" * 100 + ".PNG")).write_bytes(FILES["png"])
    (tmp_path / "folder.png").mkdir()
    (tmp_path / ".hidden.png").write_bytes(FILES["png"])
    (tmp_path / "notes.txt").write_text("x")
    assert [name for name, _ in find_images(tmp_path)] == ["gone.png", "ü" * 100 + ".PNG"]
    with pytest.raises(BadImageError, match="not a regular file"):
        read_image(tmp_path / "folder.png")


def mutate(content, random):
    data = bytearray(content)
    for _ in range(random.integers(1, 6)):
        at = int(random.integers(len(data)))
        data[at : at + int(random.integers(1, 5))] = random.bytes(int(random.integers(0, 5)))
        data = data or bytearray(b"\0")
    return bytes(data[: random.integers(1, len(data) + 1)] if random.random() < 0.2 else data)


@pytest.mark.parametrize("count", [400, pytest.param(8000, marks=pytest.mark.slow)])
def test_mutated_files_give_a_picture_or_a_named_error(count, in_map):
    random = np.random.default_rng(count)
    forms = [FILES[k] for k in ("jpeg", "jpeg exif", "png", "png palette alpha", "webp",
                                "webp alpha", "gif animated", "bmp")]  # fmt: skip
    good = 0
    for number in range(count):
        content = mutate(forms[number % len(forms)], random)
        try:
            pixels = decode_bytes(content)
            good += 1
        except BadImageError as error:
            assert str(error)
            pixels = None
        try:
            decoded = in_map(content).numpy()
        except tf.errors.OpError:
            decoded = None
        for result in (pixels, decoded):
            if result is not None:
                assert result.dtype == np.uint8 and result.ndim == 3 and result.shape[-1] == 3
    assert 0 < good < count
