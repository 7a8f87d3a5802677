"""Checkpoints of rosinality/stylegan2-pytorch and NVlabs/stylegan2-ada-pytorch -> StyleGAN2."""

import math
from pathlib import Path

import numpy as np

from ganime_tf.convert import stylegan2_layouts as layouts
from ganime_tf.convert.common import read_networks, split
from ganime_tf.models.stylegan2 import StyleGAN2
from ganime_tf.networks.stylegan2 import num_channels
from ganime_tf.weights.reading import read_modules


def convert(files: list[Path], **options) -> StyleGAN2:
    """Loads a checkpoint; sizes and channels are read from its shapes.

    The generator's average is used where the file has one, and the plain generator else. Files of
    rosinality's code have no mean latent: that of 4,096 seeds is taken, as its own scripts do.

    Args:
        files: One `.pt` or `.pkl` file.
        **options: Fields of `StyleGAN2Config` to set.

    Returns:
        The model, not compiled.

    Raises:
        ValueError: When the file is no such checkpoint; lists what does not fit.
        FileNotFoundError: When it is absent.
    """
    if len(files) != 1:
        raise ValueError(f"StyleGAN2's checkpoint is one .pt or .pkl file. Received {len(files)}.")
    path = Path(files[0])
    if path.suffix == ".pkl":
        found = read_modules(path, ("G", "D", "G_ema"))
        generators = {name: found[name] for name in ("G", "G_ema") if name in found}
        discriminator = found.get("D")
    else:
        found = read_networks(path, ("g", "d", "g_ema"))
        generators = {
            name: layouts.rosinality_generator(found[name])
            for name in ("g", "g_ema")
            if name in found
        }
        discriminator = layouts.rosinality_discriminator(found["d"]) if "d" in found else None
    if not generators:
        raise ValueError(f"{str(path)!r} has no generator. It holds {sorted(found)}.")
    plain, average = next(iter(generators.values())), list(generators.values())[-1]
    model = StyleGAN2(**{**describe(average), **options})
    _fill(model, model.mapping, model.synthesis, plain)
    if model.ema_networks:
        names = model.mapping.name, model.synthesis.name
        _fill(model, *(model.ema_networks[name] for name in names), average)
    if discriminator is not None:
        layouts.apply_state(model.discriminator, discriminator)
    return model


def describe(state: dict[str, np.ndarray]) -> dict:
    """Returns the fields of `StyleGAN2Config` that a generator's names and shapes tell.

    Raises:
        ValueError: When the generator has another layout, labels included.
    """
    try:
        sizes = [int(k.split(".")[1][1:]) for k in state if k.endswith("torgb.weight")]
        image_size = max(sizes)
        first, last = state["mapping.fc0.weight"], state["synthesis.b4.torgb.affine.weight"]
        channels = {r: state[f"synthesis.b{r}.conv1.weight"].shape[-4] for r in sizes}
    except (KeyError, ValueError) as error:
        raise ValueError(f"The generator has not StyleGAN2's layout: {error}.") from error
    if "mapping.embed.weight" in state:
        raise ValueError("The generator takes labels, which the model `stylegan2` does not.")
    most = max(channels.values())
    base = channels[image_size] * image_size
    wrong = {r: n for r, n in channels.items() if num_channels(r, base, most) != n}
    if wrong:
        raise ValueError(f"Channels by resolution {wrong} do not follow min({base} / r, {most}).")
    return {
        "image_size": image_size,
        "load_size": image_size,
        "latent_size": first.shape[1],
        "style_size": last.shape[1],
        "mapping_layers": sum(k.startswith("mapping.fc") and k.endswith(".weight") for k in state),
        "channel_base": base,
        "channel_max": most,
    }


def _fill(model, mapping, synthesis, state):
    mapped, synthesized = split("StyleGAN2's generator", state, ("mapping.", "synthesis."))
    has_mean = "w_avg" in mapped
    if not has_mean:
        mapped["w_avg"] = np.zeros(model.config.style_size, np.float32)
    layouts.apply_state(mapping, mapped)
    layouts.apply_state(synthesis, synthesized)
    if not has_mean:
        z = np.random.default_rng(0).standard_normal((4096, model.config.latent_size))
        mean = np.mean(mapping(z.astype(np.float32)), axis=0)
        mapping.get_layer("mean").mean.assign(mean)
    if not math.isfinite(float(np.sum(mapping.get_layer("mean").mean))):
        raise ValueError("The checkpoint's mean latent is not finite.")
