"""StyleGAN2's weights in the names and shapes of rosinality's PyTorch code."""

import numpy as np

from ganime_tf.convert.stylegan2_layouts import state_of


def prior_state(model) -> dict[str, np.ndarray]:
    """Mapping and synthesis network of a model, without the mean latent.

    Args:
        model: A model with `mapping` and `synthesis`.
    """
    state = {}
    for network in (model.mapping, model.synthesis):
        for key, (variable, _) in state_of(network).items():
            value = np.array(variable)
            if "affine.weight" in key or (key.startswith("fc") and key.endswith("weight")):
                value = value.T
            if key == "w_avg":
                continue
            if key.startswith("fc"):
                number, part = key.removeprefix("fc").split(".")
                state[f"style.{int(number) + 1}.{part}"] = value
            elif key == "b4.const":
                state["input.input"] = value.transpose(2, 0, 1)[None]
            else:
                block, layer, part = key.split(".", 2)
                size = int(block[1:])
                level = int(np.log2(size)) - 2
                if layer == "torgb":
                    name = "to_rgb1" if not level else f"to_rgbs.{level - 1}"
                else:
                    index = 2 * (level - 1) + int(layer[-1])
                    name = "conv1" if not level else f"convs.{index}"
                if part == "noise_const":
                    number = 0 if not level else 2 * (level - 1) + int(layer[-1]) + 1
                    state[f"noises.noise_{number}"] = value[None, None]
                    continue
                if part == "weight":
                    value = value.transpose(3, 2, 0, 1)[None]
                if part == "bias" and layer == "torgb":
                    value = value.reshape(1, -1, 1, 1)
                part = {
                    "weight": "conv.weight",
                    "bias": "bias" if layer == "torgb" else "activate.bias",
                    "noise_strength": "noise.weight",
                    "affine.weight": "conv.modulation.weight",
                    "affine.bias": "conv.modulation.bias",
                }[part]
                state[f"{name}.{part}"] = value.reshape(1) if value.ndim == 0 else value
    return state
