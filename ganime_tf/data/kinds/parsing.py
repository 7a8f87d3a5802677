"""Pictures with label maps: CelebAMask-HQ, Danbooru-Parsing, palette PNGs."""

from ganime_tf.data import listing
from ganime_tf.data.drawn import VALIDATION_START, World, joined
from ganime_tf.data.kinds.kind import CLASSES, PICTURE, Found, Kind
from ganime_tf.data.layouts import set_folder
from ganime_tf.data.parsing import IMAGE_NAMES, MAP_NAMES, mapped_domain
from ganime_tf.data.spec import DataSpec

_KEYS = ("b", "parsing")


def read(spec: DataSpec, direction: str, skipped: list) -> Found:
    """Lists pictures and their label maps."""
    del direction
    if spec.path is not None:
        root = set_folder(spec.path, (*IMAGE_NAMES, *MAP_NAMES))
        images = listing.subfolder(root, IMAGE_NAMES)
        maps = spec.maps or listing.subfolder(root, MAP_NAMES)
        if images is None or maps is None:
            raise ValueError(
                f"Parsing data needs a folder of pictures (one of {', '.join(IMAGE_NAMES)}) and "
                f"one of label maps ({', '.join(MAP_NAMES)}) in {root}, or `b=DIR,maps=DIR`."
            )
    elif spec.maps is None:
        raise ValueError("Parsing data needs `maps`, the folder of label maps, beside `b`.")
    else:
        images, maps = listing.existing_folder(spec.b), listing.existing_folder(spec.maps)
    domain, classes = mapped_domain("pictures", _KEYS, images, maps, spec, skipped)
    return Found([domain], labels=classes)


def draw(world: World) -> Found:
    """Drawings and their maps."""
    from ganime_tf import toy

    train, held_out = (
        joined(
            "pictures",
            world.domain("pictures", {"b": "colour"}, start),
            world.domain("maps", {"parsing": "parsing"}, start),
        )
        for start in (0, VALIDATION_START)
    )
    return Found([train], [held_out], labels=list(toy.PARSING_CLASSES), aligned=True)


KIND = Kind(
    keys={"b": PICTURE, "parsing": CLASSES},
    aligned=True,
    read=read,
    draw=draw,
    options=("maps", "classes"),
    help="`b` and the class of every pixel",
)
