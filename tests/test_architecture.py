"""The dependency direction of docs/design.md, checked on the imports of every module."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "ganime_tf"

# What a part of the package may import of the others.
ALLOWED = {
    "version": set(),
    "configs": {"ops"},
    "runs": {"ops"},
    "progress": set(),
    "weights": {"progress", "ops"},
    "ops": set(),
    "layers": {"ops"},
    "losses": {"ops"},
    "networks": {"ops", "layers", "weights"},
    "models": {
        *("ops", "configs", "colouring", "layers", "losses", "networks", "weights", "version"),
        "metrics",
    },
    "colouring": {"ops", "data", "toy", "progress"},
    "baselines": {"ops", "networks", "losses", "weights", "progress"},
    "toy": {"ops", "data", "progress"},
    "data": {"ops", "progress", "toy"},
    "metrics": {"ops", "configs", "data", "weights", "progress", "networks", "layers"},
    "convert": {"ops", "configs", "layers", "networks", "models", "weights"},
    "inference": {
        *("ops", "runs", "data", "models", "networks", "baselines", "progress", "weights"),
        *("export", "lite", "layers"),
    },
    "lite": {"ops", "models"},
    "export": {"ops", "models", "lite", "toy", "version"},
    "training": {
        *("ops", "configs", "runs", "data", "metrics", "models", "export", "inference"),
        *("progress", "version"),
    },
    "serving": {"ops", "data", "toy", "colouring", "models", "version"},
    "cli": None,
    "__init__": None,
    "__main__": None,
}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def part(path: Path) -> str:
    relative = path.relative_to(PACKAGE)
    return relative.parts[0] if len(relative.parts) > 1 else relative.stem


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_down(path):
    allowed = ALLOWED[part(path)]
    if allowed is None:
        return
    for name in imported(path):
        if name.startswith("ganime_tf."):
            target = name.split(".")[1]
            assert target == part(path) or target in allowed, f"{path.name} imports {name}"


def arrows() -> dict[Path, set[Path]]:
    """Which file imports which; a package's face (its `__init__`) hands on and is no room."""
    rooms = {
        ".".join(("ganime_tf", *path.relative_to(PACKAGE).with_suffix("").parts)): path
        for path in modules()
        if path.name != "__init__.py"
    }
    return {
        path: {rooms[name] for name in _parents(imported(path)) if name in rooms} - {path}
        for path in rooms.values()
    }


def _parents(names):
    return {name for whole in names for name in (whole, whole.rpartition(".")[0])}


def test_no_files_import_each_other_in_a_circle():
    graph, done = arrows(), set()

    def visit(path, way):
        assert path not in way, f"circle: {' -> '.join(p.name for p in (*way, path))}"
        if path not in done:
            for other in graph[path]:
                visit(other, (*way, path))
            done.add(path)

    for path in graph:
        visit(path, ())


def test_no_part_is_a_fifth_of_the_house():
    lines = dict.fromkeys(map(part, modules()), 0)
    for path in modules():
        lines[part(path)] += len(path.read_text().splitlines())
    assert max(lines.values()) < sum(lines.values()) / 5, lines


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_files_hold_one_concept(path):
    assert len(path.read_text().splitlines()) <= 400, f"{path} has over 400 lines: split it"


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_prints_only_in_the_command_line(path):
    if part(path) in ("cli", "__main__"):
        return
    calls = [n.func for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Call)]
    assert not any(isinstance(f, ast.Name) and f.id == "print" for f in calls)


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_optional_packages_are_imported_where_they_are_used(path):
    optional = {
        "torch",
        "cv2",
        "tensorflow_hub",
        "ai_edge_litert",
        "skimage",
        "tf2onnx",
        "onnx",
        "onnxruntime",
        "av",
        "psd_tools",
    }
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Import):
            assert not {alias.name.split(".")[0] for alias in node.names} & optional
        elif isinstance(node, ast.ImportFrom):
            assert node.module.split(".")[0] not in optional


def test_metrics_are_named_without_tensorflow():
    program = "import sys, ganime_tf.metrics; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


def test_nothing_takes_a_metrics_name_apart():
    """What a name means is in `METRICS`; no code looks for parts of it."""
    import re

    calls = "startswith|endswith|split|partition|removeprefix|removesuffix"
    names = "fid|kid|lpips|precision|recall|ssim|fd_"
    parts = re.compile(rf"""({calls})\(\(?["']_?({names})""")
    for path in modules():
        assert not parts.search(path.read_text()), path


def test_processes_that_prepare_pictures_start_without_tensorflow():
    program = "import sys, ganime_tf.data.preparing; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
