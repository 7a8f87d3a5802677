import numpy as np
import pytest

from ganime_tf import metrics
from ganime_tf.metrics import FeatureStatistics, frechet_distance_of_features, intervals
from ganime_tf.metrics.kernel import squared_mmd

COUNT, DIM = 60, 6


def draw(seed, count=COUNT, shift=0.7):
    """Features of two Gaussians of known distance."""
    random = np.random.default_rng(seed)
    return random.normal(size=(count, DIM)), random.normal(size=(count, DIM)) * 1.3 + shift


@pytest.mark.parametrize(
    ("distance", "interval"),
    [
        (frechet_distance_of_features, intervals.frechet_interval),
        (squared_mmd, intervals.kid_interval),
    ],
)
def test_intervals_cover_the_expected_value_as_often_as_they_say(distance, interval):
    """The expected value AT THIS NUMBER of pictures, with its bias, and without being too wide."""
    values = np.array([distance(*draw(seed)) for seed in range(200)])
    found = np.array(
        [
            interval(*draw(seed), value, resamples=40, seed=seed)
            for seed, value in enumerate(values[:80])
        ]
    )
    covered = (found[:, 0] < values.mean()) & (values.mean() < found[:, 1])
    assert covered.mean() >= 0.9
    ideal = 2 * 1.96 * values.std()
    assert 0.9 * ideal < (found[:, 1] - found[:, 0]).mean() < 1.5 * ideal


def test_more_pictures_narrow_the_interval_and_the_seed_fixes_it():
    widths = []
    for count in (40, 640):
        sets = draw(1, count)
        value = frechet_distance_of_features(*sets)
        low, high = intervals.frechet_interval(*sets, value, seed=3)
        assert low < value < high and (low, high) == intervals.frechet_interval(
            *sets, value, seed=3
        )
        assert (low, high) != intervals.frechet_interval(*sets, value, seed=4)
        widths.append(high - low)
    assert 2.5 < widths[0] / widths[1] < 6.5  # sqrt(640 / 40) = 4


def test_fewer_pictures_than_features_have_an_interval_too():
    random = np.random.default_rng(0)
    sets = random.normal(size=(20, 64)), random.normal(size=(24, 64)) + 1
    value = frechet_distance_of_features(*sets)
    low, high = intervals.frechet_interval(*sets, value)
    assert 0.5 * value < low < value < high < 1.5 * value


def test_known_statistics_of_the_real_set_leave_the_fakes_spread(made):
    real, fake = draw(2)
    value = frechet_distance_of_features(real, fake)
    statistics = FeatureStatistics.from_moments(real.mean(0), np.cov(real, rowvar=False))
    one = np.ptp(intervals.frechet_interval(statistics, fake, value, resamples=100))
    both = np.ptp(intervals.frechet_interval(real, fake, value, resamples=100))
    assert 0.3 * both < one < both


def test_kid_of_many_pictures_is_resampled_from_a_pool(monkeypatch):
    sets = draw(3, 400)
    value = squared_mmd(*sets)
    whole = np.ptp(intervals.kid_interval(*sets, value, resamples=100))
    monkeypatch.setattr(intervals, "_KID_POOL", 100)
    pooled = np.ptp(intervals.kid_interval(*sets, value, resamples=100))
    assert pooled == pytest.approx(whole, rel=0.5)


def test_too_few_pictures_have_no_interval():
    assert intervals.frechet_interval(*draw(1, 3), 1.0) is None
    assert intervals.kid_interval(*draw(1), 1.0, resamples=1) is None


def test_reports_hold_the_intervals_that_were_asked_for(made):
    real, fake = made.pictures(1, 8, 24, 24), made.pictures(2, 8, 24, 24)
    samples = [(str(i), {"real": real[i], "fake": fake[i]}) for i in range(8)]
    plain = metrics.evaluate_samples(samples, ("fd_random",)).scores["fd_random"]
    report = metrics.evaluate_samples(samples, ("fd_random",), set_resamples=20)
    score = report.scores["fd_random"]
    assert plain.low is None and plain.value == score.value
    assert score.low < score.value < score.high and " .. " in report.table()


def test_a_second_evaluator_can_share_the_real_set(made):
    real, fake = made.pictures(1, 8, 24, 24), made.pictures(2, 8, 24, 24)
    first, second = (metrics.Evaluator(("fd_random",), set_resamples=5) for _ in range(2))
    first.update(real, made.pictures(3, 8, 24, 24))
    second.take_real(first)
    second.update(np.zeros_like(real), fake)  # these real pictures are not read again
    alone = metrics.Evaluator(("fd_random",), set_resamples=5)
    alone.update(real, fake)
    assert second.result().scores["fd_random"] == alone.result().scores["fd_random"]
