"""Unpaired pictures: trainA/trainB/testA/testB, or any two folders."""

from pathlib import Path

from ganime_tf.data import listing
from ganime_tf.data.domain import Domain, Part
from ganime_tf.data.spec import DataSpec
from ganime_tf.data.stores import FileStore


def folder_domain(folder: Path, key: str, spec: DataSpec, skipped: list) -> Domain:
    """One folder as one domain that becomes the batch key `key`."""
    names = listing.list_folder(folder, skipped)
    listing.need(names, folder, skipped)
    store = FileStore(folder, names, spec.background)
    return Domain(key, [Part(store, ((key, 0, 1),))], aspect=spec.aspect)


def unpaired(
    spec: DataSpec, direction: str, skipped: list
) -> tuple[list[Domain], list[Domain] | None]:
    """Lists unpaired data.

    Returns:
        `(train domains, validation domains or None)`, a then b.
    """
    keys = ("b", "a") if direction == "ba" else ("a", "b")
    if spec.path is None:
        train = (listing.existing_folder(spec.a), listing.existing_folder(spec.b))
        held_out = None
    else:
        root = listing.existing_folder(spec.path)
        train = (listing.subfolder(root, ("traina",)), listing.subfolder(root, ("trainb",)))
        held_out = (listing.subfolder(root, ("testa", "vala")),
                    listing.subfolder(root, ("testb", "valb")))  # fmt: skip
        if None in train:
            inside = listing.subfolder(root, ("train",)) or root
            train = (listing.subfolder(inside, listing.A_NAMES),
                     listing.subfolder(inside, listing.B_NAMES))  # fmt: skip
            outside = listing.subfolder(root, listing.VALIDATION_NAMES)
            if inside != root and outside is not None:
                held_out = (listing.subfolder(outside, listing.A_NAMES),
                            listing.subfolder(outside, listing.B_NAMES))  # fmt: skip
        if None in train:
            found = ", ".join(sorted(p.name for p in root.iterdir() if p.is_dir())) or "none"
            raise ValueError(
                f"Unpaired data needs the folders trainA and trainB in {root} (and testA, testB "
                f"for validation). Folders there: {found}. Any two folders: `a=DIR,b=DIR`."
            )
    domains = [folder_domain(f, k, spec, skipped) for f, k in zip(train, keys, strict=True)]
    validation = None
    if held_out is not None and None not in held_out:
        validation = [folder_domain(f, k, spec, skipped)
                      for f, k in zip(held_out, keys, strict=True)]  # fmt: skip
    in_order = lambda d: d.name  # noqa: E731
    return sorted(domains, key=in_order), validation and sorted(validation, key=in_order)


def pictures(spec: DataSpec, skipped: list) -> tuple[list[Domain], list[Domain] | None]:
    """Lists the pictures of one folder, as `b`.

    Returns:
        `(train domain, validation domain or None)`, each in a list.
    """
    if spec.path is None and spec.a is not None:
        raise ValueError("Data of one domain has no `a`: give a folder, or `b=DIR`.")
    root = listing.existing_folder(spec.b if spec.path is None else spec.path)
    train = listing.subfolder(root, ("train", "trainb"))
    held_out = listing.subfolder(root, (*listing.VALIDATION_NAMES, "testb")) if train else None
    domains = [folder_domain(train or root, "b", spec, skipped)]
    return domains, held_out and [folder_domain(held_out, "b", spec, skipped)]
