"""Runs on several devices: two logical CPUs in one process, two workers in two."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers import FLAGS, TINY, run_config, weights

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


@pytest.mark.slow
def test_two_workers_train_one_run(tmp_path):
    workers = [f"127.0.0.1:{free_port()}" for _ in range(2)]
    processes = []
    for index in range(2):
        task = {"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}}
        environment = os.environ | {"PYTHONPATH": str(ROOT), "TF_CONFIG": json.dumps(task)}
        argv = [sys.executable, "-m", "ganime_tf", "train", "pix2pix", "--data", "toy:6", *FLAGS]
        argv += ["--steps=4", "--num-validation=2", "--no-export", "--strategy=multiworker"]
        processes.append(
            subprocess.Popen(
                [*argv, "--run-dir", str(tmp_path / "run")],
                env=environment,
                stderr=subprocess.PIPE,
                text=True,
                cwd=tmp_path,
            )  # fmt: skip
        )
    errors = [process.communicate(timeout=400)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], errors
    rows = [json.loads(x) for x in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    assert rows[-1]["step"] == 4
    assert (tmp_path / "run/model.keras").exists()


def test_trainings_in_one_process_share_a_strategy():
    from ganime_tf.training.strategy import make_strategy

    assert make_strategy("mirrored") is make_strategy("mirrored")
