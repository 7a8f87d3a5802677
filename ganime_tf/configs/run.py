"""What the machine and the day decide about a run."""

import dataclasses
from typing import Annotated, Literal

from tyro.conf import UseAppendAction, arg

from ganime_tf.configs.fields import Count, CountOrNone, check_fields


@dataclasses.dataclass(frozen=True)
class RunConfig:
    """What the machine and the day decide, the same for every model."""

    data: str = "toy"
    """A folder of pictures, or `toy`, `toy:2000` for the drawn world; see docs/data.md."""
    run_dir: str = ""
    """Directory of the run; defaults to runs/<preset>. The same command again resumes it."""
    sources: Annotated[UseAppendAction[tuple[str, ...]], arg(name="from")] = ()
    """A run, or converted weights, to start from: of the same model to go on with other data
    (fine-tuning), of another one for the networks that this model takes from it."""
    direction: Literal["auto", "ab", "ba"] = "auto"
    """Which half or folder is the source domain a: auto, ab or ba; see docs/data.md."""
    epochs: Count | None = None
    """Stop after this many epochs; the learning rate still follows the config's `num_epochs`."""
    steps: Count | None = None
    """Stop after this many steps in all."""
    seed: CountOrNone = 0
    """Seed of the weights, the order of the data and every random choice."""
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = "float32"
    """Number format: bfloat16 is the faster one on recent CPUs and GPUs, float16 on older GPUs."""
    strategy: Literal["auto", "one", "mirrored", "multiworker"] = "auto"
    """Devices: auto uses every GPU; multiworker reads TF_CONFIG."""
    deterministic: bool = False
    """Only operations with reproducible results, on a GPU slower."""
    jit: bool = False
    """Compile the step with XLA; measure first, it is slower on CPUs."""
    checkpoint_every: CountOrNone = 0
    """Steps between checkpoints besides the end of every epoch."""
    keep_checkpoints: Count = 3
    """How many of the last checkpoints stay."""
    sample_every: Count = 1
    """Epochs between two sample grids."""
    num_samples: Count = 6
    """Pictures in a sample grid."""
    evaluate_every: Count = 1
    """Epochs between two validations."""
    num_validation: Count = 64
    """Most pictures that a validation uses."""
    metrics: tuple[str, ...] = ()
    """Validation metrics, as `ganime evaluate` names them; by default the model's own. Those that
    need aligned pairs are left out where there are none."""
    best_metric: str = ""
    """Log that decides which epoch is kept as the best; by default the model's own."""
    override: bool = False
    """Go on in a run directory although its config differs."""
    export: bool = True
    """Write a SavedModel into the run directory at the end."""
    dry_run: bool = False
    """Check data and model, print the plan, write nothing."""

    def __post_init__(self):
        """Checks the fields.

        Raises:
            ValueError: Naming the field, its value and what is allowed.
            TypeError: When a value has another type.
        """
        check_fields(self)
