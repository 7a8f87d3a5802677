"""Names of StyleGAN2 checkpoints -> our layers, for the official PyTorch code and rosinality's.

Convolutions `(O, I, h, w)` become `(h, w, I, O)` without a flip, also the transposed ones; dense
weights are transposed; the first dense layer of a discriminator goes from `(C, H, W)` to
`(H, W, C)` order. Buffers with the filter [1, 3, 3, 1] are checked and left out.
"""

import keras
import numpy as np

from ganime_tf.convert.common import assign

_FILTERS = ("resample_filter", "kernel")


def state_of(network: keras.Model) -> dict[str, tuple[keras.Variable, object]]:
    """Returns `{official name: (variable, function from PyTorch's array to ours)}`."""
    table = {}

    def conv(value):
        value = value.reshape(value.shape[-4:])  # rosinality has one axis more
        return value.transpose(2, 3, 1, 0)

    def rows(value):  # (O, C * 4 * 4) -> (4 * 4 * C, O)
        value = value.reshape(len(value), -1, 4, 4)
        return value.transpose(2, 3, 1, 0).reshape(-1, len(value))

    def add(prefix, layer):
        for variable in layer.variables:
            path = variable.path.split("/")
            if variable.name == "kernel" and path[-2] == "affine":
                table[f"{prefix}.affine.weight"] = (variable, np.transpose)
            elif variable.name == "bias" and path[-2] == "affine":
                table[f"{prefix}.affine.bias"] = (variable, np.ravel)
            elif variable.name == "kernel":
                square = len(variable.shape) == 4
                reorder = conv if square else rows if layer.name == "b4_fc" else np.transpose
                table[f"{prefix}.weight"] = (variable, reorder)
            elif variable.name == "bias":
                table[f"{prefix}.bias"] = (variable, np.ravel)
            elif variable.name == "strength":
                table[f"{prefix}.noise_strength"] = (variable, lambda v: v.reshape(()))
            elif variable.name == "map":
                size = tuple(variable.shape)
                table[f"{prefix}.noise_const"] = (variable, lambda v, s=size: v.reshape(s))
            elif variable.name == "constant":
                table["b4.const"] = (variable, lambda v: v.reshape(-1, 4, 4).transpose(1, 2, 0))
            elif variable.name == "mean":
                table["w_avg"] = (variable, np.ravel)

    mapped = network.name != "mapping"
    for layer in network.layers:
        prefix = layer.name
        if mapped and prefix[:2] in ("fc", "em"):
            prefix = f"mapping.{prefix}"
        add(prefix.replace("_", ".", 1), layer)
    return table


def apply_state(network: keras.Model, state: dict[str, np.ndarray]) -> None:
    """Assigns a part of an official checkpoint ("mapping.", "synthesis." cut off) to a network.

    Raises:
        ValueError: Listing every missing key, unknown key and wrong shape; nothing is assigned.
    """
    for key, value in state.items():
        if _is_filter(key):
            _check_filter(key, np.asarray(value, np.float32))
    assign(
        network.name,
        state_of(network),
        state,
        unused=_is_filter,
        expected="Expected a StyleGAN2 of rosinality's or NVIDIA's PyTorch code.",
    )


def _is_filter(key: str) -> bool:
    return key.rsplit(".", 1)[-1] in _FILTERS


def _check_filter(key: str, value: np.ndarray) -> None:
    taps = np.array([1.0, 3.0, 3.0, 1.0]) / 8.0
    kernel = np.outer(taps, taps)
    if value.shape == (4,):
        kernel = taps
    close = value.shape == kernel.shape and any(
        np.allclose(value, gain * kernel, atol=1e-6) for gain in (1.0, 4.0)
    )
    if not close:
        raise ValueError(f"{key} is another filter than [1, 3, 3, 1]: {value.tolist()}.")


def rosinality_generator(state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Renames rosinality's generator: official names with "mapping." and "synthesis."."""
    out = {}
    for key, value in state.items():
        parts = key.split(".")
        head, rest = parts[0], parts[1:]
        if head == "style":
            out[f"mapping.fc{int(rest[0]) - 1}.{rest[1]}"] = value
        elif head == "input":
            out["synthesis.b4.const"] = value
        elif head == "noises":
            number = int(rest[0].removeprefix("noise_"))
            out[f"synthesis.{_layer(number - 1)}.noise_const"] = value
        elif head == "conv1":
            out[f"synthesis.b4.conv1.{_part(rest)}"] = value
        elif head == "convs":
            out[f"synthesis.{_layer(int(rest[0]))}.{_part(rest[1:])}"] = value
        elif head == "to_rgb1":
            out[f"synthesis.b4.torgb.{_part(rest)}"] = value
        elif head == "to_rgbs":
            out[f"synthesis.b{8 << int(rest[0])}.torgb.{_part(rest[1:])}"] = value
        else:
            out[key] = value
    return out


def _layer(index: int) -> str:
    return "b4.conv1" if index < 0 else f"b{8 << index // 2}.conv{index % 2}"


def _part(rest: list[str]) -> str:
    key = ".".join(rest)
    names = {
        "conv.weight": "weight",
        "activate.bias": "bias",
        "noise.weight": "noise_strength",
        "conv.modulation.weight": "affine.weight",
        "conv.modulation.bias": "affine.bias",
    }
    return names.get(key, key)


def rosinality_discriminator(state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Renames rosinality's discriminator to the official names."""
    blocks = max(int(key.split(".")[1]) for key in state if key.startswith("convs."))
    size = 4 << blocks
    names = {"conv1": "conv0", "conv2": "conv1", "skip": "skip"}
    last = {"final_conv": "b4.conv", "final_linear.0": "b4.fc", "final_linear.1": "b4.out"}
    out = {}
    for key, value in state.items():
        parts = key.split(".")
        if key.endswith(".kernel"):
            out[key] = value
        elif parts[0] == "convs" and parts[1] == "0":
            out[f"b{size}.fromrgb.{parts[-1]}"] = value
        elif parts[0] == "convs" and parts[2] in names:
            out[f"b{size >> (int(parts[1]) - 1)}.{names[parts[2]]}.{parts[-1]}"] = value
        elif parts[0] == "final_conv":
            out[f"{last['final_conv']}.{parts[-1]}"] = value
        elif ".".join(parts[:2]) in last:
            out[f"{last['.'.join(parts[:2])]}.{parts[-1]}"] = value
        else:
            out[key] = value
    return out
