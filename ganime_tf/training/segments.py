"""The arithmetic of a run: which stretches of which epochs are still to do."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Segment:
    """One call of `fit`: epochs of equal length.

    Attributes:
        step: Finished steps before it.
        first_epoch: Number of its first epoch, counted from 0.
        last_epoch: Number behind its last one.
        length: Steps of each of its epochs.
    """

    step: int
    first_epoch: int
    last_epoch: int
    length: int


def segments(step: int, total: int, steps_per_epoch: int) -> Iterator[Segment]:
    """Cuts what is left of a run: the rest of an epoch, whole epochs, the start of a last one.

    Args:
        step: Finished steps.
        total: Steps of the whole run.
        steps_per_epoch: Steps of an epoch.

    Yields:
        Segments that join without a gap, up to `total`.
    """
    while step < total:
        epoch, done = divmod(step, steps_per_epoch)
        whole = (total - step) // steps_per_epoch
        if done == 0 and whole:
            segment = Segment(step, epoch, epoch + whole, steps_per_epoch)
        else:
            length = min(steps_per_epoch - done, total - step)
            segment = Segment(step, epoch, epoch + 1, length)
        yield segment
        step += (segment.last_epoch - segment.first_epoch) * segment.length
