import json
import shutil

import numpy as np
import pytest
from PIL import Image

from ganime_tf import metrics
from ganime_tf.metrics import features
from ganime_tf.metrics.report import Report, Score, bootstrap_interval


@pytest.fixture
def sets(made, folder):
    a, b = made.pictures(1, 6, 40, 48), made.pictures(2, 6, 40, 48)
    names = [f"p{i}" for i in range(6)]
    return folder("real", dict(zip(names, a, strict=True))), folder(
        "fake", dict(zip(names, b, strict=True))
    )


@pytest.fixture
def counted(monkeypatch):
    """Replaces the Inception network by channel moments, and counts what goes through."""
    seen = []

    def function(images):
        seen.append(len(images))
        x = images.astype(np.float64) / 255
        return np.concatenate([x.mean((1, 2)), x.std((1, 2)), x[:, ::9, 3].mean(1)], -1)

    extractor = features.Extractor(function, 9, "channel moments", "test")
    monkeypatch.setattr(features, "load_extractor", lambda protocol, precision: extractor)
    return seen


def test_paired_scores_are_means_of_the_functions(sets, made):
    a, b = made.pictures(1, 6, 40, 48), made.pictures(2, 6, 40, 48)
    report = metrics.evaluate_folders(*sets, batch_size=4)
    for name in ("ssim", "psnr", "l1"):
        values = getattr(metrics, name)(a, b)
        score = report.scores[name]
        assert score.value == pytest.approx(values.mean()) and score.n == 6
        assert score.std == pytest.approx(values.std())
        assert score.low < score.value < score.high
        np.testing.assert_allclose(report.per_picture[name], values)
    assert report.resolution == "40x48" and report.names[0] == "p0"
    assert "ssim (+)" in report.table()
    rows = report.to_csv().splitlines()
    assert rows[0] == "name,ssim,psnr,l1" and len(rows) == 7
    worst, value = report.worst("ssim", 1)[0]
    assert value == report.per_picture["ssim"].min() and worst in report.names
    assert report.worst("l1", 1)[0][1] == report.per_picture["l1"].max()


def test_identical_pictures_make_valid_json(sets, tmp_path):
    copies = shutil.copytree(sets[0], tmp_path / "copies")
    report = metrics.evaluate_folders(sets[0], copies, ("psnr", "ssim"))
    assert report["psnr"] == np.inf
    found = json.loads(report.to_json())["scores"]
    assert found["psnr"]["value"] == "inf" and found["ssim"]["value"] == 1.0


def test_unmatched_names_are_listed_or_skipped(sets):
    (sets[1] / "p3.png").rename(sets[1] / "other.png")
    with pytest.raises(ValueError, match="5 names match.*real set: p3.*fake set: other"):
        metrics.evaluate_folders(*sets)
    assert metrics.evaluate_folders(*sets, unmatched="skip").scores["l1"].n == 5


def test_pairs_of_unequal_size_are_named(sets):
    Image.new("RGB", (30, 20)).save(sets[1] / "p2.png")
    with pytest.raises(ValueError, match=r"one size: .*p2.png is 30x20"):
        metrics.evaluate_folders(*sets)


def test_sets_of_mixed_sizes_are_scored_unpaired(sets):
    Image.new("RGB", (30, 20)).save(sets[1] / "p2.png")
    report = metrics.evaluate_folders(*sets, ("fd_random",), paired=False)
    assert report.resolution == "mixed" and report["fd_random"] > 0


def test_bad_requests_are_refused_before_work(sets, tmp_path):
    (tmp_path / "empty").mkdir()
    call = metrics.evaluate_folders
    with pytest.raises(ValueError, match="Did you mean 'ssim'"):
        call(*sets, ("sim",))
    with pytest.raises(ValueError, match="holds no picture"):
        call(sets[0], tmp_path / "empty")
    with pytest.raises(FileNotFoundError, match="absent"):
        call(sets[0], tmp_path / "absent")
    with pytest.raises(ValueError, match="ssim compares picture by picture"):
        call(*sets, ("ssim",), paired=False)
    with pytest.raises(ValueError, match="needs `source`"):
        call(*sets, ("lpips_s_alex",))
    (sets[0] / "p0.jpg").write_bytes((sets[0] / "p0.png").read_bytes())
    with pytest.raises(ValueError, match="share the name 'p0'"):
        call(*sets)


def test_missing_weights_refuse_one_metric_and_name_the_file(sets):
    report = metrics.evaluate_folders(*sets, ("l1", "fid_clean", "kid_tf", "lpips_vgg"))
    assert list(report.scores) == ["l1"]
    reason = report.refused["fid_clean"]
    for part in ("pt_inception-2015-12-05-6726825d.pth", "96 MB", "6726825d", "GANIME_WEIGHTS"):
        assert part in reason
    assert "refused: lpips_vgg: Weights 'lpips-vgg'" in report.table()
    assert report.table().count("refused: fid_clean, kid_tf: Weights 'inception-2015'") == 1
    with pytest.raises(KeyError, match="GANIME_WEIGHTS"):
        report["fid_clean"]


def test_set_metrics_do_not_depend_on_batches_or_order(sets, counted, tmp_path):
    names = ("fid_clean", "kid_clean", "precision_recall_clean")
    one = metrics.evaluate_folders(*sets, names, paired=False, batch_size=1, cache=False)
    all_ = metrics.evaluate_folders(*sets, names, batch_size=6, cache=False)
    for name in ("fid_clean", "kid_clean", "precision_clean", "recall_clean"):
        assert one[name] == pytest.approx(all_[name], rel=1e-12)
    assert "biased upwards" in one.scores["fid_clean"].note
    assert "100 subsets of 6" in one.scores["kid_clean"].protocol
    copies = shutil.copytree(sets[0], tmp_path / "copies")
    same = metrics.evaluate_folders(sets[0], copies, names, cache=False)
    assert same["fid_clean"] < 1e-9 and same["precision_clean"] == 1.0
    swapped = metrics.evaluate_folders(*sets[::-1], ("fid_clean",), cache=False)
    assert swapped["fid_clean"] == pytest.approx(one["fid_clean"], rel=1e-9)


def test_statistics_of_the_real_folder_are_cached_by_content(sets, counted, tmp_path):
    call = lambda: metrics.evaluate_folders(*sets, ("fid_clean",), paired=False)  # noqa: E731
    first = call()["fid_clean"]
    assert sum(counted) == 12
    assert call()["fid_clean"] == pytest.approx(first, rel=1e-6)
    assert sum(counted) == 18  # fakes only
    Image.new("RGB", (48, 40), (255, 0, 0)).save(sets[0] / "p0.png")
    changed = call()["fid_clean"]
    assert changed != pytest.approx(first, rel=1e-3)
    assert sum(counted) == 30  # the folder changed
    for path in (tmp_path / "cache" / "statistics").iterdir():
        path.write_bytes(b"torn")
    assert call()["fid_clean"] == pytest.approx(changed)
    assert sum(counted) == 42  # a damaged entry is computed again


def test_a_statistics_file_stands_for_the_real_folder(sets, counted, tmp_path):
    expected = metrics.evaluate_folders(*sets, ("fid_clean",), cache=False)["fid_clean"]
    statistics = metrics.folder_statistics(sets[0], "clean")
    metrics.save_statistics(tmp_path / "real.npz", statistics)
    report = metrics.evaluate_folders(tmp_path / "real.npz", sets[1], ("fid_clean",))
    assert report["fid_clean"] == pytest.approx(expected, rel=1e-6)
    with pytest.raises(ValueError, match="only mean and covariance"):
        metrics.evaluate_folders(tmp_path / "real.npz", sets[1], ("kid_clean",))
    score = metrics.evaluate_folders(
        tmp_path / "real.npz", sets[1], ("fid_clean",), set_resamples=5
    ).scores["fid_clean"]
    assert score.low < score.value < score.high and "free of error" in score.note
    (tmp_path / "torn.npz").write_bytes(b"torn")
    with pytest.raises(ValueError, match="torn.npz is not a usable"):
        metrics.evaluate_folders(tmp_path / "torn.npz", sets[1], ("fid_clean",))


def test_too_few_pictures_are_counted(sets, counted):
    evaluator = metrics.Evaluator(("fid_clean",))
    with pytest.raises(ValueError, match="never called"):
        evaluator.result()
    evaluator.update(real=np.zeros((3, 8, 8, 3), np.uint8))
    with pytest.raises(ValueError, match="at least 2 fake pictures. Received 0"):
        evaluator.result()


def test_features_that_are_not_finite_stop_the_evaluation(sets, monkeypatch):
    broken = features.Extractor(lambda x: np.full((len(x), 4), np.nan), 4, "broken", "test")
    monkeypatch.setattr(features, "load_extractor", lambda protocol, precision: broken)
    with pytest.raises(ValueError, match="not finite"):
        metrics.evaluate_folders(*sets, ("fid_tf",))


def test_lpips_s_and_d_use_inputs_and_pairs_of_fakes(made, monkeypatch):
    distance = lambda a, b: np.abs(a.astype(float) - b).mean((1, 2, 3))  # noqa: E731
    monkeypatch.setattr("ganime_tf.metrics.lpips.load_lpips", lambda network: distance)
    real, fake, source = (made.pictures(s, 7, 12, 12) for s in (1, 2, 3))
    evaluator = metrics.Evaluator(("lpips_alex", "lpips_s_alex", "lpips_d_alex"))
    for part in (slice(0, 4), slice(4, 7)):
        evaluator.update(real[part], fake[part], source=source[part])
    report = evaluator.result()
    assert report["lpips_alex"] == pytest.approx(distance(real, fake).mean())
    assert report["lpips_s_alex"] == pytest.approx(distance(source, fake).mean())
    assert "(3 pairs, seed 0)" in report.scores["lpips_d_alex"].protocol
    pairs = [distance(fake[i : i + 1], fake[j : j + 1])[0] for i in range(7) for j in range(i)]
    assert min(pairs) <= report["lpips_d_alex"] <= max(pairs)


def test_samples_that_are_not_aligned_have_no_pairs(made):
    pictures = made.pictures(1, 2, 16, 16)
    samples = [(str(i), {"fake": p, "real": p}) for i, p in enumerate(pictures)]
    with pytest.raises(ValueError, match="not paired"):
        metrics.evaluate_samples(samples, ("ssim",), aligned=False)
    assert metrics.evaluate_samples(samples, ("ssim", "fd_random"))["fd_random"] < 1e-6


def test_bootstrap_interval_covers_the_mean_as_often_as_it_says():
    random = np.random.default_rng(0)
    hits = 0
    for seed in range(100):
        low, high = bootstrap_interval(random.normal(3, 1, 60), resamples=200, seed=seed)
        hits += low < 3 < high
    assert 87 <= hits <= 99
    assert bootstrap_interval(np.array([1.0])) is None


def test_a_report_says_what_it_does_not_hold():
    report = Report(scores={"l1": Score("l1", 0.5, 1, "", "lower")})
    with pytest.raises(ValueError, match="no per-picture values"):
        report.worst("l1")
    with pytest.raises(KeyError, match="not asked for"):
        report["ssim"]
