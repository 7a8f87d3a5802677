"""The notebooks: clean in git, resolvable against the package, and run from top to bottom."""

import ast
import importlib.util
import os
import re
import sys
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def read(path: Path):
    return nbformat.read(path, as_version=4)


def code_cells(path: Path) -> list[str]:
    return [cell.source for cell in read(path).cells if cell.cell_type == "code"]


def test_all_six_are_there():
    assert [path.stem[:2] for path in NOTEBOOKS] == ["01", "02", "03", "04", "05", "06"]


@every_notebook
def test_is_valid_and_has_no_outputs(path):
    notebook = read(path)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert not cell.outputs and cell.execution_count is None


@every_notebook
def test_has_badge_install_and_one_parameter_cell(path):
    first, second = read(path).cells[0].source, code_cells(path)[0]
    assert f"/blob/main/notebooks/{path.name})" in first and "colab-badge.svg" in first
    assert 'find_spec("ganime_tf") is None' in second
    parameters = [cell for cell in code_cells(path) if cell.startswith("# Parameters")]
    assert len(parameters) == 1
    assert "GANIME_TINY" in parameters[0] and "/content/drive" in parameters[0]


@every_notebook
def test_only_calls_into_the_package(path):
    tree = ast.parse("\n".join(code_cells(path)))
    for node in ast.walk(tree):
        assert not isinstance(node, ast.ClassDef)
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno - node.lineno < 10, f"{node.name} belongs in the package"


@every_notebook
def test_imports_and_attributes_of_the_package_exist(path):
    import ganime_tf

    found = 0
    for cell in code_cells(path):
        for node in ast.walk(ast.parse(cell)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ganime_tf"):
                module = importlib.import_module(node.module)
                for name in node.names:
                    assert hasattr(module, name.name), f"{node.module} has no {name.name}"
                    found += 1
            elif (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id == "ganime_tf"
            ):
                assert node.attr in ganime_tf.__all__, f"ganime_tf has no {node.attr}"
                found += 1
    assert found


@every_notebook
def test_links_lead_somewhere(path):
    for cell in read(path).cells:
        if cell.cell_type == "markdown":
            for target in re.findall(r"\]\((?!https?:)([^)#]+)", cell.source):
                assert (path.parent / target).exists(), target


def test_all_repeat_the_published_address():
    address = re.search(r"^repo_url: (\S+)$", (ROOT / "mkdocs.yml").read_text(), re.M)[1]
    assert f"repository-code: {address}\n" in (ROOT / "CITATION.cff").read_text()
    tail = address.removeprefix("https://github.com/")
    for path in NOTEBOOKS:
        assert f'ADDRESS = "{address}"' in code_cells(path)[0]
        assert (
            f"https://colab.research.google.com/github/{tail}/blob/" in read(path).cells[0].source
        )


@every_notebook
def test_runs_from_top_to_bottom(path, tmp_path, monkeypatch):
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    monkeypatch.setenv("GANIME_TINY", "1")
    monkeypatch.setenv("GANIME_OFFLINE", "1")
    monkeypatch.setenv("GANIME_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
    notebook = read(path)
    # This interpreter, whichever kernels are installed for others.
    from jupyter_client.manager import AsyncKernelManager

    manager = AsyncKernelManager(kernel_name="python3")
    manager.kernel_spec.argv[0] = sys.executable
    client = nbclient.NotebookClient(
        notebook, km=manager, timeout=600, resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    pictures = [
        output
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if "image/png" in output.get("data", {})
    ]
    assert len(pictures) >= (1 if path.stem == "06_export" else 2)
