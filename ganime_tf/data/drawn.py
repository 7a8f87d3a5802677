"""The toy world as data: scenes that are drawn when they are asked for."""

import numpy as np

from ganime_tf.data.domain import Domain, Part
from ganime_tf.data.stores import DrawnStore
from ganime_tf.data.stylize import smoothed

DEFAULT_COUNT = 1000
VALIDATION_COUNT = 100
_SIZES = (32, 512)  # what the toy world draws
_VALIDATION_START = 1_000_000_000  # far from all training scenes, whose numbers start at 0
_OTHER_START = 500_000_000  # scenes of the b side of unpaired sets


def parse(text: str) -> tuple[str, int]:
    """`toy`, `toy:2000`, `toy-sketch:2000` -> (variant, count)."""
    name, _, count = text.partition(":")
    number = int(count) if count else DEFAULT_COUNT
    if number < 1:
        raise ValueError(f"{text}: needs at least 1 picture.")
    return name.removeprefix("toy").removeprefix("-"), number


def _domain(name: str, keys: dict[str, str], start: int, count: int, seed: int, artists=None):
    """Scenes `start`..`start + count` as aligned pictures `key -> rendering`."""
    from ganime_tf import toy

    whats = tuple(keys.values())
    maps = [what.endswith("parsing") for what in whats]

    def draw(index: int, size: int) -> np.ndarray:
        size = min(max(size, _SIZES[0]), _SIZES[1])
        artist = None if artists is None else toy.ARTISTS[artists[index]]
        pictures = toy.render_many(toy.sample_scene(seed, start + index), whats, size, artist)
        strips = [pictures[what] for what in whats]
        strips = [s[..., None] if s.ndim == 2 else s for s in strips]
        width = 1 if all(maps) else 3
        strips = [np.repeat(s, width, -1) if s.shape[-1] < width else s for s in strips]
        return np.concatenate(strips, axis=1)

    names = [f"{start + i:010d}" for i in range(count)]
    store = DrawnStore(draw, names, channels=1 if all(maps) else 3, nearest=any(maps))
    outputs = tuple((key, i, len(keys)) for i, key in enumerate(keys))
    return Domain(name, [Part(store, outputs)])


def _held_out(domain: Domain) -> Domain:
    domain.train_ids, domain.validation_ids = domain.validation_ids, domain.train_ids
    return domain


def toy_domains(kind: str, text: str, seed: int) -> tuple[list[Domain], list[Domain]]:
    """Domains of the toy world for a kind of data.

    Args:
        kind: As `open_data`.
        text: `toy`, `toy:COUNT`, `toy-sketch`, `toy-sketch:COUNT`.
        seed: Of the scenes.

    Returns:
        `(train, validation)`; validation is aligned and drawn from other scenes.
    """
    variant, count = parse(text)
    source = {"": "lineart" if kind == "paired" else "portrait", "sketch": "lineart"}.get(variant)
    if source is None:
        raise ValueError(f"There is no data {text!r}. Known: toy, toy:COUNT, toy-sketch:COUNT.")
    num_held_out = max(1, min(VALIDATION_COUNT, count // 2))
    if kind == "labelled":
        return _labelled(count, num_held_out, seed)
    if kind == "parsing":
        return _parsing(count, num_held_out, seed)
    if kind == "pictures":
        held_out = _domain("b", {"b": "colour"}, _VALIDATION_START, num_held_out, seed)
        return [_domain("b", {"b": "colour"}, 0, count, seed)], [_held_out(held_out)]
    if kind == "paired":
        keys = {"a": source, "b": "colour"}
        train = [_domain("pairs", keys, 0, count, seed)]
    else:
        train = [_domain("a", {"a": source}, 0, count, seed),
                 _domain("b", {"b": "colour"}, _OTHER_START, count, seed)]  # fmt: skip
    if kind == "stylize":
        train.append(smoothed(train[1]))
    keys = {"a": source, "b": "colour"}
    return train, [_held_out(_domain("validation", keys, _VALIDATION_START, num_held_out, seed))]


def _labelled(count: int, num_held_out: int, seed: int) -> tuple[list[Domain], list[Domain]]:
    from ganime_tf import toy

    result = []
    for start, number in ((0, count), (_VALIDATION_START, num_held_out)):
        artists = np.arange(number, dtype=np.int32) % len(toy.ARTISTS)
        domain = _domain("b", {"b": "colour"}, start, number, seed, artists)
        domain.labels = {"label": artists}
        result.append([domain])
    return result[0], [_held_out(result[1][0])]


def _parsing(count: int, num_held_out: int, seed: int) -> tuple[list[Domain], list[Domain]]:
    result = []
    for start, number in ((0, count), (_VALIDATION_START, num_held_out)):
        pictures = _domain("pictures", {"b": "colour"}, start, number, seed)
        maps = _domain("maps", {"parsing": "parsing"}, start, number, seed)
        result.append([Domain("pictures", pictures.parts + maps.parts)])
    return result[0], [_held_out(result[1][0])]


def toy_labels(kind: str) -> list[str]:
    """Names of the label values that the toy world has for a kind of data."""
    from ganime_tf import toy

    if kind == "labelled":
        return [artist.name for artist in toy.ARTISTS]
    return list(toy.PARSING_CLASSES) if kind == "parsing" else []
