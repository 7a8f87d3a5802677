"""Coloured pencils: line art whose ink gets a random colour."""

from ganime_tf.data.geometry import NUM_TINT, tint_lines
from ganime_tf.data.kinds.kind import Derived
from ganime_tf.data.spec import DataSpec

_STREAM = 1


def tint(spec: DataSpec) -> tuple[Derived, ...]:
    """Tints the share `spec.tint` of the training inputs `a`."""
    if not spec.tint:
        return ()

    def function(sample, random):
        return sample | {"a": tint_lines(sample["a"], spec.tint, random)}

    return (Derived(function, NUM_TINT, _STREAM, in_validation=False),)
