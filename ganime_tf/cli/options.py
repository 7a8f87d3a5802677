"""Options of commands: read by tyro, refused in one line."""

import contextlib
import io
import itertools
import os
import re
from unittest import mock

import tyro


class _Box(io.StringIO):
    """Where tyro draws its boxes: always with lines that no message has."""

    encoding = "utf-8"


def parse(kind, argv: list[str], prog: str, **settings):
    """Reads the options of a command.

    Args:
        kind: What `tyro.cli` fills: a dataclass or a function; a dict of them by sub-command.
        argv: The words of the call.
        prog: Name of the command, for messages.
        **settings: Others of `tyro.cli`.

    Raises:
        ValueError: When an option is wrong, in one line; tyro's own message is a box.
        SystemExit: After `--help`.
    """
    read = tyro.extras.subcommand_cli_from_dict if isinstance(kind, dict) else tyro.cli
    if {"-h", "--help"} & set(argv):
        return read(kind, args=argv, prog=prog, **settings)
    box = _Box()
    try:
        with (
            mock.patch.dict(os.environ, COLUMNS="10000"),  # no word is broken
            contextlib.redirect_stdout(box),
            contextlib.redirect_stderr(box),
        ):
            return read(kind, args=argv, prog=prog, **settings)
    except SystemExit as stop:
        if not stop.code:
            print(box.getvalue(), end="")
            raise
        message = _one_line(box.getvalue())
    raise ValueError(f"{message} See `{prog} --help`.")


def _one_line(box: str) -> str:
    """The sentence in a box of tyro: its head, and the options that it asks for or suggests."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", box)
    lines = [line.strip(" │\t") for line in text.splitlines() if line[:1] not in ("╭", "╰")]
    parts: list[list[str]] = [[]]
    for line in filter(None, lines):
        if set(line) == {"─"}:
            parts.append([])
        else:
            parts[-1].append(line)
    head, *rest = parts
    if head and head[0].startswith("Missing from"):
        wanted = [line for line in head[1:] if _option(line)]
        for name, help in itertools.pairwise(head):
            if name.isupper():  # a word of its own, named by its help
                wanted.insert(0, f"{name} ({help.removesuffix('(required)').rstrip('. ')})")
        unknown = [part[1:] for part in rest if part and part[0].startswith("Unrecognized")]
        also = f" Unrecognized options: {', '.join(unknown[0])}." if unknown else ""
        return f"Missing: {', '.join(wanted)}.{also}"
    message = " ".join(head)
    message = re.sub(r"^Error parsing (paper|network|run|args): ", "", message)
    number = re.match(r"Error parsing (\S+): (invalid literal for int|could not convert)", message)
    if number:
        kind = "a whole number" if number[2].endswith("int") else "a number"
        message = f"{number[1]} takes {kind}. Received {message.rpartition(': ')[2]}"
    message = message.rstrip(".") + "."
    for part in rest:
        if part and part[0].startswith("Perhaps you meant"):
            message += f" Did you mean {', '.join(filter(_option, part))}?"
    return message


def _option(line: str) -> bool:
    return line.startswith("-")
