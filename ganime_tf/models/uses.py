"""What a model can be used for, in one vocabulary: read by Python, the command line and exports.

`INPUTS` is the only place where the name of an input is born. A model says once, in `uses()`, which
of them each of its uses takes and what comes out; `run` picks the use by the names it is given.
Needs no TensorFlow: exports are run by the same code (ganime_tf/lite); graphs.py has what is
compiled.
"""

import dataclasses
import difflib
from collections.abc import Callable, Mapping

import numpy as np

from ganime_tf.ops.checks import check_uint8


@dataclasses.dataclass(frozen=True)
class Input:
    """A named input.

    Attributes:
        dtype: Type outside of the model.
        shape: Shape of one picture's value; None is any size.
        framed: Whether it has the picture's height and width: padded, cropped, tiled with it.
        help: One line for a person.
    """

    dtype: str
    shape: tuple
    framed: bool
    help: str


INPUTS: dict[str, Input] = {
    "image": Input("uint8", (None, None, 3), True, "the picture, RGB"),
    "parsing": Input("uint8", (None, None), True, "class of every pixel of the picture"),
    "hints": Input("uint8", (None, None, 4), True, "colours that are wished, RGB and 255 where"),
    "reference": Input("uint8", (None, None, 3), False, "a picture of any size to take from, RGB"),
    "style": Input("float32", (None,), False, "a style code"),
    "label": Input("int32", (), False, "number of a label, e.g. of an artist"),
    "seed": Input("int64", (), False, "number of a random choice"),
    "truncation": Input("float32", (), False, "1 for all variety, towards 0 for the average"),
}
OUTPUTS = ("image", "classes", "heat", "style")


@dataclasses.dataclass(frozen=True)
class Use:
    """One thing that a model does.

    Attributes:
        function: Takes the inputs by name as the networks take them (`image`, `reference` float32
            [-1, 1]; `hints` float32, RGB in [-1, 1] and 0 or 1; others as they are), framed ones
            padded to the model's stride; returns float pictures [-1, 1], classes `(N, H, W)`, heat
            `(N, h, w, 1)` or styles `(N, K)`. None where the use is another program's (an export).
        inputs: Names of `INPUTS`.
        output: One of `OUTPUTS`.
        defaults: Values of inputs that need not be given.
        help: One line for a person.
    """

    function: Callable | None
    inputs: tuple[str, ...]
    output: str = "image"
    defaults: Mapping = dataclasses.field(default_factory=dict)
    help: str = ""

    def __post_init__(self):
        for name in self.inputs:
            if name not in INPUTS:
                raise ValueError(f"{name!r} is no input. There are {', '.join(INPUTS)}.")
        if self.output not in OUTPUTS:
            raise ValueError(f"`output` must be one of {OUTPUTS}. Received {self.output!r}.")

    @property
    def required(self) -> tuple[str, ...]:
        """The inputs that must be given."""
        return tuple(name for name in self.inputs if name not in self.defaults)

    def describe(self) -> dict:
        """What an export writes down: inputs, output and defaults."""
        return {
            "inputs": list(self.inputs),
            "output": self.output,
            "defaults": dict(self.defaults),
            "help": self.help,
        }


class Runner:
    """Anything with uses: a model, or an export opened again.

    A subclass gives `uses()` and `call_use(name, tensors)`.
    """

    batch_limit = 8
    """Most pictures that a job puts into one batch; 1 where pictures of a batch see each other."""
    label_names: tuple[str, ...] = ()
    """Names of the labels, by number; empty where they are not known."""
    origin = ""
    """Where `load` found the weights, and as of when; another one for other weights."""

    def uses(self) -> dict[str, Use]:
        """Returns the uses by name, `default` first."""
        raise NotImplementedError

    def call_use(self, name: str, tensors: dict):
        """Runs one use on a batch of raw inputs (arrays) and returns the raw output."""
        raise NotImplementedError

    def run(self, use: str | None = None, **inputs) -> np.ndarray:
        """Runs a use of the model: one compiled graph, pictures of any size.

        Args:
            use: Name of the use; by default the first one that takes these inputs.
            **inputs: Values of `INPUTS`: arrays of a batch or of one picture. A single value of
                what is not framed (a seed, a label, a reference) serves the whole batch. Labels
                may be names.

        Returns:
            uint8 `(N, H, W, 3)` for pictures and heat, uint8 `(N, H, W)` for classes, float32
            `(N, K)` for styles; without N where every input came without.

        Raises:
            ValueError: When no use takes these inputs, or a value has another type or shape.
        """
        inputs = {name: value for name, value in inputs.items() if value is not None}
        if "label" in inputs:
            inputs["label"] = label_numbers(inputs["label"], self.label_names)
        name = pick_use(self.uses(), use, inputs)
        chosen = self.uses()[name]
        arrays, batched = batch_inputs({**chosen.defaults, **inputs}, given=set(inputs))
        out = np.asarray(self.call_use(name, {key: arrays[key] for key in chosen.inputs}))
        return out if batched else out[0]

    def translate(self, images, **inputs) -> np.ndarray:
        """`run` with `image=images`: uint8 `(N, H, W, 3)` or `(H, W, 3)` to the same shape."""
        return self.run(image=images, **inputs)


def pick_use(uses: dict[str, Use], use: str | None, inputs) -> str:
    """Returns the name of the use that is asked for, or that takes these inputs.

    Args:
        uses: By name, the preferred one first.
        use: A name, or None.
        inputs: Names of the inputs that are given.

    Raises:
        ValueError: When there is none; says what there is.
    """
    known = ", ".join(f"{n} ({', '.join(u.inputs)})" for n, u in uses.items())
    for name in inputs:
        if name not in INPUTS:
            close = difflib.get_close_matches(name, INPUTS, 1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise ValueError(f"There is no input {name!r}.{hint} Inputs: {', '.join(INPUTS)}.")
    if use is not None and use not in uses:
        close = difflib.get_close_matches(use, uses, 1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise ValueError(f"This model has no use {use!r}.{hint} It has: {known}.")
    for name in (use,) if use is not None else uses:
        if set(uses[name].required) <= set(inputs) <= set(uses[name].inputs):
            return name
    given = ", ".join(inputs) or "nothing"
    if use is not None:
        wanted = ", ".join(uses[use].inputs)
        raise ValueError(f"The use {use!r} takes {wanted}. Received {given}.")
    raise ValueError(f"No use of this model takes {given}. It has: {known}.")


def batch_inputs(inputs: dict, given: set[str]) -> tuple[dict, bool]:
    """Checks values and makes batches of one length of them.

    Args:
        inputs: Values by name; see `Runner.run`.
        given: Names whose value came from the caller, not from a default.

    Returns:
        `(arrays, batched)`; `batched` is false when every given value was of a single picture.
    """
    arrays, batched = {}, False
    for name, value in inputs.items():
        entry = INPUTS[name]
        value = value if hasattr(value, "dtype") else np.asarray(value)
        if entry.dtype == "uint8" and entry.shape[-1] == 3:
            check_uint8(value, "images" if name == "image" else name)
            array = value
        else:
            array = _as_array(name, value, entry)
        rank = len(entry.shape)
        if len(array.shape) == rank:
            array = array[None]
        elif name in given:
            batched = True
        _check_shape(name, array, entry)
        arrays[name] = array
    frames = {name: tuple(a.shape[1:3]) for name, a in arrays.items() if INPUTS[name].framed}
    if len(set(frames.values())) > 1:
        sizes = ", ".join(f"{name} {h}x{w}" for name, (h, w) in frames.items())
        raise ValueError(f"These must have the picture's height and width: {sizes}.")
    count = max(int(array.shape[0]) for array in arrays.values())
    for name, array in arrays.items():
        if array.shape[0] not in (1, count) or (INPUTS[name].framed and array.shape[0] != count):
            raise ValueError(f"`{name}` has {array.shape[0]} values for {count} pictures.")
        array = np.asarray(array)
        arrays[name] = array if len(array) == count else np.repeat(array, count, axis=0)
    return arrays, batched


def label_numbers(labels, names: tuple[str, ...]) -> np.ndarray:
    """Returns the numbers of labels that are given as numbers or by name.

    Args:
        labels: A name, a number, or an array of either.
        names: The names by number; empty where they are not known.

    Raises:
        ValueError: On an unknown name, or a number that no label has.
    """
    array = np.asarray(labels)
    if array.dtype.kind == "U":
        numbers = [_label_number(str(each), names) for each in array.flat]
        return np.asarray(numbers, np.int32).reshape(array.shape)
    if names and array.dtype.kind in "iu" and array.size and not 0 <= array.max() < len(names):
        raise ValueError(f"`label` must be in [0, {len(names) - 1}]. Received {array.max()}.")
    return array


def _label_number(text: str, names: tuple[str, ...]) -> int:
    if text in names:
        return names.index(text)
    if text.isdigit():
        number = int(text)
        if names and number >= len(names):
            raise ValueError(f"`label` must be in [0, {len(names) - 1}]. Received {number}.")
        return number
    close = difflib.get_close_matches(text, names, 1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    some = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
    known = f"There are {some}." if names else "This model knows no names, only numbers."
    raise ValueError(f"There is no label {text!r}.{hint} {known}")


def _as_array(name: str, value, entry: Input) -> np.ndarray:
    array = np.asarray(value)
    wanted = np.dtype(entry.dtype)
    right = np.issubdtype(array.dtype, np.integer) or (
        wanted.kind == "f" and np.issubdtype(array.dtype, np.floating)
    )
    if not right:
        raise ValueError(f"`{name}` must be {entry.dtype}. Received {array.dtype}.")
    if wanted.kind == "f" and not np.isfinite(array).all():
        raise ValueError(f"`{name}` must be finite.")
    if wanted.kind in "ui" and array.size:
        least, most = int(array.min()), int(array.max())
        limits = np.iinfo(wanted)
        low = 0 if name in ("seed", "label") else limits.min
        if least < low or most > limits.max:
            wrong = least if least < low else most
            raise ValueError(f"`{name}` must be in [{low}, {limits.max}]. Received {wrong}.")
    return array.astype(wanted)


def _check_shape(name: str, array, entry: Input) -> None:
    shape = tuple(array.shape)
    fits = len(shape) == len(entry.shape) + 1 and all(
        size is None or size == got for size, got in zip(entry.shape, shape[1:], strict=True)
    )
    if not fits or 0 in shape:
        wanted = ", ".join(["N", *("any" if size is None else str(size) for size in entry.shape)])
        raise ValueError(f"`{name}` must have the shape ({wanted}). Received {shape}.")


def needs_map(model) -> bool:
    """Whether every use of a model that takes a picture takes a map too."""
    uses = [use for use in model.uses().values() if "image" in use.inputs]
    return bool(uses) and all("parsing" in use.required for use in uses)


def takes_map(model) -> bool:
    """Whether some use of a model takes a map."""
    return any("parsing" in use.inputs for use in model.uses().values())
