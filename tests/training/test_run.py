"""Runs on the drawn world: what is written, resuming, stopping, refusing."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from helpers import FLAGS, TINY, run_config, weights

from ganime_tf.inference import load
from ganime_tf.training.run import train


def test_a_run_directory_holds_everything(tmp_path):
    result = train("pix2pix", TINY, run_config(tmp_path, export=True))
    assert result.step == 6
    names = {path.name for path in tmp_path.iterdir()}
    assert {"config.json", "metrics.jsonl", "samples", "checkpoints", "logs"} <= names
    assert {"curves.png", "model.keras", "export"} <= names
    assert sorted(p.name for p in (tmp_path / "samples").iterdir()) == [
        f"epoch_000{epoch}.png" for epoch in range(3)
    ]
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [3, 6]
    assert {"d_loss", "g_l1", "val_l1", "val_psnr", "val_ssim", "val_ssim_std"} <= set(rows[-1])
    # One constant epoch and one that decays: 1 - 1 / 2 and 1 - 2 / 2 of 2e-4.
    rates = [row["learning_rate_generator"] for row in rows]
    assert rates == pytest.approx([1e-4, 0.0], abs=1e-9)
    assert (tmp_path / "checkpoints/best.weights.h5").exists()
    record = json.loads((tmp_path / "config.json").read_text())
    assert record["config"]["l1_weight"] == 100.0 and record["data"]["num_train"] == 6
    image = np.zeros((1, 33, 40, 3), np.uint8)
    expected = result.model.translate(image)
    np.testing.assert_array_equal(load(tmp_path).translate(image), expected)
    assert load(tmp_path, "best").translate(image).shape == image.shape
    assert np.abs(load(tmp_path / "export").translate(image).astype(int) - expected).max() <= 1


def test_resuming_inside_an_epoch_changes_no_bit(tmp_path):
    straight = train("pix2pix", TINY, run_config(tmp_path / "a", steps=5))
    train("pix2pix", TINY, run_config(tmp_path / "b", steps=2))
    resumed = train("pix2pix", TINY, run_config(tmp_path / "b", steps=5))
    for a, b in zip(weights(straight.model), weights(resumed.model), strict=True):
        np.testing.assert_array_equal(a, b)
    rows = [json.loads(x) for x in (tmp_path / "b/metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [2, 3, 5]


def test_a_finished_run_has_nothing_left_to_do(tmp_path):
    first = train("pix2pix", TINY, run_config(tmp_path, steps=2))
    again = train("pix2pix", TINY, run_config(tmp_path, steps=2))
    assert again.step == 2
    for a, b in zip(weights(first.model), weights(again.model), strict=True):
        np.testing.assert_array_equal(a, b)


def test_another_config_is_refused_with_the_differing_fields(tmp_path):
    train("pix2pix", TINY, run_config(tmp_path, steps=1))
    other = dataclasses.replace(TINY, l1_weight=5.0)
    with pytest.raises(ValueError, match="l1_weight: 100.0 there, 5.0 now"):
        train("pix2pix", other, run_config(tmp_path, steps=2))
    assert train("pix2pix", other, run_config(tmp_path, steps=2, override=True)).step == 2


def test_a_damaged_checkpoint_falls_back_to_the_one_before(tmp_path, caplog):
    train("pix2pix", TINY, run_config(tmp_path, steps=3, checkpoint_every=1))
    for path in (tmp_path / "checkpoints").glob("ckpt-3.*"):
        path.write_bytes(path.read_bytes()[:40])
    caplog.set_level("WARNING", "ganime_tf")
    assert train("pix2pix", TINY, run_config(tmp_path, steps=4)).step == 4
    assert "ckpt-3" in caplog.text and "damaged" in caplog.text


def test_only_damaged_checkpoints_are_an_error(tmp_path):
    train("pix2pix", TINY, run_config(tmp_path, steps=1))
    for path in (tmp_path / "checkpoints").glob("ckpt-*"):
        path.write_bytes(b"")
    with pytest.raises(ValueError, match="No checkpoint in .* can be read"):
        train("pix2pix", TINY, run_config(tmp_path, steps=2))


def test_a_metric_that_cannot_be_measured_fails_before_the_first_step(tmp_path):
    run = run_config(tmp_path, steps=2, metrics=("l1", "ms_ssim"))
    with pytest.raises(ValueError, match="at least 161x161"):
        train("pix2pix", TINY, run)
    assert not list(tmp_path.glob("checkpoints/ckpt-*"))


def test_a_best_metric_that_is_not_measured_is_said_once(tmp_path, caplog):
    caplog.set_level("WARNING", "ganime_tf")
    train("pix2pix", TINY, run_config(tmp_path, steps=6, metrics=("l1",)))
    assert caplog.text.count("No best checkpoint: val_ssim is not measured, but val_l1") == 1


@pytest.mark.parametrize("metric", ["val_sim", "g_cycle", "val_ssim_std", "g_l1"])
def test_a_best_metric_that_no_run_logs_is_refused_at_once(metric, tmp_path):
    run = run_config(tmp_path, steps=6, best_metric=metric, dry_run=True)
    if metric in ("val_ssim_std", "g_l1"):  # these are logged
        train("pix2pix", TINY, run)
        return
    with pytest.raises(ValueError, match=f"'{metric}' is not logged by this run.* It logs val_l1"):
        train("pix2pix", TINY, run)


@pytest.mark.skipif(os.name != "posix", reason="needs a limit on the size of files")
def test_a_full_disk_is_a_clear_error_and_the_run_goes_on_later(tmp_path):
    import resource

    straight = train("pix2pix", TINY, run_config(tmp_path / "a", steps=3))
    train("pix2pix", TINY, run_config(tmp_path / "b", steps=2))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))  # less than a checkpoint
    try:
        with pytest.raises(OSError, match="earlier checkpoints are intact. Free disk space"):
            train("pix2pix", TINY, run_config(tmp_path / "b", steps=3))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    resumed = train("pix2pix", TINY, run_config(tmp_path / "b", steps=3))
    for a, b in zip(weights(straight.model), weights(resumed.model), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_the_checkpoint(tmp_path):
    config = dataclasses.replace(TINY, learning_rate=1e25)
    with pytest.raises(FloatingPointError, match=r"not finite at step [1-6]: d_loss"):
        train("pix2pix", config, run_config(tmp_path))
    rows = (tmp_path / "metrics.jsonl").read_text() if (tmp_path / "metrics.jsonl").exists() else ""
    assert "nan" not in rows.lower()
    assert not list((tmp_path / "checkpoints").glob("ckpt-6*"))


def test_a_dry_run_writes_nothing(tmp_path):
    train("pix2pix", TINY, run_config(tmp_path / "run", dry_run=True))
    assert not (tmp_path / "run").exists()


def test_the_moving_average_is_what_translates(tmp_path):
    config = dataclasses.replace(TINY, ema_decay=0.5)
    model = train("pix2pix", config, run_config(tmp_path, steps=2)).model
    image = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3), np.uint8)
    with_average = model.translate(image)
    average = model.ema_networks["generator"]
    average.set_weights(model.generator.get_weights())
    assert not np.array_equal(with_average, model.translate(image))


def command(run_dir, *flags) -> list[str]:
    program = [sys.executable, "-m", "ganime_tf", "train", "pix2pix", "--data", "toy:6"]
    quick = ["--num-validation=2", "--num-samples=2", "--no-export", "--checkpoint-every=1"]
    return [*program, *FLAGS, *quick, "--run-dir", str(run_dir), *flags]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_killed_run_resumes_to_the_same_weights(tmp_path, number):
    root = Path(__file__).resolve().parents[2]
    environment = os.environ | {"PYTHONPATH": str(root), "TF_CPP_MIN_LOG_LEVEL": "3"}
    options = {"env": environment, "stderr": subprocess.PIPE, "text": True, "cwd": tmp_path}
    process = subprocess.Popen(command(tmp_path / "run", "--epochs=400"), **options)
    deadline = time.monotonic() + 180
    while not list((tmp_path / "run/checkpoints").glob("ckpt-[1-9].index")):
        assert process.poll() is None and time.monotonic() < deadline, process.stderr.read()
        time.sleep(0.05)
    process.send_signal(number)
    _, errors = process.communicate(timeout=180)
    assert process.returncode == (128 + number if number != signal.SIGKILL else -number), errors
    assert not (tmp_path / "run/model.keras").exists()
    config = dataclasses.replace(TINY, num_epochs=8)
    reached = max(
        int(p.stem.split("-")[1]) for p in (tmp_path / "run/checkpoints").glob("ckpt-*.index")
    )
    target = reached + 2
    fields = {"steps": target, "checkpoint_every": 1}
    resumed = train("pix2pix", config, run_config(tmp_path / "run", **fields))
    straight = train("pix2pix", config, run_config(tmp_path / "straight", **fields))
    for a, b in zip(weights(resumed.model), weights(straight.model), strict=True):
        np.testing.assert_array_equal(a, b)
