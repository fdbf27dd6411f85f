"""S2 by FFT against counting, formulas and PoreSpy."""

from __future__ import annotations

import numpy as np
import pytest

from napari_microrecon.engine.diffusion._porespy import quiet_porespy
from napari_microrecon.engine.statistics.correlation import (
    LagCounts,
    autocovariance,
    count_lags,
    crossing,
    finish,
    half_edges,
    radial_mean,
)


def counted(mask: np.ndarray, max_lag: int | None = None) -> LagCounts:
    return finish(count_lags(mask, half_edges(mask.shape, max_lag)))


def brute_force(mask: np.ndarray, axis: int, most: int) -> list[float]:
    lines = np.moveaxis(mask, axis, 0)
    n = len(lines)
    return [float((lines[: n - r] & lines[r:]).mean()) for r in range(most + 1)]


def blobs(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    from scipy.ndimage import gaussian_filter

    field = gaussian_filter(np.random.default_rng(seed).standard_normal(shape), 1.5)
    return field > np.quantile(field, 0.7)


@pytest.mark.parametrize('shape', [(20, 17, 24), (33, 8, 9), (3, 40, 31)])
def test_s2_along_the_axes_equals_brute_force(shape):
    mask = blobs(shape)
    counts = counted(mask)
    for axis in range(3):
        expected = brute_force(mask, axis, shape[axis] // 2)
        np.testing.assert_allclose(counts.along(axis), expected, atol=1e-5)


def test_s2_at_an_oblique_lag_equals_brute_force():
    mask = blobs((20, 18, 24))
    counts = counted(mask)
    both = mask[3:, :-4, 7:] & mask[:-3, 4:, :-7]
    assert counts.s2()[3, counts.max_lag[1] - 4, counts.max_lag[2] + 7] == pytest.approx(both.mean(), abs=1e-5)
    # the mirror image is another direction with another value
    other = mask[3:, 4:, 7:] & mask[:-3, :-4, :-7]
    assert counts.s2()[3, counts.max_lag[1] + 4, counts.max_lag[2] + 7] == pytest.approx(other.mean(), abs=1e-5)


def test_s2_of_a_slice_equals_brute_force():
    mask = blobs((30, 41))
    counts = counted(mask)
    for axis in range(2):
        np.testing.assert_allclose(counts.along(axis), brute_force(mask, axis, mask.shape[axis] // 2), atol=1e-5)


def test_large_volume_is_cut_into_pieces_and_stays_exact(monkeypatch):
    monkeypatch.setattr('napari_microrecon.engine.statistics.correlation._CHUNK_BYTES', 2e4)
    mask = blobs((24, 20, 22))
    steps = count_lags(mask, half_edges(mask.shape))
    fractions = []
    while True:
        try:
            fractions.append(next(steps))
        except StopIteration as stop:
            counts = stop.value
            break
    assert len(fractions) > 10
    assert fractions == sorted(fractions)
    np.testing.assert_allclose(counts.along(2), brute_force(mask, 2, 11), atol=1e-5)


def test_s2_begins_at_the_phase_fraction_and_noise_ends_at_its_square():
    phi = 0.3
    mask = np.random.default_rng(1).random((64, 64, 64)) < phi
    counts = counted(mask)
    lag, radial = radial_mean(counts, (1, 1, 1))
    assert lag[0] == 0
    assert radial[0] == mask.mean()
    np.testing.assert_allclose(radial[1:], phi**2, atol=2e-3)
    np.testing.assert_allclose(counts.along(0)[1:], phi**2, atol=5e-3)


def test_checkerboard_by_formula():
    z, y, x = np.indices((16, 16, 16))
    counts = counted((z + y + x) % 2 == 0)
    np.testing.assert_allclose(counts.along(1), [0.5 if r % 2 == 0 else 0 for r in range(9)], atol=1e-6)


def test_stripes_by_formula():
    # period 8, half filled: S2 falls linearly from 1/2 to 0 over half a period and rises again
    mask = np.broadcast_to((np.arange(64) % 8 < 4)[:, None, None], (64, 16, 16))
    counts = counted(mask)
    lag = np.arange(33)
    expected = np.abs((lag + 4) % 8 - 4) / 8
    expected = 0.5 - expected
    whole = lag % 8 == 0  # at whole periods the open domain changes nothing
    np.testing.assert_allclose(counts.along(0)[whole], expected[whole], atol=1e-6)
    np.testing.assert_allclose(counts.along(0), expected, atol=0.05)
    np.testing.assert_allclose(counts.along(2), 0.5, atol=1e-6)


def test_radial_mean_equals_porespy():
    mask = blobs((40, 40, 40), seed=3)
    with quiet_porespy() as porespy:
        theirs = porespy.metrics.two_point_correlation(mask, bins=np.arange(0.0, 20.5, 1.0))
    lag, ours = radial_mean(counted(mask), (1, 1, 1), edges=np.asarray(theirs.bin_edges))
    np.testing.assert_allclose(ours[1:], theirs.probability_scaled[1 : len(ours)], atol=2e-4)
    assert np.all(np.diff(lag) > 0)


def test_lags_are_lengths_for_voxels_that_are_no_cubes():
    mask = blobs((20, 40, 40))
    lag, s2 = radial_mean(counted(mask), (2.0, 1.0, 1.0))
    assert lag[-1] <= 20.5
    assert len(lag) == len(s2)
    assert lag[0] == 0


def test_crossing_is_interpolated_and_refused_without_decay():
    lag = np.arange(5) * 2.0
    assert crossing(lag, np.array([1.0, 0.8, 0.4, 0.2, 0.1]), 0.6) == pytest.approx(3.0)
    assert crossing(lag, np.ones(5), 0.5) is None


def test_correlation_length_of_an_exponential_medium():
    # A random telegraph line has the autocovariance exp(-2 r p): its e-folding length is 1 / (2 p).
    rng = np.random.default_rng(2)
    p = 0.05
    flips = rng.random((40, 40, 400)) < p
    start = rng.integers(0, 2, (40, 40, 1))
    mask = ((np.cumsum(flips, axis=2) + start) % 2).astype(bool)
    s2 = counted(mask, 60).along(2)
    length = crossing(np.arange(len(s2)), autocovariance(s2, float(mask.mean())))
    assert length == pytest.approx(-1 / np.log(1 - 2 * p), rel=0.04)
