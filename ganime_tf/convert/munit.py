"""Checkpoints of NVlabs/MUNIT (`gen_*.pt`, `dis_*.pt`) -> MUNIT.

A file holds `{"a": state, "b": state}`. Kernels `(O, I, h, w)` become `(h, w, I, O)`, dense ones
`(O, I)` become `(I, O)`. Biases before instance statistics change nothing and have no counterpart;
neither have the `running_*` of norms that keep no statistics.
"""

import logging
import re
from pathlib import Path

import keras
import numpy as np

from ganime_tf.convert.common import assign, copy_to_averages, keras_kernel, read_networks
from ganime_tf.models.munit import MUNIT

logger = logging.getLogger(__name__)

_EXPECTED = "Expected gen_*.pt or dis_*.pt of NVlabs/MUNIT: {'a', 'b'} of states."
_IDLE = re.compile(
    r".*\.running_(mean|var)"
    r"|enc_content\.model\.\d+\.conv\.bias"
    r"|(enc_content\.model\.\d+|dec\.model\.0)\.model\.\d+\.model\.\d+\.conv\.bias"
)


def convert(files: list[Path], **options) -> MUNIT:
    """Loads an official checkpoint: the generators, and the discriminators where they are given.

    All sizes are read from the files.

    Args:
        files: `gen_*.pt`, and optionally `dis_*.pt`, in any order. Without the second the
            discriminators are new: enough to translate, not to train on.
        **options: Fields of `MUNITConfig` to set.

    Returns:
        The model, not compiled.

    Raises:
        ValueError: When a file is no such checkpoint; lists the keys that do not fit.
        FileNotFoundError: When a file is absent.
    """
    generators = discriminators = None
    for path in map(Path, files):
        states = read_networks(path, ("a", "b"))
        if set(states) != {"a", "b"}:
            raise ValueError(f"{str(path)!r} holds {sorted(states)}. {_EXPECTED}")
        if "enc_content.model.0.conv.weight" in states["a"] and generators is None:
            generators = states
        elif "cnns.0.0.conv.weight" in states["a"] and discriminators is None:
            discriminators = states
        else:
            some = sorted(states["a"])[:3]
            raise ValueError(f"{str(path)!r} has keys such as {some}. {_EXPECTED}")
    if generators is None:
        raise ValueError(f"No generators among {[str(path) for path in files]}. {_EXPECTED}")
    fields = describe(generators["a"])
    if discriminators is not None:
        fields |= describe_discriminator(discriminators["a"])
    model = MUNIT(**{**fields, **options})
    for domain, state in generators.items():
        apply_generator(model, domain, state)
    if discriminators is None:
        logger.warning("No dis_*.pt: the discriminators are new, so do not train on from here.")
    else:
        for domain, state in discriminators.items():
            network = getattr(model, f"discriminator_{domain}")
            assign(network.name, discriminator_variables(network), state, expected=_EXPECTED)
    copy_to_averages(model)
    return model


def describe(state: dict[str, np.ndarray]) -> dict:
    """Returns the fields of `MUNITConfig` that a generator's keys and shapes tell.

    Raises:
        ValueError: When it is no such generator.
    """
    try:
        return {
            "filters": int(state["enc_content.model.0.conv.weight"].shape[0]),
            "num_downsample": _count(state, r"enc_content\.model\.(\d+)\.conv\.weight") - 1,
            "num_blocks": _count(state, r"dec\.model\.0\.model\.(\d+)\.model\.0\.conv\.weight"),
            "style_size": int(state["enc_style.model.6.weight"].shape[0]),
            "mlp_width": int(state["mlp.model.0.fc.weight"].shape[0]),
        }
    except KeyError as error:
        raise ValueError(f"The generator has no key {error}. {_EXPECTED}") from error


def describe_discriminator(state: dict[str, np.ndarray]) -> dict:
    """Likewise for a discriminator."""
    return {
        "discriminator_filters": int(state["cnns.0.0.conv.weight"].shape[0]),
        "discriminator_layers": _count(state, r"cnns\.0\.(\d+)\.conv\.weight"),
        "num_scales": _count(state, r"cnns\.(\d+)\.0\.conv\.weight"),
    }


def _count(state, pattern: str) -> int:
    return len({match[1] for match in (re.fullmatch(pattern, key) for key in state) if match})


def apply_generator(model: MUNIT, domain: str, state: dict[str, np.ndarray]) -> None:
    """Assigns one domain's encoders and decoder.

    Raises:
        ValueError: Listing every key that does not fit; nothing is assigned then.
    """
    assign(
        f"generator_{domain}",
        generator_variables(model, domain),
        state,
        unused=lambda key: _IDLE.fullmatch(key) is not None,
        expected=_EXPECTED,
    )


def generator_variables(model: MUNIT, domain: str) -> dict:
    """`{checkpoint key: (variable, reordering)}` of one domain's encoders and decoder."""
    content, style, decoder = (
        getattr(model, f"{kind}_{domain}")
        for kind in ("content_encoder", "style_encoder", "decoder")
    )
    config, table = model.config, {}
    for index in range(config.num_downsample + 1):
        layer = content.get_layer(f"down{index - 1}" if index else "stem")
        _add(table, layer, f"enc_content.model.{index}.conv")
    for network, prefix in (
        (content, f"enc_content.model.{config.num_downsample + 1}"),
        (decoder, "dec.model.0"),
    ):
        for block in range(config.num_blocks):
            for part in (0, 1):
                layer = network.get_layer(f"block{block}_conv{part}")
                _add(table, layer, f"{prefix}.model.{block}.model.{part}.conv")
    for index in range(5):
        layer = style.get_layer(f"down{index - 1}" if index else "stem")
        _add(table, layer, f"enc_style.model.{index}.conv")
    _add(table, style.get_layer("code"), "enc_style.model.6")
    for index in range(config.num_downsample):
        position = 2 * index + 2
        _add(table, decoder.get_layer(f"up{index}"), f"dec.model.{position}.conv")
        norm = decoder.get_layer(f"up{index}_norm")
        table[f"dec.model.{position}.norm.gamma"] = norm.gamma
        table[f"dec.model.{position}.norm.beta"] = norm.beta
    _add(table, decoder.get_layer("image"), f"dec.model.{2 * config.num_downsample + 1}.conv")
    for index in range(3):
        _add(table, decoder.get_layer("mlp").get_layer(f"dense{index}"), f"mlp.model.{index}.fc")
    return table


def discriminator_variables(network: keras.Model) -> dict:
    """`{checkpoint key: (variable, reordering)}` of a discriminator."""
    table = {}
    for layer in network.layers:
        if match := re.fullmatch(r"scale(\d+)_conv(\d+)", layer.name):
            _add(table, layer, f"cnns.{match[1]}.{match[2]}.conv")
    for layer in network.layers:
        if match := re.fullmatch(r"scale(\d+)_logits", layer.name):
            last = sum(key.startswith(f"cnns.{match[1]}.") for key in table) // 2
            _add(table, layer, f"cnns.{match[1]}.{last}")
    return table


def _add(table: dict, layer, prefix: str) -> None:
    dense = layer.kernel.ndim == 2

    def reorder(value):
        return keras_kernel(value.reshape(value.shape[:2]) if dense else value)

    table[f"{prefix}.weight"] = (layer.kernel, reorder)
    if getattr(layer, "bias", None) is not None:
        table[f"{prefix}.bias"] = layer.bias
