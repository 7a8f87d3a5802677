"""What is compared: the papers' methods as presets of 64 px, and what needs no training.

The presets ending in `-small` and `-64` are in `ganime_tf/configs`, beside those they are made of.
"""

import dataclasses
from collections.abc import Mapping

IMAGE_SIZE = 64
NUM_HELD_OUT = 100
NUM_SHOWN = 6
TEST_BATCH = 8  # pictures translated together, as in a run's own validation
DATA = {"paired": "toy-sketch:600", "unpaired": "toy:300"}
"""What is trained on, by kind."""


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
        steps: Ends it before its schedule does, or optimisation steps a picture.
        changes: Fields that the size of the data changes.
        curves: Whether the record keeps what every epoch scored.
    """

    title: str
    kind: str
    model: str
    preset: str = ""
    steps: int | None = None
    changes: Mapping = dataclasses.field(default_factory=dict)
    curves: bool = False

    @property
    def trained(self) -> bool:
        """Whether it is a model that `ganime train` trains."""
        return self.model not in ("gatys", "copy", "others")

    @property
    def config(self):
        """Its hyper-parameters."""
        from ganime_tf.models import get_preset

        return dataclasses.replace(get_preset(self.model, self.preset), **self.changes)

    @property
    def total_steps(self) -> int:
        """Training steps, or optimisation steps a picture."""
        if not self.trained:
            return self.steps or 0
        count = int(DATA[self.kind].partition(":")[2])
        return self.steps or self.config.total_steps(count // self.config.batch_size)


def _portraits(title: str, model: str, preset: str, steps: int | None = None) -> Method:
    return Method(title, "unpaired", model, preset, steps)


METHODS = {
    "sketches-input": Method("input unchanged", "paired", "copy"),
    "sketches-others": Method("other true pictures", "paired", "others"),
    "neural-style": Method("Neural style", "paired", "gatys", "squeezenet", 60),
    "sketches-cyclegan": Method("CycleGAN", "paired", "cyclegan", "cyclegan-ganime-small"),
    "pix2pix": Method("Pix2Pix", "paired", "pix2pix", "ganime-small", curves=True),
    "pix2pix-tv": Method("Pix2Pix + TV", "paired", "pix2pix", "ganime-tv-small", curves=True),
    "portraits-input": Method("input unchanged", "unpaired", "copy"),
    "portraits-others": Method("other true pictures", "unpaired", "others"),
    "cartoongan": _portraits("CartoonGAN", "cartoongan", "cartoongan-small"),
    "cyclegan": _portraits("CycleGAN", "cyclegan", "cyclegan-small"),
    "ugatit": _portraits("U-GAT-IT", "ugatit", "ugatit-small"),
    "munit": _portraits("MUNIT", "munit", "munit-small"),
    "munit-third": _portraits("MUNIT, 300", "munit", "munit-small", 300),
    "munit-anigan": _portraits("MUNIT+AniGAN", "munit", "munit-anigan-small"),
    "munit-anigan-half": _portraits("MUNIT+AniGAN, 300", "munit", "munit-anigan-small", 300),
    "anigan": _portraits("AniGAN", "anigan", "anigan-small"),
    "animegan-b": _portraits("AnimeGAN (b)", "animegan", "animegan-ganime-b-small"),
    "animegan-c": _portraits("AnimeGAN (c)", "animegan", "animegan-ganime-c-small"),
    "animegan-d": _portraits("AnimeGAN (d)", "animegan", "animegan-ganime-d-small"),
    # The ablation that Face2Anime's paper plans: CycleGAN, and one more thing at a time.
    "f2a-cyclegan": _portraits("CycleGAN", "face2anime", "face2anime-cyclegan-small"),
    "f2a-domain": _portraits("+ domain", "face2anime", "face2anime-domain-small"),
    "f2a-semantic": _portraits("+ semantic", "face2anime", "face2anime-semantic-small"),
    "f2a-perceptual": _portraits("+ perceptual", "face2anime", "face2anime-perceptual-small"),
    "f2a-all": _portraits("all three", "face2anime", "face2anime-small"),
    "f2a-critic": _portraits("critic", "face2anime", "face2anime-critic-small"),
    # Unpaired translation for as long as it takes to see it; all take about the same time.
    "portraits-cyclegan-long": Method(
        "CycleGAN", "unpaired", "cyclegan", "cyclegan-64", curves=True
    ),
    "portraits-ugatit-long": Method("U-GAT-IT", "unpaired", "ugatit", "ugatit-64", curves=True),
    "sketches-cyclegan-long": Method(
        "CycleGAN",
        "paired",
        "cyclegan",
        "cyclegan-64",
        changes={"num_epochs": 16, "decay_epochs": 8},
        curves=True,
    ),
    "sketches-ugatit-long": Method(
        "U-GAT-IT", "paired", "ugatit", "ugatit-64", changes={"num_epochs": 12}, curves=True
    ),
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
