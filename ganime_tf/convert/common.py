"""What all converters share: how PyTorch lays arrays out, and the one assigner."""

from ganime_tf.weights import assign, read_networks, read_state

__all__ = ["assign", "copy_to_averages", "keras_kernel", "read_networks", "read_state", "split"]


def split(name: str, state: dict, prefixes: tuple[str, ...]) -> tuple[dict, ...]:
    """Divides a state by the beginnings of its keys, which are taken off.

    Args:
        name: What the state is of, for the error.
        state: Arrays by key.
        prefixes: The beginnings; every key has one of them.

    Returns:
        A state for each of the prefixes.

    Raises:
        ValueError: Listing the keys that begin otherwise.
    """
    if unknown := sorted(key for key in state if not key.startswith(prefixes)):
        more = f" and {len(unknown) - 12} more" if len(unknown) > 12 else ""
        raise ValueError(
            f"The checkpoint does not fit {name}. Keys {len(unknown)} unknown: "
            f"{', '.join(unknown[:12])}{more}. Expected {', '.join(prefixes)}."
        )
    return tuple(
        {key.removeprefix(prefix): v for key, v in state.items() if key.startswith(prefix)}
        for prefix in prefixes
    )


def check_width(name: str, state: dict, filters: int) -> None:
    """Refuses a discriminator of another width than the generator's: a config has one for both.

    Args:
        name: The file or network.
        state: Its arrays by key.
        filters: Channels of the generator's first layer.

    Raises:
        ValueError: With both widths.
    """
    first = next((state[key] for key in ("model.0.weight", "net.0.weight") if key in state), None)
    if first is not None and first.shape[0] != filters:
        raise ValueError(
            f"{name} was trained with --ndf {first.shape[0]} and the generator with --ngf "
            f"{filters}: one model has one width. Leave the discriminator out: the generator alone "
            "translates."
        )


def keras_kernel(value):
    """PyTorch's kernel as Keras': `(O, I, h, w)` to `(h, w, I, O)`, `(O, I)` to `(I, O)`.

    A transposed convolution's `(I, O, h, w)` becomes Keras' `(h, w, O, I)` by the same permutation.
    Vectors stay as they are.
    """
    if value.ndim == 4:
        return value.transpose(2, 3, 1, 0)
    return value.T if value.ndim == 2 else value


def copy_to_averages(model) -> None:
    """Starts the moving averages of a converted model at its weights."""
    for name, average in model.ema_networks.items():
        average.set_weights(model.networks[name].get_weights())
