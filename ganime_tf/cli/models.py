"""`ganime models`: what there is to train."""


def main(argv: list[str], prog: str) -> int:
    """Prints every model with its paper's line, data form and presets."""
    if argv and argv[0] in ("-h", "--help"):
        print(f"usage: {prog}\n\nLists models, presets and papers.")
        return 0
    if argv:
        raise ValueError(f"`{prog}` takes no options. Received {' '.join(argv)}.")
    import sys

    from ganime_tf.cli import start

    start()
    from ganime_tf.models import MODELS, get_presets

    for name in MODELS:
        cls = MODELS[name]
        module = sys.modules[cls.__module__].__doc__.split("\n\n")
        print(f"{name}: {cls.__doc__.splitlines()[0]}")
        print(f"  data     {cls.data_kind}")
        print(f"  presets  {', '.join(get_presets(name))}")
        for line in " ".join(module[1].split()).split(" Official code")[:1]:
            print(f"  {line}")
        print()
    return 0
