"""What the endpoints answer. Pictures travel in bodies: nothing of a request becomes a path."""

import base64
import binascii
import functools
from collections.abc import Mapping

from ganime_tf.colouring import Page
from ganime_tf.colouring.palette import palette_of
from ganime_tf.colouring.sheet import Sheet
from ganime_tf.serving.limits import Limits, RefusedError
from ganime_tf.serving.pages import FORMATS, Pages, coloured, file_bytes, place_dabs, png_bytes

NUM_EXAMPLES = 5
_VIEW = {
    "hints": dict,
    "flat": bool,
    "paper": bool,
    "shade": str,
    "light": str,
    "depth": (int, float),
}
_COLOR = {"page": str, "sheet": str, "size": int, "layers": str, **_VIEW}


def color(body: Mapping, limits: Limits) -> dict:
    """Answers `POST /api/color`: everything in one request, nothing is kept.

    Args:
        body: `page` (base64 of a picture file), and optionally `sheet` (likewise, a coloured
            picture of the character), `hints` (see `parse_hints`), `flat`, `paper`, `size` (32 to
            1024), `layers` ("ora" or "psd").
        limits: Of the server.

    Returns:
        `picture` (base64 PNG), `width`, `height`, `remark`, `layers` when they were asked for, and
        with a sheet `hints`, the dabs that were placed.

    Raises:
        RefusedError: When something in it is wrong.
    """
    check_fields(body, _COLOR, ("page",))
    picture = limits.decode(unpack(body["page"], "page"))
    size = body.get("size", 256)
    if not 32 <= size <= 1024:
        raise RefusedError(f"size must be 32 to 1024. Received {size}.")
    if body.get("layers", "ora") not in ("ora", "psd"):
        raise RefusedError(f"layers must be 'ora' or 'psd'. Received {body['layers']!r}.")
    try:
        page = Page(picture, area=size)
    except ValueError as error:
        raise RefusedError(str(error)) from error
    placed = {}
    if "sheet" in body:
        placed = place_dabs(page, sheet_of(body["sheet"], limits), body)
    result = coloured(page, {"paper": "sheet" in body, **body}, placed)
    hinted = any(placed.get("points", ())) or any(body.get("hints", {}).values())
    answer = {
        "picture": pack(png_bytes(result.picture)),
        "width": page.ink.size[1],
        "height": page.ink.size[0],
        "remark": page.remark if hinted else "No hint: the page stays paper.",
    }
    if placed:
        answer["hints"] = placed
    if "layers" in body:
        answer["layers"] = pack(file_bytes(body["layers"], page, result))
    return answer


def open_page(content: bytes, pages: Pages, limits: Limits) -> dict:
    """Answers `POST /api/pages`: the name of the opened page, its sizes and a remark."""
    name, page = pages.open(limits.decode(content))
    return {"id": name, **page.describe()}


def preview(body: Mapping, name: str, pages: Pages) -> bytes:
    """Answers `POST /api/pages/ID/preview`: a PNG of the screen's size."""
    check_fields(body, _VIEW)
    return pages[name].preview(body)


def result(body: Mapping, name: str, pages: Pages) -> tuple[bytes, str]:
    """Answers `POST /api/pages/ID/result`: the content and the type of a file."""
    check_fields(body, {**_VIEW, "format": str})
    kind = body.get("format", "png")
    if kind not in FORMATS:
        raise RefusedError(f"format must be one of {', '.join(FORMATS)}. Received {kind!r}.")
    return pages[name].result(body, kind), FORMATS[kind][0]


def sheet_colours(content: bytes, limits: Limits) -> dict:
    """Answers `POST /api/palette`: the main colours of a picture."""
    found = palette_of(limits.decode(content, line_art=False))
    return {"colours": ["#{:02x}{:02x}{:02x}".format(*colour) for colour in found.tolist()]}


def from_sheet(body: Mapping, name: str, pages: Pages, limits: Limits) -> dict:
    """Answers `POST /api/pages/ID/sheet`: dabs for an open page from a character's sheet.

    Args:
        body: `sheet` (base64 of a picture file), and optionally `hints`, whose regions get none.
        name: Of the page.
        pages: The open ones.
        limits: Of the server.

    Returns:
        `{"size", "points"}` in the frame of the page's view, as `parse_hints` reads it.
    """
    check_fields(body, {"sheet": str, "hints": dict}, ("sheet",))
    page = pages[name]
    return page.place(sheet_of(body["sheet"], limits), body)


def sheet_of(text: str, limits: Limits) -> Sheet:
    """The character's sheet of a request."""
    picture = limits.decode(unpack(text, "sheet"), line_art=False)
    try:
        return Sheet(picture)
    except ValueError as error:
        raise RefusedError(str(error)) from error


@functools.lru_cache(maxsize=NUM_EXAMPLES)
def example(number: int) -> bytes:
    """Line art of the drawn world, PNG: four portraits and a page."""
    from ganime_tf.colouring.examples import HELD_OUT, draw_flat, draw_page, pose
    from ganime_tf.toy import sample_scene

    if number == 4:
        hero = sample_scene(HELD_OUT, 33)
        return png_bytes(draw_page([pose(hero, k) for k in range(5)]).lineart)
    return png_bytes(draw_flat(sample_scene(HELD_OUT, (33, 26, 31, 25)[number]), 800).lineart)


def check_fields(body, fields: Mapping, required=()) -> None:
    """Refuses a body that is no object, or has unknown, missing or mistyped fields."""
    if not isinstance(body, dict):
        raise RefusedError("The body must be a JSON object.")
    for name, value in body.items():
        if name not in fields:
            raise RefusedError(f"Unknown field {name!r}. Fields: {', '.join(fields)}.")
        kind = fields[name]
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise RefusedError(f"{name} must be {_NAMES[kind]}. Received {type(value).__name__}.")
    for name in required:
        if name not in body:
            raise RefusedError(f"The field {name!r} is missing.")


_NAMES = {
    str: "a string",
    dict: "an object",
    list: "a list",
    bool: "true or false",
    int: "a whole number",
    (int, float): "a number",
}


def unpack(text: str, name: str) -> bytes:
    """Bytes from base64; a `data:` address' head is allowed."""
    text = text.partition(",")[2] if text.startswith("data:") else text
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise RefusedError(
            f"{name} must be the base64 of a picture file. Received something else."
        ) from None


def pack(content: bytes) -> str:
    """Base64 of bytes."""
    return base64.b64encode(content).decode("ascii")
