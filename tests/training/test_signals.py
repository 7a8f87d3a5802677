"""A second Ctrl-C ends a run at once, also inside a long step."""

import signal
import subprocess
import sys
import time

import pytest

# Computes in C for minutes, where Python's own handlers do not run.
PROGRAM = """
import hashlib
from ganime_tf.training.signals import StopOnSignal
with StopOnSignal() as stop:
    print("ready", flush=True)
    hashlib.pbkdf2_hmac("sha256", b"a", b"b", 400_000_000)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_ends_at_once(number):
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    process.send_signal(number)  # as launchers do that pass one on
    time.sleep(1.5)
    assert process.poll() is None
    start = time.monotonic()
    process.send_signal(number)
    _, err = process.communicate(timeout=20)
    assert time.monotonic() - start < 5
    assert process.returncode == 128 + number and "Stopped at once" in err


def test_handlers_are_given_back():
    from ganime_tf.training.signals import StopOnSignal

    before = signal.getsignal(signal.SIGINT)
    with StopOnSignal() as stop:
        assert signal.getsignal(signal.SIGINT) == stop._handle
        signal.raise_signal(signal.SIGINT)
        assert stop.received == signal.SIGINT
    assert signal.getsignal(signal.SIGINT) == before
