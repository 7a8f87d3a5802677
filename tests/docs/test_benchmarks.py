import importlib.util
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_tables_of_the_benchmarks_are_the_recorded_results():
    path = ROOT / "benchmarks" / "summary.py"
    spec = importlib.util.spec_from_file_location("summary", path)
    summary = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(summary)
    page = summary.PAGE.read_text(encoding="utf-8")
    assert page.split("<!-- results -->\n")[1].split("\n<!-- /results -->")[0] == summary.text()
