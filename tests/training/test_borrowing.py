"""Starting from another run: weights in, step 0, and clear refusals."""

import dataclasses
import json
import shutil

import numpy as np
import pytest
from helpers import TINY, run_config, values

from ganime_tf.inference import load
from ganime_tf.inference.load import save_model_as_run
from ganime_tf.models import get_model
from ganime_tf.models.paths import copy_weights, model_paths
from ganime_tf.training.borrowing import start_from
from ganime_tf.training.run import train

STILL = dataclasses.replace(TINY, learning_rate=1e-12)  # a step moves nothing that is seen


def test_fine_tuning_starts_at_the_runs_weights_and_at_step_0(tmp_path):
    first = train("pix2pix", TINY, run_config(tmp_path / "a", steps=2)).model
    run = run_config(tmp_path / "b", steps=1, sources=(str(tmp_path / "a"),), seed=5)
    second = train("pix2pix", STILL, run)
    assert second.step == 1
    pairs = zip(values(first.trainable_variables), values(second.model.trainable_variables),
                strict=True)  # fmt: skip
    for a, b in pairs:
        np.testing.assert_allclose(a, b, atol=1e-6)
    fresh = train("pix2pix", STILL, run_config(tmp_path / "c", steps=1, seed=5)).model
    kernel = values(fresh.trainable_variables)[0]
    assert np.abs(kernel - values(first.trainable_variables)[0]).max() > 1e-3
    record = json.loads((tmp_path / "b/config.json").read_text())
    assert len(record["run"]["hashes_of_sources"]) == 1
    # The run is self-contained: it goes on without the one that it came from.
    shutil.rmtree(tmp_path / "a")
    assert train("pix2pix", STILL, dataclasses.replace(run, steps=2)).step == 2


def test_a_converted_model_serves_and_cannot_be_trained_in(tmp_path):
    model = get_model("pix2pix")(TINY, name="pix2pix")
    save_model_as_run(model, "made", tmp_path / "converted")
    with pytest.raises(ValueError, match="--from .*converted --run-dir NEW"):
        train("pix2pix", TINY, run_config(tmp_path / "converted", steps=1, override=True))
    run = run_config(tmp_path / "tuned", steps=1, sources=(str(tmp_path / "converted"),))
    tuned = train("pix2pix", STILL, run).model
    np.testing.assert_allclose(
        values(model.trainable_variables)[0], values(tuned.trainable_variables)[0], atol=1e-6
    )


def test_another_model_or_another_size_is_refused_with_what_is_needed(tmp_path):
    model = get_model("pix2pix")(TINY, name="pix2pix")
    other = get_model("cyclegan")(get_model("cyclegan").presets["cyclegan-tiny"], name="cyclegan")
    with pytest.raises(ValueError, match="is a cyclegan; pix2pix starts from nothing but itself"):
        start_from(model, [("runs/x", other)])
    wider = get_model("pix2pix")(dataclasses.replace(TINY, filters=8), name="pix2pix")
    with pytest.raises(ValueError, match=r"does not fit: .* there, .* here"):
        start_from(model, [("runs/x", wider)])


def test_a_borrowed_network_is_taken_by_name_with_its_average_and_asked_for():
    other = get_model("pix2pix")(TINY, name="pix2pix", ema_decay=0.5)
    average = [v for v in other.ema_networks["generator"].variables if v.dtype == "float32"]
    for variable in average:
        variable.assign(variable + 1.0)

    class Borrower:
        name = "borrower"
        parts = {"generator": "pix2pix"}
        generator = get_model("pix2pix")(TINY, name="pix2pix").generator

    start_from(Borrower, [("runs/x", other)])
    borrowed = [v for v in Borrower.generator.variables if v.dtype == "float32"]
    for ours, theirs in zip(borrowed, average, strict=True):
        np.testing.assert_array_equal(np.array(ours), np.array(theirs))
    with pytest.raises(ValueError, match="needs the network 'generator' of a trained pix2pix"):
        start_from(Borrower, [])


def test_paths_do_not_depend_on_what_else_was_built():
    first = get_model("cyclegan")(get_model("cyclegan").presets["cyclegan-tiny"])
    get_model("ugatit")(get_model("ugatit").presets["ugatit-tiny"])
    second = get_model("cyclegan")(get_model("cyclegan").presets["cyclegan-tiny"])
    assert list(model_paths(first)) == list(model_paths(second))
    assert len(model_paths(first)) == len(first.variables)
    copy_weights(first.generator_a2b, second.generator_a2b)
    for a, b in zip(first.generator_a2b.variables, second.generator_a2b.variables, strict=True):
        np.testing.assert_array_equal(np.array(a), np.array(b))


def test_a_run_whose_list_of_checkpoints_is_lost_goes_on(tmp_path):
    straight = train("pix2pix", TINY, run_config(tmp_path / "a", steps=3)).model
    train("pix2pix", TINY, run_config(tmp_path / "b", steps=2))
    (tmp_path / "b/checkpoints/checkpoint").unlink()
    resumed = train("pix2pix", TINY, run_config(tmp_path / "b", steps=3)).model
    for a, b in zip(values(straight.variables), values(resumed.variables), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_damaged_model_file_falls_back_to_the_checkpoint(tmp_path, caplog):
    model = train("pix2pix", TINY, run_config(tmp_path, steps=2)).model
    (tmp_path / "model.keras").write_bytes(b"PK damaged")
    picture = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    np.testing.assert_array_equal(load(tmp_path).translate(picture), model.translate(picture))
    assert "Using the newest checkpoint" in caplog.text
