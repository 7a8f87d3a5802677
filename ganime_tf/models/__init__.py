"""Every trainable model by name, and its presets."""

import difflib
import importlib

from ganime_tf.models.translator import Translator, TranslatorConfig

# name -> module; a module holds the class, its config and PRESETS.
_MODULES = {
    "pix2pix": "ganime_tf.models.pix2pix:Pix2Pix",
    "cyclegan": "ganime_tf.models.cyclegan:CycleGAN",
    "ugatit": "ganime_tf.models.ugatit:UGATIT",
    "cartoongan": "ganime_tf.models.cartoongan:CartoonGAN",
    "animegan": "ganime_tf.models.animegan:AnimeGAN",
}


class _Models(dict):
    """The literal table above, importing a model's module on first use."""

    def __getitem__(self, name: str) -> type[Translator]:
        module, _, attribute = super().__getitem__(name).partition(":")
        return getattr(importlib.import_module(module), attribute)

    def values(self):
        return [self[name] for name in self]

    def items(self):
        return [(name, self[name]) for name in self]


MODELS = _Models(_MODULES)


def get_model(name: str) -> type[Translator]:
    """Returns the class of a model.

    Raises:
        ValueError: On an unknown name; lists the names and the closest one.
    """
    if name not in MODELS:
        close = difflib.get_close_matches(name, MODELS, 1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise ValueError(f"Unknown model {name!r}.{hint} Models: {', '.join(MODELS)}.")
    return MODELS[name]


def get_presets(name: str) -> dict[str, TranslatorConfig]:
    """Returns the presets of a model, the paper's first."""
    return importlib.import_module(get_model(name).__module__).PRESETS


def get_preset(name: str, preset: str | None = None) -> TranslatorConfig:
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


__all__ = ["MODELS", "Translator", "TranslatorConfig", "get_model", "get_preset", "get_presets"]
