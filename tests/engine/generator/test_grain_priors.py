"""Grains as a structural prior: sizes, bends, channels, evenness and forms, drawn and found in slices."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.spatial import cKDTree
from scipy.special import ndtri

from napari_microrecon.engine.diffusion.solver import solve_diffusion
from napari_microrecon.engine.generator.exemplar import Exemplars
from napari_microrecon.engine.generator.priors import PriorModel, choose_prior
from napari_microrecon.engine.generator.priors.effort import Effort, Trial
from napari_microrecon.engine.generator.priors.evenness import evened
from napari_microrecon.engine.generator.priors.forms import formed_grains
from napari_microrecon.engine.generator.priors.grain_levels import even_survival
from napari_microrecon.engine.generator.priors.grains import GrainField
from napari_microrecon.engine.generator.priors.nearest_grain import (
    Grains,
    nearest_and_third,
    nearest_grain,
    random_forms,
)
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.progress import drain
from napari_microrecon.engine.slices import Slice, SliceSet
from napari_microrecon.engine.statistics.percolation import largest_cluster


def _rng(index: int) -> np.random.Generator:
    return np.random.default_rng(index)


@pytest.mark.parametrize(('spread', 'bent'), [(0.0, 0.0), (0.35, 0.0), (0.0, 0.4)])
@pytest.mark.parametrize('periodic', [False, True])
def test_grain_field_is_standard_normal_over_the_ensemble(spread: float, bent: float, periodic: bool) -> None:
    field = GrainField.fit(0.2, (0.06, 0.06, 0.06), spread=spread).model_copy(update={'bent': bent})
    values = np.stack([field.sample((48, 48, 48), np.random.default_rng(i), periodic=periodic) for i in range(12)])
    fractions = (values > ndtri(0.8)).mean((1, 2, 3))
    standard_error = fractions.std(ddof=1) / np.sqrt(len(fractions))
    assert abs(fractions.mean() - 0.2) < 3 * standard_error + 0.002
    assert abs(values.mean()) < 0.15


def test_grain_field_has_the_surface_it_was_fitted_to() -> None:
    edges = 0.04
    field = GrainField.fit(0.2, (edges, edges, edges))
    volumes = [field.sample((64, 64, 64), np.random.default_rng(i), periodic=True) > ndtri(0.8) for i in range(6)]
    found = np.mean([(v != np.roll(v, 1, axis)).mean() for v in volumes for axis in range(3)])
    assert found == pytest.approx(edges, rel=0.12)


def test_stretched_grains_have_the_edges_of_each_axis() -> None:
    wanted = (0.09, 0.05, 0.03)
    field = GrainField.fit(0.3, wanted)
    volumes = [field.sample((48, 64, 96), np.random.default_rng(i), periodic=False) > ndtri(0.7) for i in range(4)]
    for axis, edge in enumerate(wanted):
        found = np.mean([np.diff(v, axis=axis).mean() for v in volumes])
        assert found == pytest.approx(edge, rel=0.2)


@pytest.mark.parametrize('bent', [0.0, 0.4])
def test_bent_boundaries_are_found_where_the_slice_has_them(bent: float) -> None:
    truth = GrainField.fit(0.2, (0.04, 0.04, 0.04)).model_copy(update={'bent': bent})
    volume = truth.sample((8, 320, 320), _rng(5), periodic=False) > ndtri(0.8)
    slices = SliceSet((Slice(volume[4].astype(np.uint8), Phases.named('solid', 'pore')),))
    prior = choose_prior(Exemplars.of(slices))
    field = prior.fields[0]
    assert isinstance(field, GrainField), prior.reason
    assert (field.bent > 0) == (bent > 0), prior.reason
    assert ('bent' in prior.reason) == (bent > 0)


def test_bends_narrow_throats() -> None:
    # The reason to have them: as many pores, less of them in one cluster.
    smooth = GrainField.fit(0.18, (0.08, 0.08, 0.08))
    shares = []
    for field in (smooth, smooth.model_copy(update={'bent': 0.4})):
        draws = [field.sample((96, 96, 96), _rng(i), periodic=True) for i in range(3)]
        pores = [values > np.quantile(values, 1 - 0.18) for values in draws]
        shares.append(np.mean([largest_cluster(mask).sum() / mask.sum() for mask in pores]))
    assert shares[1] < shares[0] - 0.002, shares


def _grown_together(phi: float = 0.125, edge: float = 0.032) -> GrainField:
    field = GrainField.fit(phi, (edge,) * 3).model_copy(update={'channels': 0.3})
    return field.sized(phi, (edge,) * 3).tabled()


@pytest.mark.parametrize('favoured', [False, True])
def test_channels_keep_the_fraction_and_the_faces(favoured: bool) -> None:
    edge, phi = 0.06, 0.2
    share = 1 - phi if favoured else phi
    field = GrainField.fit(phi, (edge,) * 3, grains_favoured=favoured).model_copy(update={'channels': 0.3})
    field = field.sized(phi, (edge,) * 3).tabled()
    draws = [field.sample((64, 64, 64), _rng(i), periodic=True) > ndtri(1 - share) for i in range(10)]
    fractions = np.mean(draws, axis=(1, 2, 3))
    assert abs(fractions.mean() - share) < 3 * fractions.std(ddof=1) / np.sqrt(len(draws)) + 0.002
    faces = np.mean([np.diff(mask, axis=axis).mean() for mask in draws for axis in range(3)])
    assert faces == pytest.approx(edge, rel=0.1)


def test_channels_open_throats() -> None:
    # The reason to have them: as much pore space with as many faces, but an easier way through.
    smooth = GrainField.fit(0.125, (0.06,) * 3).sized(0.125, (0.06,) * 3)
    ways = []
    for field in (smooth, _grown_together(edge=0.06)):
        drawn = [field.sample((72, 72, 72), _rng(i), periodic=False) for i in range(3)]
        pores = [values > np.quantile(values, 1 - 0.125) for values in drawn]
        ways.append(np.mean([drain(solve_diffusion(pore, 0)).diffusivity for pore in pores]))
    assert ways[1] > 1.3 * ways[0], ways


@pytest.mark.parametrize('channels', [True, False])
def test_channels_are_found_where_the_slices_have_them(channels: bool) -> None:
    truth = _grown_together() if channels else GrainField.fit(0.125, (0.032,) * 3)
    # One section of 256 x 256 tells them apart three times in four; these are four and a half as much.
    drawn = [truth.sample((3, 320, 320), _rng(20 + i), periodic=False)[1] for i in range(3)]
    level = np.quantile(np.stack(drawn), 1 - 0.125)
    slices = SliceSet.of(
        [Slice((d > level).astype(np.uint8), Phases.named('solid', 'pore', pore=1), 'z') for d in drawn]
    )
    prior = choose_prior(Exemplars.of(slices))
    field = prior.fields[0]
    assert isinstance(field, GrainField), prior.reason
    assert (field.channels > 0) == channels, prior.reason
    assert ('channels' in prior.reason) == channels
    assert bool(field.values) == channels
    assert PriorModel.model_validate_json(prior.model_dump_json()) == prior


@pytest.mark.parametrize('spread', [0.0, 0.35])
@pytest.mark.parametrize('even', [4.0, 2.6])
def test_how_far_evenly_shared_grains_are_is_computed_rightly(spread: float, even: float) -> None:
    # What is off here is off in every volume. Against boxes of unit edge around a random point, filled at random.
    rng, tries, radius = _rng(1), 100_000, 0.3
    most, whole = math.ceil(even), math.floor(even)
    place = rng.random((tries, 3))
    nearest = np.full(tries, np.inf)
    for corner in itertools.product((-1, 0, 1), repeat=3):
        held = whole + (rng.random(tries) < even - whole)
        for index in range(most):
            away = np.linalg.norm((np.array(corner) + rng.random((tries, 3)) - place) / (1.25, 1, 0.8), axis=1)
            sizes = radius * np.exp(spread * np.clip(rng.standard_normal(tries), -2, 2))
            nearest = np.where(index < held, np.minimum(nearest, away / sizes), nearest)
    at = np.array([0.4, 0.8, 1.2, 1.6])
    found = drain(even_survival(at, radius, spread, (1.25, 1, 0.8), even, even, Trial('boxes')))
    np.testing.assert_allclose(found, [(nearest > t).mean() for t in at], atol=0.005)


def _packed(seed: int, spacing: int = 12, edge: int = 132) -> np.ndarray:
    """Spheres near the points of a loose lattice: hardly more of them in one place than in another."""
    places = np.arange(0, edge, spacing)
    points = np.stack(np.meshgrid(places, places, places, indexing='ij'), -1).reshape(-1, 3)
    centres = points + _rng(seed).uniform(0, spacing, points.shape)
    at = np.stack(np.meshgrid(*(np.arange(edge),) * 3, indexing='ij'), -1)
    distance, _ = cKDTree(centres, boxsize=edge).query(at)
    return (distance < np.quantile(distance, 0.4)).astype(np.uint8)


@pytest.mark.parametrize('packed', [True, False])
def test_grains_are_shared_out_as_evenly_as_in_the_slices(packed: bool) -> None:
    if packed:
        volume = _packed(0)
    else:
        field = GrainField.fit(0.6, (0.06,) * 3, grains_favoured=True).sample((128,) * 3, _rng(0), periodic=True)
        volume = (field > np.quantile(field, 0.6)).astype(np.uint8)
    pictures = [Slice(np.take(volume, i, axis), Phases.default(2), 'z') for axis in range(3) for i in (20, 64, 108)]
    exemplars = Exemplars.of(SliceSet.of(pictures))
    edges = exemplars.edge_density(1)
    field = GrainField.fit(0.6, (edges['z'], edges['y'], edges['x']), grains_favoured=True)
    found = drain(evened(exemplars, 1, field, 0.4, tuple(edges.values()), Trial('grains')))
    assert bool(found.even) == packed
    drawn = np.stack([found.sample((96,) * 3, _rng(i), periodic=False) > ndtri(0.6) for i in range(8)])
    assert drawn.mean() == pytest.approx(0.4, abs=0.02)
    strewn = np.stack([field.sample((96,) * 3, _rng(i), periodic=False) > ndtri(0.6) for i in range(8)])
    scatters = [np.std([mask.mean() for mask in masks]) for masks in (drawn, strewn)]
    assert (scatters[0] < 0.75 * scatters[1]) == packed


@pytest.mark.parametrize(('flatness', 'name'), [(0.3, 'plates'), (6.0, 'needles')])
def test_plates_and_needles_have_the_faces_of_every_axis(flatness: float, name: str) -> None:
    wanted = (0.1, 0.1, 0.06)
    field = drain(formed_grains(0.4, wanted, Effort(), favoured=True))[f'{name} of this phase']
    assert field.flatness == flatness
    assert field.stretch[0] == field.stretch[1] < field.stretch[2]
    drawn = [field.sample((64, 64, 96), _rng(i), periodic=False) for i in range(6)]
    masks = [values > np.quantile(values, 0.6) for values in drawn]
    for axis, edge in enumerate(wanted):
        assert np.mean([np.diff(mask, axis=axis).mean() for mask in masks]) == pytest.approx(edge, rel=0.1)


def test_turned_ellipsoids_are_as_near_as_brute_force_says() -> None:
    rng = _rng(4)
    shape, reach, stretch = (24, 28, 32), 2.5, (0.8, 1.0, 1.25)
    centres, radii = rng.random((12, 3)) * shape, rng.uniform(1.5, 2.8, 12)
    forms = random_forms(12, (1.5, 1.5, 0.44), rng)
    grid = np.stack(np.meshgrid(*[np.arange(n) for n in shape], indexing='ij'), axis=-1)
    for periodic in (False, True):
        told = shape, Grains(centres, radii, stretch, forms), reach
        found = nearest_grain(*told, periodic=periodic)
        nearest, third = nearest_and_third(*told, periodic=periodic)
        every = []
        for centre, radius, form in zip(centres, radii, forms, strict=True):
            best = np.full(shape, reach**2)
            for shift in itertools.product((-1, 0, 1), repeat=3) if periodic else [(0, 0, 0)]:
                away = grid - centre + np.array(shift) * shape
                best = np.minimum(best, (((away / stretch) @ form.T / radius) ** 2).sum(-1))
            every.append(best)
        ranked = np.sort(every, axis=0)
        np.testing.assert_allclose(found, ranked[0], atol=2e-3)
        np.testing.assert_array_equal(nearest, found)
        np.testing.assert_allclose(third, ranked[2], atol=2e-3)


def test_laths_are_told_from_blobs() -> None:
    # Plates of the phase turned every way: no sphere and no Gaussian field has such sections.
    truth = GrainField.fit(0.5, (0.08, 0.08, 0.08), grains_favoured=True).formed(0.15)
    volume = truth.sample((8, 256, 256), _rng(2), periodic=False) > 0
    slices = SliceSet((Slice(volume[4].astype(np.uint8), Phases.named('beta', 'alpha')),))
    prior = choose_prior(Exemplars.of(slices))
    field = prior.fields[0]
    assert isinstance(field, GrainField), prior.reason
    assert field.flatness < 1
    assert field.grains_favoured
    assert 'plates of this phase' in prior.reason
