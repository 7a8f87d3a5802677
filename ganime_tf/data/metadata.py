"""What is known about pictures beside their pixels: CelebA attributes, Danbooru metadata."""

import csv
import dataclasses
import json
import re
from pathlib import Path

_CONDITION = re.compile(r"([^=<>!]+?)\s*(!=|>=|<=|=|<|>)\s*(.*)")


@dataclasses.dataclass(frozen=True)
class Record:
    """One picture's values (lower-case names), tags and artist."""

    values: dict[str, str]
    tags: frozenset[str]
    artist: str | None


def read_metadata(path: str | Path) -> dict[str, Record]:
    """Reads a metadata file into `key -> Record`; the key is a file stem or a Danbooru id.

    Args:
        path: `list_attr_celeba.txt` (a count, a line of names, lines of values), a CSV whose first
            column names the files (`list_attr_celeba.csv`), or JSONL with an `id` or `file_name` a
            line; tags as `tags: [{name, category}]`, a list of strings, or
            `tag_string`; the artist from tags of category 1, `tag_string_artist` or `artist`.

    Raises:
        ValueError: Naming the line that cannot be read.
    """
    path = Path(path)
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    if path.suffix.lower() in (".jsonl", ".json"):
        records = [_danbooru(line, f"{path}, line {n}") for n, line in enumerate(lines, 1)
                   if line.strip()]  # fmt: skip
        return dict(records)
    if path.suffix.lower() == ".csv":
        return _table(lines, path)
    if len(lines) < 2 or not lines[0].strip().isdigit():
        raise ValueError(
            f"{path} is neither JSONL, CSV nor a CelebA attributes file (a count, a line of "
            "attribute names, then one line a picture)."
        )
    names = [name.lower() for name in lines[1].split()]
    records = {}
    for number, line in enumerate(lines[2:], 3):
        file, *values = line.split()
        if len(values) != len(names):
            raise ValueError(
                f"{path}, line {number}: {len(values)} values for {len(names)} attributes."
            )
        values = dict(zip(names, values, strict=True))
        records[Path(file).stem] = Record(values, frozenset(), None)
    return records


def _table(lines: list[str], path: Path) -> dict[str, Record]:
    """A CSV with a line of names; the first column is the file."""
    rows = csv.reader(lines)
    names = [name.strip().lower() for name in next(rows, [])]
    records = {}
    for number, row in enumerate(rows, 2):
        if len(row) != len(names) or not row:
            raise ValueError(f"{path}, line {number}: {len(row)} values for {len(names)} columns.")
        values = dict(zip(names[1:], map(str.strip, row[1:]), strict=True))
        records[Path(row[0].strip()).stem] = Record(values, frozenset(), None)
    return records


def _danbooru(line: str, where: str) -> tuple[str, Record]:
    try:
        row = json.loads(line)
        key = row["id"] if "id" in row else Path(row["file_name"]).stem
        tags, artists = [], []
        for tag in row.get("tags", ()):
            name = tag if isinstance(tag, str) else tag["name"]
            tags.append(name)
            if not isinstance(tag, str) and str(tag.get("category")) == "1":
                artists.append(name)
        tags += str(row.get("tag_string", "")).split()
        artists += str(row.get("tag_string_artist", "")).split()
        if row.get("artist"):
            artists.append(str(row["artist"]))
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{where}: not a metadata row with `id` or `file_name`: {error}"
        ) from error
    values = {str(k).lower(): str(v) for k, v in row.items() if not isinstance(v, list | dict)}
    return str(key), Record(values, frozenset(tags), artists[0] if artists else None)


def find_record(records: dict[str, Record], name: str) -> Record | None:
    """The record of a picture: by its stem, else by the first number in its file name."""
    base = name.rpartition("/")[2].rpartition(".")[0]
    if base in records:
        return records[base]
    number = re.search(r"\d+", base)
    if number is None:
        return None
    return records.get(number.group()) or records.get(number.group().lstrip("0"))


def compile_where(conditions: tuple[str, ...]):
    """Makes a test of records from conditions that must all hold.

    Args:
        conditions: `name=value`, `!=`, `<`, `<=`, `>`, `>=` (numbers); `tag=x`, `tag!=x`,
            `artist=x`. Names are case-insensitive.

    Returns:
        A function `Record -> bool`.

    Raises:
        ValueError: On a condition that cannot be read; on unknown names once applied.
    """
    parsed = []
    for condition in conditions:
        match = _CONDITION.fullmatch(condition.strip())
        if not match:
            raise ValueError(
                f"Cannot read the condition {condition!r}; write `Male=-1`, `tag=hat`."
            )
        parsed.append((match[1].lower(), match[2], match[3]))

    def holds(record: Record) -> bool:
        return all(_holds(record, *item) for item in parsed)

    return holds


def _holds(record: Record, name: str, sign: str, value: str) -> bool:
    if name == "tag":
        if sign not in ("=", "!="):
            raise ValueError(f"Tags know = and != only, not {sign!r}.")
        return (value in record.tags) == (sign == "=")
    actual = record.artist if name == "artist" else record.values.get(name)
    if actual is None:
        if name == "artist" or record.tags:  # Danbooru rows need not have every field
            return sign == "!="
        known = ", ".join(sorted(record.values)[:10])
        raise ValueError(f"The metadata has no {name!r}. It has: {known}, ...")
    if sign in ("=", "!="):
        return (actual == value) == (sign == "=")
    try:
        left, right = float(actual), float(value)
    except ValueError as error:
        raise ValueError(f"{name}{sign}{value} compares numbers; found {actual!r}.") from error
    return {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[sign]
