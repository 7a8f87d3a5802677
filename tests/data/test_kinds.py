"""Layouts, filters, labels, maps, splits, shards and preparing."""

import functools
import json

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ganime_tf.data import DataSpec, open_data
from ganime_tf.data.class_tables import mirror_table
from ganime_tf.data.geometry import NUM_RANDOM, jitter, tint_lines
from ganime_tf.data.listing import match_stems, split_by_hash
from ganime_tf.data.parsing import CLASSES
from ganime_tf.data.preparing import _around as around
from ganime_tf.data.preparing import crop_faces, prepare_folder, smooth
from ganime_tf.data.records import verify_records, write_records

NAMES = st.lists(st.text("abcxyz012", min_size=1, max_size=4), unique=True, max_size=30)


def save(path, value, mode="RGB", size=(24, 24)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, value).save(path)


def first(source, **kwargs):
    kwargs = {"batch_size": 4, "image_size": 16, "seed": 2} | kwargs
    return {k: v.numpy() for k, v in next(iter(source.train(**kwargs))).items()}


@given(NAMES, NAMES)
@settings(deadline=None, max_examples=60)
def test_pairs_share_a_stem_and_every_file_is_used_or_named(a, b):
    names_a, names_b = [x + ".png" for x in a], [x + ".jpg" for x in b]
    pairs, dropped = match_stems(names_a, names_b)
    assert {x[:-4] for x, _ in pairs} == set(a) & set(b)
    assert all(x[:-4] == y[:-4] for x, y in pairs)
    used = [name for pair in pairs for name in pair] + [name for name, _ in dropped]
    assert sorted(used) == sorted(names_a + names_b)


@given(NAMES, NAMES, st.floats(0.05, 0.6))
@settings(deadline=None, max_examples=60)
def test_adding_files_moves_no_file_across_the_split(old, new, share):
    names = sorted(set(old) | set(new))
    train, held = split_by_hash(names, share)
    assert sorted([*train, *held]) == list(range(len(names)))
    before = {old[i] for i in split_by_hash(old, share)[1]}
    moved = before ^ ({names[i] for i in held} & set(old))
    assert len(moved) <= 1  # the one that keeps a side from being empty


def test_csv_list_with_split_column(tmp_path):
    for i in range(4):
        save(tmp_path / f"x/{i}.png", (i, 0, 0))
    rows = ["a,b,split", *[f"x/{i}.png,x/{i}.png,{'val' if i == 3 else ''}" for i in range(4)]]
    (tmp_path / "list.csv").write_text("\n".join([*rows, "x/0.png,gone.png,"]))
    source = open_data(tmp_path / "list.csv")
    assert (source.num_train, source.num_validation) == (3, 1)
    assert source.skipped == [(str(tmp_path / "gone.png"), "named in row 5, no such file")]


def test_jsonl_list_with_split_and_bad_rows(tmp_path):
    for i in range(3):
        save(tmp_path / f"in/{i}.png", (250, 250, 10 * i))
        save(tmp_path / f"out/{i}.jpg", (10 * i, 0, 0))
    rows = [{"a": f"in/{i}.png", "b": f"out/{2 - i}.jpg", "split": "test" if i == 1 else "train"}
            for i in range(3)]  # fmt: skip
    path = tmp_path / "pairs.jsonl"
    path.write_text("\n".join(["", *map(json.dumps, rows)]))
    source = open_data(path)
    assert (source.num_train, source.num_validation) == (2, 1)
    batch = first(source)
    blue, red = (np.rint((batch[k][:, 0, 0, c] + 1) * 127.5) for k, c in (("a", 2), ("b", 0)))
    assert set(blue) == {0, 20} and np.abs(blue + red - 20).max() <= 2  # b is JPEG
    for text, message in (("{", "line 1: not JSON"), ("[1]", "line 1: expected an object"),
                          ('{"a": "in/0.png"}', "row 1: needs `a` and `b`")):  # fmt: skip
        path.write_text(text)
        with pytest.raises(ValueError, match=message):
            open_data(path)


@pytest.mark.parametrize("aspect", ["stretch", "crop", "pad", "random"])
def test_aspect_modes(tmp_path, aspect):
    """32x16 pictures whose red is the column and whose green is the row, both halves alike."""
    y, x = np.mgrid[:16, :32]
    pixels = np.stack([x * 8, y * 8, 0 * x], -1).astype(np.uint8)
    for side in ("a", "b"):
        (tmp_path / side).mkdir()
        for i in range(4):
            Image.fromarray(pixels).save(tmp_path / side / f"{i}.png")
    source = open_data(DataSpec(tmp_path, aspect=aspect, validation_share=0))
    lefts = set()
    for batch in source.train(batch_size=4, image_size=16, load_size=16, seed=1).take(6):
        np.testing.assert_array_equal(batch["a"], batch["b"])  # a pair moves together
        for picture in np.rint((batch["a"].numpy() + 1) * 127.5).astype(int):
            if picture[8, 0, 0] > picture[8, -1, 0]:
                picture = picture[:, ::-1]
            if aspect == "pad":
                assert (picture[:3] == 255).all() and (picture[-3:] == 255).all()
                assert (picture[5:-5, :, 2] == 0).all()
            elif aspect == "stretch":
                assert picture[8, 0, 0] < 12 and picture[8, -1, 0] > 236
            else:
                np.testing.assert_array_equal(np.diff(picture[..., 0], axis=1), 8)
                np.testing.assert_array_equal(picture[..., 1], y[:, :16] * 8)
                lefts.add(picture[0, 0, 0] // 8)
    if aspect == "crop":
        assert lefts == {8}
    if aspect == "random":
        assert len(lefts) > 6 and min(lefts) >= 0 and max(lefts) <= 16


@given(st.integers(0, 12), st.lists(st.floats(0, 0.999), min_size=NUM_RANDOM,
                                    max_size=NUM_RANDOM), st.floats(0, 1))  # fmt: skip
@settings(deadline=None, max_examples=60)
def test_picture_partner_and_map_get_the_same_crop_and_flip(spare, random, level):
    side = 8 + spare
    y, x = np.mgrid[:side, :side]
    picture = np.stack([x * 5, y * 5, x + y], -1).astype(np.uint8)
    labels = (x + y)[..., None].astype(np.uint8)
    random = np.float32(random)
    cut = jitter(tf.constant(picture), 8, random).numpy()
    np.testing.assert_array_equal(jitter(tf.constant(labels), 8, random)[..., 0], cut[..., 2])
    columns, rows = cut[0, :, 0] // 5, cut[:, 0, 1] // 5
    step = -1 if random[2] >= 0.5 else 1
    np.testing.assert_array_equal(columns[::step], np.arange(8) + columns[::step][0])
    np.testing.assert_array_equal(rows, np.arange(8) + int(random[0] * np.float32(spare + 1)))
    grey = np.full((8, 8, 3), int(level * 255), np.uint8)
    tinted = tint_lines(tf.constant(grey), 1.0, random[:3]).numpy()
    assert (tinted >= grey).all() and (tinted[grey == 255] == 255).all()


def test_split_file_is_read_back_and_stable_when_pictures_are_added(tmp_path):
    for i in range(20):
        save(tmp_path / f"in/sketch/{i}.png", (i, i, i))
        save(tmp_path / f"in/color/{i}.png", (9 * i, 0, 0))
    source = open_data(tmp_path / "in", validation="0.3")
    source.write_split(tmp_path / "splits.json")

    def pairs(source):
        return [set(d[0].names) for d in (source.domains, source.validation_domains)]

    before = pairs(source)
    split = str(tmp_path / "splits.json")
    again = open_data(tmp_path / "in", validation=split)
    assert pairs(again) == before and again.listing_hash == source.listing_hash
    for i in range(20, 40):
        save(tmp_path / f"in/sketch/{i}.png", (i, i, i))
        save(tmp_path / f"in/color/{i}.png", (i, 0, 0))
    after = pairs(open_data(tmp_path / "in", validation=split))
    assert before[0] <= after[0] and before[1] <= after[1]
    assert len(after[0]) + len(after[1]) == 40
    with pytest.raises(ValueError, match="has no 'pairs', only other"):
        (tmp_path / "other.json").write_text('{"other": {"train": [], "validation": []}}')
        open_data(tmp_path / "in", validation=str(tmp_path / "other.json"))
    with pytest.raises(ValueError, match="is not a split file"):
        (tmp_path / "bad.json").write_text('{"pairs": 1}')
        open_data(tmp_path / "in", validation=str(tmp_path / "bad.json"))


def test_part_masks_of_celebamask_become_one_map(tmp_path):
    """Masks half as large as the picture, in numbered folders; later classes lie over earlier."""
    for i in range(3):
        save(tmp_path / f"CelebA-HQ-img/{i}.jpg", (10, 20, 30), size=(32, 32))
        boxes = {"skin": (0, 0, 16, 16), "hair": (0, 0, 16, 4 + i), "l_eye": (4, 8, 6, 10)}
        for part, box in boxes.items():
            mask = Image.new("L", (16, 16))
            mask.paste(255, box)
            path = tmp_path / f"CelebAMask-HQ-mask-anno/{i % 2}/{i:05d}_{part}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            mask.save(path)
    save(tmp_path / "CelebA-HQ-img/7.jpg", 0)
    source = open_data(tmp_path, "parsing", validation="none")
    assert source.num_train == 3 and source.labels == CLASSES["celebamask"]
    assert source.skipped == [(str(tmp_path / "CelebA-HQ-img/7.jpg"),
                               "no part masks of this number")]  # fmt: skip
    for batch in source.train(batch_size=3, image_size=16, load_size=16).take(2):
        hair_rows = []
        for labels in batch["parsing"].numpy():
            left = 4 in labels
            eye = 4 if left else 5  # skin, an eye, hair: in a mirrored picture it is the right one
            assert set(np.unique(labels)) == {1, eye, 13}
            assert (labels == eye).sum() == 4
            columns = np.flatnonzero((labels == eye).any(axis=0))
            assert columns.tolist() == ([4, 5] if left else [10, 11])
            hair_rows.append(int((labels == 13).all(axis=1).sum()))
        assert sorted(hair_rows) == [4, 5, 6]
    save(tmp_path / "CelebAMask-HQ-mask-anno/0/00000_nose.png", 255, "L", (20, 16))
    with pytest.raises(ValueError, match="00000_nose.png: .*other parts"):
        open_data(tmp_path, "parsing", validation="none")


def test_celeba_and_danbooru_filters(tmp_path):
    for i in range(6):
        save(tmp_path / f"trainA/{i:06d}.png", (i, 0, 0))
        save(tmp_path / f"trainB/{i}.png", (i, 0, 0))
    rows = [f"{i:06d}.jpg {1 if i % 2 else -1} 1" for i in range(6)]
    (tmp_path / "attr.txt").write_text("\n".join(["6", "Male Young", *rows]))
    spec = DataSpec(tmp_path, metadata=tmp_path / "attr.txt", where=("Male=-1",))
    source = open_data(spec, "unpaired", validation="none")
    assert source.domains[0].names == ["000000.png", "000002.png", "000004.png"]
    rows = [
        {
            "id": i,
            "rating": "e" if i == 1 else "s",
            "tags": [{"name": f"x{i // 3}", "category": "1"}],
        }
        for i in range(7)
    ]
    (tmp_path / "meta.jsonl").write_text("\n".join(map(json.dumps, rows)))
    spec = DataSpec(tmp_path / "trainB", metadata=tmp_path / "meta.jsonl", min_images_per_artist=2)
    source = open_data(spec, "labelled", validation="none")
    assert source.labels == ["x0", "x1"] and source.num_train == 5 + 1
    with pytest.raises(ValueError, match="has no 'mal'.*male"):
        spec = DataSpec(tmp_path, metadata=tmp_path / "attr.txt", where=("Mal=1",))
        open_data(spec, "unpaired")


def test_label_map_moves_with_its_picture_and_bad_maps_are_errors(tmp_path):
    labels = np.arange(24 * 24).reshape(24, 24) % 19
    for i in range(3):
        (tmp_path / "images").mkdir(exist_ok=True)
        (tmp_path / "labels").mkdir(exist_ok=True)
        pixels = np.repeat(labels[..., None] * 10, 3, -1).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"images/{i}.png")
        Image.fromarray(labels.astype(np.uint8)).save(tmp_path / f"labels/{i}.png")
    source = open_data(tmp_path, "parsing", validation="none")
    batch = first(source, image_size=16, load_size=24)
    shown = np.rint((batch["b"][..., 0] + 1) * 12.75).astype(int)
    table = mirror_table(source.labels)
    for picture, found in zip(shown, np.asarray(batch["parsing"]), strict=True):
        mirrored = (picture[0, 1] - picture[0, 0]) % 19 != 1  # classes grow to the right
        np.testing.assert_array_equal(table[picture] if mirrored else picture, found)
    save(tmp_path / "labels/1.png", 77, "L")
    with pytest.raises(ValueError, match=r"labels/1.png: unknown labels \[77\]"):
        open_data(tmp_path, "parsing")
    save(tmp_path / "labels/1.png", 1, "L", (24, 40))
    with pytest.raises(ValueError, match="24x40.*24x24"):
        open_data(tmp_path, "parsing")


def test_shards_give_the_stream_of_the_files_and_resume(tmp_path):
    for i in range(7):
        save(tmp_path / f"in/sketch/{i}.png", (i, i, i))
        save(tmp_path / f"in/color/{i}.png", (9 * i, 0, 0))
    source = open_data(tmp_path / "in")
    write_records(source, tmp_path / "out", shard_size=3)
    np.testing.assert_equal(first(open_data(tmp_path / "out")), first(source))
    assert verify_records(tmp_path / "out") == []
    shard = sorted((tmp_path / "out").glob("*.tfrecord"))[1]
    shard.write_bytes(shard.read_bytes()[:-5])
    assert verify_records(tmp_path / "out") == [str(shard)]
    write_records(source, tmp_path / "out", shard_size=3)
    assert verify_records(tmp_path / "out") == []
    with pytest.raises(ValueError, match="holds paired data, not unpaired"):
        open_data(tmp_path / "out", "unpaired")


def test_prepared_copies_resume_and_never_touch_originals(tmp_path):
    for i in range(3):
        save(tmp_path / f"in/{i}.png", (i, 0, 0))
    (tmp_path / "in/bad.jpg").write_bytes(b"x")
    work = functools.partial(smooth, size=16)
    results = list(prepare_folder(tmp_path / "in", tmp_path / "out", work, 1))
    assert [name for name, reason in results if reason] == ["bad.jpg"]
    times = [path.stat().st_mtime_ns for path in sorted((tmp_path / "out").glob("*.png"))]
    list(prepare_folder(tmp_path / "in", tmp_path / "out", work, 1))
    again = [path.stat().st_mtime_ns for path in sorted((tmp_path / "out").glob("*.png"))]
    assert times == again and len(times) == 3
    with pytest.raises(ValueError, match="originals are never touched"):
        list(prepare_folder(tmp_path / "in", tmp_path / "in/out", work, 1))


def test_crops_of_faces_stay_in_the_picture():
    image = np.arange(40 * 60 * 3).reshape(40, 60, 3)
    centre = around(image, (20, 10, 10, 10), 0.5)
    np.testing.assert_array_equal(centre, image[5:25, 15:35])
    np.testing.assert_array_equal(around(image, (0, 0, 10, 8), 0.5), image[:20, :20])
    np.testing.assert_array_equal(around(image, (45, 30, 10, 10), 0.5), image[20:, 40:])
    np.testing.assert_array_equal(around(image, (25, 10, 20, 20), 2.0), image[:, 15:55])


def test_crop_faces_without_a_face_or_a_cascade(tmp_path):
    cv2 = pytest.importorskip("cv2")
    if not hasattr(cv2, "CascadeClassifier"):
        pytest.skip("this OpenCV has no cascades")
    image = np.full((64, 64, 3), 200, np.uint8)
    with pytest.raises(ValueError, match="no face found"):
        crop_faces(image, "x", "", 32, 0.4, True)
    with pytest.raises(ValueError, match="not a readable OpenCV cascade"):
        crop_faces(image, "x", str(tmp_path / "none.xml"), 32, 0.4, True)
