"""The table of kinds: every kind serves what it says, and a made kind needs nothing but its row."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from helpers import TINY, run_config
from PIL import Image

from ganime_tf.cli import main
from ganime_tf.data import KINDS, open_data
from ganime_tf.data.drawn import VALIDATION_START
from ganime_tf.data.kinds import CLASSES, HINTS, LABEL, PICTURE, Derived, Found, Kind, paired
from ganime_tf.data.records import write_records
from ganime_tf.models.pix2pix import Pix2Pix
from ganime_tf.training.run import train

FORMS = {
    PICTURE: (np.float32, (2, 16, 16, 3)),
    CLASSES: (np.int32, (2, 16, 16)),
    HINTS: (np.float32, (2, 16, 16, 4)),
    LABEL: (np.int32, (2,)),
}


def batches(source, count, **kwargs):
    kwargs = {"batch_size": 2, "image_size": 16, "load_size": 18, "seed": 3} | kwargs
    return [
        {key: value.numpy() for key, value in batch.items()}
        for batch in source.train(**kwargs).take(count)
    ]


@pytest.mark.parametrize("kind", list(KINDS))
def test_the_drawn_world_serves_every_kind_as_its_row_says(kind, tmp_path):
    source = open_data("toy:5", kind)
    whole = batches(source, 2)
    assert {k: (v.dtype, v.shape) for k, v in whole[0].items()} == {
        key: FORMS[form] for key, form in KINDS[kind].keys.items()
    }
    np.testing.assert_equal(batches(source, 1, start_step=1), whole[1:])
    held_out = next(iter(source.validation(batch_size=2, image_size=16)))
    assert set(held_out) - {"name"} <= set(KINDS[kind].keys) and "b" in held_out
    seen = {int(name) for domain in source.domains for name in domain.names}
    assert not seen & {int(name) for name in held_out["name"].numpy()}
    assert all(int(name) >= VALIDATION_START for name in held_out["name"].numpy())
    if any(form in (CLASSES, LABEL) for form in KINDS[kind].keys.values()):
        largest = max(v.max() for k, v in whole[0].items() if KINDS[kind].keys[k] != PICTURE)
        assert largest < len(source.labels)
    if kind == "unpaired_parsing":
        assert {"hair", "skin", "left_eye"} <= set(source.labels)


@pytest.mark.parametrize("kind", ["hints", "unpaired_parsing"])
def test_shards_hold_every_form(kind, tmp_path):
    """Shards of drawn pictures are of one size, so the stream is compared without resizing."""
    source = open_data("toy:4", kind)
    write_records(source, tmp_path, shard_size=3)
    again = open_data(tmp_path, kind)
    assert again.labels == source.labels and again.num_validation == source.num_validation
    settings = {"image_size": 512, "load_size": 512, "batch_size": 1}
    np.testing.assert_equal(batches(again, 1, **settings), batches(source, 1, **settings))


def _negatives():
    """A made kind: the pictures of a folder, and their negatives as what is wanted."""

    def read(spec, direction, skipped):
        found = paired.read(spec, direction, skipped)
        return Found(found.train, found.validation)

    def negative(sample, random):
        del random
        return sample | {"b": 255 - sample["a"]}

    return Kind(
        keys={"a": PICTURE, "b": PICTURE},
        aligned=True,
        read=read,
        draw=paired.draw,
        derive=lambda spec: (Derived(negative),),
        help="`a` and its negative",
    )


def test_a_made_kind_is_one_row_of_the_table(tmp_path, monkeypatch, capsys):
    """Opened, packed, named in errors and trained with, by its row alone."""
    monkeypatch.setitem(KINDS, "negatives", _negatives())
    monkeypatch.setattr(Pix2Pix, "data_kind", "negatives")
    for side in ("a", "b"):
        (tmp_path / "in" / side).mkdir(parents=True)
        for i in range(5):
            Image.new("RGB", (36, 36), (40 * i, 9, 0)).save(tmp_path / "in" / side / f"{i}.png")
    source = open_data(tmp_path / "in", "negatives")
    held_out = next(iter(source.validation(batch_size=2, image_size=16)))
    for batch in (batches(source, 1)[0], held_out):
        np.testing.assert_allclose(batch["b"], -np.asarray(batch["a"]), atol=1e-6)
    folder, shards = str(tmp_path / "in"), str(tmp_path / "shards")
    assert main(["prepare", "shard", folder, "-o", shards, "--kind", "negatives"]) == 0
    np.testing.assert_equal(batches(open_data(shards, "negatives"), 2), batches(source, 2))
    with pytest.raises(ValueError, match="must be one of .*negatives"):
        open_data(tmp_path / "in", "positives")
    run = run_config(tmp_path / "run", data=shards, steps=1, num_samples=1)
    result = train("pix2pix", TINY, run)
    assert result.step == 1
    capsys.readouterr()
    assert main(["models"]) == 0
    assert "data     negatives" in capsys.readouterr().out


def test_the_drawn_world_names_the_classes_of_styleanime():
    from ganime_tf.configs.styleanime import PRESETS

    source = open_data("toy:2", "unpaired_parsing")
    names = PRESETS["styleanime-tiny"].for_data(source).class_names
    assert names == tuple(source.labels) and {"hair", "skin", "left_eye", "right_eye"} <= set(names)


@pytest.mark.slow
def test_styleanime_trains_on_the_drawn_world_from_a_prior(tmp_path):
    small = ["--image-size=16", "--load-size=16", "--channel-base=64", "--channel-max=8",
             "--style-size=8", "--latent-size=8", "--mapping-layers=2", "--batch-size=2",
             "--data=toy:4", "--steps=2", "--num-validation=2", "--num-samples=1",
             "--no-export"]  # fmt: skip
    prior, run = str(tmp_path / "prior"), str(tmp_path / "run")
    first = ["train", "stylegan2", "--preset=stylegan2-tiny", "--run-dir", prior]
    assert main([*first, *small]) == 0
    second = ["train", "styleanime", "--preset=styleanime-tiny", "--from", prior, "--run-dir", run,
              "--bank-size=40", "--appearance-codes=2", "--filters=4"]  # fmt: skip
    assert main([*second, *small]) == 0
    rows = (tmp_path / "run/metrics.jsonl").read_text().splitlines()
    last = json.loads(rows[-1])
    assert last["step"] == 2 and np.isfinite(last["g_reconstruction"] + last["val_l1"])


def test_a_kind_is_named_in_its_table_and_by_models_only():
    """Kinds with a name that means nothing else are written nowhere else in the package."""
    package = Path(__file__).parents[2] / "ganime_tf"
    for kind in ("unpaired_parsing", "labelled"):
        places = [
            f"{path.relative_to(package)}: {line.strip()}"
            for path in package.rglob("*.py")
            for line in path.read_text().splitlines()
            if re.search(rf'["\']{kind}["\']', line)
        ]
        allowed = re.compile(r"data/kinds/__init__.py|: data_kind = ")
        assert places and not [place for place in places if not allowed.search(place)], kind


def test_the_page_shows_the_table_as_it_is():
    page = (Path(__file__).parents[2] / "docs/data.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| ((?:`\w+`(?:, )?)+) \|", page, re.M)
    assert {kind: set(re.findall(r"\w+", keys)) for kind, keys in rows} == {
        kind: set(form.keys) for kind, form in KINDS.items()
    }
