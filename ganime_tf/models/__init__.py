"""Every trainable model by name, and its presets. Imports no TensorFlow until a class is asked for.

`MODELS` is the only table: a name, and the module and class that make it. Its settings are in
`ganime_tf/configs/<name>.py`.
"""

import difflib
import importlib

from ganime_tf.configs.base import TrainableConfig

_CLASSES = {
    "pix2pix": "pix2pix:Pix2Pix",
    "cyclegan": "cyclegan:CycleGAN",
    "ugatit": "ugatit:UGATIT",
    "cartoongan": "cartoongan:CartoonGAN",
    "animegan": "animegan:AnimeGAN",
    "stylegan2": "stylegan2:StyleGAN2",
    "parsing-bisenet": "parsing:ParsingBiSeNet",
    "parsing-danet": "parsing:ParsingDANet",
    "styleanime": "styleanime:StyleAnime",
    "face2anime": "face2anime:Face2Anime",
    "munit": "munit:MUNIT",
    "anigan": "anigan:AniGAN",
    "xgan": "xgan:XGAN",
    "anime-classifier": "anime_classifier:AnimeClassifier",
    "disentangle-stage1": "disentangle:DisentangleStage1",
    "disentangle-c2": "disentangle:DisentangleC2",
    "disentangle-stage2": "disentangle:DisentangleStage2",
}


class _Models(dict):
    """The literal table above, importing a model's module on first use."""

    def __getitem__(self, name: str) -> type:
        module, _, attribute = super().__getitem__(name).partition(":")
        return getattr(importlib.import_module(f"{__name__}.{module}"), attribute)

    def values(self):
        return [self[name] for name in self]

    def items(self):
        return [(name, self[name]) for name in self]


MODELS = _Models(_CLASSES)


def check_model(name: str) -> None:
    """Checks the name of a model, without importing it.

    Raises:
        ValueError: On an unknown name; lists the names and the closest one.
    """
    if name not in MODELS:
        close = difflib.get_close_matches(name, MODELS, 1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise ValueError(f"Unknown model {name!r}.{hint} Models: {', '.join(MODELS)}.")


def get_model(name: str) -> type:
    """Returns the class of a model.

    Raises:
        ValueError: On an unknown name; lists the names and the closest one.
    """
    check_model(name)
    return MODELS[name]


def get_presets(name: str) -> dict[str, TrainableConfig]:
    """Returns the presets of a model, the paper's first, without importing the model."""
    check_model(name)
    return importlib.import_module(f"ganime_tf.configs.{name.replace('-', '_')}").PRESETS


def get_preset(name: str, preset: str | None = None) -> TrainableConfig:
    """Returns one preset of a model, by default its first.

    Raises:
        ValueError: On an unknown preset; lists the presets and the closest one.
    """
    presets = get_presets(name)
    if preset is None:
        return next(iter(presets.values()))
    if preset not in presets:
        close = difflib.get_close_matches(preset, presets, 1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise ValueError(
            f"Unknown preset {preset!r} of {name}.{hint} Presets: {', '.join(presets)}."
        )
    return presets[preset]


_BASES = {
    "Trainable": "trainable",
    "Translator": "translator",
    "Sampler": "sampler",
    "Segmenter": "segmenter",
}


def __getattr__(name: str):
    if name in _BASES:
        return getattr(importlib.import_module(f"{__name__}.{_BASES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "MODELS",
    "TrainableConfig",
    "check_model",
    "get_model",
    "get_preset",
    "get_presets",
    *_BASES,
]
