import hashlib

import pytest

from ganime_tf import weights
from ganime_tf.weights import MissingWeightsError, WeightFile, find_weights


@pytest.fixture(autouse=True)
def places(monkeypatch, tmp_path):
    """An empty weights folder, an empty cache, no network."""
    folder, cache = tmp_path / "weights", tmp_path / "cache"
    folder.mkdir(), cache.mkdir()
    monkeypatch.setenv("GANIME_WEIGHTS", str(folder))
    monkeypatch.setenv("GANIME_CACHE", str(cache))
    monkeypatch.setenv("GANIME_OFFLINE", "1")
    digest = hashlib.sha256(b"good").hexdigest()
    net = WeightFile("group/net.pth", "4 bytes", f"sha256:{digest[:8]}", "http://localhost:9/net")
    monkeypatch.setitem(weights.KNOWN, "net", (net, WeightFile("net.npz", "4 bytes")))
    return folder, cache


def test_the_folder_comes_before_the_cache(places):
    folder, cache = places
    (cache / "net.pth").write_bytes(b"good")
    assert find_weights("net") == cache / "net.pth"
    (folder / "group").mkdir()
    (folder / "group" / "net.pth").write_bytes(b"good")
    assert find_weights("net") == folder / "group" / "net.pth"


def test_alternatives_and_plain_names_are_found(places):
    (places[0] / "net.npz").write_bytes(b"any")
    assert find_weights("net") == places[0] / "net.npz"
    assert find_weights("net.npz") == places[0] / "net.npz"


def test_a_wrong_checksum_is_an_error_not_a_miss(places):
    (places[0] / "net.pth").write_bytes(b"bad!")
    with pytest.raises(ValueError, match="net.pth is damaged or another file"):
        find_weights("net")


def test_a_missing_file_is_named_with_size_checksum_and_place(places):
    with pytest.raises(MissingWeightsError) as error:
        find_weights("net")
    for part in ("group/net.pth", "4 bytes", "sha256:770e", "net.npz", str(places[0]), "OFFLINE"):
        assert part in str(error.value)
    assert isinstance(error.value, FileNotFoundError)


def test_downloads_are_checked_and_kept(places, monkeypatch):
    import keras

    content = b"bad!"

    def get_file(name, origin, cache_dir, cache_subdir):
        (cache_dir / name).write_bytes(content)
        return str(cache_dir / name)

    monkeypatch.setattr(keras.utils, "get_file", get_file)
    with pytest.raises(MissingWeightsError, match="download failed: .*damaged"):
        find_weights("net", download=True)
    assert list(places[1].iterdir()) == []
    content = b"good"
    assert find_weights("net", download=True) == places[1] / "net.pth"
    assert find_weights("net").read_bytes() == b"good"


def test_a_failed_download_says_why(places):
    with pytest.raises(MissingWeightsError, match="download failed"):
        find_weights("net", download=True)


def test_every_known_file_has_a_name_a_size_and_a_well_formed_checksum():
    for files in weights.KNOWN.values():
        for file in files:
            assert file.name and file.size[0].isdigit()
            kind, _, digits = file.checksum.partition(":")
            assert not digits or kind in ("sha256", "md5") and int(digits, 16) >= 0
