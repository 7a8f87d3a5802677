"""What a kind of data is: its keys, how a folder is read, how the drawn world serves it."""

import dataclasses
from collections.abc import Callable, Mapping

from ganime_tf.data.domain import Domain
from ganime_tf.data.spec import DataSpec

PICTURE, CLASSES, HINTS, LABEL = "picture", "classes", "hints", "label"


@dataclasses.dataclass
class Found:
    """What reading a set gave.

    Attributes:
        train: Domains to train on; before the split, all samples.
        validation: Domains to validate on, or None where the set has none of its own.
        column: For each sample of the first domain its side of the split, where a list says it.
        labels: Names of the label or class values.
        aligned: Whether a validation sample's domains show the same thing; None: as the kind says.
        filtered: Whether the metadata has been applied already.
    """

    train: list[Domain]
    validation: list[Domain] | None = None
    column: list[str] = dataclasses.field(default_factory=list)
    labels: list[str] = dataclasses.field(default_factory=list)
    aligned: bool | None = None
    filtered: bool = False


@dataclasses.dataclass(frozen=True)
class Derived:
    """What is made of a finished sample.

    Attributes:
        function: `(sample, random) -> sample`, uint8 in and out, in a graph.
        num_random: How many uniform numbers in [0, 1) it needs; `random` is float `(num_random,)`
            (never empty: at least one number comes).
        stream: Which random numbers: another one for everything that is derived, so that nothing
            changes the numbers of something else.
        in_validation: Whether validation samples have it.
    """

    function: Callable
    num_random: int = 0
    stream: int = 0
    in_validation: bool = True


@dataclasses.dataclass(frozen=True)
class Kind:
    """One form of data.

    Attributes:
        keys: Batch keys and their form: `picture` float32 `(N, H, W, 3)` in [-1, 1], `classes`
            int32 `(N, H, W)`, `hints` float32 `(N, H, W, 4)`, `label` int32 `(N,)`.
        aligned: Whether a sample's pictures show the same thing.
        read: `(spec, direction, skipped) -> Found`: lists a folder or a list file; adds to
            `skipped` `(path, reason)` of what it leaves out.
        draw: `(world) -> Found`: takes the pictures from the drawn world (`drawn.World`).
        derive: `(spec) -> Derived...`: what is made of a finished sample.
        beside: `(train, validation) -> validation`: the last word on the validation domains.
        options: Fields of `DataSpec` that only this kind and some others know.
        help: One line.
    """

    keys: Mapping[str, str]
    aligned: bool
    read: Callable[[DataSpec, str, list], Found]
    draw: Callable[..., Found]
    help: str
    derive: Callable[[DataSpec], tuple[Derived, ...]] = lambda spec: ()
    beside: Callable[[list[Domain], list[Domain]], list[Domain]] = lambda train, validation: (
        validation
    )
    options: tuple[str, ...] = ()

    @property
    def class_keys(self) -> list[str]:
        """Keys of label maps."""
        return [key for key, form in self.keys.items() if form == CLASSES]
