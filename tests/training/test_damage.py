"""What a run directory is worth after a bit has flipped, or with settings that changed."""

import dataclasses
import shutil

import numpy as np
import pytest
from helpers import TINY as AVERAGED
from helpers import run_config, values

from ganime_tf.inference import load
from ganime_tf.training.run import train

TINY = dataclasses.replace(AVERAGED, ema_decay=0.0)
PICTURE = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished run with a best epoch, and the pictures that it makes."""
    folder = tmp_path_factory.mktemp("damage") / "run"
    train("pix2pix", TINY, run_config(folder, steps=3, export=True, metrics=("l1",),
                                      best_metric="val_l1"))  # fmt: skip
    pictures = {which: load(folder, which).translate(PICTURE) for which in ("last", "best")}
    return folder, pictures | {"export": load(folder / "export").translate(PICTURE)}


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("model.keras", "last"),
        ("checkpoints/best.weights.h5", "best"),
        ("export/variables/variables.data-00000-of-00001", "export"),
        ("export/saved_model.pb", "export"),
        ("checkpoints/ckpt-3.data-00000-of-00001", "checkpoint"),
        ("checkpoints/ckpt-3.index", "checkpoint"),
    ],
)
def test_a_flipped_bit_is_said_or_survived(finished, tmp_path, caplog, name, asked, share):
    folder = tmp_path / "run"
    shutil.copytree(finished[0], folder)
    if asked == "checkpoint":
        (folder / "model.keras").unlink()
    content = bytearray((folder / name).read_bytes())
    content[int(share * len(content))] ^= 4
    (folder / name).write_bytes(content)
    caplog.set_level("WARNING", "ganime_tf")
    place = folder / "export" if asked == "export" else folder
    try:
        model = load(place, "best" if asked == "best" else "last")
    except ValueError as error:
        assert name.rpartition("/")[2].partition(".data")[0] in str(error)
        return
    wanted = finished[1]["last" if asked == "checkpoint" else asked]
    np.testing.assert_array_equal(model.translate(PICTURE), wanted)


def test_a_missing_file_of_an_export_is_named(finished, tmp_path):
    shutil.copytree(finished[0] / "export", tmp_path / "export")
    (tmp_path / "export/variables/variables.index").unlink()
    with pytest.raises(ValueError, match="variables.index is damaged or missing"):
        load(tmp_path / "export")


def test_a_run_goes_on_with_an_average_and_with_another_precision(finished, tmp_path, caplog):
    folder = tmp_path / "run"
    shutil.copytree(finished[0], folder)
    last = values(load(folder).networks["generator"].weights)
    caplog.set_level("WARNING", "ganime_tf")
    run = run_config(folder, steps=3, override=True)
    model = train("pix2pix", AVERAGED, run).model
    for a, b in zip(last, values(model.ema_networks["generator"].weights), strict=True):
        np.testing.assert_array_equal(a, b)
    assert "average of generator starts at its weights" in caplog.text
    for precision, step in (("mixed_float16", 4), ("mixed_bfloat16", 5), ("float32", 6)):
        run = run_config(folder, steps=step, override=True, precision=precision)
        result = train("pix2pix", AVERAGED, run)
        assert result.step == step
        for group in ("generator", "discriminator"):
            # float16 leaves out steps until its scale fits.
            assert 3 <= int(result.model.optimizers[group].iterations) <= step
    assert train("pix2pix", TINY, run_config(folder, steps=7, override=True)).step == 7


def test_another_network_is_refused_with_what_differs(finished, tmp_path):
    wider = dataclasses.replace(TINY, filters=2 * TINY.filters)
    folder = tmp_path / "run"
    shutil.copytree(finished[0], folder)
    with pytest.raises(ValueError, match=r"generator/.* is \(.*\) there and \(.*\) here") as error:
        train("pix2pix", wider, run_config(folder, steps=4, override=True))
    assert "--from" in str(error.value) and "delete" not in str(error.value)


def test_a_run_that_is_already_longer_is_refused_with_both_numbers(finished):
    with pytest.raises(ValueError, match="trained to step 3, but these settings end at step 2"):
        train("pix2pix", TINY, run_config(finished[0], steps=2))


def test_another_batch_size_is_said_with_both_numbers(finished, tmp_path, caplog):
    folder = tmp_path / "run"
    shutil.copytree(finished[0], folder)
    caplog.set_level("WARNING", "ganime_tf")
    larger = dataclasses.replace(TINY, batch_size=2 * TINY.batch_size)
    train("pix2pix", larger, run_config(folder, steps=4, override=True))
    assert f"was {TINY.batch_size} and is {larger.batch_size} now" in caplog.text
