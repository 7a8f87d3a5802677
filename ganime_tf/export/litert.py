"""LiteRT (TensorFlow Lite): one file with a signature for every use, built-in operations only.

The graphs take and give uint8 pictures whose sides are multiples of the model's stride: runners pad
(ganime_tf/lite). Operations of TensorFlow itself ("Flex") are not allowed, since most LiteRT
runtimes lack them: a use that needs one is left out and said.
"""

import dataclasses
import re
import tempfile
import warnings
from pathlib import Path

import numpy as np
import tensorflow as tf

from ganime_tf.lite.runner import append_about, read_about
from ganime_tf.models.graphs import graph_of

# Weights of 8 bits with features of 16: features of 8 bits do not survive instance norm, which
# enlarges their rounding in every channel of little variance (CartoonGAN's released weights at 128
# px: 15 dB against the float network; features of 16 bits 42 dB, float features 33 dB).
_INTEGERS = tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8


def write(request) -> dict[str, str]:
    """Writes the file; returns the uses that need more than LiteRT's own operations."""
    left_out = {}
    held = tuple(request.uses)
    try:
        content = _convert(request)
    except _NotHeld as error:
        for use in request.uses:  # which one is it?
            try:
                _convert(dataclasses.replace(request, uses=(use,)))
            except _NotHeld as reason:
                left_out[use] = str(reason)
        held = tuple(use for use in request.uses if use not in left_out)
        if not held or not left_out:
            raise ValueError(f"LiteRT cannot hold this model: {error}") from error
        content = _convert(dataclasses.replace(request, uses=held))
    request.path.write_bytes(content)
    append_about(request.path, request.about(held))
    return left_out


def is_own(path: Path) -> bool:
    """Whether a file was written by an export."""
    return read_about(path) is not None


class _NotHeld(ValueError):
    """LiteRT has not the operations."""


def _convert(request) -> bytes:
    from ganime_tf.export.saved_model import save

    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        place = dataclasses.replace(request, path=Path(folder) / "model")
        save(place, lambda use: graph_of(use, 1, 1), batch=1, default_name="default")
        converter = tf.lite.TFLiteConverter.from_saved_model(
            str(place.path), signature_keys=list(request.uses)
        )
        if request.precision != "float32":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if request.precision == "float16":
            converter.target_spec.supported_types = [tf.float16]
        if request.precision == "int8" and request.calibration:
            converter.representative_dataset = lambda: _calibrate(request)
            # What has no such kernel is computed in float32.
            converter.target_spec.supported_ops = [_INTEGERS, tf.lite.OpsSet.TFLITE_BUILTINS]
        try:
            content = converter.convert()
        except Exception as error:  # the converter has many classes of errors
            raise _NotHeld(_reason(error)) from error
    return content


def _calibrate(request):
    from ganime_tf.ops.litert import fit_into

    for use in request.uses:
        for picture in request.calibration:
            yield use, {"image": fit_into(np.asarray(picture), request.size)[None]}


def _reason(error: Exception) -> str:
    """The operations that are missing, from the converter's long message."""
    text = str(error)
    names = re.findall(r"'tf\.(\w+)' op is neither", text)
    for listed in re.findall(r"(?:Flex|Select|[Cc]ustom) ops: ([^\n]+)", text):
        names += [name.strip() for name in listed.split(",")]
    if names:
        return f"LiteRT has no operation for {', '.join(dict.fromkeys(names))}"
    return (text.strip().splitlines() or [type(error).__name__])[0][:200]
