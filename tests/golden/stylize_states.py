"""Weights and pictures that the PyTorch generator of the golden file and the tests both draw."""

import numpy as np


def _draw(shapes: dict, seed: int) -> dict:
    rng = np.random.RandomState(seed)
    state = {}
    for name, shape in shapes.items():
        value = rng.normal(size=shape)
        if len(shape) == 4:
            value *= np.sqrt(2.0 / np.prod(shape[1:]))
        elif name.endswith("scale") or (name.endswith("weight") and len(shape) == 1):
            value = 1.0 + 0.1 * value
        else:
            value *= 0.1
        state[name] = value.astype(np.float32)
    return state


def cartoon_state(filters: int = 2, num_blocks: int = 1, seed: int = 1) -> dict:
    """Random arrays in the layout of CartoonGAN's release."""
    f = filters
    convs = {"conv01_1": (f, 3, 7), "conv02_1": (2 * f, f, 3), "conv02_2": (2 * f, 2 * f, 3)}
    convs |= {"conv03_1": (4 * f, 2 * f, 3), "conv03_2": (4 * f, 4 * f, 3)}
    norms = {"in01_1": f, "in02_1": 2 * f, "in03_1": 4 * f}
    for index in range(4, 4 + num_blocks):
        for half in (1, 2):
            convs[f"conv{index:02}_{half}"] = (4 * f, 4 * f, 3)
            norms[f"in{index:02}_{half}"] = 4 * f
    convs |= {"deconv01_1": (4 * f, 2 * f, 3), "deconv01_2": (2 * f, 2 * f, 3)}
    convs |= {"deconv02_1": (2 * f, f, 3), "deconv02_2": (f, f, 3), "deconv03_1": (3, f, 7)}
    norms |= {"in12_1": 2 * f, "in13_1": f}
    shapes = {}
    for name, (out, into, size) in convs.items():
        shapes[f"{name}.weight"] = (out, into, size, size)
        # A transposed kernel is (in, out, h, w).
        shapes[f"{name}.bias"] = (into if name in ("deconv01_1", "deconv02_1") else out,)
    for name, width in norms.items():
        shapes |= {f"{name}.scale": (width,), f"{name}.shift": (width,)}
    return _draw(shapes, seed)


def animegan_state(filters: int = 2, seed: int = 2) -> dict:
    """Random arrays in the layout of bryandlee/animegan2-pytorch."""
    f = filters
    plain = {"a": [(3, f, 7), (f, 2 * f, 3), (2 * f, 2 * f, 3)]}
    plain |= {"b": [(2 * f, 4 * f, 3), (4 * f, 4 * f, 3)]}
    plain |= {"d": [(4 * f, 4 * f, 3), (4 * f, 4 * f, 3)]}
    plain |= {"e": [(4 * f, 2 * f, 3), (2 * f, 2 * f, 3), (2 * f, f, 7)]}
    shapes = {}

    def conv_norm(prefix, into, out, size):
        shapes[f"{prefix}.1.weight"] = (out, into, size, size)
        shapes[f"{prefix}.2.weight"] = shapes[f"{prefix}.2.bias"] = (out,)

    for stage, convs in plain.items():
        for index, sizes in enumerate(convs):
            conv_norm(f"block_{stage}.{index}", *sizes)
    conv_norm("block_c.0", 4 * f, 4 * f, 3)
    for index in range(1, 5):
        into = 4 * f if index == 1 else 8 * f
        prefix = f"block_c.{index}.layers"
        conv_norm(f"{prefix}.0", into, 2 * into, 1)
        shapes[f"{prefix}.1.1.weight"] = (2 * into, 1, 3, 3)
        shapes[f"{prefix}.1.1.bias"] = (2 * into,)
        shapes[f"{prefix}.1.2.weight"] = shapes[f"{prefix}.1.2.bias"] = (2 * into,)
        shapes[f"{prefix}.2.weight"] = (8 * f, 2 * into, 1, 1)
        shapes[f"{prefix}.3.weight"] = shapes[f"{prefix}.3.bias"] = (8 * f,)
    conv_norm("block_c.5", 8 * f, 4 * f, 3)
    shapes["out_layer.0.weight"] = (3, f, 1, 1)
    return _draw(shapes, seed)


def discriminator_state(filters: int = 2, seed: int = 3) -> dict:
    """Random kernels (OIHW), norms and unit vectors u of the discriminator."""
    f = filters
    widths = [3, f, 2 * f, 4 * f, 4 * f, 8 * f, 8 * f, 1]
    shapes = {}
    for index in range(7):
        shapes[f"conv{index}.weight"] = (widths[index + 1], widths[index], 3, 3)
        shapes[f"conv{index}.u"] = (widths[index + 1],)
        if index in (2, 4, 5):
            shapes[f"norm{index}.weight"] = shapes[f"norm{index}.shift"] = (widths[index + 1],)
    state = _draw(shapes, seed)
    for name, value in state.items():
        if name.endswith(".u"):
            state[name] = value / np.linalg.norm(value)
    return state


def vgg_state(filters: int = 2, seed: int = 4) -> dict:
    """Random kernels (OIHW) and biases of VGG-19 up to block4_conv4."""
    shapes, into = {}, 3
    for block, count in enumerate((2, 2, 4, 4), 1):
        out = filters * 2 ** (block - 1)
        for index in range(1, count + 1):
            shapes[f"block{block}_conv{index}.weight"] = (out, into, 3, 3)
            shapes[f"block{block}_conv{index}.bias"] = (out,)
            into = out
    return _draw(shapes, seed)


def pictures(keys, count: int = 2, size: int = 32, seed: int = 5) -> dict:
    """Random pictures in [-1, 1], NHWC."""
    rng = np.random.RandomState(seed)
    return {key: rng.uniform(-1, 1, (count, size, size, 3)).astype(np.float32) for key in keys}
