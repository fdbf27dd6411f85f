"""The anisotropy index recovers known stretches, and knows when it cannot tell."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest

from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.slices import Slice
from napari_microrecon.engine.statistics import anisotropy_of_slice, anisotropy_of_volume
from napari_microrecon.engine.statistics.anisotropy import Anisotropy, anisotropy_of_mask
from napari_microrecon.engine.statistics.correlation import finish
from napari_microrecon.engine.volume import Volume
from napari_microrecon.engine.voxels import VoxelSize

PHASES = Phases.named('grain', 'pore', pore=1)


def stretched(shape: tuple[int, ...], sigma: tuple[float, ...], seed: int, fraction: float = 0.3) -> np.ndarray:
    """Thresholded Gaussian field with the given correlation per axis; cut from a larger one, so not periodic."""
    from scipy.ndimage import gaussian_filter

    large = tuple(n + 32 for n in shape)
    field = gaussian_filter(np.random.default_rng(seed).standard_normal(large, dtype=np.float32), sigma, truncate=3)
    field = field[tuple(slice(16, 16 + n) for n in shape)]
    return field < np.quantile(field, fraction)


def measured(mask: np.ndarray, spacing: tuple[float, ...] | None = None) -> Anisotropy:
    return finish(anisotropy_of_mask(mask, spacing or (1.0,) * mask.ndim))


@pytest.mark.parametrize('stretch', [1.5, 2.0, 3.0])
def test_stretched_slices_are_recovered(stretch):
    found = [measured(stretched((320, 320), (3, 3 * stretch), seed)) for seed in range(6)]
    indices = [f.index for f in found]
    assert np.mean(indices) == pytest.approx(stretch, rel=0.06)
    assert all(f.verdict == 'anisotropic' for f in found)
    # the error bar is of the size of the scatter
    assert 0.3 * np.std(indices) < np.mean([f.sd for f in found]) < 3 * np.std(indices)


def test_isotropic_slices_are_called_so():
    verdicts = [measured(stretched((256, 256), (3, 3), seed)).verdict for seed in range(20)]
    assert verdicts.count('isotropic') >= 17
    assert verdicts.count('anisotropic') <= 2


def test_small_slices_cannot_be_told():
    found = measured(stretched((48, 48), (4, 4), 0))
    assert found.verdict == 'cannot tell'
    assert '20 are needed' in found.sentence


def test_stretched_volume_and_its_axes():
    found = measured(stretched((72, 72, 72), (1.3, 1.3, 2.6), 1))
    assert found.index == pytest.approx(2, rel=0.08)
    assert found.verdict == 'anisotropic'
    assert abs(found.axes[-1][2]) > 0.98  # the longest axis is x
    assert found.lengths == tuple(sorted(found.lengths))


def test_oblique_stretch_is_seen():
    mask = stretched((300, 300), (3, 9), 2)
    from scipy.ndimage import rotate

    turned = rotate(mask.astype(float), 45, reshape=False, order=1)[50:250, 50:250] > 0.5
    found = measured(turned)
    assert found.index == pytest.approx(3, rel=0.25)
    assert abs(found.axes[-1][0]) == pytest.approx(0.707, abs=0.1)


def test_flat_voxels_are_taken_into_account():
    # The same field sampled twice as coarsely along y is isotropic in physical units.
    mask = stretched((256, 256), (2, 4), 3)
    found = measured(mask, (2.0, 1.0))
    assert found.index == pytest.approx(1, abs=0.15)


def test_stripes_are_anisotropic_although_they_never_decay():
    mask = np.zeros((160, 160), dtype=bool)
    mask[(np.arange(160) // 5) % 2 == 0] = True
    found = measured(mask)
    assert found.verdict == 'anisotropic'
    assert found.at_least
    assert found.index is not None
    assert found.index > 3


@pytest.mark.parametrize(('fill', 'word'), [(False, 'absent'), (True, 'everywhere')])
def test_one_phase_has_no_index(fill, word):
    found = measured(np.full((32, 32, 32), fill))
    assert found.index is None
    assert found.verdict == 'cannot tell'
    assert word in found.sentence


def test_slices_and_volumes_use_their_voxel_size_and_phase():
    labels = stretched((256, 256), (2, 4), 4).astype(np.uint8)
    section = Slice(labels, PHASES, normal='y', voxel_size=VoxelSize(z=2, y=9, x=1, unit='um'))
    assert anisotropy_of_slice(section).index == pytest.approx(1, abs=0.15)
    # a phase and its complement have the same autocovariance, but for the pairs across the jackknife's cuts
    assert anisotropy_of_slice(section, 0).index == pytest.approx(anisotropy_of_slice(section, 1).index, rel=0.03)
    volume = Volume(stretched((48, 48, 48), (1, 1, 2), 4).astype(np.uint8), PHASES)
    assert anisotropy_of_volume(volume).index == pytest.approx(2, rel=0.15)


@pytest.mark.parametrize('stretch', [1.1, 1.5, 2.0, 3.0])
def test_stretches_lie_within_the_error_bar(stretch):
    found = [measured(stretched((400, 400), (3, 3 * stretch), seed)) for seed in range(24)]
    indices, errors = np.array([f.index for f in found]), np.array([f.sd for f in found])
    assert np.mean(indices) == pytest.approx(stretch, rel=0.03)
    # The bar comes from four quadrants: of Student's t with three degrees of freedom 86 % lie within two.
    assert np.mean(np.abs(indices - stretch) < 2 * errors) >= 0.7
    assert 0.6 < errors.mean() / indices.std(ddof=1) < 1.6


@pytest.mark.parametrize('stretch', [1.1, 1.5, 2.0, 3.0])
def test_stretched_volumes_lie_within_the_error_bar(stretch):
    for seed in range(2):
        found = measured(stretched((88, 88, 88), (1.3, 1.3, 1.3 * stretch), seed))
        assert found.verdict == 'anisotropic'
        # three standard errors, and what the grid adds at 1.3 voxels of correlation
        assert abs(found.index - stretch) < 3 * found.sd + 0.015 * stretch


@pytest.mark.parametrize(
    ('shape', 'sigma'),
    [
        ((64, 64, 64), (2.0, 2.0, 2.0)), ((48, 48, 48), (1.3, 1.3, 2.6)), ((40, 56, 47), (1.5, 2.0, 3.0)),
        ((33, 33, 33), (1.0, 1.0, 1.0)), ((130, 130), (2.0, 3.0)), ((90, 131), (2.0, 2.0)),
    ],
)  # fmt: skip
def test_the_index_does_not_depend_on_how_the_material_lies(shape, sigma):
    mask, spacing = stretched(shape, sigma, 8), (1.0, 1.5, 2.0)[: len(shape)]
    as_it_is = measured(mask, spacing)
    tensor = _tensor(as_it_is)
    for order in permutations(range(mask.ndim)):
        for flips in product((1, -1), repeat=mask.ndim):
            turned = mask.transpose(order)[tuple(slice(None, None, step) for step in flips)]
            found = measured(turned, tuple(spacing[axis] for axis in order))
            assert (found.index, found.sd, found.lengths) == (as_it_is.index, as_it_is.sd, as_it_is.lengths)
            # The axes turn with it.
            expected = tensor[np.ix_(order, order)] * np.outer(flips, flips)
            np.testing.assert_allclose(_tensor(found), expected, atol=1e-12)


def _tensor(found: Anisotropy) -> np.ndarray:
    axes = np.array(found.axes)
    return axes.T @ np.diag(found.lengths) @ axes


def test_directions_prefer_no_axis():
    from napari_microrecon.engine.statistics.anisotropy import _directions

    directions = _directions(3)
    both = np.concatenate([directions, -directions])
    assert len(np.unique(both.round(9), axis=0)) == 2 * len(directions)
    for order in permutations(range(3)):
        np.testing.assert_array_equal(np.unique(both[:, order].round(9), axis=0), np.unique(both.round(9), axis=0))
    np.testing.assert_allclose(directions.T @ directions / len(directions), np.eye(3) / 3, atol=1e-12)
