"""Our numbers on real CT against PoreSpy and TauFactor, and real rock against itself and against another rock.

The volumes lie in ../shared/ct, beside the repository; without them these tests are skipped.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

from napari_microrecon.engine.analysis import measure
from napari_microrecon.engine.diffusion._porespy import quiet_porespy
from napari_microrecon.engine.diffusion.solver import solve_diffusion
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.progress import drain
from napari_microrecon.engine.statistics.chords import run_lengths
from napari_microrecon.engine.statistics.correlation import count_lags, finish, half_edges, radial_mean
from napari_microrecon.engine.statistics.percolation import Clusters
from napari_microrecon.engine.statistics.profiles import fraction_profile
from napari_microrecon.engine.statistics.thickness import distances, local_thickness
from napari_microrecon.engine.volume import Volume

# Name, phase, and where a block is cut out: places without meaning, every phase that percolates in its volume.
REAL = [
    ('berea_sandstone', 1, (70, 150, 210)),
    ('ketton_limestone', 1, (100, 60, 30)),
    ('battery_cathode', 0, (40, 100, 100)),
    ('battery_cathode', 1, (40, 100, 100)),
    ('battery_cathode', 2, (10, 150, 20)),
    ('anisotropic_foam', 1, (90, 90, 90)),
]
EDGE = 48
SOLVED = 40  # TauFactor takes seconds on a processor


def block(folder: Path, name: str, phase: int, origin: tuple[int, int, int], edge: int = EDGE) -> np.ndarray:
    import tifffile

    path = folder / 'ct' / f'{name}.tif'
    if not path.is_file():
        pytest.skip(f'{path.name} is not here')
    window = tuple(slice(o, o + edge) for o in origin)
    return np.ascontiguousarray(tifffile.imread(path)[window] == phase)


@pytest.mark.parametrize(('name', 'phase', 'origin'), REAL)
def test_porespy_agrees_on_real_volumes(shared_data, name, phase, origin):
    mask = block(shared_data, name, phase, origin)
    volume = Volume(mask.astype(np.uint8), Phases.named('rest', 'phase', pore=1), name=name)
    ours = drain(measure(volume, 1, tortuosity=False))
    with quiet_porespy() as porespy:
        assert ours.value('phase_fraction') == pytest.approx(porespy.metrics.porosity(mask), rel=1e-12)
        for axis in range(3):
            profile = np.asarray(porespy.metrics.porosity_profile(mask, axis=axis).porosity)
            np.testing.assert_allclose(fraction_profile(mask, axis), profile, atol=1e-12)
            assert bool(porespy.metrics.is_percolating(mask, axis=axis)) == (
                ours.value(f'percolating_fraction_{"zyx"[axis]}') > 0
            )
        found = porespy.metrics.two_point_correlation(mask, bins=np.arange(0.0, EDGE / 2 + 0.5, 1.0))
        counts = finish(count_lags(mask, half_edges(mask.shape)))
        _, s2 = radial_mean(counts, (1, 1, 1), edges=np.asarray(found.bin_edges))
        np.testing.assert_allclose(s2[1:], np.asarray(found.probability_scaled)[1 : len(s2)], atol=2e-4)
        # Local thickness, voxel by voxel, with the whole radii that PoreSpy tries.
        distance = distances(mask, (1, 1, 1))
        thickness = finish(local_thickness(mask, (1, 1, 1), distance, np.arange(1, int(distance.max()) + 1)))
        theirs = 2 * np.asarray(porespy.filters.local_thickness(mask, dt=distance))
        assert np.mean(thickness[mask] == theirs[mask]) > 0.999
        assert np.mean(thickness[mask]) == pytest.approx(np.mean(theirs[mask]), rel=1e-3)
        # Chords on every second line, those that the faces cut included.
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', FutureWarning)  # PoreSpy 3.2 uses names that scikit-image 0.26 renames
            chords = porespy.filters.apply_chords(mask, axis=0, spacing=1, trim_edges=False)
            lengths = np.asarray(porespy.metrics.chord_counts(chords))
        np.testing.assert_array_equal(np.sort(lengths), np.sort(run_lengths(mask[:, ::2, ::2], 0)))


@pytest.mark.parametrize(('name', 'phase', 'origin'), REAL)
def test_tortuosity_of_porespy_and_taufactor_agrees_on_real_volumes(shared_data, name, phase, origin):
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        taufactor = pytest.importorskip('taufactor')
    mask = block(shared_data, name, phase, origin, SOLVED)
    clusters = Clusters.of(mask)
    axis = next(a for a in (0, 1, 2) if clusters.percolating_fraction(a) > 0.3)
    percolating = clusters.percolating_mask(axis)
    share = float(mask.mean())
    ours = finish(solve_diffusion(percolating, axis, fraction=share))
    with quiet_porespy() as porespy:
        theirs = porespy.simulations.tortuosity_fd(percolating, axis)
    assert ours.tortuosity == pytest.approx(float(theirs.tortuosity), rel=0.01)
    other = finish(solve_diffusion(percolating, axis, fraction=share, ends='domain faces'))
    # TauFactor solves along the first axis; it stops when the flux agrees to its criterion.
    solver = taufactor.Solver(np.moveaxis(mask, axis, 0).astype(np.uint8), device='cpu')
    solver.solve(verbose=False, conv_crit=2e-3)
    assert other.tortuosity_total == pytest.approx(float(np.asarray(solver.tau).ravel()[0]), rel=0.01)
