"""Markdown tables of what was measured, set against blocks of the reference and the bars."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from scoring import LAGS, mean_of, s2_error

from .bars import Reference, Result, own_axis_errors
from .materials import Material

Rows = Mapping[str, Sequence[Result]]
"""Results of every contender, one per seed."""

NEAR_ZERO = 0.005  # errors below it count as none where ratios of errors are asked for


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """One table; the first column is left as it is, the others hold numbers."""
    lines = [header, ['---', *['--:'] * (len(header) - 1)], *rows]
    return '\n'.join('| ' + ' | '.join(line) + ' |' for line in lines) + '\n'


def tell(text: str, path: Path | None) -> None:
    """Print a text and write it to a file where one is named."""
    print(text)
    if path:
        path.write_text(text, encoding='utf-8')


def over_seeds(values: Sequence[float], digits: int = 3) -> str:
    """Mean and, for several seeds, sd."""
    mean = f'{np.mean(values):.{digits}f}'
    return mean if len(values) < 2 else f'{mean} ± {np.std(values, ddof=1):.{digits}f}'


def _triple(values: np.ndarray, digits: int = 2) -> str:
    return ' '.join(f'{v:.{digits}f}' for v in np.atleast_1d(values))


def statistics_table(material: Material, reference: Reference, results: Rows) -> str:
    """Statistics of every phase: the reference's blocks (mean ± sd between them), then contenders (over seeds)."""
    n = len(reference.real)
    header = ['', f'{material.blocks} ({n} × {material.edge}³)', *results]
    rows: list[list[str]] = []
    for k in material.measured:
        if len(material.measured) > 1:
            rows.append([f'**phase {k}**', *[''] * (len(header) - 1)])
        rows += _phase_rows(material, reference, results, k)
    pairs = [f'interface {a}-{b}' for a, b in itertools.combinations(material.measured, 2)]
    for key in (pair for pair in pairs if pair in reference.band.mean):
        real, sd = float(reference.band.mean[key]), float(reference.band.sd[key])
        mine = [over_seeds([_mean(r, key) / real for r in found]) for found in results.values()]
        rows.append([f'{key}, ratio', f'{real:.4f} ± {sd:.4f} per voxel', *mine])
    return markdown(header, rows)


def _mean(result: Result, key: str) -> float:
    return float(np.mean(mean_of(result.found)[key]))


def _phase_rows(material: Material, reference: Reference, results: Rows, k: int) -> list[list[str]]:
    band = reference.band
    key = f's2 {k}'
    own, own_sd = band.own[key], band.own_sd[key]
    slice_error = s2_error(reference.slice_figures, band.mean, key)
    rows = [
        [
            f'S2 error of the mean (the slice alone: {slice_error:.3f})',
            f'one block {own:.3f}, mean + 2 sd {own + 2 * own_sd:.3f}',
            *_each(results, lambda r: s2_error(mean_of(r.found), band.mean, key)),
        ],
        [
            'S2 error of one volume',
            '',
            *_each(results, lambda r: float(np.mean([s2_error(one, band.mean, key) for one in r.found]))),
        ],
    ]
    faces, faces_sd = band.mean[f'faces {k}'], band.sd[f'faces {k}']
    total = float(faces.sum())
    rows.append(
        [
            'faces per voxel, ratio',
            f'{total:.4f} (sd of one axis {faces_sd.mean():.4f})',
            *_each(results, lambda r: float(mean_of(r.found)[f'faces {k}'].sum()) / total),
        ]
    )
    rows.append(['by axis z y x', _triple(faces, 4), *_axes(results, f'faces {k}', faces)])
    percolating = f'percolating {k}'
    clusters = f'clusters {k}'
    rows += [
        [
            'percolating fraction',
            f'{float(band.mean[percolating]):.3f} ± {float(band.sd[percolating]):.3f}',
            *_each(results, lambda r: _mean(r, percolating)),
        ],
        [
            'clusters',
            f'{float(band.mean[clusters]):.0f} ± {float(band.sd[clusters]):.0f}',
            *_each(results, lambda r: _mean(r, clusters), 0),
        ],
    ]
    if k in material.transport:
        tau, sd = band.mean[f'tau {k}'], band.sd[f'tau {k}']
        rows.append(
            [
                'tau z y x',
                ', '.join(f'{m:.2f} ± {s:.2f}' for m, s in zip(tau, sd, strict=True)),
                *_axes(results, f'tau {k}'),
            ]
        )
    length = band.mean[f'length {k}']
    rows.append(['1/e length z y x, ratio', f'{_triple(length)} voxels', *_axes(results, f'length {k}', length)])
    slices = float(reference.slices[k])
    count = len(next(iter(results.values()))[0].fractions)
    rows += [
        [
            f'phase fraction, mean of {count} volumes (slices {slices:.4f})',
            f'{float(band.mean[f"fraction {k}"]):.4f} ± {float(band.sd[f"fraction {k}"]):.4f}',
            *_each(results, lambda r: float(r.fractions[:, k].mean()), 4),
        ],
        [
            'sd of the phase fraction, ratio',
            f'{float(reference.spread[k]):.4f}',
            *_each(results, lambda r: float(r.cropped[:, k].std(ddof=1) / reference.spread[k]), 2),
        ],
    ]
    return rows


def _each(results: Rows, of: Callable[[Result], float], digits: int = 3) -> list[str]:
    return [over_seeds([of(result) for result in found], digits) for found in results.values()]


def _axes(results: Rows, key: str, real: np.ndarray | float = 1.0) -> list[str]:
    means = [mean_of([{key: mean_of(result.found)[key] / real} for result in found])[key] for found in results.values()]
    return [_triple(mean) for mean in means]


def bars_table(material: Material, reference: Reference, results: Rows) -> str:
    """Every bar: each contender's value (mean over seeds), whether it meets the limit, and with how many seeds."""
    rows: list[list[str]] = []
    for bar in material.bars:
        cells: list[str] = []
        limit = bar.limit
        for found in results.values():
            judged = [bar.judge(result, reference) for result in found]
            value, limit = float(np.mean([v for v, _ in judged])), judged[0][1]
            passed = sum(v <= most for v, most in judged)
            verdict = 'met' if value <= limit else 'missed'
            cells.append(f'{value:.3f} {verdict}' + (f' ({passed} of {len(judged)})' if len(judged) > 1 else ''))
        rows.append([bar.title, f'{limit:.3f}', *cells])
    all_met = [_met_by_every_seed(material, reference, found) for found in results.values()]
    rows.append(['**met by every seed**', '', *all_met])
    return markdown(['bar', 'limit', *results], rows)


def _met_by_every_seed(material: Material, reference: Reference, found: Sequence[Result]) -> str:
    """How many bars no seed misses, of all."""
    met = 0
    for bar in material.bars:
        met += all(value <= limit for value, limit in (bar.judge(result, reference) for result in found))
    return f'{met} of {len(material.bars)}'


def errors(reference: Reference, result: Result, k: int) -> dict[str, float]:
    """Errors by which contenders are compared with each other.

    Surface is that of each axis, so that too much along one does not make up for too little along another.
    """
    mean, band = mean_of(result.found), reference.band
    real = float(band.mean[f'percolating {k}'])
    faces = mean[f'faces {k}'] / band.mean[f'faces {k}']
    found = {
        'S2': s2_error(mean, band.mean, f's2 {k}'),
        'surface': float(np.abs(faces - 1).mean()),
        'percolation': abs(float(mean[f'percolating {k}']) - real),
    }
    if f'tau {k}' in mean:
        tau, expected = mean[f'tau {k}'], band.mean[f'tau {k}']
        found['tau'] = float(np.abs(tau / expected - 1).mean())
        found['tau outside'] = float((np.abs(tau - expected) / band.sd[f'tau {k}'] > 2).any() or np.isnan(tau).any())
    return found


def duel_table(material: Material, reference: Reference, results: Rows, ours: str) -> str:
    """Ours against the SliceGAN style (twice as good) and the untrained prior (better, percolation not lost)."""
    rows: list[list[str]] = []
    for k in material.measured:
        mean = {
            name: {
                key: float(np.mean([errors(reference, one, k)[key] for one in found]))
                for key in errors(reference, found[0], k)
            }
            for name, found in results.items()
        }
        for rival in (name for name in mean if name.startswith('SliceGAN')):
            for what in ('S2', 'surface', 'percolation'):
                mine, theirs = mean[ours][what], mean[rival][what]
                if max(mine, theirs) <= NEAR_ZERO:
                    verdict = 'both without error'
                else:
                    verdict = 'met' if mine <= theirs / 2 else 'missed'
                told = [f'{mine:.3f}', f'{theirs:.3f}', f'{theirs / max(mine, 1e-9):.1f}']
                rows.append([f'twice as good as {rival}: {what}, phase {k}', *told, verdict])
        if 'prior' in mean:
            mine, theirs = mean[ours], mean['prior']
            checks = [('surface', mine['surface'] < theirs['surface'], 'better than the prior: surface')]
            if theirs.get('tau outside', 0) > 0:
                checks.append(('tau', mine['tau'] < theirs['tau'], 'better than the prior: tau (the prior is outside)'))
            kept = mine['percolation'] <= theirs['percolation'] + 0.01
            checks.append(('percolation', kept, 'percolation of the prior not lost'))
            for what, met, title in checks:
                told = [f'{mine[what]:.3f}', f'{theirs[what]:.3f}', f'{theirs[what] / max(mine[what], 1e-9):.1f}']
                rows.append([f'{title}, phase {k}', *told, 'met' if met else 'missed'])
    return markdown(['comparison', f'error of {ours}', 'error of the other', 'ratio', 'verdict'], rows)


def axis_band(reference: Reference, k: int) -> str:
    """Band of the S2 error per axis, for a note below anisotropic tables."""
    own = own_axis_errors(reference.real, f's2 {k}')
    limit = own.mean(0) + 2 * own.std(0)
    return f'S2 error of one block by axis, mean + 2 sd over {LAGS} lags: {_triple(limit, 3)}'
