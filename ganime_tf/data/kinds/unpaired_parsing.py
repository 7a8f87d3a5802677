"""Two domains of different things, each picture with its label map."""

from pathlib import Path

from ganime_tf.data import listing
from ganime_tf.data.domain import Domain
from ganime_tf.data.drawn import OTHER_START, VALIDATION_START, World, joined
from ganime_tf.data.kinds.kind import CLASSES, PICTURE, Found, Kind
from ganime_tf.data.layouts import set_folder
from ganime_tf.data.parsing import IMAGE_NAMES, MAP_NAMES, mapped_domain
from ganime_tf.data.spec import DataSpec

A_NAMES = ("traina", "a", "portrait", "portraits", "photo", "photos")
B_NAMES = ("trainb", "b", "anime", "drawings")
_VALIDATION = (("testa", "vala"), ("testb", "valb"))
_ENDINGS = ("_portrait", "_anime")  # of one folder of both, as `ganime toy --what parsing` writes


def read(spec: DataSpec, direction: str, skipped: list) -> Found:
    """Lists two folders, each with `images` and `labels` (see the kind `parsing`).

    Both get the class numbers of `b`: where `a` has another class list, its maps are translated by
    the names of the classes.
    """
    keys = (("b", "b_parsing"), ("a", "a_parsing"))[:: 1 if direction == "ba" else -1]
    if spec.path is None:
        return _two((Path(spec.a), Path(spec.b)), None, keys, spec, skipped)
    root = set_folder(spec.path, ("train", *A_NAMES, *B_NAMES, *IMAGE_NAMES, *MAP_NAMES))
    if listing.subfolder(root, IMAGE_NAMES[:2]) and listing.subfolder(root, MAP_NAMES):
        return _two((root, root), None, keys, spec, skipped, _ENDINGS)
    inside = listing.subfolder(root, ("train",)) or root
    folders = [listing.subfolder(inside, names) for names in (A_NAMES, B_NAMES)]
    if None in folders:
        found = ", ".join(sorted(p.name for p in root.iterdir() if p.is_dir())) or "none"
        raise ValueError(
            f"Data of the kind unpaired_parsing needs the folders a and b in {root}, each with "
            f"images and labels (and testA, testB for validation); or one folder with images and "
            f"labels of names ending in _portrait and _anime. Folders there: {found}. Any two "
            "folders: `a=DIR,b=DIR`."
        )
    held_out = [listing.subfolder(root, names) for names in _VALIDATION]
    outside = listing.subfolder(root, listing.VALIDATION_NAMES)
    if inside != root and outside is not None:
        held_out = [listing.subfolder(outside, names) for names in (A_NAMES, B_NAMES)]
    return _two(folders, None if None in held_out else held_out, keys, spec, skipped)


def _two(folders, held_out, keys, spec, skipped, endings=("", "")) -> Found:
    def domains(roots) -> tuple[list[Domain], list[str]]:
        result, classes = {}, None
        # First b, whose class list both have.
        for root, pair, end in sorted(zip(roots, keys, endings, strict=True), key=lambda x: x[1],
                                      reverse=True):  # fmt: skip
            root = listing.existing_folder(root)
            images, maps = (listing.subfolder(root, n) for n in (IMAGE_NAMES[:2], MAP_NAMES))
            if images is None or maps is None:
                raise ValueError(f"{root} needs a folder `images` and a folder `labels`.")
            key = pair[0]
            result[key], classes = mapped_domain(key, pair, images, maps, spec, skipped, classes,
                                                 end)  # fmt: skip
        return [result["a"], result["b"]], classes

    train, classes = domains(folders)
    return Found(train, held_out and domains(held_out)[0], labels=classes)


def draw(world: World) -> Found:
    """Portraits and drawings of other people with their true maps; the same ones in validation."""
    from ganime_tf import toy

    def side(key: str, picture: str, start: int) -> Domain:
        parsing = "parsing" if picture == "colour" else f"{picture}_parsing"
        return joined(
            key,
            world.domain(key, {key: picture}, start),
            world.domain(key, {f"{key}_parsing": parsing}, start),
        )

    train = [side("a", "portrait", 0), side("b", "colour", OTHER_START)]
    held_out = joined(
        "validation",
        side("a", "portrait", VALIDATION_START),
        side("b", "colour", VALIDATION_START),
    )
    return Found(train, [held_out], labels=list(toy.PARSING_CLASSES), aligned=True)


KIND = Kind(
    keys={"a": PICTURE, "b": PICTURE, "a_parsing": CLASSES, "b_parsing": CLASSES},
    aligned=False,
    read=read,
    draw=draw,
    options=(
        "direction",
        "classes",
    ),
    help="`a`, `b` of different things, and the class of every pixel of both",
)
