"""Lists of pairs, as people and spreadsheets write them: CSV and JSONL."""

import csv
import json
import logging
import os
import unicodedata
from pathlib import Path

logger = logging.getLogger(__name__)

_DELIMITERS = ",;\t"


def read_list(path: Path) -> list[dict[str, str]]:
    """Reads a `.csv` (with a header line) or `.jsonl` file of rows.

    Values may be separated by commas, semicolons or tabs, with blanks around them; column names may
    be upper-case; the text is UTF-8, UTF-16, or else taken as Windows-1252.

    Raises:
        ValueError: Naming the line that is not a row.
    """
    text = _decode(path)
    if path.suffix.lower() == ".csv":
        lines = text.splitlines()
        header = next((line for line in lines if line.strip()), "")
        delimiter = max(_DELIMITERS, key=header.count)
        rows = list(csv.DictReader(lines, delimiter=delimiter, skipinitialspace=True))
    else:
        rows = []
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip():
                try:
                    row = json.loads(line)
                except ValueError as error:
                    raise ValueError(f"{path}, line {number}: not JSON: {error}") from error
                if not isinstance(row, dict):
                    raise ValueError(f"{path}, line {number}: expected an object {{...}}.")
                rows.append(row)
    if not rows:
        raise ValueError(f"{path} has no rows.")
    return [{_plain(k).lower(): _plain(v) for k, v in row.items() if k is not None} for row in rows]


def _plain(value):
    return value.strip() if isinstance(value, str) else value


def _decode(path: Path) -> str:
    content = path.read_bytes()
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        logger.warning("%s is not UTF-8: read as Windows-1252 (cp1252)", path)
        return content.decode("cp1252", "replace")


def find_file(folder: Path, name: str) -> str | None:
    """The file that a list names, relative to the list's folder; None when there is none.

    Backslashes are taken for slashes and the other Unicode form is tried where the name as written
    leads nowhere.
    """
    name = os.path.expanduser(name)
    slashes = name.replace("\\", "/")
    tries = [name, slashes]
    tries += [unicodedata.normalize(form, slashes) for form in ("NFC", "NFD")]
    for each in tries:
        if (folder / each).is_file():
            return each
    return None
