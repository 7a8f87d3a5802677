"""The toy world as data: scenes that are drawn when they are asked for."""

import dataclasses

import numpy as np

from ganime_tf.data.domain import Domain, Part
from ganime_tf.data.stores import DrawnStore

DEFAULT_COUNT = 1000
VALIDATION_COUNT = 100
_SIZES = (32, 512)  # what the toy world draws
# Numbers of the scenes. Those to train on start at 0, far from these.
VALIDATION_START = 1_000_000_000
OTHER_START = 500_000_000
"""Scenes of the b side of sets that are not paired: nobody in a is in b."""


@dataclasses.dataclass(frozen=True)
class World:
    """The scenes of one data name.

    Attributes:
        count: Scenes to train on.
        num_held_out: Scenes to validate on.
        seed: Of the scenes.
        variant: The word after `toy-`, empty for `toy`.
    """

    count: int
    num_held_out: int
    seed: int
    variant: str = ""

    @classmethod
    def of(cls, text: str, seed: int) -> "World":
        """The world of `toy`, `toy:COUNT`, `toy-sketch`, `toy-sketch:COUNT`.

        Raises:
            ValueError: On another variant, or fewer than 1 picture.
        """
        name, _, number = text.partition(":")
        count = int(number) if number else DEFAULT_COUNT
        variant = name.removeprefix("toy").removeprefix("-")
        if count < 1:
            raise ValueError(f"{text}: needs at least 1 picture.")
        if variant not in ("", "sketch"):
            raise ValueError(f"There is no data {text!r}. Known: toy, toy:COUNT, toy-sketch:COUNT.")
        return cls(count, max(1, min(VALIDATION_COUNT, count // 2)), seed, variant)

    def source(self, default: str) -> str:
        """What `a` shows: line art if the name asks for it."""
        return "lineart" if self.variant == "sketch" else default

    def domain(
        self,
        name: str,
        keys: dict[str, str],
        start: int = 0,
        artists: np.ndarray | None = None,
    ) -> Domain:
        """Scenes as samples.

        Args:
            name: Of the domain.
            keys: `key -> rendering`, one of `toy.WHATS`. Pictures, or label maps; one domain holds
                pictures and maps of the same scenes through `joined`.
            start: First scene: 0, `OTHER_START`, or `VALIDATION_START`, which gives as many as are
                held out.
            artists: Number of the artist of each scene; by default the house style.
        """
        from ganime_tf import toy

        count = self.num_held_out if start == VALIDATION_START else self.count
        whats = tuple(keys.values())
        maps = [what.endswith("parsing") for what in whats]
        width = 1 if all(maps) else 3

        def draw(index: int, size: int) -> np.ndarray:
            size = min(max(size, _SIZES[0]), _SIZES[1])
            artist = None if artists is None else toy.ARTISTS[artists[index]]
            scene = toy.sample_scene(self.seed, start + index)
            pictures = toy.render_many(scene, whats, size, artist)
            strips = [pictures[what] for what in whats]
            strips = [s[..., None] if s.ndim == 2 else s for s in strips]
            strips = [np.repeat(s, width, -1) if s.shape[-1] < width else s for s in strips]
            return np.concatenate(strips, axis=1)

        names = [f"{start + i:010d}" for i in range(count)]
        store = DrawnStore(draw, names, channels=width, nearest=any(maps))
        outputs = tuple((key, i, len(keys)) for i, key in enumerate(keys))
        return Domain(name, [Part(store, outputs)])


def joined(name: str, *domains: Domain) -> Domain:
    """Domains of the same scenes as one, whose samples hold the pictures of all."""
    return Domain(name, [part for domain in domains for part in domain.parts])
