"""Every setting of a run, and every field that all models share: another value, the other result.

Two runs that differ in everything are trained once; what only decides about the start is looked at
where the training would begin.
"""

import ast
import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from helpers import TINY, run_config
from PIL import Image

from ganime_tf.configs.base import TrainableConfig
from ganime_tf.configs.run import RunConfig
from ganime_tf.inference.load import load
from ganime_tf.models.pix2pix import Pix2Pix
from ganime_tf.training import run as running

TESTS = Path(__file__).resolve().parents[1]
USUAL = {"epochs": 2}
OTHER = {
    "data": "toy:8",
    "epochs": 3,  # of the config's 4
    "precision": "mixed_bfloat16",
    "checkpoint_every": 3,
    "keep_checkpoints": 2,
    "sample_every": 2,
    "num_samples": 3,
    "evaluate_every": 2,
    "num_validation": 4,
    "metrics": ("l1",),
    "export": True,
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two finished runs: directory, result and the numbers of pictures of their validations."""
    config, found = dataclasses.replace(TINY, num_epochs=4), {}
    for name, fields in (("usual", USUAL), ("other", OTHER)):
        folder, counts = tmp_path_factory.mktemp(name), []
        original = Pix2Pix.evaluate_batch

        def counted(self, batch, first=0, counts=counts, original=original):
            counts.append(first + len(batch["a"]))
            return original(self, batch, first)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Pix2Pix, "evaluate_batch", counted)
            result = running.train("pix2pix", config, run_config(folder, **fields))
        rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
        found[name] = (folder, result, rows, counts)
    return found


@dataclasses.dataclass
class Start:
    """What a run is about to do."""

    model: object
    source: object
    length: object
    stream: object
    called: list


def start(tmp_path, config=TINY, **fields) -> Start:
    """Goes as far as the first step of a run."""
    found, called = [], []

    def stop(model, checkpointer, config, run, folder, source, length, callbacks):
        stream = running._distributed(source, config, run, 0, model.distribute_strategy)
        found.append(Start(model, source, length, stream, called))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "_fit", stop)
        patch.setattr(
            tf.config.experimental, "enable_op_determinism", lambda: called.append("determinism")
        )
        running.train("pix2pix", config, run_config(tmp_path / f"{len(fields)}", **fields))
    return found[0]


def first(started: Start) -> dict:
    return {key: np.asarray(value) for key, value in next(iter(started.stream)).items()}


def names_of(folder, pattern="*"):
    return sorted(path.name for path in folder.glob(pattern))


def trained_on(runs, tmp_path):
    for name, count in (("usual", 6), ("other", 8)):
        record = json.loads((runs[name][0] / "config.json").read_text())
        assert record["data"]["num_train"] == count
    assert runs["usual"][1].step == 2 * 3 and runs["other"][1].step == 3 * 4


def epochs_end_it(runs, tmp_path):
    assert [row["epoch"] for row in runs["usual"][2]] == [1, 2]
    assert [row["epoch"] for row in runs["other"][2]] == [1, 2, 3]
    # The rates still follow the config's four epochs, of which the last one decays.
    assert runs["other"][2][-1]["learning_rate_generator"] > 0


def formats(runs, tmp_path):
    policies = [runs[name][1].model.generator.layers[1].compute_dtype for name in runs]
    assert policies == ["float32", "bfloat16"]


def checkpoints_of(runs, name):
    return sorted({int(p.name.split("-")[1].split(".")[0].split("_")[0])
                   for p in (runs[name][0] / "checkpoints").glob("ckpt-*")})  # fmt: skip


def kept(runs, tmp_path):
    assert checkpoints_of(runs, "usual") == [3, 6]
    assert checkpoints_of(runs, "other") == [9, 12]  # two, and one of them inside an epoch


def sample_epochs(runs, tmp_path):
    assert names_of(runs["usual"][0] / "samples") == [f"epoch_000{k}.png" for k in (0, 1, 2)]
    assert names_of(runs["other"][0] / "samples") == [f"epoch_000{k}.png" for k in (0, 2, 3)]


def sample_rows(runs, tmp_path):
    heights = [
        Image.open(runs[name][0] / "samples/epoch_0002.png").height for name in ("usual", "other")
    ]
    assert heights[1] - heights[0] >= TINY.image_size  # one picture more


def validated_epochs(runs, tmp_path):
    measured = {name: [row["epoch"] for row in runs[name][2] if "val_l1" in row] for name in runs}
    assert measured == {"usual": [1, 2], "other": [2, 3]}  # and always the last


def validated_pictures(runs, tmp_path):
    assert max(runs["usual"][3]) == 2 and max(runs["other"][3]) == 4


def measured(runs, tmp_path):
    rows = [{key for key in runs[name][2][-1] if key.startswith("val_")} for name in runs]
    assert {"val_l1", "val_psnr", "val_ssim"} <= rows[0]
    assert rows[1] == {"val_l1", "val_l1_std"}


def exported(runs, tmp_path):
    assert [(runs[name][0] / "export").is_dir() for name in runs] == [False, True]


def seeded(runs, tmp_path):
    starts = [start(tmp_path / str(k), seed=seed) for k, seed in enumerate((0, 0, 3))]
    kernels = [np.array(each.model.generator.trainable_weights[0]) for each in starts]
    pictures = [first(each)["a"] for each in starts]
    noise = [np.array(each.model.noise(1, 4, stream="x")) for each in starts]
    for values in (kernels, pictures, noise):
        assert np.array_equal(values[0], values[1]) and not np.array_equal(values[0], values[2])


def sides_are_turned(runs, tmp_path):
    folder = tmp_path / "pairs"
    folder.mkdir()
    for index in range(6):  # ink at the left, colour at the right
        pair = np.full((40, 80, 3), 255, np.uint8)
        pair[:, 40:] = (255, 0, 0)
        Image.fromarray(pair).save(folder / f"{index}.png")
    batches = {
        way: first(start(tmp_path / way, data=str(folder), direction=way)) for way in ("ab", "ba")
    }
    assert batches["ab"]["a"].min() == 1.0 and batches["ab"]["b"][..., 1].max() == -1.0
    assert batches["ba"]["b"].min() == 1.0 and batches["ba"]["a"][..., 1].max() == -1.0


def strategies(runs, tmp_path):
    kinds = [
        type(start(tmp_path / kind, strategy=kind).model.distribute_strategy).__name__
        for kind in ("one", "mirrored")
    ]
    assert kinds[0] != kinds[1] and "Mirrored" in kinds[1]


def determinism(runs, tmp_path):
    assert not start(tmp_path / "a", deterministic=False).called
    assert start(tmp_path / "b", deterministic=True).called == ["determinism"]


def compiled(runs, tmp_path):
    assert [start(tmp_path / str(k), jit=k).model.jit_compile for k in (False, True)] == [
        False,
        True,
    ]


def sizes(field, key):
    """A size of the config is the pictures' in a step."""

    def check(runs, tmp_path):
        for value in {"image_size": (32, 24), "batch_size": (2, 3)}[field]:
            config = dataclasses.replace(TINY, **{field: value})
            assert first(start(tmp_path / str(value), config))["a"].shape[key] == value

    return check


def crops(runs, tmp_path):
    """Pictures loaded at the size of the crop are whole: only mirrored, never shifted."""
    whole = dataclasses.replace(TINY, load_size=32)
    kinds = {}
    for name, config in (("whole", whole), ("cropped", TINY)):
        started = start(tmp_path / name, config, data="toy:2")
        batches = [np.asarray(batch["a"]) for batch in started.stream.take(12)]
        pictures = np.concatenate(batches)
        pictures = np.concatenate([pictures, pictures[:, :, ::-1]])
        kinds[name] = len(np.unique(pictures.round(3), axis=0))
    assert kinds["whole"] <= 4 < kinds["cropped"]


def lengths(field):
    def check(runs, tmp_path):
        for value, total in {"num_epochs": {2: 6, 5: 15}, "num_steps": {0: 6, 4: 4}}[field].items():
            config = dataclasses.replace(TINY, **{field: value})
            assert start(tmp_path / str(value), config).length.total == total

    return check


EFFECTS = {
    "data": trained_on,
    "run_dir": "training/test_run.py::test_a_run_directory_holds_everything",
    "sources": "training/test_borrowing.py::"
    "test_fine_tuning_starts_at_the_runs_weights_and_at_step_0",
    "direction": sides_are_turned,
    "epochs": epochs_end_it,
    "steps": "training/test_run.py::test_resuming_inside_an_epoch_changes_no_bit",
    "seed": seeded,
    "precision": formats,
    "strategy": strategies,
    "deterministic": determinism,
    "jit": compiled,
    "checkpoint_every": kept,
    "keep_checkpoints": kept,
    "sample_every": sample_epochs,
    "num_samples": sample_rows,
    "evaluate_every": validated_epochs,
    "num_validation": validated_pictures,
    "metrics": measured,
    "best_metric": "metrics/test_ranking.py::"
    "test_best_of_a_run_is_its_best_epoch_through_the_command",
    "override": "training/test_damage.py::"
    "test_a_run_goes_on_with_an_average_and_with_another_precision",
    "export": exported,
    "dry_run": "training/test_run.py::test_a_dry_run_writes_nothing",
    # What all configs share.
    "image_size": sizes("image_size", 1),
    "load_size": crops,
    "batch_size": sizes("batch_size", 0),
    "num_epochs": lengths("num_epochs"),
    "num_steps": lengths("num_steps"),
    "ema_decay": "models/test_translator.py::test_the_moving_average_follows_its_formula",
    "gradient_clip": "models/test_translator.py::test_gradients_are_clipped_to_the_norm",
}


@pytest.mark.parametrize("field", EFFECTS)
def test_another_value_gives_the_other_result(field, runs, tmp_path):
    check = EFFECTS[field]
    if not isinstance(check, str):
        check(runs, tmp_path)
        return
    file, _, function = check.partition("::")
    text = (TESTS / file).read_text(encoding="utf-8")
    assert [n for n in ast.parse(text).body if getattr(n, "name", "") == function], check


def test_every_setting_has_its_effect_shown():
    fields = [f.name for cls in (RunConfig, TrainableConfig) for f in dataclasses.fields(cls)]
    assert sorted(fields) == sorted(EFFECTS)


def test_loaded_weights_say_where_they_are_from(runs):
    """What goes on with a job of another process must know that the weights are the same."""
    place = runs["usual"][0]
    places = ((place, "last"), (place, "best"), (runs["other"][0], "last"), (place, "last"))
    origins = [load(path, checkpoint).origin for path, checkpoint in places]
    assert origins[0] == origins[3] and len(set(origins)) == 3
