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

from ganime_tf.convert.common import assign, copy_to_averages, keras_kernel, read_state
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
    """
    if len(files) != 1:
        raise ValueError(
            f"Expected one file, STYLE_net_G_float.pth or .npz. Received {len(files)}."
        )
    state = read_state(Path(files[0]))
    if "conv01_1.weight" not in state:
        raise ValueError(
            f"{str(files[0])!r} is no CartoonGAN generator: key conv01_1.weight is missing. Its "
            f"keys begin with {sorted(state)[:3]}."
        )
    filters = int(state["conv01_1.weight"].shape[0])
    blocks = sum(key.startswith("conv") and key.endswith("_2.weight") for key in state) - 2
    model = CartoonGAN(**{"filters": filters, "num_blocks": blocks, **options})
    apply_state_dict(model.generator, state)
    copy_to_averages(model)
    logger.warning("The discriminator is new: do not train on from here.")
    return model


def apply_state_dict(network: keras.Model, state: dict[str, np.ndarray]) -> None:
    """Assigns a release's arrays to a `build_cartoon_generator` network.

    Args:
        network: The generator.
        state: `{key: array}` in PyTorch's shapes and BGR.

    Raises:
        ValueError: Listing every missing key, unknown key and wrong shape; nothing is assigned.
    """
    wanted = {
        f"{layer.name}.{_SUFFIXES[variable.name]}": (variable, _reorder(layer.name, variable.name))
        for layer in network.layers
        for variable in layer.weights
    }
    assign(network.name, wanted, state, expected="Expected a released CartoonGAN generator.")


def _reorder(layer: str, variable: str):
    if layer == "conv01_1" and variable == "kernel":
        return lambda value: keras_kernel(value[:, ::-1])
    if layer == "deconv03_1":
        return lambda value: keras_kernel(value[::-1])
    return keras_kernel
