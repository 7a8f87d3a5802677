"""What a data string means: layouts, lists, links, names, and what is refused in a sentence."""

import json
import os
import unicodedata

import numpy as np
import pytest
from PIL import Image

from ganime_tf.cli import main
from ganime_tf.data import DataSpec, as_spec, open_data
from ganime_tf.data.io import BadImageError, read_image
from ganime_tf.data.records import write_records
from ganime_tf.metrics.folders import list_pictures


def save(path, colour=(9, 9, 9), size=(24, 24)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path)


def pair(path, left, right=(255, 255, 255)):
    """Two 20x20 pictures side by side."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.new("RGB", (40, 20), left)
    image.paste(right, (20, 0, 40, 20))
    image.save(path)


def names(domains):
    return [sorted(domain.names) for domain in domains]


# Folders.


@pytest.mark.parametrize("deep", [1, 2])
def test_a_set_that_was_unpacked_into_its_own_folder_is_found(tmp_path, deep):
    root = tmp_path / "/".join(["anime"] * deep)
    for i in range(7):
        pair(root / f"anime/train/{i}.png", (i, 0, 0))
    for i in range(2):
        pair(root / f"anime/val/{i + 90}.png", (i, 0, 0))
    source = open_data(tmp_path / "anime")
    assert (source.num_train, source.num_validation) == (7, 2)
    assert names(source.validation_domains) == [["90.png", "91.png"]]


def test_the_packed_case_of_a_user(shared):
    source = open_data(shared / "cases/nested-zip/anime")
    train, held_out = (set(domains[0].names) for domains in (source.domains,
                                                            source.validation_domains))  # fmt: skip
    inner = shared / "cases/nested-zip/anime/anime"
    assert (len(train), len(held_out)) == tuple(len(list((inner / n).iterdir()))
                                                for n in ("train", "val"))  # fmt: skip


def test_several_sets_in_one_folder_are_refused_by_name(tmp_path):
    for name in ("facades", "maps"):
        for side in ("train", "val"):
            pair(tmp_path / name / side / "0.png", (9, 0, 0))
    for kind in ("paired", "pictures"):
        with pytest.raises(
            ValueError, match="facades, maps in it are.*Give one of these: .*facades"
        ):
            open_data(tmp_path, kind)


def test_layouts_of_other_methods_are_never_side_by_side_pairs(tmp_path):
    for side in "AB":
        for i in range(3):
            save(tmp_path / f"cyclegan/train{side}/{i}.png", (i, 0, 0))
    with pytest.raises(ValueError, match="trainA and trainB: unpaired data, for cyclegan"):
        open_data(tmp_path / "cyclegan")
    both = f"a={tmp_path}/cyclegan/trainA,b={tmp_path}/cyclegan/trainB"
    assert open_data(both, validation="none").num_train == 3  # what the sentence offers
    with pytest.raises(ValueError, match=r"3 of 3 files looked at are single.*0.png is 24x24"):
        open_data(tmp_path / "cyclegan/trainA")


def test_photos_are_no_pairs_but_pairs_are(tmp_path):
    """Wide photos go on across their middle; pairs have an edge, or white paper, there."""
    y, x = np.mgrid[:40, :80]
    for i in range(6):
        wave = 128 + 90 * np.sin(x / (9 + i)) * np.cos(y / 7 + i)
        photo = np.stack([wave, wave, 255 - wave], -1).astype(np.uint8)
        half = np.concatenate([photo[:, 3:43], 255 - photo[:, 3:43]], 1)
        sheet = np.full_like(photo, 255)
        sheet[10:30, 10:30], sheet[10:30, 50:70] = 0, (200, 9, 9)
        for name, pixels in (("photos", photo), ("pairs", half), ("sheets", sheet)):
            (tmp_path / name).mkdir(exist_ok=True)
            Image.fromarray(pixels).save(tmp_path / name / f"{i}.png")
    with pytest.raises(ValueError, match="[45] of 6 files.*goes on from its left half"):
        open_data(tmp_path / "photos")
    assert open_data(tmp_path / "photos", direction="ab").num_train  # the user says so
    assert open_data(tmp_path / "pairs").num_train
    assert open_data(tmp_path / "sheets").num_train


def test_the_toy_world_written_to_files_is_read_as_each_kind(tmp_path):
    from ganime_tf import toy

    toy.write_dataset(tmp_path / "pairs", 12, 32, "pairs")
    assert open_data(tmp_path / "pairs").num_train
    toy.write_dataset(tmp_path / "parsing", 4, 32, "parsing")
    source = open_data(tmp_path / "parsing", "unpaired_parsing", validation="none")
    assert [len(domain) for domain in source.domains] == [4, 4]
    assert "left_eye" in source.labels
    batch = next(iter(source.train(batch_size=2, image_size=32, load_size=32)))
    assert set(batch) == {"a", "b", "a_parsing", "b_parsing"}
    assert len(np.unique(batch["a_parsing"])) > 3


def test_validation_pictures_are_never_trained_on(tmp_path):
    for i in range(4):
        pair(tmp_path / f"in/{i}.png", (i, 0, 0))
        pair(tmp_path / f"in/val/v{i}.png", (i, 0, 0))
    for kind in ("paired", "pictures"):
        source = open_data(tmp_path / "in", kind)
        assert names(source.domains) == [[f"{i}.png" for i in range(4)]]
        assert names(source.validation_domains) == [[f"v{i}.png" for i in range(4)]]


def test_a_set_to_evaluate_on_is_whole(tmp_path):
    for i in range(20):
        pair(tmp_path / f"flat/{i}.png", (i, 0, 0))
        pair(tmp_path / f"only/test/{i}.png", (i, 0, 0))
    for place in ("flat", "only"):
        source = open_data(tmp_path / place, validation="whole")
        assert source.num_validation == 20
        batches = list(source.validation(batch_size=8, image_size=16))
        assert sum(len(batch["name"]) for batch in batches) == 20
        with pytest.raises(ValueError, match="nothing to train on"):
            source.train(batch_size=1, image_size=16)
    source = open_data(tmp_path / "only")
    assert source.num_validation == 20 and "train on nothing" in source.describe()
    with pytest.raises(ValueError, match="only has nothing to train on, only 20 samples"):
        source.num_train  # noqa: B018
    divided = open_data(tmp_path / "only", validation="0.25")
    assert divided.num_train + divided.num_validation == 20


def test_training_on_a_set_without_training_pictures_is_one_line(tmp_path, capsys):
    for i in range(3):
        pair(tmp_path / f"in/test/{i}.png", (i, 0, 0))
    call = ["train", "pix2pix", "--data", str(tmp_path / "in"), "--run-dir", str(tmp_path / "run")]
    assert main(call) == 2
    assert "nothing to train on" in capsys.readouterr().err and not (tmp_path / "run").exists()


# Names.


def test_links_unicode_upper_case_and_hidden_files(tmp_path):
    store = tmp_path / "store"
    for i in range(3):
        save(store / f"{i}.PNG", (9 * i, 0, 0))
    save(tmp_path / "in/a" / (unicodedata.normalize("NFD", "é") + ".png"))
    save(tmp_path / "in/b" / (unicodedata.normalize("NFC", "é") + ".JPG"))
    for side in "ab":
        (tmp_path / "in" / side / "run").symlink_to(store)
        save(tmp_path / "in" / side / "._0.png")
        save(tmp_path / "in" / side / ".thumbnails/0.png")
    source = open_data(tmp_path / "in", validation="none")
    assert source.num_train == 4 and not source.skipped
    # ... and evaluation lists the same ones under the same names.
    assert len(list_pictures(tmp_path / "in/a")) == 4
    assert set(list_pictures(tmp_path / "in/a")) == set(list_pictures(tmp_path / "in/b"))


def test_home_is_known_in_every_path(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    for side in "ab":
        for i in range(4):
            save(tmp_path / f"in/{side}/{i}.png", (i, 0, 0))
    (tmp_path / "list.csv").write_text("a,b\nin/a/0.png,in/b/0.png\n~/in/a/1.png,~/in/b/1.png\n")
    rows = [json.dumps({"id": i, "rating": "g", "tag_string": f"t{i % 2}"}) for i in range(4)]
    (tmp_path / "meta.jsonl").write_text("\n".join(rows))
    for data in ("~/in", "a=~/in/a,b=~/in/b", "path=~/in,aspect=crop"):
        assert open_data(data, validation="none").num_train == 4
    assert open_data("~/list.csv", validation="none").num_train == 2
    data = "path=~/in,metadata=~/meta.jsonl,where=tag=t1"
    assert open_data(data, validation="none").num_train == 2
    assert open_data("~/in/a", "pictures", validation="~/in/b").num_validation == 4
    source = open_data("~/in", validation="0.5")
    source.write_split(tmp_path / "split.json")
    again = open_data("~/in", validation="~/split.json")
    assert names(again.domains) == names(source.domains)
    spec = as_spec("a=~/x,b=~/y,smooth=~/z,maps=~/m")
    assert {spec.a, spec.b, spec.smooth, spec.maps} == {f"{tmp_path}/{n}" for n in "xyzm"}


def test_what_is_passed_over_is_named(tmp_path, capsys):
    save(tmp_path / "in/0.png")
    for name in ("photo.HEIC", "clip.mp4", "all.zip", "notes.txt"):
        (tmp_path / "in" / name).write_bytes(b"x")
    (tmp_path / "in/photo.jpg").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    source = open_data(tmp_path / "in", "pictures", validation="none", max_bad_share=0.6)
    reasons = {os.path.basename(path): why for path, why in source.skipped}
    assert set(reasons) == {"photo.HEIC", "clip.mp4", "all.zip", "photo.jpg"}
    assert "HEIC" in reasons["photo.HEIC"] and "HEIC" in reasons["photo.jpg"]
    assert "video" in reasons["clip.mp4"] and "archive" in reasons["all.zip"]
    assert main(["prepare", "scan", str(tmp_path / "in")]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in reasons) and "notes.txt" not in shown


def test_odd_files_of_users_are_read_or_named(shared):
    folder = shared / "cases/odd-formats/pics"
    source = open_data(folder, "pictures", validation="none", max_bad_share=0.5)
    named = {os.path.basename(path) for path, _ in source.skipped}
    assert named == {"cut.jpg", "iphone.heic", "renamed_heic.jpg"}
    levels = [read_image(folder / f"{name}.tif").mean() for name in ("float1", "float255")]
    assert levels[0] == pytest.approx(levels[1], abs=2)
    assert read_image(folder / "grey12in16.tif").max() > 128
    with pytest.raises(BadImageError, match="HEIC"):
        read_image(folder / "renamed_heic.jpg")


# Lists.


@pytest.mark.parametrize(
    "text",
    [
        b"a,b\ns0.png,c0.png\ns1.png,c1.png\n",
        b"\xef\xbb\xbfA;B\r\ns0.png;c0.png\r\ns1.png;c1.png\r\n",
        b"a, b\n s0.png , c0.png\ns1.png, c1.png\n",
        b"B\tA\nc0.png\ts0.png\nc1.png\ts1.png\n",
        b"a,b\n.\\s0.png,.\\c0.png\ns1.png,sub\\..\\c1.png\n",
        "a,b\ns0.png,c0.png\ns1.png,c1.png\n".encode("utf-16"),
        b'"a","b"\n"s0.png","c0.png"\n"s1.png","c1.png"\n\n',
    ],
)
def test_lists_as_spreadsheets_write_them(tmp_path, text):
    (tmp_path / "sub").mkdir()
    for i in range(2):
        save(tmp_path / f"s{i}.png", (250, 250, 250))
        save(tmp_path / f"c{i}.png", (10, 20, 30))
    (tmp_path / "list.csv").write_bytes(text)
    source = open_data(tmp_path / "list.csv", validation="whole")
    assert source.num_validation == 2 and not source.skipped
    batch = next(iter(source.validation(batch_size=2, image_size=16)))
    assert batch["a"].numpy().min() > 0.9 and batch["b"].numpy().max() < -0.7


def test_old_encodings_and_missing_files_are_named(tmp_path, caplog):
    save(tmp_path / "sé.png")
    save(tmp_path / "c.png")
    (tmp_path / "list.csv").write_bytes("a,b\nsé.png,c.png\nsé.png,lost.png\n".encode("cp1252"))
    source = open_data(tmp_path / "list.csv", validation="none")
    assert source.num_train == 1 and "cp1252" in caplog.text
    assert source.skipped == [(str(tmp_path / "lost.png"), "named in row 2, no such file")]
    (tmp_path / "list.csv").write_text("a,b\nx.png,y.png\n")
    with pytest.raises(ValueError, match="None of the 1 pairs.*Missing: .*x.png, .*y.png"):
        open_data(tmp_path / "list.csv")


# Direction, options.


@pytest.mark.parametrize("form", ["folders", "list", "two folders", "side by side"])
def test_direction_decides_what_is_the_input(tmp_path, form):
    for i in range(3):
        save(tmp_path / f"in/a/{i}.png", (250, 0, 0))
        save(tmp_path / f"in/b/{i}.png", (0, 250, 0))
        pair(tmp_path / f"pairs/{i}.png", (250, 0, 0), (0, 250, 0))
    (tmp_path / "list.csv").write_text("a,b\n" + "in/a/0.png,in/b/0.png\n" * 2)
    data = {"folders": tmp_path / "in", "list": tmp_path / "list.csv",
            "two folders": f"a={tmp_path}/in/a,b={tmp_path}/in/b",
            "side by side": tmp_path / "pairs"}[form]  # fmt: skip
    for direction, channel in (("ab", 0), ("ba", 1)):
        source = open_data(data, direction=direction, validation="whole")
        batch = next(iter(source.validation(batch_size=1, image_size=16)))
        assert batch["a"][0, 8, 8, channel] > 0.9 and batch["b"][0, 8, 8, 1 - channel] > 0.9


def test_what_a_set_cannot_follow_is_refused(tmp_path):
    save(tmp_path / "in/0.png")
    for kind, fields, message in (
        ("pictures", {"direction": "ba"}, "pictures data has no `direction`"),
        (
            "paired",
            {"spec": "path=toy,maps=x"},
            "paired data has no `maps`. Kinds with it: parsing",
        ),
        ("unpaired", {"spec": "path=toy,hints=4"}, "unpaired data has no `hints`"),
        ("paired", {"spec": "toy:4", "direction": "ba"}, "drawn with `a` as the input"),
    ):
        fields = {"spec": tmp_path / "in"} | fields
        with pytest.raises(ValueError, match=message):
            open_data(fields.pop("spec"), kind, **fields)
    write_records(open_data("toy:2"), tmp_path / "shards")
    for fields in ({"direction": "ba"}, {"validation": "0.5"}):
        with pytest.raises(ValueError, match="packed with their own"):
            open_data(tmp_path / "shards", **fields)


# Files that are not to be trusted.


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shards")
    write_records(open_data("toy:3"), folder)
    return folder


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda i: i["domains"][0]["shards"][0].update(file="/etc/passwd"), "no name of a file"),
        (lambda i: i["domains"][0]["shards"][0].update(file="../x.tfrecord"), "no name of a file"),
        (lambda i: i["domains"][0]["shards"][0].update(file="fifo"), "not a regular file"),
        (lambda i: i["domains"][0]["shards"][0].update(file="device"), "not a regular file"),
        (lambda i: i["domains"][0]["shards"][0].update(offsets=["0"]), "offsets.*whole number"),
        (lambda i: i["domains"][0]["shards"][0].update(lengths=[-1, 1, 1]), "do not belong"),
        (lambda i: i["domains"][0].update(train_ids=[0, 99]), "train_ids.*beyond its 3"),
        (lambda i: i["domains"][0].update(aspect="wide"), "aspect.*one of stretch"),
        (lambda i: i["domains"][0].update(parts="x"), r"domains\[pairs0\].parts.*a list"),
        (lambda i: i.update(labels={"x": 1}), "labels.*a list"),
        (lambda i: i.update(train_domains=["other"]), "other"),
        (lambda i: i.update(format=True), "format.*whole number"),
        (lambda i: i.pop("kind"), "no field `kind`"),
        (lambda i: i.update(domains=[7]), r"`domains`\[0\] must be an object, not 7"),
    ],
)
def test_an_index_that_is_not_ours_is_refused_by_its_field(shards, tmp_path, change, message):
    for file in shards.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "device").symlink_to("/dev/zero")
    index = json.loads((tmp_path / "index.json").read_text())
    change(index)
    (tmp_path / "index.json").write_text(json.dumps(index))
    with pytest.raises(ValueError, match=f"index.json is not an index.*{message}"):
        open_data(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "must be an object"),
        ('{"pairs": 3}', "`pairs` must be an object, not 3"),
        ('{"pairs": {"train": []}}', "no field `pairs.validation`"),
        ('{"pairs": {"train": [1], "validation": []}}', r"`pairs.train`\[0\] must be text"),
        ("{", "Expecting"),
    ],
)
def test_a_split_that_is_not_ours_is_refused_by_its_field(tmp_path, text, message):
    pair(tmp_path / "in/0.png", (1, 2, 3))
    (tmp_path / "splits.json").write_text(text)
    with pytest.raises(ValueError, match=f"splits.json is not a split file.*{message}"):
        open_data(DataSpec(tmp_path / "in"), validation=str(tmp_path / "splits.json"))


# Nothing of the user's is written over.


def test_prepared_sets_never_go_where_other_files_are(tmp_path, capsys):
    for i in range(3):
        pair(tmp_path / f"in/{i}.png", (i, 0, 0))
        save(tmp_path / f"mine/{i}.png", (1, 2, 3))
        save(tmp_path / f"more/{i}.png", (1, 2, 3))
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.png")}
    jobs = (["resize"], ["split-pairs"], ["lineart"], ["smooth"], ["shard"])
    for job in jobs:
        for out in ("mine", "in"):
            call = ["prepare", *job, str(tmp_path / "in"), "-o", str(tmp_path / out)]
            assert main(call) == 2, call
            error = capsys.readouterr().err
            assert "Give a new folder" in error or "originals are never touched" in error
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.png")} == before
    shard = ["prepare", "shard", "-o", str(tmp_path / "shards")]
    assert main([*shard, str(tmp_path / "in")]) == 0
    assert main([*shard, str(tmp_path / "in")]) == 0  # goes on
    index = (tmp_path / "shards/index.json").read_bytes()
    assert main([*shard, str(tmp_path / "more"), "--kind", "pictures"]) == 2
    assert "another set of pictures" in capsys.readouterr().err
    assert (tmp_path / "shards/index.json").read_bytes() == index
