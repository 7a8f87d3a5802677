"""How metrics are computed: one set of choices for Python, the commands and training."""

import dataclasses
from typing import Annotated, Literal

from ganime_tf.configs.fields import Count, CountOrNone, Range, check_fields


@dataclasses.dataclass(frozen=True)
class Settings:
    """How metrics are computed; the same for every place that computes them."""

    seed: CountOrNone = 0
    """Seed of subsets, pairs and bootstrap."""
    resamples: CountOrNone = 1000
    """Bootstrap resamples of the intervals of means over pictures; 0 leaves the intervals out."""
    set_resamples: CountOrNone = 0
    """Random halves for the intervals of fid_*, fd_random and kid_*, 0 for none; 50 is a good
    number. Each costs a distance, seconds at 2048 features, and every picture's features are
    kept."""
    kid_subsets: Count = 100
    """KID subsets."""
    kid_subset_size: Annotated[int, Range(2)] = 1000
    """Pictures in a KID subset; fewer when a set is smaller."""
    diversity_pool: Annotated[int, Range(2)] = 1000
    """Most pictures that lpips_d_* pairs."""
    batch_size: Count = 32
    """Pictures that go through a network at once; changes no score."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Of the Inception network; bfloat16 is faster on hardware that has it, and another score."""

    def __post_init__(self):
        """Checks the fields.

        Raises:
            ValueError: Naming the field, its value and what is allowed.
            TypeError: When a value has another type.
        """
        check_fields(self)

    @classmethod
    def of(cls, other, **changes) -> "Settings":
        """The settings among the fields of another object, such as a command's options."""
        names = [field.name for field in dataclasses.fields(cls)]
        return cls(**({name: getattr(other, name) for name in names} | changes))
