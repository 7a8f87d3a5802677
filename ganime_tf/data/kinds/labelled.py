"""Pictures labelled by artist: a folder per artist, or the artists of a metadata file."""

import collections

import numpy as np

from ganime_tf.data import listing
from ganime_tf.data.domain import Domain
from ganime_tf.data.drawn import VALIDATION_START, World
from ganime_tf.data.kinds.folders import folder_domain
from ganime_tf.data.kinds.kind import LABEL, PICTURE, Found, Kind
from ganime_tf.data.metadata import find_record, read_metadata
from ganime_tf.data.spec import DataSpec


def read(spec: DataSpec, direction: str, skipped: list) -> Found:
    """Lists labelled pictures; `label` is the position of the artist in the sorted names."""
    del direction
    if spec.path is None:
        raise ValueError("Labelled data needs `path`: a folder with one folder per artist.")
    root = listing.existing_folder(spec.path)
    domain = folder_domain(listing.subfolder(root, ("train",)) or root, "b", spec, skipped)
    if spec.metadata is None:
        artists = [name.partition("/")[0] if "/" in name else None for name in domain.names]
        what = f"one folder per artist in {root}"
    else:
        records = read_metadata(spec.metadata)
        found = [find_record(records, name) for name in domain.names]
        artists = [record.artist if record else None for record in found]
        what = f"artists in {spec.metadata}"
    domain, names = label(domain, artists, spec.min_images_per_artist, what)
    return Found([domain], labels=names, filtered=True)


def label(domain: Domain, artists: list, minimum: int, what: str) -> tuple[Domain, list[str]]:
    """Keeps the samples of artists with at least `minimum` samples and numbers the artists."""
    counts = collections.Counter(artist for artist in artists if artist)
    kept = sorted(artist for artist, count in counts.items() if count >= minimum)
    if not kept:
        raise ValueError(
            f"Found no labels: expected {what} with at least {minimum} pictures each; the largest "
            f"has {max(counts.values(), default=0)}."
        )
    number = {artist: i for i, artist in enumerate(kept)}
    ids = np.array([i for i, artist in enumerate(artists) if artist in number])
    labels = np.array([number[artists[i]] for i in ids], np.int32)
    domain = domain.select(ids)
    domain.labels = {"label": labels}
    return domain, kept


def draw(world: World) -> Found:
    """Drawings of different people, by all artists of the drawn world in turn."""
    from ganime_tf import toy

    domains = []
    for start, count in ((0, world.count), (VALIDATION_START, world.num_held_out)):
        artists = np.arange(count, dtype=np.int32) % len(toy.ARTISTS)
        domain = world.domain("b", {"b": "colour"}, start, artists)
        domain.labels = {"label": artists}
        domains.append([domain])
    names = [artist.name for artist in toy.ARTISTS]
    return Found(*domains, labels=names, aligned=True)


KIND = Kind(
    keys={"b": PICTURE, "label": LABEL},
    aligned=True,
    read=read,
    draw=draw,
    help="`b` and the artist who drew it",
)
