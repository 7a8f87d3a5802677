import importlib.util
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_the_tables_of_the_benchmarks_are_the_recorded_results():
    path = ROOT / "benchmarks" / "summary.py"
    spec = importlib.util.spec_from_file_location("summary", path)
    summary = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(summary)
    page = summary.PAGE.read_text(encoding="utf-8")
    assert page.split("<!-- results -->\n")[1].split("\n<!-- /results -->")[0] == summary.text()


@pytest.mark.parametrize("name", ["exports", "tiles"])
def test_tables_in_the_pages_are_the_recorded_results(name, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    spec = importlib.util.spec_from_file_location(name, ROOT / "benchmarks" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    page = module.PAGE.read_text(encoding="utf-8")
    found = page.split(module.START)[1].split(module.END)[0]
    assert found == module.table(json.loads(module.RECORD.read_text(encoding="utf-8")))


def test_the_page_of_reliability_shows_its_record(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import reliability

    assert reliability.write_docs() == reliability.PAGE.read_text(encoding="utf-8")
    record = json.loads(reliability.RESULT.read_text(encoding="utf-8"))
    assert all(found["unexpected"] == 0 for found in record["kinds"].values())
    assert record["kinds"]["kills of one run"]["tried"] >= 50
