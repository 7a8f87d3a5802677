import importlib.util
import json
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_published_speeds_are_the_measured_ones():
    spec = importlib.util.spec_from_file_location(
        "metrics_speed", ROOT / "benchmarks" / "metrics_speed.py"
    )
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    result = json.loads((ROOT / "benchmarks" / "results" / "metrics_speed.json").read_text())
    page = (ROOT / "docs" / "evaluation.md").read_text()
    shown = page.split("<!-- metrics_speed -->")[1].split("<!-- /metrics_speed -->")[0]
    assert shown.strip() == benchmark.table(result)
