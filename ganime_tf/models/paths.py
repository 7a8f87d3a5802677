"""Names of variables that stay the same from process to process.

Keras numbers unnamed layers over the whole process (`conv2d_17`); here they are numbered anew in
every network, so that checkpoints and borrowed weights are found by name, not by position.
"""

import re

import keras

_NUMBER = re.compile(r"_\d+$")


def network_paths(network: keras.Model) -> dict[str, keras.Variable]:
    """Returns the variables of a network by their path inside it, in the network's order."""
    named, taken = {}, {}
    for variable in network.variables:
        path, original = "", ""
        for part in variable.path.split("/"):
            if not original and part == network.name:
                continue
            original += "/" + part
            base = _NUMBER.sub("", part)
            siblings = taken.setdefault((path, base), {})
            number = siblings.setdefault(original, len(siblings))
            path += f"/{base}_{number}" if number else f"/{base}"
        named[_free(path[1:], named)] = variable
    return named


def model_paths(model) -> dict[str, keras.Variable]:
    """Returns every variable of a model: its networks' by network, and the rest by its own path.

    Args:
        model: A `Trainable`.
    """
    found = {}
    for name, network in model.networks.items():
        found |= {f"{name}/{path}": v for path, v in network_paths(network).items()}
    known = {id(variable) for variable in found.values()}
    for variable in model.variables:
        if id(variable) not in known:
            path = "/".join(_NUMBER.sub("", part) for part in variable.path.split("/"))
            found[_free(path, found)] = variable
    return found


def _free(path: str, taken: dict) -> str:
    """The path, or with a number where it is taken: unnamed variables share one."""
    name, copy = path, 1
    while name in taken:
        copy += 1
        name = f"{path}.{copy}"
    return name


def copy_weights(source: keras.Model, target: keras.Model) -> None:
    """Copies a network's variables by path.

    Raises:
        ValueError: When a path is missing, or has another shape; says which.
    """
    ours, theirs = network_paths(target), network_paths(source)
    missing = sorted(ours.keys() - theirs.keys())
    wrong = [
        f"{path} {tuple(theirs[path].shape)} there, {tuple(v.shape)} here"
        for path, v in ours.items()
        if path in theirs and tuple(theirs[path].shape) != tuple(v.shape)
    ]
    if missing or wrong:
        problems = [f"{path} is missing" for path in missing] + wrong
        raise ValueError(
            f"The network {source.name!r} does not fit: {'; '.join(problems[:5])}"
            f"{f' and {len(problems) - 5} more' if len(problems) > 5 else ''}. Use the config that "
            "it was trained with."
        )
    for path, variable in ours.items():
        variable.assign(theirs[path])
