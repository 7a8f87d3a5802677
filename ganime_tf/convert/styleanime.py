"""Checkpoints of zsl2018/StyleAnime (`best_model.pt`, `iteration_*.pt`) -> StyleAnime.

A file holds `state_dict` with `encoder.encoder_1` (maps), `encoder.encoder_2` (pictures) and
`decoder` (the prior, in rosinality's names), `latent_avg` (the prior's mean latent) and the flags
of its training. It has no discriminators.
"""

import logging
import re
from pathlib import Path

import numpy as np

from ganime_tf.configs.styleanime import ANIME17, PRESETS, RELEASED19
from ganime_tf.convert import stylegan2_layouts as layouts
from ganime_tf.convert.common import split
from ganime_tf.convert.stylegan2 import describe as describe_prior
from ganime_tf.models.styleanime import StyleAnime
from ganime_tf.networks.ir_se import apply_state
from ganime_tf.weights import read_tensors

logger = logging.getLogger(__name__)

_NAMES = {len(ANIME17): ANIME17, len(RELEASED19): RELEASED19}


def convert(files: list[Path], **options) -> StyleAnime:
    """Loads a checkpoint into a new model; sizes are read from its shapes.

    The FaceBank is filled from the checkpoint's prior. D1 and D2 are not in it: the model draws,
    and starts to train with new judges.

    Args:
        files: One `.pt` file.
        **options: Fields of `StyleAnimeConfig` to set.

    Returns:
        The model, not compiled.

    Raises:
        ValueError: When the file is no such checkpoint; lists the keys that do not fit.
        FileNotFoundError: When it is absent.
    """
    if len(files) != 1:
        raise ValueError(f"StyleAnime's checkpoint is one .pt file. Received {len(files)}.")
    state, mean = read_checkpoint(files[0])
    maps, pictures, prior = split(
        "StyleAnime", state, ("encoder.encoder_1.", "encoder.encoder_2.", "decoder.")
    )
    prior = layouts.rosinality_generator(prior)
    fields = describe(maps, pictures, prior)
    if fields["image_size"] != 256:  # faces are only known at the released size
        fields["identity_weight"] = 0.0
    model = StyleAnime(PRESETS["styleanime-released"], **{**fields, **options})
    # The released parsing encoder owns a second lateral layer that nothing uses.
    apply_state(model.structure, maps, ignored=("latlayer2.",))
    apply_state(model.appearance, pictures)
    mapping, synthesis = split("StyleAnime's prior", prior, ("mapping.", "synthesis."))
    layouts.apply_state(model.mapping, {**mapping, "w_avg": mean})
    layouts.apply_state(model.synthesis, synthesis)
    for name, average in model.ema_networks.items():
        average.set_weights(getattr(model, name).get_weights())
    logger.warning("The checkpoint has no discriminators: D1 and D2 are new.")
    model.fill_bank()
    return model


def read_checkpoint(path: str | Path) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Reads the arrays of a checkpoint, running no code that is in it.

    Returns:
        `(state, mean)`: arrays by name, and the prior's mean latent `(K,)`.

    Raises:
        FileNotFoundError: When there is no such file.
        ValueError: When it holds anything but tensors and plain containers, or no such networks.
    """
    arrays = read_tensors(path, whole=True)
    prefix, mean = "state_dict.", arrays.get("latent_avg")
    state = {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}
    if not state or mean is None:
        raise ValueError(f"{str(path)!r} is no checkpoint of StyleAnime: it needs `state_dict` "
                         "and `latent_avg`.")  # fmt: skip
    mean = mean.reshape(-1, mean.shape[-1])[0]  # some files repeat it for every layer
    return {key: value.astype(np.float32) for key, value in state.items()}, np.float32(mean)


def describe(maps: dict, pictures: dict, prior: dict) -> dict:
    """Returns the fields of `StyleAnimeConfig` that the shapes of a checkpoint tell.

    Raises:
        ValueError: When the networks have another layout.
    """
    try:
        filters, classes = maps["input_layer.0.weight"].shape[:2]
        heads = 1 + max(int(k.split(".")[1]) for k in pictures if k.startswith("styles."))
        width = [maps[f"body.{i}.res_layer.3.weight"].shape[0] for i in range(_units(maps))]
    except (KeyError, ValueError) as error:
        raise ValueError(f"The encoders have not StyleAnime's layout: {error}.") from error
    names = _NAMES.get(classes)
    if names is None:
        raise ValueError(
            f"The checkpoint's maps have {classes} classes; {' or '.join(map(str, _NAMES))} are "
            "known."
        )
    return describe_prior(prior) | {
        "filters": int(filters),
        "class_names": names,
        "units": tuple(width.count(filters << stage) for stage in range(4)),
        "appearance_codes": heads,
    }


def _units(state) -> int:
    return 1 + max(int(m[1]) for key in state if (m := re.match(r"body\.(\d+)\.", key)))
