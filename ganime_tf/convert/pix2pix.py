"""Checkpoints of junyanz/pytorch-CycleGAN-and-pix2pix (`latest_net_G.pth`) -> Pix2Pix.

Layout, read from that code: the U-Net is nested. Level 0 is `model.model`, level 1
`model.model.1`, every further level appends `.model.3`:

| | level 0 | between | innermost |
| --- | --- | --- | --- |
| convolution down, norm | `.0`, none | `.model.1`, `.model.2` | `.model.1`, none |
| convolution up, norm | `.3`, none | `.model.5`, `.model.6` | `.model.3`, `.model.4` |

A PatchGAN is one sequence `model.0`, `model.2`, `model.3`, `model.5`, ...; a PixelGAN is `net.*`.
A kernel `(O, I, h, w)` of a convolution, and `(I, O, h, w)` of a transposed one, both become Keras'
by the permutation (2, 3, 1, 0). Input channels stay in place: the skip comes first in both.
"""

import logging
import re
from pathlib import Path

import keras
import numpy as np

from ganime_tf.convert.common import assign, check_width, copy_to_averages, keras_kernel, read_state
from ganime_tf.models.pix2pix import Pix2Pix
from ganime_tf.networks.patchgan import PATCH_LAYERS

logger = logging.getLogger(__name__)

_SUFFIXES = {
    "kernel": "weight",
    "bias": "bias",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
_STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


def convert(files: list[Path], **options) -> Pix2Pix:
    """Loads the authors' PyTorch checkpoint into a new model.

    Levels, filters, norm and patch size are read from the checkpoint; the picture size is the one
    whose innermost map is 1x1 (256 px for 8 levels).

    Args:
        files: `*_net_G.pth`, and optionally `*_net_D.pth` in any order. Without the second the
            discriminator is new: enough to translate, not to continue training.
        **options: Fields of `Pix2PixConfig` to set, e.g. `inference="sources"` for the authors' way
            of testing (batch statistics, dropout).

    Returns:
        The model, not compiled.

    Raises:
        ValueError: When a file is no such checkpoint, or lists the keys that do not fit.
        FileNotFoundError: When a file is absent.
    """
    generator_state, discriminator_state = _sort([(Path(f), read_state(f)) for f in files])
    fields = _describe_generator(generator_state)
    if discriminator_state is not None:
        check_width("The discriminator", discriminator_state, fields["filters"])
        fields["patch_size"] = _patch_size(discriminator_state)
    model = Pix2Pix(family="authors", **{**fields, **options})
    apply_state_dict(model.generator, generator_state)
    if discriminator_state is None:
        logger.warning("No discriminator among the files: it is new, so do not train on from here.")
    else:
        apply_state_dict(model.discriminator, discriminator_state)
    copy_to_averages(model)
    return model


def apply_state_dict(network: keras.Model, state: dict[str, np.ndarray]) -> None:
    """Assigns a checkpoint's arrays to a network of family "authors"; needs no PyTorch.

    Nothing is assigned unless every key fits. Statistics that PyTorch before 0.4 wrote for instance
    norm, and BN's counters, have no counterpart: they are reported to the log.

    Args:
        network: From `build_unet` or `build_patchgan`.
        state: `{key: array}` in PyTorch's shapes.

    Raises:
        ValueError: Listing every missing key, unknown key and wrong shape.
    """
    wanted, unused = {}, set()
    for layer in network.layers:
        prefix = _prefix(layer.name, network)
        if prefix is None:
            continue
        for variable in layer.weights:
            wanted[f"{prefix}.{_SUFFIXES[variable.name]}"] = variable
        if "norm" in layer.name:
            unused.update(f"{prefix}.{name}" for name in _STATISTICS)
    unused -= set(wanted)
    assign(
        network.name,
        {key: (variable, keras_kernel) for key, variable in wanted.items()},
        state,
        unused=unused,
        expected="Convert a Pix2Pix checkpoint of pytorch-CycleGAN-and-pix2pix, with the options "
        "it was made by.",
    )
    left = sorted(unused & state.keys())
    counters = [key for key in left if key.endswith("num_batches_tracked")]
    if counters:
        logger.info("%d counters (num_batches_tracked) have no counterpart.", len(counters))
    if statistics := sorted(set(left) - set(counters)):
        logger.info("Instance norm keeps no statistics: left out %s", ", ".join(statistics))


def _prefix(layer: str, network: keras.Model) -> str | None:
    """The checkpoint's prefix of a layer with weights, None for the others."""
    match = re.fullmatch(r"(down|up|conv|norm)(\d+)(_norm)?", layer)
    if not match:
        return None
    kind, index, is_norm = match[1], int(match[2]), bool(match[3])
    names = {each.name for each in network.layers}
    if kind in ("conv", "norm"):
        # Only the PixelGAN pads nothing, and only it is called `net` in the checkpoints.
        sequence = "model" if any(name.startswith("pad") for name in names) else "net"
        return f"{sequence}.{max(3 * index - 1, 0) + (kind == 'norm')}"
    if index == 0:
        return f"model.model.{0 if kind == 'down' else 3}"
    innermost = f"down{index + 1}" not in names
    position = (1 if kind == "down" else 3 if innermost else 5) + is_norm
    return f"model.model.1{'.model.3' * (index - 1)}.model.{position}"


def _sort(states):
    """Splits the files into a generator's and (perhaps) a discriminator's state."""
    generators, discriminators = [], []
    for path, state in states:
        if "model.model.0.weight" in state:
            generators.append(state)
        elif {"model.11.weight", "model.0.weight"} & set(state) or "net.0.weight" in state:
            discriminators.append(state)
        else:
            raise ValueError(
                f"{str(path)!r} holds neither Pix2Pix' U-Net (key model.model.0.weight) nor its "
                f"discriminator (model.0.weight). Its keys begin with {sorted(state)[:3]}; "
                "keys such as model.1.weight are CycleGAN's ResNet."
            )
    if len(generators) != 1 or len(discriminators) > 1:
        raise ValueError(
            f"Expected one generator and at most one discriminator. Received {len(generators)} and "
            f"{len(discriminators)}. Give `latest_net_G.pth` and, if there is one, "
            "`latest_net_D.pth`."
        )
    return generators[0], discriminators[0] if discriminators else None


def _describe_generator(state) -> dict:
    """The fields of `Pix2PixConfig` that a U-Net's keys and shapes tell."""
    prefix, levels = "model.model.1", 2
    while f"{prefix}.model.5.weight" in state:
        prefix, levels = f"{prefix}.model.3", levels + 1
    filters, channels = state["model.model.0.weight"].shape[:2]
    last = state.get("model.model.3.weight")
    out = channels if last is None else last.shape[1]
    if (channels, out) != (3, 3):
        raise ValueError(
            f"The checkpoint maps {channels} channels to {out}. Only RGB to RGB can be converted."
        )
    size = 2**levels
    return {
        "image_size": size,
        "load_size": round(size * 286 / 256),
        "levels": levels,
        "filters": int(filters),
        "norm": "batch" if f"{prefix}.model.4.weight" in state else "instance",
    }


def _patch_size(state) -> int:
    """The receptive field, from the number of convolutions."""
    if "net.0.weight" in state:
        return 1
    convolutions = sum(np.ndim(value) == 4 for value in state.values())
    for size, num_strided in PATCH_LAYERS.items():
        if size > 1 and num_strided + 2 == convolutions:
            return size
    raise ValueError(
        f"A discriminator of {convolutions} convolutions is not supported. Expected "
        f"{sorted(n + 2 for n in PATCH_LAYERS.values() if n)}."
    )
