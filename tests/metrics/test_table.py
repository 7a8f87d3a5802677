"""The table of metrics: what every entry promises is so."""

import fnmatch
import importlib
import re
from pathlib import Path

import pytest

from ganime_tf import metrics
from ganime_tf.metrics import METRICS, Settings


@pytest.mark.parametrize("name", METRICS)
def test_every_entry_names_what_makes_it(name):
    metric = METRICS[name]
    module, _, function = metric.made.partition(":")
    assert callable(getattr(importlib.import_module(f"ganime_tf.metrics.{module}"), function))
    assert metric.better in ("higher", "lower") and metric.protocol
    assert metric.wants_file == bool(metric.network and metric.network != "random")


def test_numbers_have_names_of_their_own():
    values = [value for name in METRICS for value in METRICS[name].values or (name,)]
    assert len(values) == len(set(values)) == len(metrics.value_names())
    assert metrics.value_names(["precision_recall_tf", "l1"]) == {
        "precision_tf": "higher",
        "recall_tf": "higher",
        "l1": "lower",
    }


@pytest.mark.parametrize(
    ("field", "value"),
    [("seed", -1), ("resamples", -1), ("kid_subset_size", 1), ("batch_size", 0),
     ("precision", "float16"), ("kid_subsets", 2.5)],
)  # fmt: skip
def test_settings_are_checked_once_for_all(field, value):
    with pytest.raises((ValueError, TypeError), match=field):
        Settings(**{field: value})
    with pytest.raises((ValueError, TypeError), match=field):
        metrics.Evaluator(("l1",), **{field: value})


def test_names_are_checked_and_the_closest_is_named():
    with pytest.raises(ValueError, match="Did you mean 'fid_clean'"):
        metrics.check_names(["fid_cleen"])
    assert metrics.check_names(["l1", "l1"]) == ("l1",)


def test_the_page_names_what_the_table_has_and_nothing_else():
    text = (Path(__file__).resolve().parents[2] / "docs/evaluation.md").read_text()
    words = set(re.findall(r"`([a-z0-9_*{},]+)`", text))
    known = {*METRICS, *metrics.value_names()}
    patterns = [word for word in words if "*" in word]
    families = {name.partition("_")[0] for name in METRICS if "_" in name}
    for word in words:
        if word.partition("_")[0] in families and "_" in word:
            assert fnmatch.filter(known, word) or word.startswith("_"), (
                f"no metric is called {word}"
            )
    for name in METRICS:
        named = name in words or any(fnmatch.fnmatch(name, pattern) for pattern in patterns)
        assert named, f"the page does not say what {name} is for"
