"""Tortuosity against formulas, PoreSpy and TauFactor; the child process and its end."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest

from napari_microrecon.engine.diffusion.equations import INNER, Ends, Equations, along_first
from napari_microrecon.engine.diffusion.multigrid import Multigrid
from napari_microrecon.engine.diffusion.solver import Transport, solve_diffusion, solve_field
from napari_microrecon.engine.diffusion.solver_process import TortuositySolver, porespy_diffusion
from napari_microrecon.engine.diffusion.torch_solver import solve_field_torch
from napari_microrecon.engine.errors import EngineError, InputError
from napari_microrecon.engine.statistics.correlation import finish
from napari_microrecon.engine.statistics.percolation import Clusters


def sponge(n: int, fraction: float, seed: int = 0) -> np.ndarray:
    from scipy.ndimage import gaussian_filter

    field = gaussian_filter(np.random.default_rng(seed).standard_normal((n, n, n)), 2)
    return field < np.quantile(field, fraction)


def solved(mask: np.ndarray, axis: int = 0, **options) -> Transport:
    return finish(solve_diffusion(Clusters.of(mask).percolating_mask(axis), axis, fraction=mask.mean(), **options))


def gone(pid: int, seconds: float = 5.0) -> bool:
    """Whether a process ends within the time; a zombie that waits for its parent has ended."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            with open(f'/proc/{pid}/stat') as stat:
                if stat.read().rsplit(')', 1)[1].split()[0] == 'Z':
                    return True
        except FileNotFoundError:
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize('axis', [0, 1, 2])
@pytest.mark.parametrize('ends', ['voxel centres', 'domain faces'])
def test_open_duct_is_straight(axis, ends):
    mask = np.zeros((12, 14, 16), dtype=bool)
    duct = [slice(3, 8)] * 3
    duct[axis] = slice(None)
    mask[tuple(duct)] = True
    result = solved(mask, axis, ends=ends)
    assert result.tortuosity == pytest.approx(1, abs=1e-6)
    assert result.diffusivity == pytest.approx(mask.mean(), rel=1e-6)


def test_parallel_plates_let_through_their_share():
    mask = np.broadcast_to((np.arange(18) % 6 < 2)[None, :, None], (16, 18, 14)).copy()
    assert solved(mask, 0).diffusivity == pytest.approx(1 / 3, rel=1e-6)
    assert solved(mask, 2).tortuosity == pytest.approx(1, abs=1e-6)


def test_dead_ends_count_in_the_total_only():
    mask = np.zeros((12, 12, 12), dtype=bool)
    mask[:, 2:5, 2:5] = True
    mask[4:8, 8:11, 8:11] = True  # closed
    result = solved(mask)
    assert result.tortuosity == pytest.approx(1, abs=1e-6)
    assert result.tortuosity_total == pytest.approx((12 * 9 + 4 * 9) / (12 * 9), rel=1e-6)


def test_flat_voxels():
    # Two ducts joined by a cross piece, in voxels twice as long along the flux: the answer must equal that of
    # the same body in cubes.
    coarse = sponge(14, 0.7, 3)
    fine = np.repeat(coarse, 2, axis=0)
    flat = solved(coarse, 0, spacing=(2.0, 1.0, 1.0), ends='domain faces')
    cubes = solved(fine, 0, ends='domain faces')
    assert flat.tortuosity == pytest.approx(cubes.tortuosity, rel=0.06)
    ignored = solved(coarse, 0, ends='domain faces')
    assert abs(flat.tortuosity - cubes.tortuosity) < 0.5 * abs(ignored.tortuosity - cubes.tortuosity)


@pytest.mark.parametrize(('fraction', 'axis'), [(0.35, 0), (0.35, 2), (0.7, 1)])
def test_porespy_agrees(fraction, axis):
    mask = sponge(40, fraction)
    percolating = Clusters.of(mask).percolating_mask(axis)
    ours = finish(solve_diffusion(percolating, axis, fraction=mask.mean()))
    theirs = porespy_diffusion(percolating, axis, mask.mean())
    assert ours.tortuosity == pytest.approx(theirs.tortuosity, rel=0.005)
    assert ours.converged
    assert theirs.converged
    assert 'PoreSpy' in theirs.method
    assert 'own solver' in ours.method


def test_taufactor_agrees_in_its_convention():
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        import taufactor
    mask = sponge(40, 0.5, 1)
    solver = taufactor.Solver(mask.astype(np.uint8), device='cpu')
    solver.solve(verbose=False, conv_crit=2e-3)
    theirs = float(np.asarray(solver.tau).ravel()[0])
    assert solved(mask, 0, ends='domain faces').tortuosity_total == pytest.approx(theirs, rel=0.01)


def test_solution_does_not_depend_on_the_tolerance():
    mask = sponge(32, 0.4, 2)
    assert solved(mask).tortuosity == pytest.approx(solved(mask, tolerance=1e-9).tortuosity, rel=2e-4)


@pytest.mark.parametrize('ends', ['voxel centres', 'domain faces'])
@pytest.mark.parametrize(('axis', 'spacing'), [(0, (1.0, 1.0, 1.0)), (1, (1.0, 3.0, 2.0))])
def test_equations_against_a_list_of_links_and_a_direct_solver(ends: Ends, axis, spacing):
    mask = sponge(12, 0.6, 7)
    percolating = Clusters.of(mask).percolating_mask(axis)
    turned, conductance = along_first(percolating, axis, spacing)
    system = Equations.of(turned, conductance, ends)
    # The same equations voxel by voxel, as the definition has them.
    nodes = {tuple(where): number for number, where in enumerate(np.argwhere(system.code[INNER]))}
    matrix, source = np.zeros((len(nodes),) * 2), np.zeros(len(nodes))
    for where, number in nodes.items():
        for a in range(3):
            for step in (-1, 1):
                other = tuple(n + step * (b == a) for b, n in enumerate(where))
                if not 0 <= other[a] < turned.shape[a]:
                    if a == 0 and ends == 'domain faces':
                        matrix[number, number] += 2
                        source[number] += 2 * (step == -1)
                    continue
                if turned[other]:
                    matrix[number, number] += conductance[a]
                    if other in nodes:
                        matrix[number, nodes[other]] -= conductance[a]
                    else:
                        source[number] += conductance[a] * (step == -1)
    sought = np.flatnonzero(system.code)
    ours, out = np.zeros_like(matrix), np.zeros_like(system.source)
    for number, where in enumerate(sought):
        unit = np.zeros_like(system.source)
        unit.flat[where] = 1
        assert system.image(unit, out) == pytest.approx(matrix[number, number])
        ours[:, number] = out.flat[sought]
    np.testing.assert_allclose(ours, matrix)
    np.testing.assert_allclose(system.source.flat[sought], source)
    solution = np.zeros_like(system.source)
    solution.flat[sought] = np.linalg.solve(matrix, source)
    exact = system.flux(solution)
    assert np.ptp(exact) < 1e-9 * exact.mean()
    found = solved(percolating, axis, spacing=spacing, ends=ends, tolerance=1e-9)
    length = 11 if ends == 'voxel centres' else 12
    assert found.diffusivity == pytest.approx(exact.mean() * length / 144, rel=1e-8)


@pytest.mark.parametrize('spacing', [(1.0, 1.0, 1.0), (5.0, 1.0, 1.0), (1.0, 1.0, 10.0)])
def test_multigrid_is_symmetric_and_few_iterations_do(spacing):
    mask = Clusters.of(sponge(32, 0.5, 8)).percolating_mask(0)
    system = Equations.of(*along_first(mask, 0, spacing), 'voxel centres')
    cycle = Multigrid(system)
    one, other = np.random.default_rng(0).standard_normal((2, *system.source.shape)) * (system.code > 0)
    image_of_one, image_of_other = cycle(one).copy(), cycle(other).copy()
    assert np.sum(one * image_of_other) == pytest.approx(np.sum(other * image_of_one), rel=1e-6)
    assert np.sum(one * image_of_one) > 0
    assert solved(mask, 0, spacing=spacing).iterations <= 20


@pytest.mark.parametrize('shape', [(2, 40, 3), (33, 2, 7), (40, 1, 1), (3, 3, 3), (5, 64, 64)])
@pytest.mark.parametrize('spacing', [(1.0, 1.0, 1.0), (0.1, 1.0, 1.0)])
def test_every_shape_has_its_multigrid(shape, spacing):
    mask = np.random.default_rng(2).random(shape) < 0.85
    mask[:, 0, 0] = True
    through = Clusters.of(mask).percolating_mask(0)
    coarse, fine = (solved(mask, 0, spacing=spacing, tolerance=t).diffusivity for t in (1e-3, 1e-9))
    assert 0 < fine < through.mean() + 1e-9
    assert coarse == pytest.approx(fine, rel=1e-3)


def test_single_precision_adds_no_error_of_its_own():
    mask = sponge(64, 0.25, 4)  # tortuous: small differences between concentrations carry the flux
    assert solved(mask, tolerance=1e-4).diffusivity == pytest.approx(solved(mask, tolerance=1e-9).diffusivity, rel=1e-4)


def test_two_layers_are_enough():
    assert solved(np.ones((2, 5, 5), dtype=bool)).tortuosity == pytest.approx(1)


def test_child_process_gives_the_same_number_and_signs_of_life():
    mask = sponge(32, 0.5)
    percolating = Clusters.of(mask).percolating_mask(1)
    with TortuositySolver(in_process=False) as solver:
        steps = solver.solve(percolating, 1, (1, 1, 1), mask.mean())
        ticks = 0
        while True:
            try:
                next(steps)
            except StopIteration as stop:
                result = stop.value
                break
            ticks += 1
        pid = solver.pid
        again = finish(solver.solve(percolating, 0, (1, 1, 1), mask.mean()))
        assert solver.pid == pid  # one child serves all axes
    assert ticks > 1
    here = finish(solve_diffusion(percolating, 1, fraction=mask.mean()))
    assert result.diffusivity == pytest.approx(here.diffusivity, rel=1e-9)
    assert (result.iterations, result.method) == (here.iterations, here.method)
    assert again.diffusivity > 0
    assert pid is not None
    assert gone(pid)


def test_closing_kills_the_child_at_once():
    mask = np.ones((100, 100, 100), dtype=bool)
    mask[50, :, 1:] = False
    solver = TortuositySolver(in_process=False)
    steps = solver.solve(mask, 0, (1, 1, 1), 1.0)
    next(steps)
    pid = solver.pid
    assert pid is not None
    began = time.monotonic()
    steps.close()
    solver.close()
    assert time.monotonic() - began < 1
    assert gone(pid, 0.1)


def test_a_dead_child_is_told_as_an_error():
    solver = TortuositySolver(in_process=False)
    steps = solver.solve(np.ones((100, 100, 100), dtype=bool), 0, (1, 1, 1), 1.0)
    next(steps)
    assert solver.pid is not None
    os.kill(solver.pid, 9)
    with pytest.raises(EngineError, match='memory'):
        finish(steps)
    solver.close()


@pytest.mark.skipif(sys.platform != 'linux', reason='reads /proc')
def test_child_does_not_outlive_a_parent_that_is_killed_and_a_script_from_standard_input_works():
    # `python -` has no importable main module: multiprocessing's spawn would fail here.
    script = textwrap.dedent("""
        import os, sys
        import numpy as np
        from napari_microrecon.engine.diffusion.solver_process import TortuositySolver
        solver = TortuositySolver(in_process=False)
        small = np.ones((8, 8, 8), bool)
        steps = solver.solve(small, 0, (1, 1, 1), 1.0)
        while True:
            try:
                next(steps)
            except StopIteration as stop:
                print(round(stop.value.tortuosity, 6), solver.pid, flush=True)
                break
        next(solver.solve(np.ones((110, 110, 110), bool), 0, (1, 1, 1), 1.0))
        os.kill(os.getpid(), 9)
    """)
    done = subprocess.run([sys.executable, '-'], input=script, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == -9, done.stderr
    tortuosity, pid = done.stdout.split()
    assert float(tortuosity) == 1
    assert gone(int(pid), 30)


@pytest.mark.parametrize('ends', ['voxel centres', 'domain faces'])
def test_torch_solves_the_same_equations(ends):
    mask = sponge(28, 0.5, 4)
    for axis, spacing in ((0, (1.0, 1.0, 1.0)), (2, (2.0, 1.0, 1.5))):
        percolating = Clusters.of(mask).percolating_mask(axis)
        options = {'fraction': float(mask.mean()), 'ends': ends, 'tolerance': 1e-7}
        ours, field = finish(solve_field(percolating, axis, spacing, **options))
        theirs, other = finish(solve_field_torch(percolating, axis, spacing, device='cpu', **options))
        assert theirs.diffusivity == pytest.approx(ours.diffusivity, rel=1e-5)
        assert (theirs.fraction, theirs.percolating) == (ours.fraction, ours.percolating)
        np.testing.assert_allclose(other, field, atol=1e-4)
        assert 'torch on cpu' in theirs.method
        assert theirs.converged
    duct = np.ones((6, 3, 3), dtype=bool)
    straight, _ = finish(solve_field_torch(duct, 0, device='cpu', ends=ends))
    assert straight.tortuosity == pytest.approx(1, abs=1e-6)


def test_a_gpu_that_is_not_there_is_refused_by_name():
    import torch

    if torch.cuda.is_available():
        pytest.skip('there is a GPU')
    with (
        TortuositySolver(in_process=True, solver='gpu') as solver,
        pytest.raises(InputError, match='no GPU'),
    ):
        finish(solver.solve(np.ones((4, 4, 4), dtype=bool), 0, (1, 1, 1), 1.0))


def test_concentration_falls_from_one_to_zero_and_obeys_the_equation():
    mask = sponge(24, 0.5, 5)
    percolating = Clusters.of(mask).percolating_mask(1)
    found, field = finish(solve_field(percolating, 1, tolerance=1e-8))
    assert found.residual < 1e-6
    assert np.isnan(field[~percolating]).all()
    assert (field[:, 0][percolating[:, 0]] == 1).all()
    assert (field[:, -1][percolating[:, -1]] == 0).all()
    inside = field[percolating]
    assert inside.min() >= -1e-6
    assert inside.max() <= 1 + 1e-6
    # Every free voxel is the mean of its neighbours in the phase.
    padded = np.pad(field, 1, constant_values=np.nan)
    around = np.stack([np.roll(padded, shift, axis) for axis in range(3) for shift in (1, -1)])
    with np.errstate(invalid='ignore'):
        mean = np.nansum(around, axis=0) / np.maximum(np.isfinite(around).sum(axis=0), 1)
    free = percolating.copy()
    free[:, 0] = free[:, -1] = False
    np.testing.assert_allclose(mean[1:-1, 1:-1, 1:-1][free], field[free], atol=1e-5)


def test_the_child_sends_the_concentration_too():
    mask = sponge(20, 0.6)
    percolating = Clusters.of(mask).percolating_mask(0)
    with TortuositySolver(in_process=False) as solver:
        found, field = finish(solver.solve_field(percolating, 0, (1, 1, 1), mask.mean()))
    here, expected = finish(solve_field(percolating, 0, fraction=mask.mean()))
    assert found.diffusivity == pytest.approx(here.diffusivity, rel=1e-9)
    np.testing.assert_array_equal(field, expected)


def test_convergence_is_told():
    found = solved(sponge(24, 0.5))
    assert 'flux mismatch' in found.convergence
    assert 'residual' in found.convergence
    assert 'iterations' in found.convergence
    assert 'not converged' not in found.convergence
    assert 0 < found.residual < 1e-2
