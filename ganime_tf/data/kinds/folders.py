"""A folder of pictures as a domain."""

from pathlib import Path

from ganime_tf.data import listing
from ganime_tf.data.domain import Domain, Part
from ganime_tf.data.spec import DataSpec
from ganime_tf.data.stores import FileStore


def folder_domain(folder: Path, key: str, spec: DataSpec, skipped: list, without=()) -> Domain:
    """One folder, without some folders in it, as one domain that becomes the batch key `key`."""
    names = listing.list_folder(folder, skipped, without)
    listing.need(names, folder, skipped)
    store = FileStore(folder, names, spec.background)
    return Domain(key, [Part(store, ((key, 0, 1),))], aspect=spec.aspect)
