"""Checkpoints of znxlwm/UGATIT-pytorch (`*_params_*.pt`) -> U-GAT-IT, variant "torch".

A file holds six `state_dict`s: genA2B, genB2A, disGA, disGB, disLA, disLB. Kernels `(O, I, h, w)`
become `(h, w, I, O)`, dense ones `(O, I)` become `(I, O)`; the full generator's first dense kernel
also goes from `(C, H, W)` to `(H, W, C)` order, a spectral `weight_v` from `(I, h, w)` to
`(h, w, I)`.
"""

import logging
from pathlib import Path

import keras
import numpy as np

from ganime_tf.convert.common import assign, copy_to_averages, keras_kernel, read_networks
from ganime_tf.models.ugatit import UGATIT

logger = logging.getLogger(__name__)

# checkpoint name -> attribute of our model
NETWORKS = {
    "genA2B": "generator_a2b",
    "genB2A": "generator_b2a",
    "disGA": "global_discriminator_a",
    "disGB": "global_discriminator_b",
    "disLA": "local_discriminator_a",
    "disLB": "local_discriminator_b",
}


def convert(files: list[Path], **options) -> UGATIT:
    """Loads an official PyTorch checkpoint: both generators and all four discriminators.

    Full or light, filters, blocks, layers and picture size are read from the checkpoint. The light
    generator does not tell its picture size: 256 unless `image_size` is given.

    Args:
        files: One `.pt` file.
        **options: Fields of `UGATITConfig` to set.

    Returns:
        The model, not compiled.

    Raises:
        ValueError: When the file is no such checkpoint; lists the keys that do not fit.
        FileNotFoundError: When it is absent.
    """
    if len(files) != 1:
        raise ValueError(f"U-GAT-IT's checkpoint is one .pt file. Received {len(files)}.")
    states = read_networks(Path(files[0]))
    if missing := [name for name in NETWORKS if name not in states]:
        raise ValueError(
            f"{str(files[0])!r} lacks {missing}. Expected the networks {list(NETWORKS)}; it has "
            f"{sorted(states)[:10]}."
        )
    model = UGATIT(**{**describe(states), **options})
    for name, attribute in NETWORKS.items():
        apply_state_dict(getattr(model, attribute), states[name])
    copy_to_averages(model)
    return model


def describe(states: dict[str, dict[str, np.ndarray]]) -> dict:
    """Returns the fields of `UGATITConfig` that a checkpoint's keys and shapes tell.

    Raises:
        ValueError: When a generator has not the layout of the release.
    """
    state = states["genA2B"]
    try:
        filters = state["DownBlock.1.weight"].shape[0]
        inputs = state["FC.0.weight"].shape[1]
    except KeyError as error:
        raise ValueError(
            f"genA2B has no key {error}. Expected the layout of znxlwm/UGATIT-pytorch; it has "
            f"{sorted(state)[:5]}."
        ) from error
    fields = {
        "filters": int(filters),
        "num_blocks": sum(key.startswith("UpBlock1_") for key in state) // 4,
        "light": inputs == filters * 4,
    }
    if not fields["light"]:
        fields["image_size"] = 4 * round((inputs / (filters * 4)) ** 0.5)
        fields["load_size"] = fields["image_size"] + 30  # the release's transform
    for field, name in (("global_layers", "disGA"), ("local_layers", "disLA")):
        layers = sum(key.startswith("model.") and key.endswith(".bias") for key in states[name])
        fields[field] = layers + 1
    return fields


def variables_of(network: keras.Model) -> dict[str, tuple[keras.Variable, object]]:
    """Returns `{checkpoint key: (variable, function from PyTorch's array to ours)}`."""
    blocks = sum(layer.name.startswith("encode") for layer in network.layers) // 9
    table = {}

    def rows(height, width):
        def reorder(value):  # v of a spectral norm: (I, h, w) -> (h, w, I)
            return value.reshape(-1, height, width).transpose(1, 2, 0).reshape(-1)

        return reorder

    def add(layer, prefix):
        for variable in layer.weights:
            name = variable.name
            spectral = any(weight.name == "u" for weight in layer.weights)
            if name == "kernel":
                table[f"{prefix}.weight{'_orig' if spectral else ''}"] = (variable, keras_kernel)
            elif name == "u":
                table[f"{prefix}.weight_u"] = (variable, np.asarray)
            elif name == "v":
                size = layer.kernel.shape[:2] if len(layer.kernel.shape) == 4 else (1, 1)
                table[f"{prefix}.weight_v"] = (variable, rows(*size))
            else:
                table[f"{prefix}.{name}"] = (variable, np.ravel)

    for layer in network.layers:
        name = layer.name
        if name == "cam":
            for classifier in ("gap_fc", "gmp_fc"):
                add(getattr(layer, classifier), classifier)
            table["conv1x1.weight"] = (layer.kernel, keras_kernel)
            table["conv1x1.bias"] = (layer.bias, np.ravel)
        elif layer.weights:
            add(layer, _prefix(name, is_generator=blocks > 0 or "down0" in _names(network)))
    if "mlp_grid" in _names(network):
        grid = network.get_layer("mlp_grid").grid

        def flattened(value):
            features = value.reshape(len(value), -1, grid, grid)  # (O, C, H, W)
            return features.transpose(2, 3, 1, 0).reshape(-1, len(value))

        table["FC.0.weight"] = (network.get_layer("mlp0").kernel, flattened)
    return table


def _names(network) -> set[str]:
    return {layer.name for layer in network.layers}


def _prefix(name: str, is_generator: bool) -> str:
    """The checkpoint's prefix of one of our layers."""
    if not is_generator:
        return "conv" if name == "last" else f"model.{1 + 3 * int(name.removeprefix('conv'))}"
    fixed = {"mlp0": "FC.0", "mlp1": "FC.2", "last": "UpBlock2.11"}
    if name in fixed or name in ("gamma", "beta"):
        return fixed.get(name, name)
    stage, _, part = name.partition("_")
    index = int("".join(filter(str.isdigit, stage)))
    if stage.startswith("down"):
        return f"DownBlock.{1 + 4 * index}"
    if stage.startswith("up"):
        return f"UpBlock2.{2 + 5 * index + (part == 'norm')}"
    number = int(part[4])  # conv1 or conv2, with or without _norm
    if stage.startswith("encode"):
        return f"DownBlock.{12 + index}.conv_block.{1 if number == 1 else 5}"
    return f"UpBlock1_{index + 1}.{'norm' if part.endswith('norm') else 'conv'}{number}"


def apply_state_dict(network: keras.Model, state: dict[str, np.ndarray]) -> None:
    """Assigns a checkpoint's arrays to a network of variant "torch"; needs no PyTorch.

    Raises:
        ValueError: Listing every missing key, unknown key and wrong shape; nothing is assigned.
    """
    assign(
        network.name,
        variables_of(network),
        state,
        expected="Expected a checkpoint of znxlwm/UGATIT-pytorch.",
    )
