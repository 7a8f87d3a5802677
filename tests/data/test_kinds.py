"""Layouts, filters, labels, maps, splits, shards and preparing."""

import functools
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ganime_tf.data import DataSpec, open_data
from ganime_tf.data.listing import match_stems, split_by_hash
from ganime_tf.data.preparing import prepare_folder, smooth
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
    np.testing.assert_array_equal(shown, batch["parsing"])
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
