"""Runs on several devices: two logical CPUs in one process, two workers in two."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from helpers import FLAGS, TINY, run_config, weights
from PIL import Image

from ganime_tf.training.run import train

ROOT = Path(__file__).resolve().parents[2]


def test_a_mirrored_run_resumes_bit_for_bit(tmp_path):
    options = {"strategy": "mirrored"}
    straight = train("pix2pix", TINY, run_config(tmp_path / "a", steps=3, **options))
    assert straight.model.distribute_strategy.num_replicas_in_sync == 2
    train("pix2pix", TINY, run_config(tmp_path / "b", steps=2, **options))
    resumed = train("pix2pix", TINY, run_config(tmp_path / "b", steps=3, **options))
    for a, b in zip(weights(straight.model), weights(resumed.model), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_batch_that_replicas_cannot_share_is_refused(tmp_path):
    import dataclasses

    config = dataclasses.replace(TINY, batch_size=3)
    with pytest.raises(ValueError, match="multiple of the number of replicas"):
        train("pix2pix", config, run_config(tmp_path, strategy="mirrored"))


def test_workers_read_the_rows_of_one_batch(tmp_path):
    from ganime_tf.data import open_data

    source = open_data("toy:16")
    settings = {"image_size": 32, "load_size": 36, "seed": 3, "start_step": 5}
    whole = list(source.train(batch_size=4, **settings).take(20))
    for number in range(2):
        own = source.train(batch_size=2, shard=(number, 2), **settings).take(20)
        for joined, part in zip(whole, own, strict=True):
            for key in joined:
                rows = joined[key][2 * number : 2 * number + 2]
                np.testing.assert_array_equal(rows, part[key])


@pytest.mark.parametrize("worker", [0, 1])
def test_training_gives_each_worker_its_rows_of_the_batch(worker):
    import dataclasses

    import tensorflow as tf

    from ganime_tf.data import open_data
    from ganime_tf.training.run import RunConfig, _distributed

    class TwoWorkersOfTwoReplicas:
        num_replicas_in_sync = 4

        def distribute_datasets_from_function(self, make):
            return make(tf.distribute.InputContext(2, worker, 4))

    config = dataclasses.replace(TINY, batch_size=8)
    source = open_data("toy:16")
    run = RunConfig(seed=3)
    parts = _distributed(source, config, run, 5, TwoWorkersOfTwoReplicas()).take(4)
    whole = source.train(batch_size=8, image_size=32, load_size=36, seed=3, start_step=5).take(2)
    rows = [batch["a"][4 * worker : 4 * worker + 4] for batch in whole]
    expected = [half for four in rows for half in (four[:2], four[2:])]  # a replica after another
    for part, wanted in zip(parts, expected, strict=True):
        np.testing.assert_array_equal(part["a"], wanted)


def test_multiworker_without_tf_config_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    with pytest.raises(ValueError, match="TF_CONFIG is not set"):
        train("pix2pix", TINY, run_config(tmp_path, strategy="multiworker"))


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def start_workers(argv, cwd, count=2) -> list[subprocess.Popen]:
    """Starts the same command on so many workers of this machine."""
    workers = [f"127.0.0.1:{free_port()}" for _ in range(count)]
    started = []
    for index in range(count):
        task = {"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}}
        path = os.pathsep.join((str(ROOT), str(ROOT / "tests")))
        environment = os.environ | {"PYTHONPATH": path, "TF_CONFIG": json.dumps(task)}
        given = [word.replace("WORKER", str(index)) for word in argv]
        started.append(
            subprocess.Popen(
                [sys.executable, *given],
                env=environment,
                stderr=subprocess.PIPE,
                text=True,
                cwd=cwd,
            )
        )
    return started


# Trains with SGD, and writes which pictures the process saw (by their grey) and its weights.
WORKER = """
import sys, keras, numpy as np, tensorflow as tf
from helpers import TINY, run_config
from ganime_tf.models.pix2pix import Pix2Pix
from ganime_tf.training.run import train
folder, data, strategy, name = sys.argv[1:]
Pix2Pix.default_optimizers = lambda self, steps: {g: keras.optimizers.SGD(0.1) for g in self.groups}
seen, step = [], Pix2Pix.train_step
def logged(self, batch):
    tf.py_function(lambda x: seen.extend(x.numpy().tolist()), [batch["a"][:, 16, 16, 0]], [])
    return step(self, batch)
Pix2Pix.train_step = logged
run = run_config(folder, data=data, strategy=strategy, epochs=1, num_validation=1)
model = train("pix2pix", TINY, run).model
weights = {str(i): np.array(v) for i, v in enumerate(model.trainable_variables)}
np.savez(name, seen=seen, **weights)
"""


@pytest.mark.slow
def test_two_workers_take_the_steps_of_one_device(tmp_path):
    folder = tmp_path / "pairs"
    folder.mkdir()
    for index in range(10):  # some of them for the validation
        pair = np.full((36, 72, 3), 20 + 20 * index, np.uint8)
        pair[:, 36:] = np.random.default_rng(index).integers(0, 256, (36, 36, 3))
        Image.fromarray(pair).save(folder / f"{index}.png")
    argv = ["-c", WORKER, "both", str(folder), "multiworker", "workerWORKER.npz"]
    processes = start_workers(argv, tmp_path)
    processes += start_workers(
        ["-c", WORKER, "alone", str(folder), "one", "alone.npz"], tmp_path, 1
    )
    errors = [process.communicate(timeout=400)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], errors
    found = {name: np.load(tmp_path / f"{name}.npz") for name in ("worker0", "worker1", "alone")}
    # Each picture of the epoch once, by one of the two; together the pictures of one device.
    seen = {name: np.round(file["seen"], 3).tolist() for name, file in found.items()}
    both = seen["worker0"] + seen["worker1"]
    assert len(both) == len(set(both)) >= 6 and set(both) == set(seen["alone"])
    assert len(seen["worker0"]) == len(seen["worker1"])
    for key in set(found["alone"].files) - {"seen"}:
        for worker in ("worker0", "worker1"):
            np.testing.assert_allclose(found[worker][key], found["alone"][key], atol=1e-5)
    assert (tmp_path / "both/model.keras").exists()


@pytest.mark.slow
@pytest.mark.parametrize("killed", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("which", [0, 1])
def test_when_one_of_two_workers_ends_the_other_says_so(tmp_path, killed, which):
    argv = ["-m", "ganime_tf", "train", "pix2pix", "--data", "toy:6", *FLAGS, "--num-epochs=4000"]
    argv += ["--num-validation=2", "--no-export", "--strategy=multiworker", "--run-dir", "run"]
    processes = start_workers(argv, tmp_path)
    metrics, deadline = tmp_path / "run/metrics.jsonl", time.monotonic() + 300
    while not metrics.exists() and time.monotonic() < deadline:
        time.sleep(0.2)
    processes[which].send_signal(killed)
    errors = [process.communicate(timeout=120)[1] for process in processes]
    assert not any("Traceback" in error for error in errors)
    other = errors[1 - which].strip().splitlines()[-1]
    if killed == signal.SIGKILL:
        assert "Another worker of this run is gone" in other
        return
    assert [process.returncode for process in processes] == [128 + killed] * 2, errors
    step = int(re.search(r"Stopped by signal 15 at step (\d+)", other)[1])
    assert f"at step {step} of" in errors[which]
    assert (tmp_path / f"run/checkpoints/ckpt-{step}.index").exists()


def test_trainings_in_one_process_share_a_strategy():
    from ganime_tf.training.strategy import make_strategy

    assert make_strategy("mirrored") is make_strategy("mirrored")
