"""The released checkpoint of bing-li-ai/AniGAN (`pretrained_face2anime.pt`) -> AniGAN.

A file holds `{"gen", "gen_test"}`, of which the second is the average that translates. Kernels
`(O, I, h, w)` become `(h, w, I, O)`. Biases before instance statistics have no counterpart. The
discriminator was not released.
"""

import logging
import re
from pathlib import Path

import numpy as np

from ganime_tf.convert.common import assign, copy_to_averages, keras_kernel, read_networks
from ganime_tf.models.anigan import AniGAN

logger = logging.getLogger(__name__)

_EXPECTED = "Expected pretrained_face2anime.pt of bing-li-ai/AniGAN."
_IDLE = re.compile(r"enc_content\.(model\.\d+|model\.4\.model\.\d+\.model\.\d+)\.conv\.bias")


def convert(files: list[Path], **options) -> AniGAN:
    """Loads the released generator.

    Without a reference it translates in the style of code 0: see `AniGAN.set_mean_styles`.

    Args:
        files: The file.
        **options: Fields of `AniGANConfig` to set.

    Returns:
        The model, not compiled.

    Raises:
        ValueError: When it is no such checkpoint; lists the keys that do not fit.
        FileNotFoundError: When it is absent.
    """
    if len(files) != 1:
        raise ValueError(f"AniGAN's checkpoint is one .pt file. Received {len(files)}.")
    states = read_networks(Path(files[0]), ("gen_test", "gen"))
    state = states.get("gen_test") or states["gen"]
    first, hidden = (state.get(f"{key}.weight") for key in
                     ("enc_content.model.0.conv", "mlp_com.model.0.fc"))  # fmt: skip
    if first is None or hidden is None:
        raise ValueError(f"The file has keys such as {sorted(state)[:3]}. {_EXPECTED}")
    model = AniGAN(**{"filters": int(first.shape[0]), "mlp_width": int(hidden.shape[0]), **options})
    apply_generator(model, state)
    logger.warning("The discriminator was not released and is new: do not train on from here.")
    copy_to_averages(model)
    return model


def apply_generator(model: AniGAN, state: dict[str, np.ndarray]) -> None:
    """Assigns encoders and decoder.

    Raises:
        ValueError: Listing every key that does not fit; nothing is assigned then.
    """
    assign(
        "generator",
        generator_variables(model),
        state,
        unused=lambda key: _IDLE.fullmatch(key) is not None,
        expected=_EXPECTED,
    )


def generator_variables(model: AniGAN) -> dict:
    """`{checkpoint key: (variable, reordering)}` of encoders and decoder."""
    content, style, decoder = model.content_encoder, model.style_encoder, model.decoder
    layers = {}
    for index in range(4):
        name = f"down{index - 1}" if index else "stem"
        layers[f"enc_content.model.{index}.conv"] = content.get_layer(name)
        layers[f"enc_class_model_com.model.{index}.conv"] = style.get_layer(name)
    layers["enc_class_model_com.para_model.0.conv"] = style.get_layer("down3")
    layers["enc_class_model_com.para_model.2"] = style.get_layer("code")
    for index in (0, 1):
        for part in (0, 1):
            key = f"enc_content.model.4.model.{index}.model.{part}.conv"
            layers[key] = content.get_layer(f"block{index}_conv{part}")
            block, name = f"dec.AdaSILNBlock_{index + 1}", f"asc{index}_conv{part}"
            layers[f"{block}.conv{part + 1}"] = decoder.get_layer(name)
            layers[f"{block}.norm{part + 1}.conv1x1"] = decoder.get_layer(f"{name}_norm")
        block, name = f"dec.model_{index + 1}", f"fst{index}_conv"
        layers[f"{block}.1.conv"] = decoder.get_layer(f"{name}0")
        layers[f"{block}.1.norm.conv1x1"] = decoder.get_layer(f"{name}0_norm")
        layers[f"{block}.2.conv"] = decoder.get_layer(f"{name}1")
        layers[f"dec.adaptive_norm_{index + 1}.conv1x1"] = decoder.get_layer(f"{name}1_norm")
    layers["dec.model.1.conv"] = decoder.get_layer("up")
    layers["dec.model.1.norm.conv1x1"] = decoder.get_layer("up_norm")
    layers["dec.model.2.conv"] = decoder.get_layer("image")
    for index in range(3):
        layers[f"mlp_com.model.{index}.fc"] = decoder.get_layer("mlp").get_layer(f"dense{index}")
    table = {}
    for key, layer in layers.items():
        table[f"{key}.weight"] = (layer.kernel, _reorder(layer.kernel.ndim == 2))
        if getattr(layer, "bias", None) is not None:
            table[f"{key}.bias"] = layer.bias
    return table


def _reorder(flat: bool):
    """1x1 kernels are matrices in dense layers and in the mixers of the norms."""
    return lambda value: keras_kernel(value.reshape(value.shape[:2]) if flat else value)
