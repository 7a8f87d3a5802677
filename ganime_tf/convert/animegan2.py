"""AnimeGANv2 generators: the PyTorch port's, TensorFlow 1's, and a quantised LiteRT file's.

Layouts:

| here | bryandlee/animegan2-pytorch | TensorFlow 1, below `generator/G_MODEL/` |
| --- | --- | --- |
| `a_conv1`, `a_norm1` | `block_a.1.1`, `block_a.1.2` | `A/Conv_1/weights`, `A/LayerNorm_1/gamma` |
| `c_conv0`, `c_conv1` | `block_c.0.1`, `block_c.5.1` | `C/Conv`, `C/Conv_1` |
| `c_block2_expand`, norm | `block_c.2.layers.0.{1,2}` | `C/r2/Conv`, `C/r2/LayerNorm` |
| `c_block2_depthwise`, norm | `block_c.2.layers.1.{1,2}` | `C/r2/r2/{w,bias}`, `C/r2/1` |
| `c_block2_project`, norm | `block_c.2.layers.{2,3}` | `C/r2/Conv_1`, `C/r2/2` |
| `out_conv` | `out_layer.0` | `out_layer/Conv` |

PyTorch's kernels `(O, I, h, w)` become Keras' by (2, 3, 1, 0), depthwise `(C, 1, h, w)` by
(2, 3, 0, 1). TensorFlow's are Keras' already. LiteRT keeps TensorFlow's names, with kernels
`(O, h, w, I)` and integers to be scaled.
"""

import logging
import re
from pathlib import Path

import keras
import numpy as np

from ganime_tf.convert.common import assign, copy_to_averages, keras_kernel, read_state
from ganime_tf.models.animegan import AnimeGAN

logger = logging.getLogger(__name__)

_SCOPE = "generator/G_MODEL/"


def convert(files: list[Path], **options) -> AnimeGAN:
    """Loads a released AnimeGANv2 generator into a new model.

    Args:
        files: One of: a `.pt` of the PyTorch port (`face_paint_512_v2.pt`, `paprika.pt`), an
            `.npz` of the same arrays or of TensorFlow 1's names, a TensorFlow 1 checkpoint
            (its `.index` file; the `.data-*` files may be listed too), or a LiteRT `.tflite`.
        **options: Fields of `AnimeGANConfig` to set, e.g. `resize="half_pixel"` for the port's
            `align_corners=False`. By default the port's weights get `align_corners` and epsilon
            1e-5, as its `face2paint` runs them, TensorFlow's get "tf1" and 1e-12.

    Returns:
        The model, not compiled. Its discriminator is new: enough to translate.

    Raises:
        ValueError: On another number of files, or lists the keys that do not fit.
        FileNotFoundError: When the file is absent.
    """
    files = [Path(file) for file in files]
    checkpoints = [file for file in files if ".data-" not in file.name and file.suffix != ".meta"]
    if len(checkpoints) != 1:
        raise ValueError(
            f"Expected one checkpoint: .pt, .npz, .index or .tflite. Received {len(checkpoints)}."
        )
    path = checkpoints[0]
    if not path.is_file():
        raise FileNotFoundError(f"No checkpoint file {str(path)!r}.")
    state = _read(path)
    port = any(key.startswith("block_a.") for key in state)
    state = {_torch_name(k): keras_kernel(v) for k, v in state.items()} if port else _strip(state)
    if "a_conv0/kernel" not in state:
        raise ValueError(
            f"{str(path)!r} is no AnimeGANv2 generator: neither block_a.0.1.weight (PyTorch port) "
            f"nor {_SCOPE}A/Conv/weights (TensorFlow 1). Its keys begin with {sorted(state)[:3]}."
        )
    fields = {
        "variant": "v2",
        "filters": int(state["a_conv0/kernel"].shape[-1]),
        "resize": "align_corners" if port else "tf1",
        "norm_epsilon": 1e-5 if port else 1e-12,
    }
    model = AnimeGAN(**{**fields, **options})
    apply_state(model.generator, state)
    copy_to_averages(model)
    logger.warning("The discriminator is new: do not train on from here.")
    return model


def apply_state(network: keras.Model, state: dict[str, np.ndarray]) -> None:
    """Assigns `{"layer/variable": array}` in Keras' shapes to a `build_animegan_v2` network."""
    wanted = {
        f"{layer.name}/{variable.name}": variable
        for layer in network.layers
        for variable in layer.weights
    }
    state = dict(state)
    for key, value in state.items():  # a depthwise kernel's name tells it from a plain one
        if key.endswith("depthwise/kernel") and value.ndim == 4 and value.shape[2] == 1:
            state[key] = value.transpose(0, 1, 3, 2)
    assign(network.name, wanted, state, expected="Expected an AnimeGANv2 generator.")


def _read(path: Path) -> dict[str, np.ndarray]:
    if path.suffix == ".tflite":
        return read_litert(path)
    if path.suffix == ".index":
        import tensorflow as tf

        reader = tf.train.load_checkpoint(str(path.with_suffix("")))
        return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}
    return read_state(path)


def _torch_name(key: str) -> str:
    """Our `layer/variable` of a key of the PyTorch port; unknown keys stay as they are."""
    if key == "out_layer.0.weight":
        return "out_conv/kernel"
    if match := re.fullmatch(r"block_c\.(\d)\.layers\.(\d)(?:\.(\d))?\.(weight|bias)", key):
        block, stage, part, kind = match.groups()
        names = {
            ("0", "1"): "expand",
            ("0", "2"): "expand_norm",
            ("1", "1"): "depthwise",
            ("1", "2"): "depthwise_norm",
            ("2", None): "project",
            ("3", None): "project_norm",
        }
        if (stage, part) in names:
            return f"c_block{block}_{names[stage, part]}/{_variable(names[stage, part], kind)}"
    if match := re.fullmatch(r"block_([a-e])\.(\d)\.([12])\.(weight|bias)", key):
        stage, index, part, kind = match.groups()
        index = {"0": "0", "5": "1"}.get(index, index) if stage == "c" else index
        layer = "conv" if part == "1" else "norm"
        return f"{stage}_{layer}{index}/{_variable(layer, kind)}"
    return key


def _variable(layer: str, kind: str) -> str:
    if layer.endswith("norm"):
        return "gamma" if kind == "weight" else "beta"
    return "kernel" if kind == "weight" else "bias"


def _strip(state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Our names of TensorFlow 1's generator; optimizer slots and the discriminator are left out."""
    slots = re.compile(r"/(Adam|Adam_1)$")
    own = {k: v for k, v in state.items() if k.startswith(_SCOPE) and not slots.search(k)}
    if left := len(state) - len(own):
        logger.info("%d arrays of the checkpoint are not the generator's.", left)
    return {_tensorflow_name(key.removeprefix(_SCOPE)): value for key, value in own.items()}


def _tensorflow_name(key: str) -> str:
    if key == "out_layer/Conv/weights":
        return "out_conv/kernel"
    if match := re.fullmatch(r"C/r(\d)/(.+)/(\w+)", key):
        block, scope, variable = match.groups()
        names = {
            "Conv": "expand",
            "LayerNorm": "expand_norm",
            f"r{block}": "depthwise",
            "1": "depthwise_norm",
            "Conv_1": "project",
            "2": "project_norm",
        }
        if scope in names:
            variable = {"weights": "kernel", "w": "kernel"}.get(variable, variable)
            return f"c_block{block}_{names[scope]}/{variable}"
    if match := re.fullmatch(r"([A-E])/(Conv|LayerNorm)(?:_(\d))?/(\w+)", key):
        stage, kind, index, variable = match.groups()
        layer = "conv" if kind == "Conv" else "norm"
        variable = {"weights": "kernel"}.get(variable, variable)
        return f"{stage.lower()}_{layer}{index or 0}/{variable}"
    return key


def read_litert(path: Path) -> dict[str, np.ndarray]:
    """Reads the weights of a (quantised) LiteRT file under TensorFlow 1's names, as float32.

    Kernels and norms are found by their names and shapes; biases that quantisation invented for
    convolutions without one are left out.

    Raises:
        ImportError: When no LiteRT runtime is installed.
    """
    from ganime_tf.ops.litert import open_interpreter

    interpreter = open_interpreter(path, delegates=False)
    state = {}
    for detail in interpreter.get_tensor_details():
        names = detail["name"].split(";")
        conv = re.fullmatch(rf"({_SCOPE}.+?)/Conv2D\d?", names[0])
        depthwise = re.fullmatch(rf"({_SCOPE}C/r(\d)/r\2)/r\2\d?", names[0])
        norm = re.fullmatch(rf"{_SCOPE}.+/(gamma|beta)", names[0])
        bias = next((n for n in names if re.fullmatch(rf"{_SCOPE}C/r(\d)/r\1/bias", n)), None)
        rank = len(detail["shape"])
        quantised = detail["quantization_parameters"]
        if not (norm or conv or depthwise or bias) or detail["dtype"] == np.float32:
            continue
        try:
            value = interpreter.get_tensor(detail["index"])
        except ValueError:  # not a constant
            continue
        if rank == 4 and not (value.shape[1] == value.shape[2] and value.shape[1] in (1, 3, 7)):
            continue
        value = _dequantise(value, quantised)
        if norm and rank == 1:
            state[names[0]] = value
        elif depthwise and rank == 4:
            state[f"{depthwise[1]}/w"] = value.transpose(1, 2, 3, 0)
        elif conv and rank == 4 and value.shape[0] != 1:
            state[f"{conv[1]}/weights"] = value.transpose(1, 2, 3, 0)
        elif bias and rank == 1:
            state[bias] = value
    return state


def _dequantise(value, parameters):
    shape = [1] * value.ndim
    if len(parameters["scales"]) > 1:
        shape[parameters["quantized_dimension"]] = -1
    scales = parameters["scales"].reshape(shape)
    return ((value - parameters["zero_points"].reshape(shape)) * scales).astype(np.float32)
