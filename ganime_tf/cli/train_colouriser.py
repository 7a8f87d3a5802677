"""`ganime train colour-barrier`: the colouriser's own networks, on what the package draws."""

import dataclasses
from pathlib import Path
from typing import Literal

from ganime_tf.configs.colour_barrier import PRESETS


@dataclasses.dataclass(frozen=True)
class Run:
    """Where and how; the drawings are a pure function of the seed and the step."""

    run_dir: Path
    """Directory of the run; the same command again resumes it."""
    seed: int = 0
    """Seed of the drawings and the weights."""
    precision: Literal["float32", "mixed_bfloat16"] = "mixed_bfloat16"
    """Number format of the training; the weights are float32."""
    save_every: int = 100
    """Steps between checkpoints."""


def main(argv: list[str], prog: str, preset: str) -> int:
    """Trains the network of a preset.

    Args:
        argv: `[--FIELD VALUE ...]`.
        prog: Name shown in the help.
        preset: In `PRESETS`.
    """
    import tyro

    from ganime_tf.cli.options import parse

    default = PRESETS[preset]

    def command(
        network: type(default) = default,
        run: Run = Run(Path("runs") / preset),  # noqa: B008
    ) -> tuple:
        return network, run

    network, run = parse(
        command,
        argv,
        prog,
        description=f"{type(default).__doc__.splitlines()[0]}\n\nThe defaults are {preset}'s.",
        config=(tyro.conf.OmitArgPrefixes,),
    )
    from ganime_tf.cli import start

    start()
    import keras

    from ganime_tf.models.colour_barrier import train_barrier

    previous = keras.config.dtype_policy()
    keras.config.set_dtype_policy(run.precision)
    try:
        train_barrier(network, run.run_dir, run.seed, run.save_every)
    finally:
        keras.config.set_dtype_policy(previous)
    print(f"Trained to step {network.num_steps}: {run.run_dir / network.task}.npz")
    return 0
