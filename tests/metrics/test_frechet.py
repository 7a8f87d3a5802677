import warnings

import numpy as np
import pytest
import scipy.linalg

from ganime_tf.metrics import (
    FeatureStatistics,
    frechet,
    frechet_distance,
    frechet_distance_of_features,
    kid,
    load_statistics,
    precision_recall,
    save_statistics,
)


def moments(rows):
    return rows.mean(0), np.cov(rows, rowvar=False)


def collect(rows, *sizes):
    statistics = FeatureStatistics(rows.shape[1])
    for part in np.split(rows, np.cumsum(sizes)):
        statistics.update(part)
    return statistics


@pytest.mark.parametrize(
    ("name", "counts", "tolerance"), [("full", (300, 200), 1e-9), ("deficient", (40, 50), 1e-5)]
)
def test_distance_matches_pytorch_fid(made, golden, name, counts, tolerance):
    sets = [made.features(s, n, 64, 0.1 * s) for s, n in zip((1, 2), counts, strict=True)]
    expected = float(golden[f"frechet_{name}"])
    direct = frechet_distance(*moments(sets[0]), *moments(sets[1]))
    assert direct == pytest.approx(expected, rel=tolerance)
    assert frechet_distance_of_features(*sets) == pytest.approx(direct, rel=1e-9)


def test_distance_matches_the_matrix_square_root():
    random = np.random.default_rng(0)
    a, b = (random.normal(size=(200, 30)) @ random.normal(size=(30, 30)) for _ in range(2))
    (mu_a, s_a), (mu_b, s_b) = moments(a), moments(b)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        root = scipy.linalg.sqrtm(s_a @ s_b).real
    expected = ((mu_a - mu_b) ** 2).sum() + np.trace(s_a + s_b - 2 * root)
    assert frechet_distance(mu_a, s_a, mu_b, s_b) == pytest.approx(expected, rel=1e-9)


SPECTRA = {  # variances of the first Gaussian, whether Cholesky can factor it, tolerance
    "regular": (np.geomspace(1, 1e-2, 60), True, 1e-12),
    "ill_conditioned": (np.geomspace(1, 1e-8, 60), True, 1e-9),
    "nearly_singular": (np.geomspace(1, 1e-14, 60), False, 1e-6),
    "singular": (np.r_[np.geomspace(1, 1e-2, 20), np.zeros(40)], False, 1e-6),
    "indefinite_by_round_off": (np.r_[np.ones(30), np.full(30, -1e-17)], False, 1e-6),
    "nothing": (np.zeros(60), False, 1e-12),
}


@pytest.mark.parametrize("name", SPECTRA)
@pytest.mark.parametrize("other", ["regular", "nearly_singular", "singular"])
def test_every_path_gives_the_distance_of_commuting_gaussians(name, other, monkeypatch):
    """With common axes the distance is sum (sqrt(v1) - sqrt(v2))^2."""
    variances, regular, tolerance = SPECTRA[name]
    others = np.random.default_rng(1).permutation(SPECTRA[other][0])
    axes = np.linalg.qr(np.random.default_rng(2).normal(size=(60, 60)))[0]
    sigma1, sigma2 = ((axes * v) @ axes.T for v in (variances, others))
    factored = []
    spectral = frechet._spectral_factor
    monkeypatch.setattr(frechet, "_spectral_factor", lambda s: factored.append(s) or spectral(s))
    found = frechet_distance(np.zeros(60), sigma1, np.zeros(60), sigma2)
    expected = ((np.sqrt(np.maximum(variances, 0)) - np.sqrt(others)) ** 2).sum()
    assert found == pytest.approx(expected, rel=max(tolerance, SPECTRA[other][2]))
    assert bool(factored) is not regular


@pytest.mark.parametrize("counts", [(30, 40), (30, 400), (400, 30), (400, 300)])
def test_collections_are_compared_by_rows_or_moments_alike(made, counts):
    a, b = (made.features(s, n, 48, 0.1 * s) for s, n in zip((1, 2), counts, strict=True))
    found = frechet.distance_between(collect(a), collect(b))
    assert found == pytest.approx(frechet_distance(*moments(a), *moments(b)), rel=1e-7)


def test_known_gaussians():
    mean, identity = np.arange(4.0), np.eye(4)
    assert frechet_distance(mean, identity, mean + 2, identity) == pytest.approx(16)  # 4 x 2^2
    assert frechet_distance(mean, identity, mean, 9 * identity) == pytest.approx(16)  # 4 (3-1)^2
    stretched = np.diag([1.0, 4.0, 0.0, 9.0])  # singular on one side
    assert frechet_distance(mean, stretched, mean, identity) == pytest.approx(0 + 1 + 1 + 4)
    assert frechet_distance(mean, identity, mean, stretched) == pytest.approx(0 + 1 + 1 + 4)


@pytest.mark.parametrize("count", [20, 500])  # singular and regular covariance
def test_identical_sets_symmetry_and_scaling(made, count):
    a, b = made.features(1, count, 48), made.features(2, count, 48, 0.3)
    assert frechet_distance(*moments(a), *moments(a)) < 1e-6
    assert frechet_distance_of_features(a, a) < 1e-9
    forth = frechet_distance(*moments(a), *moments(b))
    assert frechet_distance(*moments(b), *moments(a)) == pytest.approx(forth, rel=1e-8)
    assert frechet_distance(*moments(3 * a), *moments(3 * b)) == pytest.approx(9 * forth, rel=1e-8)


@pytest.mark.parametrize("count", [10, 48, 49, 400])  # below, at and above the number of features
def test_streamed_statistics_equal_numpy_whatever_the_batches(made, count):
    rows = made.features(3, count, 48, 5.0)
    whole, pieces = collect(rows), collect(rows, 3, 1, 4)
    for one, other in zip(whole.moments(), pieces.moments(), strict=True):
        np.testing.assert_array_equal(one, other)
    for one, other in zip(whole.moments(), moments(rows), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-11)
    assert whole.count == count and (whole.rows is None) == (count > 48)


@pytest.mark.parametrize("counts", [(10, 20), (10, 200), (200, 10), (150, 170)])
def test_merged_statistics_equal_the_whole(made, counts):
    a, b = (made.features(s, n, 48, s) for s, n in zip((4, 5), counts, strict=True))
    merged = collect(a)
    merged.merge(collect(b))
    assert merged.count == sum(counts)
    for one, other in zip(merged.moments(), moments(np.concatenate([a, b])), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-11)


def test_statistics_do_not_share_memory_with_the_caller(made):
    rows = made.features(3, 20, 8)
    statistics, expected = collect(rows), moments(rows)[0]
    rows += 1.0
    np.testing.assert_allclose(statistics.moments()[0], expected, atol=1e-14)


def test_statistics_files_round_trip_and_read_pytorch_fids(tmp_path, made):
    statistics = collect(made.features(6, 100, 16))
    save_statistics(tmp_path / "own.npz", statistics)
    loaded = load_statistics(tmp_path / "own.npz")
    assert loaded.count == 100
    mean, covariance = statistics.moments()
    np.testing.assert_array_equal(loaded.moments()[1], covariance)
    loaded.update(made.features(7, 30, 16))  # a known number of rows can grow
    both = np.concatenate([made.features(6, 100, 16), made.features(7, 30, 16)])
    np.testing.assert_allclose(loaded.moments()[1], moments(both)[1], atol=1e-11)

    np.savez(tmp_path / "theirs.npz", mu=mean, sigma=covariance)
    theirs = load_statistics(tmp_path / "theirs.npz")
    np.testing.assert_array_equal(theirs.moments()[1], covariance)
    with pytest.raises(ValueError, match="unknown count"):
        theirs.update(np.zeros((1, 16)))


def test_bad_statistics_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_statistics(tmp_path / "absent.npz")
    (tmp_path / "torn.npz").write_bytes(b"PK\x03\x04 torn")
    np.savez(tmp_path / "other.npz", mean=np.zeros(2))
    np.savez(tmp_path / "nan.npz", mu=np.full(2, np.nan), sigma=np.eye(2))
    np.savez(tmp_path / "shape.npz", mu=np.zeros(3), sigma=np.eye(2))
    np.savez(tmp_path / "skew.npz", mu=np.zeros(2), sigma=np.array([[1, 0.5], [0, 1]]))
    np.savez(tmp_path / "minus.npz", mu=np.zeros(2), sigma=np.diag([1.0, -1.0]))
    reasons = {
        "torn": "torn.npz is not a usable statistics file: it is torn",
        "other": "mean",
        "nan": "not finite",
    }
    reasons |= {"skew": "not symmetric", "minus": "negative variances"}
    for name, reason in reasons.items():
        with pytest.raises(ValueError, match=reason):
            load_statistics(tmp_path / f"{name}.npz")
    with pytest.raises(ValueError, match=r"\(3,\) and \(2, 2\)"):
        load_statistics(tmp_path / "shape.npz")


def test_bad_features_are_named():
    statistics = FeatureStatistics(3)
    with pytest.raises(ValueError, match=r"rows 1"):
        statistics.update([[0, 0, 0], [0, np.nan, 0]])
    with pytest.raises(ValueError, match=r"\(N, 3\).*\(2, 4\)"):
        statistics.update(np.zeros((2, 4)))
    statistics.update(np.zeros((1, 3)))
    with pytest.raises(ValueError, match="at least 2 pictures. Received 1"):
        statistics.moments()
    with pytest.raises(ValueError, match="lengths 2 and 3"):
        frechet_distance(np.zeros(2), np.eye(2), np.zeros(3), np.eye(3))


def test_kid_matches_torch_fidelity(made, golden):
    real, fake = (made.features(s, 90, 32, 0.2 * s) for s in (3, 4))
    scores = kid(real, fake, subsets=10, subset_size=50, seed=2020)
    np.testing.assert_allclose(scores, golden["kid"], rtol=1e-9)


def test_kid_is_the_same_with_and_without_kept_kernel_values(made, monkeypatch):
    from ganime_tf.metrics import kernel as module

    real, fake = made.features(3, 60, 8), made.features(4, 70, 8, 0.5)
    kept = kid(real, fake, subsets=4, subset_size=30)
    monkeypatch.setattr(module, "_GRAM_LIMIT", 0)
    np.testing.assert_allclose(kid(real, fake, subsets=4, subset_size=30), kept, rtol=1e-12)


def test_kid_is_unbiased_where_the_distance_is_not(made):
    """Two halves of one distribution: KID scatters around 0, the Frechet distance does not."""
    scores = [
        kid(made.features(s, 40, 16), made.features(s + 100, 40, 16), subsets=1, subset_size=40)[0]
        for s in range(20, 60)
    ]
    assert abs(np.mean(scores)) < 3 * np.std(scores) / np.sqrt(len(scores))
    small, large = (
        frechet_distance_of_features(made.features(1, n, 16), made.features(2, n, 16))
        for n in (20, 2000)
    )
    assert small > 20 * large > 0


def test_precision_and_recall_of_known_layouts():
    grid = np.stack(np.meshgrid(np.arange(10.0), np.arange(10.0)), -1).reshape(-1, 2)
    assert precision_recall(grid, grid + 0.1) == (1.0, 1.0)
    assert precision_recall(grid, grid + 100) == (0.0, 0.0)
    corner = grid[(grid < 5).all(1)]  # fakes cover a quarter: precise, but little recall
    precision, recall = precision_recall(grid, corner, chunk=7)
    assert precision == 1.0 and 0.25 <= recall < 0.5


@pytest.mark.parametrize("function", [kid, precision_recall])
def test_too_few_pictures_are_counted(function):
    with pytest.raises(ValueError, match="2 pictures|at least 4 pictures|2 to 3"):
        function(np.zeros((3, 5)), np.zeros((3, 5)))
