"""Ending a run by SIGINT or SIGTERM, gently and at once."""

import os
import signal
import sys
import threading
import time

import keras
import tensorflow as tf

_STOPPING = (signal.SIGINT, signal.SIGTERM)
_ASK_EVERY = 5  # steps between two questions to the other workers


class StopOnSignal(keras.callbacks.Callback):
    """Ends training after the running step on SIGINT or SIGTERM; `received` names the signal.

    Of several workers all end after the same step, whichever of them got the signal: every few
    steps they tell each other. A second signal, a second or more after the first, ends the process
    at once even where a step computes for long: what is on the disk is whole at any time.
    (Launchers pass one Ctrl-C on twice.)
    """

    def __init__(self):
        super().__init__()
        self._own, self._agreed = None, None
        self._several, self._steps, self._joined = False, 0, None
        self._previous, self._pipe = {}, None

    @property
    def received(self) -> int | None:
        """The number of the signal; with several workers, once all of them know."""
        return self._agreed if self._several else self._own

    def __enter__(self):
        if threading.current_thread() is not threading.main_thread():
            return self  # signals come to the main thread only
        for number in _STOPPING:
            self._previous[number] = signal.signal(number, self._handle)
        if not hasattr(sys, "ps1") and "ipykernel" not in sys.modules:  # a notebook lives on
            self._pipe = os.pipe()
            os.set_blocking(self._pipe[1], False)
            self._wakeup = signal.set_wakeup_fd(self._pipe[1], warn_on_full_buffer=False)
            self._watcher = threading.Thread(target=self._watch, daemon=True)
            self._watcher.start()
        return self

    def __exit__(self, *_):
        if self._pipe is not None:
            signal.set_wakeup_fd(self._wakeup)
            os.write(self._pipe[1], b"\0")
            self._watcher.join()
            for end in self._pipe:
                os.close(end)
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _handle(self, number, _frame):
        if self._own is None:
            self._own = number
        elif self._pipe is None:
            raise KeyboardInterrupt

    def _watch(self):
        """Sees signals while the main thread is inside a step, where Python cannot run."""
        first = None
        while number := os.read(self._pipe[0], 1)[0]:
            if number not in _STOPPING:
                continue
            if first is None:
                first = time.monotonic()
            elif time.monotonic() - first > 1.0:
                sys.stderr.write("\nStopped at once. Run the same command again to go on.\n")
                sys.stderr.flush()
                os._exit(128 + number)

    def on_train_begin(self, logs=None):
        """Looks whether there are other workers."""
        strategy = self.model.distribute_strategy
        self._several = isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)

    def on_train_batch_end(self, batch, logs=None):
        """Stops when a signal came in."""
        self._steps += 1
        if self._several and self._steps % _ASK_EVERY == 0:
            self._agreed = self._of_all_workers(self.model.distribute_strategy)
        if self.received is not None:
            self.model.stop_training = True

    def _of_all_workers(self, strategy) -> int | None:
        if self._joined is None:
            self._joined = tf.function(
                lambda x: strategy.reduce("SUM", strategy.run(tf.identity, (x,)), axis=None)
            )
        counts = self._joined(tf.constant([float(number == self._own) for number in _STOPPING]))
        return next((n for n, count in zip(_STOPPING, counts, strict=True) if count > 0), None)
