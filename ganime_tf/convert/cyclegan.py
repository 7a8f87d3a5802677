"""Generators of junyanz/pytorch-CycleGAN-and-pix2pix (`latest_net_G_A.pth`) -> CycleGAN.

Layout of a ResNet: one sequence `model.1` (7x7), `model.4` and `model.7` (halvings),
`model.{10 + i}.conv_block.{1, 5}` (residual blocks; 1 and 6 when trained with dropout), then the
two transposed convolutions and the last 7x7. Kernels `(O, I, h, w)`, and `(I, O, h, w)` of the
transposed ones, both become ours by the permutation (2, 3, 1, 0).
"""

import logging
import re
from pathlib import Path

import keras
import numpy as np

from ganime_tf.convert.common import assign, check_width, copy_to_averages, keras_kernel, read_state
from ganime_tf.models.cyclegan import CycleGAN
from ganime_tf.networks.patchgan import PATCH_LAYERS

logger = logging.getLogger(__name__)

_STATISTICS = ("running_mean", "running_var", "num_batches_tracked")
_NAMES = {
    "G_A": "generator_a2b",
    "G_B": "generator_b2a",
    "D_A": "discriminator_b",  # the authors' D_A judges domain B
    "D_B": "discriminator_a",
}


def convert(files: list[Path], **options) -> CycleGAN:
    """Loads the authors' PyTorch networks into a new model.

    Args:
        files: `*_net_G_A.pth`, and optionally `*_net_G_B.pth`, `*_net_D_A.pth`, `*_net_D_B.pth`; a
            network is told by G_A, G_B, D_A, D_B in its file's name, else the first file is a -> b
            and the second b -> a. Networks without a file are new.
        **options: Fields of `CycleGANConfig` to set, e.g. `image_size=128`.

    Returns:
        The model, not compiled.

    Raises:
        ValueError: When a file is no such checkpoint; lists the keys that do not fit.
        FileNotFoundError: When a file is absent.
    """
    states = {}
    for index, path in enumerate(map(Path, files)):
        match = re.search(r"(?<![A-Za-z])([GD]_[AB])(?![A-Za-z])", path.name)
        label = match[1] if match else ("G_A", "G_B")[index] if index < 2 else None
        if label is None or _NAMES[label] in states:
            raise ValueError(
                f"Which network {str(path)!r} is cannot be told. Name the files *_net_G_A.pth, "
                "*_net_G_B.pth, *_net_D_A.pth, *_net_D_B.pth."
            )
        states[_NAMES[label]] = read_state(path)
    generators = [state for name, state in states.items() if name.startswith("generator")]
    if not generators:
        raise ValueError(f"No generator among {[str(path) for path in files]}.")
    fields = describe(generators[0])
    for name, state in states.items():
        if name.startswith("discriminator"):
            check_width(name, state, fields["filters"])
            convolutions = sum(np.ndim(value) == 4 for value in state.values())
            sizes = {n + 2: size for size, n in PATCH_LAYERS.items() if n}
            if convolutions not in sizes:
                raise ValueError(f"{name}: a PatchGAN of {convolutions} convolutions is unknown.")
            fields["patch_size"] = sizes[convolutions]
    model = CycleGAN(**{**fields, **options})
    for name in _NAMES.values():
        if name in states:
            apply_state_dict(getattr(model, name), states[name])
        else:
            logger.warning("No file for %s: it is new, and of no use before training.", name)
    copy_to_averages(model)
    return model


def describe(state: dict[str, np.ndarray]) -> dict:
    """Returns the fields of `CycleGANConfig` that a generator's keys and shapes tell.

    Raises:
        ValueError: When the state is not a ResNet of the release.
    """
    first = state.get("model.1.weight")
    if first is None or first.ndim != 4 or first.shape[1:] != (3, 7, 7):
        raise ValueError(
            "Not a ResNet generator of pytorch-CycleGAN-and-pix2pix: no 7x7 kernel from RGB at "
            f"model.1.weight. The keys begin with {sorted(state)[:3]}."
        )
    blocks = {key.split(".")[1] for key in state if ".conv_block." in key}
    dropped = any(".conv_block.6.weight" in key for key in state)
    fields = {
        "filters": int(first.shape[0]),
        "num_blocks": len(blocks),
        "dropout": 0.5 if dropped else 0.0,
    }
    if len(blocks) == 6:
        fields |= {"image_size": 128, "load_size": 143}
    return fields


def variables_of(network: keras.Model) -> dict[str, keras.Variable]:
    """Returns `{checkpoint key: variable}` of a ResNet or PatchGAN of family "authors"."""
    names = {layer.name for layer in network.layers}
    blocks = sum(re.fullmatch(r"block\d+_conv1", name) is not None for name in names)
    second = 6 if "block0_dropout" in names else 5
    table = {}
    for layer in network.layers:
        if not layer.weights:
            continue
        name = layer.name
        if match := re.fullmatch(r"block(\d+)_conv([12])", name):
            part = 1 if match[2] == "1" else second
            prefix = f"model.{10 + int(match[1])}.conv_block.{part}"
        elif match := re.fullmatch(r"conv(\d+)", name):  # PatchGAN
            prefix = f"model.{max(3 * int(match[1]) - 1, 0)}"
        else:
            prefix = {
                "first": "model.1",
                "down0": "model.4",
                "down1": "model.7",
                "up0": f"model.{10 + blocks}",
                "up1": f"model.{13 + blocks}",
                "last": f"model.{17 + blocks}",
            }[name]
        for variable in layer.weights:
            table[f"{prefix}.{'weight' if variable.name == 'kernel' else 'bias'}"] = variable
    return table


def apply_state_dict(network: keras.Model, state: dict[str, np.ndarray]) -> None:
    """Assigns a checkpoint's arrays to a network; needs no PyTorch.

    Statistics that PyTorch before 0.4 wrote for instance norm are dropped: it never used them.

    Raises:
        ValueError: Listing every missing key, unknown key and wrong shape; nothing is assigned.
    """
    assign(
        network.name,
        {key: (variable, keras_kernel) for key, variable in variables_of(network).items()},
        state,
        unused=lambda key: key.rpartition(".")[2] in _STATISTICS,
        expected="Expected a ResNet generator or PatchGAN with instance norm of "
        "pytorch-CycleGAN-and-pix2pix.",
    )
