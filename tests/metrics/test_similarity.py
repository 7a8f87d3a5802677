import numpy as np
import pytest
import tensorflow as tf

from ganime_tf import metrics
from ganime_tf.metrics.colour import delta_e


@pytest.fixture
def pair(made):
    a, b = made.pictures(5, 2, 66, 71), made.pictures(6, 2, 66, 71)
    return a, ((a.astype(int) * 3 + b) // 4).astype(np.uint8)


def test_ssim_matches_scikit_image(pair, golden):
    np.testing.assert_allclose(metrics.ssim(*pair), golden["ssim"], atol=1e-9)


def test_ssim_matches_tensorflow(pair):
    np.testing.assert_allclose(metrics.ssim(*pair), tf.image.ssim(*pair, 255), atol=2e-5)


def test_ssim_of_flat_pictures_is_the_luminance_term():
    a, b = np.full((1, 12, 12, 3), 100, np.uint8), np.full((1, 12, 12, 3), 150, np.uint8)
    c1 = (0.01 * 255) ** 2
    expected = (2 * 100 * 150 + c1) / (100**2 + 150**2 + c1)
    assert metrics.ssim(a, b)[0] == pytest.approx(expected, abs=1e-12)


def test_ms_ssim_matches_tensorflow_on_odd_sizes(made, golden):
    a, b = made.pictures(8, 2, 163, 180), made.pictures(9, 2, 163, 180)
    mixed = ((a.astype(int) * 3 + b) // 4).astype(np.uint8)
    np.testing.assert_allclose(metrics.ms_ssim(a, mixed), golden["ms_ssim"], atol=2e-5)


def test_l1_and_psnr_of_a_constant_difference():
    a = np.full((1, 2, 2, 3), 10, np.uint8)
    b = a + 51
    assert metrics.l1(a, b)[0] == pytest.approx(0.2)
    assert metrics.l1(b, a)[0] == pytest.approx(0.2)
    assert metrics.psnr(a, b)[0] == pytest.approx(20 * np.log10(5))


@pytest.mark.parametrize("name", ["ssim", "psnr", "l1", "ciede2000"])
def test_identical_pictures_score_best_and_order_does_not_matter(name, pair):
    function, (a, b) = getattr(metrics, name), pair
    best = {"ssim": 1.0, "psnr": np.inf, "l1": 0.0, "ciede2000": 0.0}[name]
    np.testing.assert_allclose(function(a, a), best)
    np.testing.assert_allclose(function(a, b), function(b, a), rtol=1e-12)
    np.testing.assert_allclose(function(a[::-1], b[::-1]), function(a, b)[::-1], rtol=1e-12)


def test_ciede2000_matches_scikit_image(made, golden):
    a, b = made.pictures(5, 2, 66, 71), made.pictures(6, 2, 66, 71)
    np.testing.assert_allclose(metrics.ciede2000(a, b), golden["ciede2000"], rtol=1e-10)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [  # pairs 1, 7, 10, 17 and 25 of Sharma, Wu and Dalal's table 1
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, 0, 0), (50, -1, 2), 2.3669),
        ((50, 2.4900, -0.0010), (50, -2.4900, 0.0010), 7.1792),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ],
)
def test_ciede2000_matches_the_published_table(a, b, expected):
    assert delta_e(a, b) == pytest.approx(expected, abs=5e-5)


def test_bad_input_is_named():
    good = np.zeros((1, 20, 20, 3), np.uint8)
    with pytest.raises(ValueError, match="uint8 RGB.*float32"):
        metrics.ssim(good.astype(np.float32), good)
    with pytest.raises(ValueError, match=r"one shape.*\(1, 20, 20, 3\)"):
        metrics.l1(good, good[:, :10])
    with pytest.raises(ValueError, match="no picture"):
        metrics.psnr(good[:0], good[:0])
    with pytest.raises(ValueError, match="at least 11x11.*10x20"):
        metrics.ssim(good[:, :10], good[:, :10])
    with pytest.raises(ValueError, match="161x161"):
        metrics.ms_ssim(good, good)
