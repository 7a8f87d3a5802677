"""The pages tell the truth: their code runs, their commands exist, their links lead somewhere.

A fenced block of python or bash is run, from top to bottom of its page and in one folder, unless
its fence says `no-run`; then python is compiled and `ganime` commands are checked by their help.
Of a bash block only the `ganime` lines are run.
"""

import contextlib
import functools
import importlib.util
import io
import logging
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from ganime_tf.cli import COMMANDS, main

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
    + list((ROOT / "docs").rglob("*.md"))
)
# Its blocks are excerpts that show a shape.
EXCERPTS = {"docs/design.md"}
# The page whose training is part of the default run; the other pages that train are slow.
QUICK_START = "docs/index.md"
FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w+)(?P<info>[^\n`]*)\n(?P<code>.*?)^(?P=indent)```",
    re.M | re.S,
)
# Commands whose first arguments choose their options.
SUBCOMMANDS = {"train": 1, "prepare": 1}


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path) -> list[tuple[str, bool, str]]:
    """(language, to be run, code) of the python and bash blocks of a page, in order."""
    result = []
    for match in FENCE.finditer(page.read_text(encoding="utf-8")):
        if match["language"] in ("python", "bash"):
            runs = "no-run" not in match["info"].split() and name_of(page) not in EXCERPTS
            indent = len(match["indent"])
            code = "".join(line[indent:] for line in match["code"].splitlines(keepends=True))
            result.append((match["language"], runs, code))
    return result


def commands(code: str) -> list[list[str]]:
    """The arguments of every `ganime` line of a bash block."""
    joined = code.replace("\\\n", " ")
    words = [shlex.split(line, comments=True) for line in joined.splitlines()]
    for index, line in enumerate(words):
        while line and re.fullmatch(r"[A-Z_0-9]+=.*", line[0]):  # VARIABLE=value ganime ...
            line = words[index] = line[1:]
    return [line[1:] for line in words if line and line[0] == "ganime"]


def with_block(language: str, runs: bool | None = None) -> list:
    def wanted(page):
        return any(b[0] == language and runs in (None, b[1]) for b in blocks(page))

    return [pytest.param(page, id=name_of(page)) for page in PAGES if wanted(page)]


@functools.cache
def options(words: tuple[str, ...]) -> frozenset[str]:
    """Every option that the help of a command names."""
    text = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(text):
        patch.setenv("COLUMNS", "200")
        try:
            status = main([*words, "--help"])
        except SystemExit as end:
            status = end.code or 0
    assert status == 0, f"ganime {' '.join(words)} --help: exit code {status}"
    return frozenset(re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", text.getvalue()))


def check_command(argv: list[str]) -> None:
    """Asserts that a command, its subcommand and its options exist."""
    if argv[:1] in ([], ["--help"], ["--version"]):
        return
    assert argv[0] in COMMANDS, f"ganime {argv[0]}: no such command"
    depth = SUBCOMMANDS.get(argv[0], 0)
    words = tuple(word for word in argv[: depth + 1] if not word.startswith("-"))
    used = {word.partition("=")[0] for word in argv if re.match(r"--?[a-zA-Z]", word)}
    used -= {"--help", "--debug", "--preset"}
    if used:
        known = {word.replace("_", "-") for word in options(words)}
        unknown = sorted(word for word in used if word.replace("_", "-") not in known)
        assert not unknown, f"ganime {' '.join(argv)}: unknown {unknown}; it has {sorted(known)}"


@pytest.mark.parametrize("page", with_block("python"))
def test_python_blocks_compile(page):
    for language, _, code in blocks(page):
        if language == "python":
            compile(code, name_of(page), "exec")


@pytest.mark.parametrize("page", with_block("bash"))
def test_commands_exist_with_these_options(page):
    for language, _, code in blocks(page):
        if language == "bash":
            for argv in commands(code):
                check_command(argv)


def _trains(page: Path) -> bool:
    lines = [argv for language, runs, code in blocks(page) if runs and language == "bash"
             for argv in commands(code)]  # fmt: skip
    return any(argv[:1] == ["train"] for argv in lines)


def _runnable():
    pages = [page for page in PAGES if any(runs for _, runs, _ in blocks(page))]
    return [
        pytest.param(
            page,
            id=name_of(page),
            marks=[pytest.mark.slow] if _trains(page) and name_of(page) != QUICK_START else [],
        )
        for page in pages
    ]


@pytest.fixture
def _quiet_log():
    """A command sets up logging for its process; the other tests of this one go on without."""
    logger = logging.getLogger("ganime_tf")
    before = list(logger.handlers), logger.level, logger.propagate
    yield
    logger.handlers[:], logger.level, logger.propagate = before


@pytest.mark.parametrize("page", _runnable())
def test_blocks_run_from_top_to_bottom(page, tmp_path, monkeypatch, _quiet_log):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GANIME_OFFLINE", "1")
    monkeypatch.setenv("GANIME_CACHE", str(tmp_path / ".cache"))
    namespace = {"__name__": "page"}
    for index, (language, runs, code) in enumerate(blocks(page)):
        if runs and language == "python":
            file = tmp_path / f".block{index}.py"  # AutoGraph and tracebacks read the source
            file.write_text(code)
            exec(compile(code, str(file), "exec"), namespace)
        elif runs:
            for argv in commands(code):
                try:
                    status = main(argv)
                except SystemExit as end:
                    status = end.code or 0
                assert status == 0, f"ganime {' '.join(argv)}: exit code {status}"


def anchors(page: Path) -> set[str]:
    """Anchors of the headings of a page, as GitHub and MkDocs make them."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    found = set()
    for heading in re.findall(r"^#+ +(.+?)\s*$", text, re.M):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower().strip()
        slug = re.sub(r"[^\w\- ]", "", plain)
        found |= {slug.replace(" ", "-"), re.sub(r"[-\s]+", "-", slug)}
    return found


def prose(page: Path) -> str:
    """A page without its code."""
    text = re.sub(r"^ *```.*?^ *```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    return re.sub(r"`[^`\n]*`", "", text)


@pytest.mark.parametrize("page", [pytest.param(page, id=name_of(page)) for page in PAGES])
def test_links_and_pictures(page):
    wrong = []
    for bang, text, target in re.findall(r"(!?)\[([^\]]*)\]\(([^)\s]+)[^)]*\)", prose(page)):
        if bang and not text.strip():
            wrong.append(f"picture {target} has no alt text")
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists():
            wrong.append(f"{target}: no such file")
        elif anchor and file.suffix == ".md" and anchor not in anchors(file):
            wrong.append(f"{target}: no such heading")
    assert not wrong, f"{name_of(page)}: {wrong}"


@pytest.mark.parametrize("page", [pytest.param(page, id=name_of(page)) for page in PAGES])
def test_no_path_of_one_machine(page):
    found = re.findall(
        r"(?<![\w.])/(?:home|root|Users|tmp|work|mnt)/\S*", page.read_text(encoding="utf-8")
    )
    assert not found, f"{name_of(page)} names {found}"


def test_a_dead_link_and_a_wrong_option_are_seen(tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    page = tmp_path / "page.md"
    page.write_text("# One\n[a](#two) [b](none.md) ![](page.md)\n")
    with pytest.raises(AssertionError, match="no such heading.*no such file.*no alt text"):
        test_links_and_pictures(page)
    monkeypatch.undo()
    with pytest.raises(AssertionError, match="unknown"):
        check_command(["toy", "x", "--sise", "3"])
    with pytest.raises(AssertionError, match="no such command"):
        check_command(["paint"])


@pytest.mark.slow
def test_the_site_builds_strictly(tmp_path):
    if importlib.util.find_spec("mkdocs") is None:
        pytest.skip('no MkDocs: pip install "ganime-tf[docs]"')
    run = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    assert (tmp_path / "reference/index.html").exists()
