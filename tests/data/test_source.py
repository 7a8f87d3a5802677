"""Streams: what they hold, that they are pure functions of (seed, step), and bad files."""

import logging

import numpy as np
import pytest
from PIL import Image

from ganime_tf.data import DataSpec, open_data
from ganime_tf.data.memory import machine_bytes


def flat(colour, size=40):
    return Image.new("RGB", (size, size), tuple(int(v) for v in colour))


@pytest.fixture
def strips(tmp_path):
    """12 side-by-side pairs: left the colour (10 i, 0, 90), right nearly white (250, 250, 10 i)."""
    for i in range(12):
        pair = Image.new("RGB", (80, 40))
        pair.paste(flat((10 * i, 0, 90)), (0, 0))
        pair.paste(flat((250, 250, 235 + i)), (40, 0))
        pair.save(tmp_path / f"{i:02d}.png")
    return tmp_path


@pytest.fixture
def domains(tmp_path):
    """TrainA with 5 pictures of red i, trainB with 9 of green i; testA, testB with 2."""
    for folder, count, channel in [("trainA", 5, 0), ("trainB", 9, 1), ("testA", 2, 0),
                                   ("testB", 2, 1)]:  # fmt: skip
        (tmp_path / folder).mkdir()
        for i in range(count):
            colour = [0, 0, 0]
            colour[channel] = 20 * i + 10
            flat(colour).save(tmp_path / folder / f"{i}.png")
    return tmp_path


def take(source, steps, **kwargs):
    kwargs = {"batch_size": 3, "image_size": 16, "load_size": 18, "seed": 1} | kwargs
    return [
        {key: value.numpy() for key, value in batch.items()}
        for batch in source.train(**kwargs).take(steps)
    ]


def levels(batches, key, channel):
    """The colour that tells the pictures apart, of every sample in order."""
    values = np.concatenate([batch[key][:, 0, 0, channel] for batch in batches])
    return np.rint((values + 1) * 127.5).astype(int).tolist()


def test_every_pair_comes_once_an_epoch_and_in_another_order_next(strips):
    source = open_data(DataSpec(strips, validation_share=0))
    assert source.num_train == 12 and source.num_validation == 0 and source.aligned
    batches = take(source, 8)
    first, second = levels(batches[:4], "b", 0), levels(batches[4:], "b", 0)
    assert sorted(first) == sorted(second) == [10 * i for i in range(12)]
    assert first != second
    blue = levels(batches, "a", 2)
    assert [235 + level // 10 for level in first + second] == blue
    assert batches[0]["a"].shape == (3, 16, 16, 3) and batches[0]["a"].dtype == np.float32


@pytest.mark.parametrize("direction, sketch_is_a", [("auto", True), ("ba", True), ("ab", False)])
def test_direction_of_side_by_side_pairs(strips, direction, sketch_is_a):
    batch = take(open_data(strips, direction=direction), 1)[0]
    assert (batch["a"].mean() > batch["b"].mean()) == sketch_is_a


def test_start_step_equals_skipping_bit_for_bit(domains):
    source = open_data(domains, "unpaired")
    whole, rest = take(source, 23), take(source, 6, start_step=17)
    for expected, received in zip(whole[17:], rest, strict=True):
        np.testing.assert_equal(received, expected)


def test_shards_share_out_the_batches_of_one_worker(strips):
    source = open_data(strips)
    whole = take(source, 4, batch_size=4)
    parts = [take(source, 4, batch_size=2, shard=(i, 2)) for i in range(2)]
    for step in range(4):
        for key in "ab":
            joined = np.concatenate([part[step][key] for part in parts])
            np.testing.assert_array_equal(joined, whole[step][key])


def test_unpaired_epoch_is_the_larger_set_with_new_partners(domains):
    source = open_data(domains, "unpaired")
    assert source.num_train == 9 and source.num_validation == 2 and not source.aligned
    batches = take(source, 6)
    a, b = levels(batches, "a", 0), levels(batches, "b", 1)
    assert sorted(b[:9]) == sorted(b[9:]) == [20 * i + 10 for i in range(9)]
    assert sorted(a[:5]) == sorted(a[5:10]) == [20 * i + 10 for i in range(5)]
    assert set(zip(a[:9], b[:9], strict=True)) != set(zip(a[9:], b[9:], strict=True))


def test_corrupt_file_is_replaced_by_the_next_good_one_and_named_once(strips, caplog):
    source = open_data(DataSpec(strips, validation_share=0))
    content = (strips / "04.png").read_bytes()
    (strips / "04.png").write_bytes(content[: len(content) // 2])  # after the check at the start
    with caplog.at_level(logging.WARNING):
        batches = take(source, 8)
    reds = levels(batches, "b", 0)
    assert sorted(reds[:12]) == sorted([10 * i for i in range(12) if i != 4] + [50])
    assert len(source.skipped) == 1 and source.skipped[0][0].endswith("04.png")
    assert sum("04.png" in record.message for record in caplog.records) == 1
    source.write_skipped(strips / "skipped.txt")
    assert (strips / "skipped.txt").read_text().startswith(str(strips / "04.png") + "\t")
    np.testing.assert_equal(take(source, 3, start_step=5), batches[5:])


def test_pictures_kept_in_memory_give_the_same_stream(strips):
    batches = {}
    for share in (0.0, 1e-6, 0.25):
        source = open_data(DataSpec(strips, validation_share=0, memory_share=share))
        batches[share] = take(source, 9)
        kept = source._memory.num_bytes
        limit = share * machine_bytes()
        assert kept == 0 if share == 0 else 0 < kept < 1.1 * limit  # a few bytes a header
        for name in strips.glob("*.png") if share == 0.25 else ():
            name.unlink()  # everything comes from memory now
        if share == 0.25:
            np.testing.assert_equal(take(source, 2, start_step=7), batches[share][7:])
    np.testing.assert_equal(batches[1e-6], batches[0.0])
    np.testing.assert_equal(batches[0.25], batches[0.0])


def test_memory_is_per_size_and_not_used_for_random_squares(strips):
    source = open_data(DataSpec(strips, validation_share=0))
    take(source, 4)
    take(source, 4, image_size=20, load_size=20)
    assert source._memory.size == 20
    spec = DataSpec(strips, validation_share=0, aspect="random")
    source = open_data(spec)
    take(source, 4)
    assert source._memory.num_bytes == 0


def test_tint_colours_ink_of_inputs_only_and_moves_nothing(tmp_path):
    for i in range(6):
        lines = Image.new("RGB", (48, 24), (255, 255, 255))
        lines.paste((0, 0, 0), (4 + i, 4, 10 + i, 20))
        lines.paste((200, 10 * i, 0), (24, 0, 48, 24))
        lines.save(tmp_path / f"{i}.png")
    spec = DataSpec(tmp_path, validation_share=0)
    settings = {"steps": 8, "load_size": 20, "batch_size": 4}
    plain = take(open_data(spec, direction="ab"), **settings)
    spec = DataSpec(tmp_path, validation_share=0, tint=0.5)
    source = open_data(spec, direction="ab")
    tinted = take(source, **settings)
    np.testing.assert_equal(take(source, 3, start_step=5, load_size=20, batch_size=4), tinted[5:])
    coloured = 0
    for before, after in zip(plain, tinted, strict=True):
        np.testing.assert_array_equal(before["b"], after["b"])
        np.testing.assert_array_equal(after["a"] == 1.0, before["a"] == 1.0)  # paper stays paper
        assert (after["a"] >= before["a"]).all()
        coloured += (np.ptp(after["a"], axis=-1).max(axis=(1, 2)) > 0.3).sum()
    assert 8 <= coloured <= 24  # of 32
    with pytest.raises(
        ValueError, match="labelled data has no `tint`. Kinds with it: paired, unpaired, hints"
    ):
        open_data(spec, "labelled")


def test_too_many_bad_files_stop_at_the_start(strips):
    for name in ("01.png", "02.png"):
        (strips / name).write_bytes(b"not a picture")
    with pytest.raises(ValueError, match="bad, more than max_bad_share=0.05.*01.png"):
        open_data(strips)
    assert open_data(strips, max_bad_share=0.5).num_train < 12


def test_validation_is_named_ordered_and_complete(domains):
    source = open_data(domains, "unpaired")
    batches = list(source.validation(batch_size=2, image_size=16))
    assert [name.decode() for name in batches[0]["name"].numpy()] == ["0.png", "1.png"]
    assert batches[0]["a"].shape == (2, 16, 16, 3)
    assert len(list(source.validation(batch_size=2, image_size=16, limit=1))[0]["name"]) == 1
