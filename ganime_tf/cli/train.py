"""`ganime train MODEL`: train a model, or resume a run."""

import dataclasses
import os

COLOURISER = ("colour-barrier", "colour-shade", "colour-match")
"""The networks of `ganime color`, which are trained on what the package draws."""


def main(argv: list[str], prog: str) -> int:
    """Trains `MODEL` with the fields of its config and of `RunConfig` as flags.

    Args:
        argv: `[MODEL] [--preset P] [--FIELD VALUE ...]`.
        prog: Name shown in the help.

    Returns:
        0, or 128 plus the signal that stopped the run.
    """
    from ganime_tf.models import MODELS, check_model, get_preset, get_presets

    if not argv or argv[0].startswith("-"):
        names = ", ".join((*MODELS, *COLOURISER))
        print(f"usage: {prog} MODEL [--preset P] [options]\n\nModels: {names}")
        print(f"\n{prog} MODEL --help lists every option with its default.")
        return 0 if argv else 2
    model, *argv = argv
    prog = f"{prog} {model}"
    preset, argv = _take_preset(argv)
    if model in COLOURISER:
        from ganime_tf.cli import train_colouriser

        return train_colouriser.main(argv, prog, _of_colouriser(model, preset))
    check_model(model)
    config = get_preset(model, preset)

    import tyro

    from ganime_tf.cli.options import parse
    from ganime_tf.configs.run import RunConfig

    default_dir = os.path.join("runs", preset or model)

    @dataclasses.dataclass(frozen=True)
    class Run(RunConfig):
        __doc__ = RunConfig.__doc__
        run_dir: str = default_dir

    def command(paper: type(config) = config, run: Run = Run()) -> tuple:  # noqa: B008
        return paper, run

    presets = ", ".join(get_presets(model))
    paper, run = parse(
        command,
        argv,
        prog,
        description=f"{type(config).__doc__.splitlines()[0]}\n\n--preset: {presets}. "
        f"The defaults below are those of {preset or presets.split(', ')[0]}.",
        config=(tyro.conf.OmitArgPrefixes,),
    )
    from ganime_tf.cli import start

    start()
    from ganime_tf.training.run import train

    result = train(model, paper, run)
    if result.signal is not None:
        return 128 + result.signal
    if run.dry_run:
        print("Dry run: data and model are usable; nothing was written.")
    else:
        print(f"Trained to step {result.step}. Everything is in {result.run_dir}.")
    return 0


def _of_colouriser(model: str, preset: str | None) -> str:
    """The preset of one of the colouriser's networks."""
    from ganime_tf.configs.colour_barrier import PRESETS

    known = [name for name in PRESETS if name.startswith(model)]
    if preset not in (None, *known):
        raise ValueError(f"{model} has no preset {preset!r}. Presets: {', '.join(known)}.")
    return preset or model


def _take_preset(argv: list[str]) -> tuple[str | None, list[str]]:
    """Removes `--preset P` or `--preset=P`: it decides which defaults the flags have."""
    rest, preset = [], None
    arguments = iter(argv)
    for argument in arguments:
        if argument == "--preset":
            preset = next(arguments, None)
            if preset is None:
                raise ValueError("--preset needs a name, e.g. --preset ganime-tv.")
        elif argument.startswith("--preset="):
            preset = argument.partition("=")[2]
        else:
            rest.append(argument)
    return preset, rest
