"""VGG-16 and VGG-19 as feature networks, with every convolution before and after its ReLU.

Simonyan and Zisserman 2015 (arXiv 1409.1556), table 1, columns D and E. There are two sets of
weights: those that `keras.applications` distributes (Caffe's: BGR in [0, 255] minus the mean of
ImageNet), and torchvision's (RGB, standardised), which LPIPS was fitted to.
"""

from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
from keras import layers, ops

from ganime_tf.weights import assign

_CONVS = {16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
_BGR_MEAN = (103.939, 116.779, 123.68)


def preprocess_vgg(images):
    """Turns RGB in [-1, 1] into VGG's input: BGR in [0, 255] minus the ImageNet mean."""
    images = (ops.cast(images, "float32") + 1.0) * 127.5
    return images[..., ::-1] - ops.convert_to_tensor(_BGR_MEAN, "float32")


def vgg_taps(depth: int = 19) -> list[str]:
    """Names of the outputs of `build_vgg` in order of depth, `block1_conv1`, `block1_relu1`, ..."""
    if depth not in _CONVS:
        raise ValueError(f"`depth` must be 16 or 19. Received {depth}.")
    return [
        f"block{block}_{kind}{index}"
        for block, count in enumerate(_CONVS[depth], 1)
        for index in range(1, count + 1)
        for kind in ("conv", "relu")
    ]


def build_vgg(
    taps: Sequence[str],
    *,
    depth: int = 19,
    filters: int = 64,
    pooling: str = "max",
    unpooled: Sequence[int] = (),
    seed: int | None = None,
    name: str = "vgg",
) -> keras.Model:
    """Builds the part of VGG that the taps need.

    Args:
        taps: Names of the outputs. `block4_conv4` is the convolution itself (what AnimeGAN and
            CartoonGAN call conv4_4 without activation), `block4_relu4` the value after ReLU (what
            `keras.applications` calls `block4_conv4`).
        depth: 16 or 19.
        filters: Channels of the first block: 64 in the paper.
        pooling: "max", or "average" (Gatys et al. 2016, section 2).
        unpooled: Numbers of blocks without the pooling behind them (MUNIT leaves out the fourth).
        seed: Seed of the initial weights.
        name: Name of the model.

    Returns:
        A model from `preprocess_vgg`'s output to `{tap: features}`, float32.

    Raises:
        ValueError: On an unknown tap, depth or pooling.
    """
    known = vgg_taps(depth)
    if unknown := sorted(set(taps) - set(known)):
        raise ValueError(f"Unknown tap(s) {unknown} of VGG-{depth}. Taps: {', '.join(known)}.")
    if not taps:
        raise ValueError("`taps` must name at least one output. Received none.")
    if pooling not in ("max", "average"):
        raise ValueError(f"`pooling` must be 'max' or 'average'. Received {pooling!r}.")
    pool = layers.MaxPooling2D if pooling == "max" else layers.AveragePooling2D
    deepest = max(map(known.index, taps))
    image = x = keras.Input((None, None, 3), name="image")
    outputs = {}
    for block, count in enumerate(_CONVS[depth], 1):
        for index in range(1, count + 1):
            conv, relu = f"block{block}_conv{index}", f"block{block}_relu{index}"
            if known.index(conv) > deepest:
                break
            offset = known.index(conv)
            x = outputs[conv] = layers.Conv2D(
                min(filters * 2 ** (block - 1), filters * 8),
                3,
                padding="same",
                kernel_initializer=keras.initializers.HeNormal(
                    None if seed is None else seed + offset
                ),
                dtype="float32",
                name=conv,
            )(x)
            x = outputs[relu] = layers.ReLU(dtype="float32", name=relu)(x)
        if block not in unpooled:
            x = pool(2, dtype="float32", name=f"block{block}_pool")(x)
    model = keras.Model(image, {tap: outputs[tap] for tap in taps}, name=name)
    model.trainable = False
    return model


def load_vgg_weights(model: keras.Model, path: str | Path) -> None:
    """Loads a weights file of `keras.applications` (`vgg19_weights_..._notop.h5`) by layer name.

    Raises:
        ValueError: Listing the layers that the file lacks or holds in another shape.
    """
    import h5py

    wanted = {f"{layer.name}/{w.name}": w for layer in model.layers for w in layer.weights}
    state = {}
    with h5py.File(path, "r") as file:
        root = file["model_weights"] if "model_weights" in file else file
        for layer in model.layers:
            if layer.weights and layer.name in root:
                group = root[layer.name]
                names = [_text(name) for name in group.attrs["weight_names"]]
                for weight, name in zip(layer.weights, names, strict=False):
                    state[f"{layer.name}/{weight.name}"] = group[name][()]
    expected = f"{path}: use the 'notop' file of keras.applications for the same depth."
    assign(model.name, wanted, state, expected=expected)


def _text(name) -> str:
    return name.decode() if isinstance(name, bytes) else name


def assign_torchvision_vgg(
    model: keras.Model, state: dict[str, np.ndarray], depth: int = 16
) -> None:
    """Assigns torchvision's weights (`features.0.weight`, ...) to a network of `build_vgg`.

    Args:
        model: From `build_vgg`.
        state: Of the file, layers that the model does not have included.
        depth: 16 or 19.

    Raises:
        ValueError: Listing every missing key and wrong shape.
    """
    wanted, index = {}, 0
    for block, count in enumerate(_CONVS[depth], 1):
        for number in range(1, count + 1):
            wanted[f"block{block}_conv{number}"] = f"features.{index}"
            index += 2  # the convolution and its ReLU
        index += 1  # the pool
    table = {}
    for layer in model.layers:
        if layer.weights:
            table[f"{wanted[layer.name]}.weight"] = (layer.kernel, _from_torch)
            table[f"{wanted[layer.name]}.bias"] = layer.bias
    assign(
        model.name,
        table,
        state,
        unused=lambda key: key.startswith(("features.", "classifier.")),
        expected=f"Expected torchvision's VGG-{depth}.",
    )


def _from_torch(kernel):
    return kernel.transpose(2, 3, 1, 0)
