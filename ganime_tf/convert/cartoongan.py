"""CartoonGAN's released generators (`Hayao_net_G_float.pth`, or the same arrays as `.npz`).

Layout: keys are our layers' names plus `.weight`, `.bias` (convolutions) and `.scale`, `.shift`
(instance norms). Kernels `(O, I, h, w)`, and `(I, O, h, w)` of `deconv01_1` and `deconv02_1`,
become Keras' by the permutation (2, 3, 1, 0). The release works on BGR: the first kernel's inputs
and the last one's outputs are reversed here, so that the converted network works on RGB.
"""

import logging
from pathlib import Path

import keras
import numpy as np

from ganime_tf.convert.pix2pix import read_state_dict
from ganime_tf.models.cartoongan import CartoonGAN

logger = logging.getLogger(__name__)

_SUFFIXES = {"kernel": "weight", "bias": "bias", "gamma": "scale", "beta": "shift"}


def convert(files: list[Path], **options) -> CartoonGAN:
    """Loads a released generator into a new model; the discriminator was never released.

    Args:
        files: One `.pth` or `.npz` file.
        **options: Fields of `CartoonGANConfig` to set.

    Returns:
        The model, not compiled. Its discriminator is new: enough to translate.

    Raises:
        ValueError: When there is not one file, or lists the keys that do not fit.
        FileNotFoundError: When the file is absent.
        ImportError: When a `.pth` is given and PyTorch is not installed.
    """
    if len(files) != 1:
        raise ValueError(
            f"Expected one file, STYLE_net_G_float.pth or .npz. Received {len(files)}."
        )
    state = read_arrays(Path(files[0]))
    if "conv01_1.weight" not in state:
        raise ValueError(
            f"{str(files[0])!r} is no CartoonGAN generator: key conv01_1.weight is missing. Its "
            f"keys begin with {sorted(state)[:3]}."
        )
    filters = int(state["conv01_1.weight"].shape[0])
    blocks = sum(key.startswith("conv") and key.endswith("_2.weight") for key in state) - 2
    model = CartoonGAN(**{"filters": filters, "num_blocks": blocks, **options})
    apply_state_dict(model.generator, state)
    for average in model.ema_networks.values():
        average.set_weights(model.generator.get_weights())
    logger.warning("The discriminator is new: do not train on from here.")
    return model


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Reads `{key: array}` from an `.npz` or a `.pth` file, without running any code in it.

    Raises:
        FileNotFoundError: When it is absent.
        ValueError: When it holds something else.
        ImportError: When a `.pth` is given and PyTorch is not installed.
    """
    if path.suffix != ".npz":
        return read_state_dict(path)
    try:
        with np.load(path, allow_pickle=False) as file:
            return {key: file[key] for key in file.files}
    except FileNotFoundError:
        raise FileNotFoundError(f"No checkpoint file {str(path)!r}.") from None
    except (ValueError, OSError, EOFError) as error:
        raise ValueError(f"{str(path)!r} is not an .npz file of plain arrays: {error}") from error


def apply_state_dict(network: keras.Model, state: dict[str, np.ndarray]) -> None:
    """Assigns a release's arrays to a `build_cartoon_generator` network.

    Args:
        network: The generator.
        state: `{key: array}` in PyTorch's shapes and BGR.

    Raises:
        ValueError: Listing every missing key, unknown key and wrong shape; nothing is assigned.
    """
    wanted = {
        f"{layer.name}.{_SUFFIXES[variable.name]}": variable
        for layer in network.layers
        for variable in layer.weights
    }
    assign_all(wanted, {key: _to_keras(key, value) for key, value in state.items()}, network.name)


def _to_keras(key, value):
    if key == "conv01_1.weight":
        value = value[:, ::-1]
    elif key.startswith("deconv03_1."):
        value = value[::-1]
    return value.transpose(2, 3, 1, 0) if value.ndim == 4 else value


def assign_all(wanted: dict, values: dict[str, np.ndarray], name: str) -> None:
    """Assigns every value to the variable of its key.

    Args:
        wanted: `{key: variable}`.
        values: `{key: array}` in the variables' shapes.
        name: Of the network, for the error.

    Raises:
        ValueError: Listing every missing key, unknown key and wrong shape; nothing is assigned.
    """
    shapes = [
        f"{key} {values[key].shape}, expected {tuple(wanted[key].shape)} (in Keras' order)"
        for key in sorted(wanted.keys() & values.keys())
        if values[key].shape != tuple(wanted[key].shape)
    ]
    lists = (
        ("missing", sorted(wanted.keys() - values.keys())),
        ("unknown", sorted(values.keys() - wanted.keys())),
        ("of another shape", shapes),
    )
    if problems := "; ".join(f"{len(k)} {what}: {', '.join(k)}" for what, k in lists if k):
        raise ValueError(f"The checkpoint does not fit the network {name!r}. Keys {problems}.")
    for key, variable in wanted.items():
        variable.assign(values[key])
