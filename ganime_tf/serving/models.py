"""Other models by what they can do, as their `uses()` say."""

import io
import threading
import weakref
from collections.abc import Mapping

import numpy as np
from PIL import Image

from ganime_tf.serving.limits import Limits, RefusedError
from ganime_tf.serving.pages import png_bytes

PICTURES = ("image", "parsing", "hints", "reference")
_LOCKS: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()
_GUARD = threading.Lock()


def describe(model) -> dict:
    """The uses of a model as JSON: inputs, output, defaults, help."""
    return {name: use.describe() for name, use in model.uses().items()}


def decode_input(name: str, content: bytes, limits: Limits) -> np.ndarray:
    """A picture file as the value of an input of the vocabulary."""
    if name not in ("parsing", "hints"):
        return limits.decode(content, line_art=False)
    limits.decode(content, line_art=False)  # the checks
    with Image.open(io.BytesIO(content), formats=["PNG", "GIF", "TIFF", "WEBP"]) as picture:
        if name == "parsing":  # palette PNGs hold class numbers
            if picture.mode not in ("L", "P", "1"):
                raise RefusedError("parsing must be a grey or palette picture of class numbers.")
            return np.asarray(picture if picture.mode != "1" else picture.convert("L"))
        return np.asarray(picture.convert("RGBA"))


def run_use(model, use: str | None, values: Mapping) -> np.ndarray:
    """Runs a use, one at a time for each model.

    Raises:
        RefusedError: When the values are not what it takes.
    """
    with _GUARD:
        lock = _LOCKS.setdefault(model, threading.Lock())
    try:
        with lock:
            return model.run(use, **values)
    except (ValueError, TypeError) as error:
        raise RefusedError(" ".join(str(error).split())) from error


def run_model(body, model, limits: Limits) -> dict:
    """Answers `POST /api/models/NAME`.

    Args:
        body: `use` (optional) and the inputs by name: pictures in base64, `style` a list of
            numbers, the others numbers.
        model: A `Runner`.
        limits: Of the server.
    """
    from ganime_tf.models.uses import INPUTS
    from ganime_tf.serving.api import check_fields, pack, unpack

    kinds = {"use": str}
    for name, entry in INPUTS.items():
        number = int if np.dtype(entry.dtype).kind in "iu" else (int, float)
        kinds[name] = str if name in PICTURES else list if entry.shape else number
    check_fields(body, kinds)
    values = {}
    for name, value in body.items():
        if name in PICTURES:
            values[name] = decode_input(name, unpack(value, name), limits)
        elif name == "style":
            values[name] = np.asarray(value, np.float32) if _numbers(value) else value
        elif name != "use":
            values[name] = value
    out = run_use(model, body.get("use"), values)
    if out.ndim == 1:
        return {"style": out.tolist()}
    out = np.asarray(out)
    return {
        "picture": pack(png_bytes(out)),
        "width": int(out.shape[1]),
        "height": int(out.shape[0]),
    }


def _numbers(value) -> bool:
    if not all(isinstance(v, int | float) and not isinstance(v, bool) for v in value):
        raise RefusedError("style must be a list of numbers.")
    return True
