"""Structural priors: exact fractions, surfaces and reproducible draws."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from scipy.special import ndtri

from napari_microrecon.engine.generator.exemplar import Exemplars
from napari_microrecon.engine.generator.priors import PriorModel, choose_prior
from napari_microrecon.engine.generator.priors.cells import CellField, wall_distance
from napari_microrecon.engine.generator.priors.coating import CoatingField
from napari_microrecon.engine.generator.priors.gaussian import GaussianField, correlation_from_s2, first_fall
from napari_microrecon.engine.generator.priors.grains import GrainField
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.slices import Slice, SliceSet
from napari_microrecon.engine.statistics.chords import lineal_path
from napari_microrecon.engine.voxels import AXES


def test_waves_of_one_length_come_without_specks() -> None:
    # A spinodal structure: the slice is the level cut of a field of waves of 20 voxels, more or less.
    edge, phi = 128, 0.4
    number = np.sqrt(sum(np.meshgrid(*[np.fft.fftfreq(edge) ** 2] * 3, indexing='ij')))
    shell = np.exp(-0.5 * ((number - 1 / 20) / 0.006) ** 2)
    values = np.fft.ifftn(np.fft.fftn(_rng(1).standard_normal((edge,) * 3)) * shell).real
    volume = values > np.quantile(values, 1 - phi)
    slices = SliceSet(
        tuple(Slice(np.take(volume, 64, a).astype(np.uint8), Phases.named('a', 'b'), AXES[a]) for a in range(3)),
        symmetry='isotropic',
    )
    prior = choose_prior(Exemplars.of(slices))
    field = prior.fields[0]
    assert isinstance(field, GaussianField), prior.reason
    assert field.by_spectrum

    def faces(mask: np.ndarray) -> float:
        return float(np.mean([np.diff(mask, axis=axis).mean() for axis in range(3)]))

    # Small periodic volumes, as training has them, are shorter than the waves go on.
    for shape, periodic in (((48, 48, 48), True), ((96, 96, 96), False)):
        drawn = [field.sample(shape, _rng(i), periodic=periodic) for i in range(4)]
        masks = [v > np.quantile(v, 1 - phi) for v in drawn]
        assert np.mean([faces(mask) for mask in masks]) == pytest.approx(faces(volume), rel=0.08)
        assert np.mean([ndimage.label(mask)[1] for mask in masks]) / np.prod(shape) < 3e-5


def test_gaussian_field_reproduces_the_two_point_probability() -> None:
    lags = np.arange(25)
    phi = 0.3
    wanted = phi**2 + (phi - phi**2) * np.exp(-lags / 5)
    field = GaussianField.fit(wanted, phi)
    draws = [field.sample((64, 64, 64), np.random.default_rng(i), periodic=True) > ndtri(1 - phi) for i in range(8)]
    for lag in (4, 8):
        found = np.mean([(v & np.roll(v, lag, axis)).mean() for v in draws for axis in range(3)])
        assert found == pytest.approx(wanted[lag], abs=0.02)


def test_correlation_inverts_the_orthant_probability() -> None:
    # For phi = 1/2: S2 = 1/4 + asin(rho) / (2 pi), Sheppard 1899.
    rho = np.array([0.0, 0.3, 0.7, 1.0])
    assert correlation_from_s2(0.25 + np.arcsin(rho) / (2 * np.pi), 0.5) == pytest.approx(rho, abs=2e-3)


def test_lineal_path_of_stripes_by_hand() -> None:
    stripes = np.zeros((8, 12), bool)
    stripes[:, :4] = True
    path = lineal_path(stripes, 1, 5)
    assert path == pytest.approx([4 / 12, 3 / 11, 2 / 10, 1 / 9, 0, 0])
    assert lineal_path(stripes, 0, 7) == pytest.approx(np.full(8, 1 / 3))


def test_granular_slices_choose_grains_and_say_why(one_slice: SliceSet) -> None:
    prior = choose_prior(Exemplars.of(one_slice))
    assert prior.fields[0].kind == 'grains'
    assert 'section error' in prior.reason
    again = prior.sample((32, 32, 32), 5, periodic=False)
    assert np.array_equal(again, prior.sample((32, 32, 32), 5, periodic=False))
    assert not np.array_equal(again, prior.sample((32, 32, 32), 6, periodic=False))


def test_layered_slices_give_a_stretched_prior() -> None:
    rng = np.random.default_rng(0)
    field = GrainField.fit(0.4, (0.15, 0.03, 0.03)).sample((64, 64, 64), rng, periodic=False)
    labels = (field > 0).astype(np.uint8)
    phases = Phases.default(2)
    planes = [Slice(labels[30], phases, 'z'), Slice(labels[:, 30], phases, 'y'), Slice(labels[:, :, 30], phases, 'x')]
    exemplars = Exemplars.of(SliceSet.of(planes))
    length = exemplars.correlation_length(1)
    assert length['z'] < 0.6 * min(length['y'], length['x'])
    stretch = choose_prior(exemplars).fields[0]
    assert stretch.stretch[0] < 0.7 * min(stretch.stretch[1:])  # type: ignore[union-attr]


def test_a_slice_of_noise_gets_a_prior_without_millions_of_grains() -> None:
    labels = (np.random.default_rng(0).random((64, 64)) < 0.4).astype(np.uint8)
    prior = choose_prior(Exemplars.of(SliceSet.of([Slice(labels, Phases.default(2))])))
    assert prior.fields[0].kind == 'gaussian'


def _rng(index: int) -> np.random.Generator:
    return np.random.default_rng(index)


def test_wall_distance_is_the_least_bisector_distance() -> None:
    rng = np.random.default_rng(0)
    seeds = rng.random((400, 3)) * 8 - 3
    steps = np.array([0.1, 0.15, 0.2])
    found = wall_distance(seeds, np.zeros(3), steps, (12, 10, 8))
    points = np.stack(
        np.meshgrid(*(np.arange(n) * s for n, s in zip((12, 10, 8), steps, strict=True)), indexing='ij'), -1
    )
    squares = ((points[..., None, :] - seeds) ** 2).sum(-1)
    nearest = squares.argmin(-1)
    apart = np.linalg.norm(seeds[nearest][..., None, :] - seeds, axis=-1)
    walls = (squares - squares.min(-1, keepdims=True)) / (2 * np.where(apart > 0, apart, np.inf))
    walls[apart == 0] = np.inf
    assert found == pytest.approx(walls.min(-1), abs=1e-5)


@pytest.mark.parametrize('apart', [0.0, 0.75])
@pytest.mark.parametrize('periodic', [False, True])
def test_cell_field_is_standard_normal_over_the_ensemble(apart: float, periodic: bool) -> None:
    field = CellField.fit(0.3, (0.12, 0.12, 0.12), apart=apart)
    values = np.stack([field.sample((56, 56, 56), _rng(i), periodic=periodic) for i in range(10)])
    for fraction in (0.1, 0.3, 0.6):
        shares = (values > ndtri(1 - fraction)).mean((1, 2, 3))
        standard_error = shares.std(ddof=1) / np.sqrt(len(shares))
        assert abs(shares.mean() - fraction) < 3 * standard_error + 0.004
    assert values.std() == pytest.approx(1, abs=0.05)


def test_stretched_cells_have_the_edges_of_each_axis_and_closed_walls() -> None:
    wanted = (0.12, 0.05, 0.03)
    field = CellField.fit(0.3, wanted)
    volumes = [field.sample((48, 96, 144), _rng(i), periodic=False) > ndtri(0.7) for i in range(4)]
    for axis, edge in enumerate(wanted):
        assert np.mean([np.diff(v, axis=axis).mean() for v in volumes]) == pytest.approx(edge, rel=0.12)
    assert ndimage.label(volumes[0])[1] == 1
    pores, _ = ndimage.label(~volumes[0])
    assert not set(pores[0].ravel()) & set(pores[-1].ravel()) - {0}


def test_periodic_cells_wrap() -> None:
    field = CellField.fit(0.3, (0.1, 0.1, 0.1))
    shape = (24, 32, 40)
    values = field.sample(shape, _rng(0), periodic=True)
    for axis in range(3):
        inside = np.abs(np.diff(values, axis=axis)).max()
        across = np.abs(np.take(values, 0, axis) - np.take(values, -1, axis))
        assert across.max() <= 1.5 * inside
    assert np.array_equal(values, field.sample(shape, _rng(0), periodic=True))
    assert not np.array_equal(values, field.sample(shape, _rng(1), periodic=True))


@pytest.mark.parametrize('walls', [0, 1])
def test_foam_slices_choose_cells_and_survive_a_header(walls: int) -> None:
    field = CellField.fit(0.25, (0.1, 0.05, 0.05)).sample((80, 120, 120), _rng(3), periodic=False)
    labels = ((field > ndtri(0.75)) == walls).astype(np.uint8)
    phases = Phases.default(2)
    planes = [Slice(labels[40], phases, 'z'), Slice(labels[:, 60], phases, 'y'), Slice(labels[:, :, 60], phases, 'x')]
    prior = choose_prior(Exemplars.of(SliceSet.of(planes)))
    chosen = prior.fields[0]
    assert isinstance(chosen, CellField)
    assert chosen.walls_favoured == bool(walls)
    assert 'cells' in prior.reason
    again = PriorModel.model_validate_json(prior.model_dump_json())
    assert again == prior
    assert np.array_equal(again.sample((16, 16, 16), 1, periodic=True), prior.sample((16, 16, 16), 1, periodic=True))


def _waves(wavelength: float, shape: tuple[int, int, int]) -> np.ndarray:
    """Field of waves of one length, as in spinodal decomposition (Cahn 1965)."""
    squares = np.meshgrid(*(np.fft.fftfreq(n) ** 2 for n in shape), indexing='ij')
    wave = np.sqrt(sum(squares)) * wavelength
    noise = np.fft.fftn(_rng(0).standard_normal(shape))
    return np.fft.ifftn(noise * np.exp(-0.5 * ((wave - 1) / 0.15) ** 2)).real


def test_a_spinodal_level_cut_keeps_its_wavelength() -> None:
    volume = _waves(14, (80, 80, 80)) > 0

    def covariance(masks: list[np.ndarray]) -> np.ndarray:
        curves = [
            [(m & np.roll(m, lag, a)).mean() - m.mean() ** 2 for lag in range(28)] for m in masks for a in range(3)
        ]
        return 4 * np.mean(curves, axis=0)

    wanted = covariance([volume])
    field = GaussianField.fit(wanted / 4 + 0.25, 0.5)
    draws = [field.sample((80, 80, 80), _rng(i), periodic=True) > 0 for i in range(4)]
    found = covariance(draws)
    assert wanted.min() < -0.08
    assert found == pytest.approx(wanted, abs=0.04)


def test_scatter_after_the_fall_is_not_taken_for_waves() -> None:
    lags = np.arange(40)
    falling = np.exp(-lags / 4)
    assert first_fall(falling) == (16, False)
    assert first_fall(falling - 0.07 * (lags > 15)) == (16, False)
    assert first_fall(np.sinc(lags / 8))[1]


def _coated(seed: int) -> np.ndarray:
    """Particles (1) with a coating (2) that is dense at their surface and gone four voxels above it."""
    shape = (72, 72, 72)
    grains = GrainField.fit(0.6, (0.04, 0.04, 0.04), grains_favoured=True).sample(shape, _rng(seed), periodic=False)
    active = grains > ndtri(0.6)
    distance = ndimage.distance_transform_edt(~active)
    texture = ndimage.gaussian_filter(_rng(seed + 100).standard_normal(shape), 0.8)
    labels = np.where(active, 1, 0)
    labels[~active & (texture / texture.std() > 0.5 * (distance - 2))] = 2
    return labels.astype(np.uint8)


def test_coated_grains_choose_a_coating_with_its_interfaces() -> None:
    truth = _coated(0)
    exemplars = Exemplars.of(SliceSet.of([Slice(truth[i], Phases.default(3), 'z') for i in (10, 40)]))
    prior = choose_prior(exemplars)
    assert 'coating of phase 1' in prior.reason
    assert prior.order[:2] == (1, 2)
    # Nothing but the fractions that the phases were fitted to: no offsets.
    assert prior.offsets(exemplars.fractions) == pytest.approx(0, abs=0.03)
    offsets = prior.offsets(exemplars.fractions)[:, None, None, None]
    volumes = [(prior.sample((72, 72, 72), i, periodic=False) + offsets).argmax(0) for i in range(3)]
    measured = [_coated(i) for i in range(3)]
    for pair in ((0, 1), (0, 2), (1, 2)):
        ratio = _interface(volumes, pair) / _interface(measured, pair)
        assert ratio == pytest.approx(1, abs=0.25)
    again = PriorModel.model_validate_json(prior.model_dump_json())
    assert np.array_equal(again.sample((24, 24, 24), 3, periodic=True), prior.sample((24, 24, 24), 3, periodic=True))


def _interface(volumes: list[np.ndarray], pair: tuple[int, int]) -> float:
    steps = [(v[1:], v[:-1]) for volume in volumes for v in (np.moveaxis(volume, axis, 0) for axis in range(3))]
    return float(np.mean([(np.minimum(p, q) == pair[0]) & (np.maximum(p, q) == pair[1]) for p, q in steps]))


def test_coating_has_its_fractions_over_the_ensemble_whatever_they_are() -> None:
    exemplars = Exemplars.of(SliceSet.of([Slice(_coated(0)[20], Phases.default(3), 'z')]))
    prior = choose_prior(exemplars)
    coating = prior.fields[1]
    assert isinstance(coating, CoatingField)
    for wanted in (exemplars.fractions, np.array([0.5, 0.3, 0.2])):
        offsets = prior.offsets(wanted)[:, None, None, None]
        found = [
            np.bincount((prior.sample((64, 64, 64), i, periodic=True) + offsets).argmax(0).ravel(), minlength=3) / 64**3
            for i in range(12)
        ]
        standard_error = np.std(found, axis=0, ddof=1) / np.sqrt(len(found))
        # Two boxes of evenly shared grains along each edge: so small a periodic volume is off by 0.006 of its own.
        assert np.all(np.abs(np.mean(found, axis=0) - wanted) < 3 * standard_error + 0.01)


def test_coating_is_standard_normal_outside_what_it_coats() -> None:
    exemplars = Exemplars.of(SliceSet.of([Slice(_coated(0)[20], Phases.default(3), 'z')]))
    prior = choose_prior(exemplars)
    grains, texture = _rng(0).standard_normal((2, 200_000))
    field = prior.fields[1].combine(texture, [grains])[grains < -prior.thresholds[0]]
    assert field.mean() == pytest.approx(0, abs=0.02)
    assert field.std() == pytest.approx(1, abs=0.02)
