"""`ganime color`: line art coloured from hints, on the artist's own lines."""

import dataclasses
import time
from pathlib import Path
from typing import Annotated, Literal

import tyro

from ganime_tf.cli.options import parse


@dataclasses.dataclass(frozen=True)
class Args:
    """Colour pages of line art.

    Writes NAME.png for each page: under its ink the artist's own pixels, at the hints exactly the
    chosen colours. Needs no TensorFlow, no graphics card and no network connection.
    """

    pages: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Pictures of line art, and folders of them."""
    out: Annotated[Path, tyro.conf.arg(aliases=["-o"])]
    """Folder for the results."""
    hints: Path | None = None
    """Dabs on a transparent picture of the page's size, or a .json file; for several pages a folder
    with NAME.png or NAME.json for each."""
    sheet: Path | None = None
    """A coloured picture of the same character: dabs are set where a part of the page is surely one
    of its parts, and written as NAME-hints.json, to be changed and given by --hints. Your own dabs
    go first; what nobody dabbed stays paper, as with --paper."""
    palette: Path | None = None
    """Named colours for .json hints: {"hair": "#a04020"}, or a GIMP palette."""
    flat: bool = False
    """One clean colour for each region; also writes NAME-regions.png, a map of their numbers."""
    paper: bool = False
    """Regions that no dab reaches by an open way stay paper, as with a paint bucket; otherwise they
    take the colours around them."""
    shade: Literal["off", "cel", "soft"] = "off"
    """Shadows over the colours, a layer of their own: cel with an edge, soft without."""
    light: Literal["left", "right"] = "left"
    """Where the light comes from."""
    depth: float = 0.3
    """How dark shadows are, 0 to 1."""
    layers: tuple[Literal["ora", "psd"], ...] = ()
    """Also write ink, shade, colour or flats as layers: ora (Krita, GIMP), psd (extra [psd])."""
    size: int = 256
    """The colours are spread on at most SIZE x SIZE pixels; larger is finer and slower."""
    skip_existing: bool = False
    """Leave pages alone whose result exists; otherwise a result that exists is an error."""
    json: Path | None = None
    """File for a report."""


def main(argv: list[str], prog: str) -> int:
    """Colours; returns 1 when a page had to be skipped."""
    args = parse(Args, argv, prog)
    from ganime_tf.cli import setup_logging

    setup_logging()
    from ganime_tf.colouring.hints import read_palette
    from ganime_tf.colouring.shade import ShadeStyle
    from ganime_tf.ops.files import write_json
    from ganime_tf.progress import ProgressBar

    style = None if args.shade == "off" else ShadeStyle(args.shade, args.light, args.depth)
    sheet = None if args.sheet is None else _read_sheet(args.sheet)
    pages = _find(args.pages)
    palette = read_palette(args.palette) if args.palette else {}
    if args.hints is not None and not args.hints.exists():
        raise FileNotFoundError(f"{args.hints}: there is no such file or folder")
    if len(pages) > 1 and args.hints is not None and not args.hints.is_dir():
        raise ValueError(
            f"{len(pages)} pages need a folder of hints, NAME.png or NAME.json for each page. "
            f"Received {args.hints}."
        )
    targets = _targets(pages, args)
    bar = ProgressBar(len(pages), "colour", "page")
    report, failed = [], 0
    for path, target in zip(pages, targets, strict=True):
        if args.skip_existing and target.exists():
            report.append({"page": str(path), "result": str(target), "skipped": "exists"})
        else:
            try:
                report.append(_colour(path, target, palette, style, sheet, args))
            except (ValueError, OSError, MemoryError) as error:
                if len(pages) == 1:
                    raise
                failed += 1
                message = " ".join((str(error) or type(error).__name__).split())
                report.append({"page": str(path), "error": message})
        bar.update()
    bar.close()
    if args.json is not None:
        write_json(args.json, {"pages": report})
    for entry in report:
        for key in ("error", "remark"):
            if entry.get(key):
                print(f"{entry['page']}: {entry[key]}")
    written = sum("seconds" in entry for entry in report)
    print(f"Wrote {written} page(s) to {args.out}.")
    return 1 if failed else 0


def _find(given: tuple[Path, ...]) -> list[Path]:
    from ganime_tf.data.io import SUFFIXES

    pages = []
    for path in given:
        if path.is_dir():
            found = [p for p in sorted(path.iterdir()) if p.suffix.lower() in SUFFIXES]
            if not found:
                raise ValueError(f"{path}: no picture in this folder.")
            pages += found
        elif path.is_file():
            pages.append(path)
        else:
            raise FileNotFoundError(f"{path}: there is no such file or folder")
    if not pages:
        raise ValueError("Nothing to colour. Give pictures of line art, or folders of them.")
    return list(dict.fromkeys(pages))


def _outputs(target: Path, args: Args) -> list[Path]:
    regions = [target.with_name(f"{target.stem}-regions.png")] if args.flat else []
    hints = [] if args.sheet is None else [_hints_file(target)]
    return [target, *regions, *hints, *(target.with_suffix(f".{kind}") for kind in args.layers)]


def _hints_file(target: Path) -> Path:
    return target.with_name(f"{target.stem}-hints.json")


def _read_sheet(path: Path):
    from ganime_tf.colouring.sheet import Sheet
    from ganime_tf.data.io import read_image

    picture = read_image(path)
    try:
        return Sheet(picture)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _targets(pages: list[Path], args: Args) -> list[Path]:
    """A result for each page; never one of the given files, never two for one name."""
    stems = [page.stem for page in pages]
    targets = [
        args.out / f"{page.name if stems.count(page.stem) > 1 else page.stem}.png" for page in pages
    ]
    if len(set(targets)) < len(targets):
        raise ValueError("Two pages have the same name: colour their folders one by one.")
    given = {page.resolve() for page in pages}
    if args.hints is not None:
        hints = args.hints.iterdir() if args.hints.is_dir() else [args.hints]
        given |= {path.resolve() for path in hints}
    if args.sheet is not None:
        given.add(args.sheet.resolve())
    for target in targets:
        for path in _outputs(target, args):
            if path.resolve() in given:
                raise ValueError(
                    f"{path} is one of the given files and would be lost: choose another -o."
                )
            if path.exists() and not args.skip_existing:
                raise ValueError(
                    f"{path} exists. Choose another -o, remove it, or use --skip-existing."
                )
    return targets


def _hints_of(path: Path, size, palette, args: Args):
    from ganime_tf.colouring.hints import no_hints, read_hints

    if args.hints is None:
        return no_hints(size)
    if not args.hints.is_dir():
        return read_hints(args.hints, size, palette)
    for suffix in (".json", ".png"):
        if (found := args.hints / f"{path.stem}{suffix}").is_file():
            return read_hints(found, size, palette)
    return no_hints(size)


def _colour(path: Path, target: Path, palette: dict, style, sheet, args: Args) -> dict:
    import numpy as np
    from PIL import Image

    from ganime_tf.colouring.hints import parse_hints
    from ganime_tf.colouring.ink import read_page
    from ganime_tf.colouring.layers import WRITERS, layers_of
    from ganime_tf.colouring.page import Page
    from ganime_tf.ops.files import atomic_path, write_json

    start = time.monotonic()
    page = Page(read_page(path), area=args.size)
    hints = _hints_of(path, page.ink.size, palette, args)
    paper, found = args.paper or sheet is not None, []
    if sheet is not None:
        found = sheet.dabs(page, taken=hints.mask)
        hints = hints.over(parse_hints({"points": found}, page.ink.size))
    result = page.colour(hints, flat=args.flat, paper=paper, shade=style)
    entry = {
        "page": str(path),
        "result": str(target),
        "width": page.ink.size[1],
        "height": page.ink.size[0],
        "hinted": round(float(hints.mask.mean()), 6),
    }
    remarks = [page.remark] if page.remark else []
    if sheet is not None:
        entry["from_sheet"] = len(found)
        size = [page.ink.size[1], page.ink.size[0]]
        write_json(_hints_file(target), {"size": size, "points": found})
        if not found:
            remarks.append("No part of the page is surely one of the sheet's.")
    elif not hints:
        remarks.append("No hint: the page stays paper. Dab colours on it and give them by --hints.")
    if remarks:
        entry["remark"] = " ".join(remarks)
    _save(target, result.picture)
    if result.flats is not None:
        regions = result.flats.regions()
        entry["regions"] = int(regions.max()) + 1
        entry["colours"] = ["#{:02x}{:02x}{:02x}".format(*c) for c in result.flats.colours.tolist()]
        with atomic_path(target.with_name(f"{target.stem}-regions.png")) as temporary:
            # 16 bits: a page has more regions than a byte holds.
            Image.fromarray(np.minimum(regions, 65535).astype(np.uint16)).save(
                temporary, format="PNG", compress_level=1
            )
    if args.layers:
        layers = layers_of(page, result)
        for kind in args.layers:
            WRITERS[kind](target.with_suffix(f".{kind}"), layers, result.picture)
    entry["seconds"] = round(time.monotonic() - start, 3)
    return entry


def _save(path: Path, picture) -> None:
    from PIL import Image

    from ganime_tf.ops.files import atomic_path

    with atomic_path(path) as temporary:
        Image.fromarray(picture).save(temporary, format="PNG", compress_level=1)
