"""What is run: each method of the papers, scaled down to 64 px and minutes on two cores.

A method takes its preset as it is, except for the fields named here: sizes and widths, batch,
epochs, and what depends on them. `epoch_shares` are the preset's epoch counts as shares of the run.
"""

import dataclasses
from collections.abc import Mapping

IMAGE_SIZE = 64
LOAD_SIZE = 72  # 286 / 256 of it
NUM_HELD_OUT = 100
NUM_SHOWN = 6
TEST_BATCH = 8  # pictures translated together, as in a run's own validation


@dataclasses.dataclass(frozen=True)
class Method:
    """One line of a table.

    Attributes:
        title: What tables call it.
        kind: Data: "paired" (sketch to colour; a model for unpaired data gets each side shuffled
            by itself) or "unpaired" (portrait to drawing).
        model: Name in `MODELS`; "gatys"; "copy" (the input unchanged) or "others" (true pictures of
            other scenes), the two references.
        preset: Name of the preset.
        steps: Training steps, or optimisation steps a picture.
        seconds: What one seed takes on two cores, for the time left.
        changes: Fields that differ from the preset.
        epoch_shares: Fields that count epochs, as shares of all epochs.
        curves: Whether every epoch is measured.
        by_features: Fields that depend on the feature network, by its name.
    """

    title: str
    kind: str
    model: str
    preset: str = ""
    steps: int = 0
    seconds: float = 2.0
    changes: Mapping = dataclasses.field(default_factory=dict)
    epoch_shares: Mapping = dataclasses.field(default_factory=dict)
    curves: bool = False
    by_features: Mapping = dataclasses.field(default_factory=dict)


_UNET = {"filters": 16, "batch_size": 4, "patch_size": 34}
# Batch statistics in testing, as the paper's code has it: over four maps of 1x1 the moving ones lag
# so far behind that the colours go wrong (SSIM 0.46 and 0.37 two epochs apart).
_PIX2PIX = _UNET | {"inference": "sources"}
# The weights are meant for VGG-19. Between unrelated pictures the distances of content and Gram
# matrices are 0.1 and 0.0006 with random features, 7.8 and 0.4 with SqueezeNet's: these weights let
# both terms start at the size of the adversarial one.
_ANIMEGAN_BY_FEATURES = {
    "random": {"features": "random", "content_weight": 1.2e3, "style_weight": 2.0e5},
    "squeezenet": {"features": "squeezenet", "content_weight": 20.0, "style_weight": 400.0},
}
# Five times the preset's rates for a twentieth of the steps.
_ANIMEGAN = {
    "filters": 8,
    "discriminator_filters": 8,
    "batch_size": 4,
    "init_learning_rate": 1e-3,
    "generator_learning_rate": 1e-4,
    "discriminator_learning_rate": 2e-4,
}

_ANIMEGAN_B = Method(
    "AnimeGAN (b)",
    "unpaired",
    "animegan",
    "animegan-ganime-b",
    steps=300,
    seconds=35,
    changes=_ANIMEGAN,
    by_features=_ANIMEGAN_BY_FEATURES,
    epoch_shares={"init_epochs": 10 / 40},
)

# Ten times the preset's rate for a hundredth of the paper's steps.
_MUNIT = {
    "num_steps": 0,
    "filters": 16,
    "num_blocks": 2,
    "mlp_width": 64,
    "discriminator_filters": 16,
    "discriminator_layers": 3,
    "num_scales": 2,
    "batch_size": 1,
    "learning_rate": 1e-3,
}
_MUNIT_WHOLE = Method(
    "MUNIT", "unpaired", "munit", "munit-ganime", steps=900, seconds=103, changes=_MUNIT
)
_HYBRID_WHOLE = Method(
    "MUNIT+AniGAN",
    "unpaired",
    "munit",
    "munit-anigan",
    steps=600,
    seconds=80,
    changes=_MUNIT,
)

METHODS = {
    "sketches-input": Method("input unchanged", "paired", "copy"),
    "sketches-others": Method("other true pictures", "paired", "others"),
    "neural-style": Method(
        "Neural style",
        "paired",
        "gatys",
        "tutorial",
        steps=60,
        seconds=50,
        by_features={
            "random": {"content_weight": 1e4, "style_weight": 3e4},
            "squeezenet": {},  # its own preset
        },
    ),
    "sketches-cyclegan": Method(
        "CycleGAN",
        "paired",
        "cyclegan",
        "cyclegan-ganime",
        steps=750,
        seconds=55,
        changes=_UNET,
    ),
    "pix2pix": Method(
        "Pix2Pix",
        "paired",
        "pix2pix",
        "ganime",
        steps=2250,
        seconds=70,
        changes=_PIX2PIX,
        curves=True,
    ),
    # The sum over a picture of a quarter of the side is a quarter: four times the weight.
    "pix2pix-tv": Method(
        "Pix2Pix + TV",
        "paired",
        "pix2pix",
        "ganime-tv",
        steps=2250,
        seconds=70,
        changes=_PIX2PIX | {"tv_weight": 4e-4},
        curves=True,
    ),
    "portraits-input": Method("input unchanged", "unpaired", "copy"),
    "portraits-others": Method("other true pictures", "unpaired", "others"),
    "cartoongan": Method(
        "CartoonGAN",
        "unpaired",
        "cartoongan",
        "cartoongan",
        steps=1275,
        seconds=85,
        changes={
            "filters": 8,
            "num_blocks": 4,
            "discriminator_filters": 8,
            "batch_size": 4,
        },
        by_features={kind: {"features": kind} for kind in ("random", "squeezenet")},
        epoch_shares={"init_epochs": 1 / 4},  # a twentieth of so few steps teaches nothing
    ),
    "cyclegan": Method(
        "CycleGAN",
        "unpaired",
        "cyclegan",
        "cyclegan-128",
        steps=2100,
        seconds=85,
        changes={"filters": 8, "num_blocks": 3, "batch_size": 1, "patch_size": 34},
        epoch_shares={"decay_epochs": 100 / 200},
    ),
    "ugatit": Method(
        "U-GAT-IT",
        "unpaired",
        "ugatit",
        "ugatit-ganime",
        steps=1050,
        seconds=95,
        changes={
            "filters": 8,
            "num_blocks": 2,
            "batch_size": 2,
            "global_layers": 5,
            "local_layers": 3,
        },
    ),
    "munit": _MUNIT_WHOLE,
    "munit-third": dataclasses.replace(_MUNIT_WHOLE, title="MUNIT, 300", steps=300, seconds=35),
    "munit-anigan": _HYBRID_WHOLE,
    "munit-anigan-half": dataclasses.replace(
        _HYBRID_WHOLE, title="MUNIT+AniGAN, 300", steps=300, seconds=40
    ),
    "anigan": Method(
        "AniGAN",
        "unpaired",
        "anigan",
        "anigan",
        steps=300,
        seconds=100,
        changes={
            "num_steps": 0,
            "filters": 16,
            "mlp_width": 64,
            "batch_size": 2,
            "learning_rate": 3e-4,  # with 1e-3 one seed of three runs away
            "ema_decay": 0.99,  # .999 reaches back over more than the whole run
        },
    ),
    "animegan-b": _ANIMEGAN_B,
    "animegan-c": dataclasses.replace(
        _ANIMEGAN_B, title="AnimeGAN (c)", preset="animegan-ganime-c"
    ),
    "animegan-d": Method(
        "AnimeGAN (d)",
        "unpaired",
        "animegan",
        "animegan-ganime-d",
        steps=750,
        seconds=85,
        changes=_ANIMEGAN | {"generator_learning_rate": 5e-5, "discriminator_learning_rate": 1e-4},
        by_features=_ANIMEGAN_BY_FEATURES,
        epoch_shares={"init_epochs": 1 / 5},
    ),
}

# The ablation that Face2Anime's paper plans: CycleGAN, and one more thing at a time.
_FACES = {
    "filters": 8,
    "num_blocks": 3,
    "encoder_blocks": 2,
    "patch_size": 34,
    "batch_size": 2,
    "domain_filters": 16,
}


def _face2anime(title: str, preset: str, **fields) -> Method:
    shares = {} if preset == "face2anime-critic" else {"decay_epochs": 0.5}
    return Method(
        title,
        "unpaired",
        "face2anime",
        preset,
        steps=600,
        seconds=60,
        changes=_FACES | fields,
        epoch_shares=shares,
        by_features={kind: {"perceptual": kind} for kind in ("random", "squeezenet")},
    )


METHODS |= {
    "f2a-cyclegan": _face2anime("CycleGAN", "face2anime-cyclegan"),
    "f2a-domain": _face2anime("+ domain", "face2anime-domain"),
    "f2a-semantic": _face2anime("+ semantic", "face2anime-semantic"),
    "f2a-perceptual": _face2anime("+ perceptual", "face2anime-perceptual"),
    "f2a-all": _face2anime("all three", "face2anime"),
    # Its rate is meant for a million steps.
    "f2a-critic": _face2anime("critic", "face2anime-critic", learning_rate=4e-4),
}

# Unpaired translation for as long as it takes to see it; every one takes about the same time.
_LONG_CYCLEGAN = Method(
    "CycleGAN",
    "unpaired",
    "cyclegan",
    "cyclegan-128",
    steps=9600,
    seconds=1080,
    changes={"filters": 16, "num_blocks": 4, "batch_size": 1, "patch_size": 34},
    epoch_shares={"decay_epochs": 100 / 200},
    curves=True,
)
_LONG_UGATIT = Method(
    "U-GAT-IT",
    "unpaired",
    "ugatit",
    "ugatit-light",
    steps=7200,
    seconds=1080,
    changes={
        "filters": 16,
        "num_blocks": 3,
        "batch_size": 1,
        "global_layers": 5,
        "local_layers": 3,
    },
    curves=True,
)
METHODS |= {
    "portraits-cyclegan-long": _LONG_CYCLEGAN,
    "portraits-ugatit-long": _LONG_UGATIT,
    "sketches-cyclegan-long": dataclasses.replace(_LONG_CYCLEGAN, kind="paired"),
    "sketches-ugatit-long": dataclasses.replace(_LONG_UGATIT, kind="paired"),
}
LONG = {
    "Portraits to drawings": ("portraits-cyclegan-long", "portraits-ugatit-long"),
    "Sketches to colour, without pairs": ("sketches-cyclegan-long", "sketches-ugatit-long"),
}

STUDIES = {
    "sketches": (
        "sketches-input",
        "sketches-others",
        "neural-style",
        "sketches-cyclegan",
        "pix2pix",
        "pix2pix-tv",
    ),
    "portraits": (
        "portraits-input",
        "portraits-others",
        "animegan-d",
        "cartoongan",
        "cyclegan",
        "ugatit",
        "munit",
        "munit-anigan",
        "anigan",
    ),
    "face2anime": (
        "portraits-input",
        "f2a-cyclegan",
        "f2a-domain",
        "f2a-semantic",
        "f2a-perceptual",
        "f2a-all",
        "f2a-critic",
    ),
    "munit-steps": ("munit-third", "munit", "munit-anigan-half", "munit-anigan"),
    "animegan-steps": ("portraits-input", "animegan-b", "animegan-c", "animegan-d"),
}

_NUM_TRAIN = {"paired": 600, "unpaired": 300}


def num_train(method: Method, scale: float) -> int:
    """Pictures that are trained on; at least twice as many as are shown."""
    return max(2 * NUM_SHOWN, round(_NUM_TRAIN[method.kind] * min(scale, 1.0)))


def data_of(method: Method, scale: float) -> str:
    """What `--data` names: the toy world's sketches or portraits."""
    world = {"paired": "toy-sketch", "unpaired": "toy"}[method.kind]
    return f"{world}:{num_train(method, scale)}"


def changes_of(method: Method, features: str) -> dict:
    """The fields that differ from the preset, with a feature network."""
    return dict(method.changes) | method.by_features.get(features, {})


def training_config(method: Method, scale: float, features: str = "random"):
    """The config of a run; its `num_epochs` are exactly the steps that are run.

    Args:
        method: A method of `MODELS`.
        scale: Factor of pictures and steps.
        features: "random" or "squeezenet", for the methods that compare features.
    """
    from ganime_tf.models import get_preset

    per_epoch = num_train(method, scale) // method.changes["batch_size"]
    epochs = max(1, round(method.steps * scale / per_epoch))
    shares = {key: max(1, round(share * epochs)) for key, share in method.epoch_shares.items()}
    return dataclasses.replace(
        get_preset(method.model, method.preset),
        image_size=IMAGE_SIZE,
        load_size=LOAD_SIZE,
        num_epochs=epochs,
        **changes_of(method, features),
        **shares,
    )
