"""The spread of colours against closed forms."""

import numpy as np
import pytest

from ganime_tf.colouring.propagation import Propagator, closed_lines, edge_barrier


def _ends(length, left=0.0, right=255.0):
    known = np.zeros((3, length), bool)
    known[:, [0, -1]] = True
    values = np.zeros((3, length, 1))
    values[:, 0], values[:, -1] = left, right
    return known, values


def test_without_a_border_colours_change_linearly_between_two_hints():
    known, values = _ends(11)
    out = Propagator(np.zeros((3, 11))).solve(known, values)
    np.testing.assert_allclose(out[1, :, 0], np.linspace(0, 255, 11), atol=1e-3)


def test_a_border_is_a_resistance_in_series():
    known, values = _ends(11)
    barrier = np.zeros((3, 11))
    barrier[:, 5] = 0.5
    out = Propagator(barrier, sharpness=4.0).solve(known, values)[1, :, 0]
    # Eight edges of resistance 1 and the two at the border of exp(2).
    resistance = np.r_[np.ones(4), np.exp(2.0), np.exp(2.0), np.ones(4)]
    expected = 255 * np.r_[0, np.cumsum(resistance)] / resistance.sum()
    np.testing.assert_allclose(out, expected, atol=1e-2)


def test_one_colour_fills_everything_and_no_colour_leaves_the_range():
    rng = np.random.default_rng(0)
    known = rng.random((20, 24)) < 0.05
    values = rng.uniform(40, 90, (20, 24, 3))
    propagator = Propagator(rng.random((20, 24)))
    out = propagator.solve(known, values)
    np.testing.assert_array_equal(out[known], values[known].astype(np.float32))
    assert out.min() >= values[known].min() - 1e-4 and out.max() <= values[known].max() + 1e-4
    np.testing.assert_allclose(propagator.solve(known, np.full_like(values, 7.0)), 7.0, atol=1e-4)


def _ring(size=64):
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    radius = np.hypot(x, y)
    return (np.abs(radius - size / 4) < 1.2).astype(np.float32), radius


def test_no_colour_leaks_through_a_closed_line():
    cover, radius = _ring()
    known = np.zeros(cover.shape, bool)
    values = np.zeros((*cover.shape, 1))
    known[32, 32] = known[2, 2] = True
    values[32, 32], values[2, 2] = 255.0, 0.0
    # Even where the network sees no border at all.
    out = Propagator(edge_barrier(cover, np.zeros_like(cover))).solve(known, values)[..., 0]
    inside, outside = radius < 14, radius > 18
    assert out[inside].min() > 0.9 * 255 and out[outside].max() < 0.1 * 255


def test_a_gap_is_held_by_the_learned_barrier_and_not_without_it():
    cover, radius = _ring()
    learned = cover.copy()
    cover[30:35, :32] = 0.0
    known = np.zeros(cover.shape, bool)
    values = np.zeros((*cover.shape, 1))
    known[32, 36] = known[2, 2] = True
    values[32, 36] = 255.0
    inside = radius < 13
    held = Propagator(edge_barrier(cover, learned)).solve(known, values)[..., 0]
    leaked = Propagator(edge_barrier(cover)).solve(known, values)[..., 0]
    assert held[inside].min() > 0.9 * 255 > leaked[inside].min()


def test_closed_lines_are_those_that_part_two_regions():
    cover, _ = _ring()
    assert closed_lines(cover).sum() > 0.5 * cover.sum()
    cover[28:36, :32] = 0.0
    assert not closed_lines(cover).any()


def test_a_new_dab_is_exact_without_another_factorisation():
    rng = np.random.default_rng(3)
    barrier = rng.random((40, 44)) ** 3
    known = np.zeros(barrier.shape, bool)
    values = np.zeros((*barrier.shape, 3))
    kept = Propagator(barrier)
    for k in range(5):
        y, x = rng.integers(2, 36, 2)
        known[y : y + 4, x : x + 4] = True
        values[y : y + 4, x : x + 4] = rng.uniform(0, 255, 3)
        now = kept.solve(known, values)
        np.testing.assert_allclose(now, Propagator(barrier).solve(known, values), atol=0.05)
        assert k == 0 or kept.factorisations == 1
    # Undoing the first dab too.
    known[:] = False
    known[5:8, 5:8] = True
    fresh = Propagator(barrier).solve(known, values)
    np.testing.assert_allclose(kept.solve(known, values), fresh, atol=0.05)


def test_nothing_to_spread_is_an_error():
    with pytest.raises(ValueError, match="no hint"):
        Propagator(np.zeros((4, 4))).solve(np.zeros((4, 4), bool), np.zeros((4, 4, 3)))
