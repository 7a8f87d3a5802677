"""The pictures of one folder."""

from ganime_tf.data import listing
from ganime_tf.data.drawn import VALIDATION_START, World
from ganime_tf.data.kinds.folders import folder_domain
from ganime_tf.data.kinds.kind import PICTURE, Found, Kind
from ganime_tf.data.layouts import set_folder
from ganime_tf.data.spec import DataSpec


def read(spec: DataSpec, direction: str, skipped: list) -> Found:
    """Lists the pictures of one folder, as `b`."""
    del direction
    if spec.path is None and spec.a is not None:
        raise ValueError("Data of one domain has no `a`: give a folder, or `b=DIR`.")
    root = set_folder(spec.b if spec.path is None else spec.path, ("train", "trainb"))
    train = listing.subfolder(root, ("train", "trainb"))
    held_out = listing.subfolder(root, (*listing.VALIDATION_NAMES, "testb"))
    validation = held_out and [folder_domain(held_out, "b", spec, skipped)]
    without = () if train or not held_out else (held_out,)
    return Found([folder_domain(train or root, "b", spec, skipped, without)], validation)


def draw(world: World) -> Found:
    """Drawings."""
    keys = {"b": "colour"}
    held_out = world.domain("b", keys, VALIDATION_START)
    return Found([world.domain("b", keys)], [held_out], aligned=False)


KIND = Kind(keys={"b": PICTURE}, aligned=False, read=read, draw=draw, help="`b` alone")
