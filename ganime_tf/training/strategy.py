"""The devices that a run trains on."""

import contextlib
import functools
import os

import tensorflow as tf


def make_strategy(name: str) -> tf.distribute.Strategy:
    """Returns the `tf.distribute` strategy of `RunConfig.strategy`.

    Raises:
        ValueError: When `multiworker` is asked for without TF_CONFIG.
    """
    if name == "multiworker":
        if "TF_CONFIG" not in os.environ:
            raise ValueError(
                "`strategy` is multiworker, but TF_CONFIG is not set. Set it on every worker as in "
                "docs/distribution.md, or use --strategy mirrored on one machine."
            )
        return _worker_strategy()
    if name == "mirrored" or (name == "auto" and len(tf.config.list_logical_devices("GPU")) > 1):
        if not tf.config.list_logical_devices("GPU"):
            return _mirrored(len(tf.config.list_logical_devices("CPU")))
        return _mirrored(0)
    return tf.distribute.get_strategy()


# One of each in a process: the collectives of a second one would wait for those of the first.
@functools.cache
def _mirrored(num_cpus: int) -> tf.distribute.Strategy:
    if not num_cpus:
        return tf.distribute.MirroredStrategy()
    devices = [device.name for device in tf.config.list_logical_devices("CPU")]
    reduction = tf.distribute.ReductionToOneDevice()
    return tf.distribute.MirroredStrategy(devices, cross_device_ops=reduction)


@functools.cache
def _worker_strategy() -> tf.distribute.Strategy:
    return tf.distribute.MultiWorkerMirroredStrategy()


_LOST = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError,
         tf.errors.DeadlineExceededError, tf.errors.InternalError)  # fmt: skip


@contextlib.contextmanager
def lost_workers_named(strategy: tf.distribute.Strategy, run_dir):
    """Says in a sentence what it means when a collective of several workers breaks.

    Raises:
        ConnectionError: In place of TensorFlow's error.
    """
    try:
        yield
    except _LOST as error:
        if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
            raise
        raise ConnectionError(
            f"Another worker of this run is gone, and no step can be taken without it. Start all "
            f"workers again with the same command: {run_dir} goes on at its last checkpoint. "
            f"({error.message.splitlines()[0].rpartition('}}')[2].strip()[:160]})"
        ) from error
