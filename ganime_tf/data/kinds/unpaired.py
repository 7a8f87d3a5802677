"""Unpaired pictures: trainA/trainB/testA/testB, or any two folders."""

from ganime_tf.data import listing
from ganime_tf.data.drawn import OTHER_START, VALIDATION_START, World
from ganime_tf.data.kinds.folders import folder_domain
from ganime_tf.data.kinds.kind import PICTURE, Found, Kind
from ganime_tf.data.kinds.tint import tint
from ganime_tf.data.layouts import set_folder
from ganime_tf.data.spec import DataSpec


def read(spec: DataSpec, direction: str, skipped: list) -> Found:
    """Lists two domains, `a` then `b`."""
    keys = ("b", "a") if direction == "ba" else ("a", "b")
    if spec.path is None:
        train = (listing.existing_folder(spec.a), listing.existing_folder(spec.b))
        held_out = None
    else:
        root = set_folder(spec.path, ("train", "traina", *listing.A_NAMES, *listing.B_NAMES))
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
    return Found(sorted(domains, key=in_order), validation and sorted(validation, key=in_order))


def draw(world: World) -> Found:
    """Portraits (or line art) and drawings of other people; the truth in validation."""
    source = world.source("portrait")
    train = [world.domain("a", {"a": source}), world.domain("b", {"b": "colour"}, OTHER_START)]
    held_out = world.domain("validation", {"a": source, "b": "colour"}, VALIDATION_START)
    return Found(train, [held_out], aligned=True)


KIND = Kind(
    keys={"a": PICTURE, "b": PICTURE},
    aligned=False,
    read=read,
    draw=draw,
    derive=tint,
    options=(
        "direction",
        "tint",
    ),
    help="`a`, `b` of different things",
)
