"""Paired pictures: side by side in one file, in two folders, or named by a list."""

from pathlib import Path

from ganime_tf.data import listing
from ganime_tf.data.domain import Domain, Part
from ganime_tf.data.drawn import VALIDATION_START, World
from ganime_tf.data.kinds.kind import PICTURE, Found, Kind
from ganime_tf.data.kinds.tint import tint
from ganime_tf.data.layouts import check_side_by_side, set_folder
from ganime_tf.data.spec import DataSpec
from ganime_tf.data.stores import FileStore
from ganime_tf.data.tables import find_file, read_list

_WORDS = ("train", "traina", "trainb", *listing.VALIDATION_NAMES, *listing.A_NAMES,
          *listing.B_NAMES)  # fmt: skip


def _side_by_side(root: Path, names, direction: str, spec: DataSpec) -> Domain:
    sketch = {"ab": 0, "ba": 1}.get(direction)
    if sketch is None:
        sketch = listing.sketch_strip(root, names)
    store = FileStore(root, names, spec.background)
    return Domain("pairs", [Part(store, (("a", sketch, 2), ("b", 1 - sketch, 2)))],
                  aspect=spec.aspect)  # fmt: skip


def _two_folders(a: Path, b: Path, direction: str, spec: DataSpec, skipped) -> Domain:
    names_a, names_b = listing.list_folder(a, skipped), listing.list_folder(b, skipped)
    listing.need(names_a, a, skipped)
    listing.need(names_b, b, skipped)
    pairs, dropped = listing.match_stems(names_a, names_b)
    in_a = set(names_a)
    skipped += [(str((a if name in in_a else b) / name), why) for name, why in dropped]
    if not pairs:
        raise ValueError(
            f"No file of {a} has a partner of the same stem in {b}. First names there: "
            f"{', '.join(names_a[:3])} and {', '.join(names_b[:3])}. Rename them, or name the "
            "pairs in a CSV with the columns a,b."
        )
    store_a = FileStore(a, [x for x, _ in pairs], spec.background)
    store_b = FileStore(b, [y for _, y in pairs], spec.background)
    return _pairs(store_a, store_b, direction, spec)


def _pairs(a: FileStore, b: FileStore, direction: str, spec: DataSpec) -> Domain:
    keys = ("b", "a") if direction == "ba" else ("a", "b")
    parts = [Part(a, ((keys[0], 0, 1),)), Part(b, ((keys[1], 0, 1),))]
    return Domain("pairs", parts, aspect=spec.aspect)


def _from_list(path: Path, direction: str, spec: DataSpec, skipped) -> tuple[Domain, list]:
    rows = read_list(path)
    kept, missing = {"a": [], "b": [], "split": []}, []
    for number, row in enumerate(rows, 1):
        names = [row.get("a"), row.get("b")]
        if not all(isinstance(name, str) and name for name in names):
            raise ValueError(
                f"{path}, row {number}: needs `a` and `b` (paths, relative to the list's folder). "
                f"Received the columns {', '.join(map(str, row))}."
            )
        found = [find_file(path.parent, name) for name in names]
        lost = [str(path.parent / n) for n, f in zip(names, found, strict=True) if f is None]
        if lost:
            missing += lost
            skipped += [(name, f"named in row {number}, no such file") for name in lost]
            continue
        kept["a"].append(found[0])
        kept["b"].append(found[1])
        kept["split"].append(str(row.get("split") or "").lower())
    if not kept["a"]:
        more = f" and {len(missing) - 4} more" if len(missing) > 4 else ""
        raise ValueError(
            f"None of the {len(rows)} pairs named in {path} has both files. Missing: "
            f"{', '.join(missing[:4])}{more}."
        )
    stores = [FileStore(path.parent, kept[key], spec.background) for key in ("a", "b")]
    return _pairs(*stores, direction, spec), kept["split"]


def _open_folder(folder: Path, direction: str, spec: DataSpec, skipped, without=()) -> Domain:
    a = listing.subfolder(folder, listing.A_NAMES)
    b = listing.subfolder(folder, listing.B_NAMES)
    if a and b:
        return _two_folders(a, b, direction, spec, skipped)
    names = listing.list_folder(folder, skipped, without)
    listing.need(names, folder, skipped)
    check_side_by_side(folder, names, direction != "auto")
    return _side_by_side(folder, names, direction, spec)


def read(spec: DataSpec, direction: str, skipped: list) -> Found:
    """Lists paired data: one domain of pairs."""
    if spec.path is None:
        a, b = listing.existing_folder(spec.a), listing.existing_folder(spec.b)
        return Found([_two_folders(a, b, direction, spec, skipped)])
    path = Path(spec.path)
    if path.suffix.lower() in (".csv", ".jsonl") and path.is_file():
        domain, split = _from_list(path, direction, spec, skipped)
        return Found([domain], column=split if any(split) else [])
    root = set_folder(path, _WORDS)
    if listing.subfolder(root, ("traina",)) and listing.subfolder(root, ("trainb",)):
        raise ValueError(
            f"{root} has the folders trainA and trainB: unpaired data, for cyclegan and others. "
            "If files of the same names there belong together: "
            f"`a={root}/trainA,b={root}/trainB`."
        )
    a, b = listing.subfolder(root, listing.A_NAMES), listing.subfolder(root, listing.B_NAMES)
    if a and b and (a / "train").is_dir() and (b / "train").is_dir():
        validation = next((n for n in listing.VALIDATION_NAMES
                           if (a / n).is_dir() and (b / n).is_dir()), None)  # fmt: skip
        train = _two_folders(a / "train", b / "train", direction, spec, skipped)
        if validation is None:
            return Found([train])
        held_out = _two_folders(a / validation, b / validation, direction, spec, skipped)
        return Found([train], [held_out])
    train = listing.subfolder(root, ("train",))
    held_out = listing.subfolder(root, listing.VALIDATION_NAMES)
    validation = held_out and [_open_folder(held_out, direction, spec, skipped)]
    if train is not None:
        return Found([_open_folder(train, direction, spec, skipped)], validation)
    if held_out is None or (a and b):
        return Found([_open_folder(root, direction, spec, skipped)], validation)
    if not listing.list_folder(root, [], [held_out]):
        return Found([], validation)  # a set to evaluate on
    return Found([_open_folder(root, direction, spec, skipped, [held_out])], validation)


def draw(world: World) -> Found:
    """Line art and the drawing."""
    keys = {"a": world.source("lineart"), "b": "colour"}
    held_out = world.domain("validation", keys, VALIDATION_START)
    return Found([world.domain("pairs", keys)], [held_out], aligned=True)


KIND = Kind(
    keys={"a": PICTURE, "b": PICTURE},
    aligned=True,
    read=read,
    draw=draw,
    derive=tint,
    options=(
        "direction",
        "tint",
    ),
    help="`a`, `b` of the same thing",
)
