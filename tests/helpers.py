"""What several tests need: made batches, tiny models, comparisons."""

import dataclasses

import keras
import numpy as np
import tensorflow as tf

from ganime_tf import models
from ganime_tf.models import MODELS, get_model, get_preset, get_presets
from ganime_tf.training.run import RunConfig

# The smallest useful Pix2Pix, for tests of runs.
TINY = dataclasses.replace(
    get_preset("pix2pix", "pix2pix-tiny"),
    image_size=32,
    load_size=36,
    levels=3,
    filters=4,
    patch_size=16,
    batch_size=2,
    num_epochs=2,
    decay_epochs=1,
)
# The same as flags of `ganime train`.
FLAGS = [
    "--preset=pix2pix-tiny", "--image-size=32", "--load-size=36", "--levels=3", "--filters=4",
    "--patch-size=16", "--batch-size=2", "--decay-epochs=1",
]  # fmt: skip


def tiny_names(base: str = "Trainable") -> list[tuple[str, str]]:
    """(model, preset) of every tiny preset of the models of a base class."""
    cls = getattr(models, base)
    return [
        (m, p)
        for m in MODELS
        if issubclass(MODELS[m], cls)
        for p in get_presets(m)
        if p.endswith("-tiny")
    ]


def tiny(name: str, preset: str, *, dtype="float32", **overrides):
    """A compiled tiny model with seed 0."""
    keras.utils.set_random_seed(0)
    model = get_model(name)(get_presets(name)[preset], dtype=dtype, **overrides)
    model.compile()
    return model


def made_batch(model, size: int | None = None, count: int = 2, seed: int = 0) -> dict:
    """A batch of random smooth pictures, maps of two classes and labels, for a model's keys."""
    size = size or model.config.image_size
    rng = np.random.default_rng(seed)
    batch = {}
    for key in model.batch_keys:
        coarse = rng.uniform(-1, 1, (count, 8, 8, 3)).astype(np.float32)
        batch[key] = tf.image.resize(coarse, (size, size))
        if key == "label":
            batch[key] = tf.constant(rng.integers(0, 2, count), tf.int32)
        if key.endswith("parsing"):
            batch[key] = tf.cast(batch[key][..., 0] > 0, tf.int32)
        if key == "label":
            batch[key] = tf.range(count, dtype=tf.int32)
    return batch


def values(variables) -> list[np.ndarray]:
    """Copies of variables."""
    return [np.array(variable) for variable in variables]


def run_steps(model, batches) -> dict:
    """Trains one step a batch through `fit`, in the given order; the last step's losses."""
    logs = {}
    for batch in batches:
        dataset = tf.data.Dataset.from_tensors(batch)
        history = model.fit(dataset, steps_per_epoch=1, epochs=1, verbose=0)
        logs = {key: value[-1] for key, value in history.history.items()}
    return logs


def run_config(run_dir, **fields) -> RunConfig:
    fields = {"data": "toy:6", "num_validation": 2, "num_samples": 2, "export": False} | fields
    return RunConfig(run_dir=str(run_dir), **fields)


def weights(model):
    return [np.array(variable) for variable in model.variables]
