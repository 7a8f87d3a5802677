"""Two logical CPUs for the replica tests, and the folder of real images where there is one."""

import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import pytest  # noqa: E402
import tensorflow as tf  # noqa: E402

tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)


@pytest.fixture
def shared() -> Path:
    """The folder with real images and weights; skips the test where it is absent."""
    default = Path(__file__).resolve().parents[2] / "shared"
    folder = Path(os.environ.get("GANIME_SHARED", default))
    if not (folder / "data").is_dir():
        pytest.skip("no real images here (GANIME_SHARED)")
    return folder


@pytest.fixture
def two_replicas() -> tf.distribute.Strategy:
    """A strategy of two replicas on logical CPUs."""
    return tf.distribute.MirroredStrategy(
        ["CPU:0", "CPU:1"], cross_device_ops=tf.distribute.ReductionToOneDevice()
    )


@pytest.fixture(autouse=True)
def _same_start():
    """Every test starts with the same seeds and dtype policy, whatever ran before it."""
    import keras

    keras.utils.set_random_seed(0)
    keras.config.set_dtype_policy("float32")
    yield
    keras.config.set_dtype_policy("float32")
