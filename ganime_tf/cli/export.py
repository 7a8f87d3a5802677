"""`ganime export`: a run as a SavedModel."""

import dataclasses
from pathlib import Path
from typing import Annotated, Literal

import tyro


@dataclasses.dataclass(frozen=True)
class Args:
    """Write a run as a SavedModel that needs only TensorFlow."""

    run_dir: Annotated[Path, tyro.conf.Positional]
    """A run directory or a .keras file."""
    out: Annotated[Path, tyro.conf.arg(aliases=["-o"])]
    """Folder to write."""
    checkpoint: Literal["last", "best"] = "last"
    """Which weights of the run."""


def main(argv: list[str], prog: str) -> int:
    """Exports and names the signatures."""
    args = tyro.cli(Args, args=argv, prog=prog)
    from ganime_tf.cli import start

    start()
    from ganime_tf.export import export_saved_model
    from ganime_tf.inference import load
    from ganime_tf.models import Trainable

    model = load(args.run_dir, args.checkpoint)
    if not isinstance(model, Trainable):
        raise ValueError(f"{args.run_dir} is an export already. Give a run directory.")
    export_saved_model(model, args.out)
    print(f"Wrote {args.out}. Its uses:")
    for name, use in model.uses().items():
        print(f"  {name} ({', '.join(use.inputs)}) -> {use.output}: {use.help}")
    return 0
