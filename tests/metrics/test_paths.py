import types

import numpy as np
import pytest

from ganime_tf import metrics
from ganime_tf.metrics import paths


@pytest.fixture
def squares(monkeypatch):
    """LPIPS replaced by the mean square difference."""
    distance = lambda a, b: ((a - b) ** 2).numpy().mean((1, 2, 3))  # noqa: E731
    lpips = types.SimpleNamespace(note="planted", distance=distance)
    monkeypatch.setattr(paths, "load_lpips", lambda network: lpips)


def test_the_mean_leaves_out_what_lies_beyond_the_percentiles():
    values = np.arange(1000.0) ** 2
    values[-1] = 1e12  # an outlier
    kept = np.arange(9, 991) ** 2  # floor(0.01 * 999) and ceil(0.99 * 999), both kept
    shuffled = np.random.default_rng(0).permutation(values)
    assert paths.trimmed_mean(shuffled) == pytest.approx(kept.mean(), rel=1e-12)
    assert paths.trimmed_mean(np.array([1.0, 3.0])) == 2.0


def test_large_pictures_are_averaged_down(squares):
    measure = paths.path_length("vgg")
    fine = np.indices((512, 512)).sum(0) % 2 * np.float32(2) - 1  # vanishes in means of 2x2
    fine = np.repeat(fine[None, ..., None], 3, -1)
    assert measure(fine, -fine)[0] == pytest.approx(0, abs=1e-6)
    small = fine[:, :256, :256]
    assert measure(small, -small)[0] == pytest.approx(4 / paths.EPSILON**2)
    assert measure.note == "planted"


def test_a_score_counts_paths_and_names_what_it_is(squares):
    evaluator = metrics.Evaluator(("ppl2_wend",))
    zeros = np.zeros((3, 16, 16, 3), np.float32)
    for step in (1, 2):
        evaluator.update(paths=(zeros, zeros + np.float32(step * paths.EPSILON)))
    score = evaluator.result().scores["ppl2_wend"]
    assert score.n == 6 and score.value == pytest.approx(2.5, rel=1e-5) and score.better == "lower"
    assert "1e-4" in score.protocol and score.note == "planted"
    empty = metrics.Evaluator(("ppl2_wend",))
    empty.update(fake=np.zeros((2, 16, 16, 3), np.uint8))
    with pytest.raises(ValueError, match="needs at least 2 paths.*ganime evaluate RUN"):
        empty.result()
