"""`analyze` and `compare`: what the statistics of a volume are, and how they stand beside the real one's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..engine.errors import InputError
from ..engine.files import check_target, write_text
from . import options as opt
from .terminal import Terminal

if TYPE_CHECKING:
    from ..engine.diffusion.solver_process import Solver
    from ..engine.results import Comparison, Report
    from ..engine.volume import Volume

_REPORTS = ('.json', '.html')
_NoTortuosity = Annotated[bool, typer.Option('--no-tortuosity', help='Leave out tortuosity, which takes longest.')]
_Solver = Annotated[
    str,
    typer.Option('--solver', metavar='auto|own|gpu|porespy', help='Tortuosity solver; auto: the GPU if there is one.'),
]
_Workers = Annotated[
    int | None, typer.Option('--workers', min=1, help='Volumes or blocks to measure at a time; default: by processors.')
]
_Cluster = Annotated[
    str | None, typer.Option('--cluster', metavar='ADDRESS', help='dask scheduler that does the work: tcp://host:8786')
]
_Crop = Annotated[str | None, typer.Option('--crop', metavar='N|Z,Y,X', help='Measure the middle of this many voxels.')]
_Coarsen = Annotated[int, typer.Option('--coarsen', min=1, metavar='N', help='Measure on voxels N times as large.')]


def analyze(
    volumes: Annotated[list[str], typer.Argument(metavar='VOLUME...', help='3D labels: TIFF, NPY or OME-Zarr.')],
    output: Annotated[Path | None, typer.Option('--output', '-o', help='REPORT.json (or .html)')] = None,
    phase: opt.Phase = None,
    voxel_size: opt.VoxelText = None,
    unit: opt.UnitText = 'um',
    phases: opt.PhasesText = None,
    no_tortuosity: _NoTortuosity = False,
    solver: _Solver = 'auto',
    crop: _Crop = None,
    coarsen: _Coarsen = 1,
    workers: _Workers = None,
    cluster: _Cluster = None,
    as_json: opt.Json = False,
) -> None:
    """Measure a volume, or several with their mean and spread: porosity, surface, sizes, tortuosity, correlations."""
    terminal = Terminal(as_json)
    which = _solver(solver)
    window = _crop(crop)
    loaded = [_reduced(opt.load_volume(path, phases, voxel_size, unit), window, coarsen) for path in volumes]
    label = opt.find_phase(phase, *(one.phases for one in loaded))
    if output is not None:
        check_target(output, _REPORTS)
    from ..engine.analysis import measure
    from ..engine.report_output import report_html

    named = f'phase {loaded[0].phases.value_of(label)} ({loaded[0].phases.names[label]})'
    if len(loaded) > 1 or cluster is not None:
        _analyze_several(terminal, loaded, label, named, output, not no_tortuosity, which, workers, cluster)
        return
    report = terminal.run(measure(loaded[0], label, tortuosity=not no_tortuosity, solver=which))
    if output is not None:
        html = output.suffix.lower() == '.html'
        write_text(output, report_html(report, loaded) if html else report.to_json())
    sentences = [f'{loaded[0].name}: {named}', *_table(report), f'  phases: {loaded[0].phases.mapping()}']
    if output is not None:
        sentences.append(f'wrote {output}')
    terminal.result(sentences, {**json.loads(report.to_json()), 'phases': opt.phases_data(loaded[0].phases)})


def _analyze_several(
    terminal: Terminal,
    loaded: list[Volume],
    label: int,
    named: str,
    output: Path | None,
    tortuosity: bool,
    solver: Solver,
    workers: int | None,
    cluster: str | None,
) -> None:
    from ..engine.analysis import measure_many
    from ..engine.report_output import report_html
    from ..engine.results import Ensemble
    from ..engine.results.writing import PLAIN

    job = measure_many(loaded, label, tortuosity=tortuosity, solver=solver, workers=workers, cluster=cluster)
    reports = terminal.run(job)
    ensemble = Ensemble.of(reports)
    data = {
        **ensemble.to_dict(),
        'phases': opt.phases_data(loaded[0].phases),
        'reports': [json.loads(report.to_json()) for report in reports],
    }
    if output is not None:
        html = output.suffix.lower() == '.html'
        write_text(output, report_html(ensemble) if html else json.dumps(data, indent=2, allow_nan=False) + '\n')
    sentences = [f'{len(loaded)} volumes: {named}']
    width = max(map(len, ensemble.statistics), default=0)
    for key, band in ensemble.statistics.items():
        unit = '' if ensemble.units[key] == '1' else f' {ensemble.units[key]}'
        value = 'none' if band.mean is None else f'{PLAIN.number(band.mean, PLAIN.digits)}{unit}'
        ends = PLAIN.ends(band)
        spread = f'  (95 % of further volumes: {ends})' if ends else ''
        few = '' if band.n == band.of else f'  ({band.n} of {band.of} have a value)'
        sentences.append(f'  {key:{width}}  {value}{spread}{few}')
    sentences += [f'  phases of {one.name}: {one.phases.mapping()}' for one in loaded]
    if output is not None:
        sentences.append(f'wrote {output}')
    terminal.result(sentences, data)


def _solver(text: str) -> Solver:
    known: dict[str, Solver] = {'auto': 'auto', 'own': 'own', 'gpu': 'gpu', 'porespy': 'porespy'}
    if text not in known:
        raise InputError('--solver', f'{text!r} is not known', f'use one of {", ".join(known)}')
    return known[text]


def _crop(text: str | None) -> tuple[int, int, int] | None:
    """Read '256' or '128,256,256' (z, y, x)."""
    if text is None:
        return None
    try:
        parts = [int(part) for part in text.split(',')]
    except ValueError:
        parts = []
    if len(parts) not in (1, 3) or any(p < 1 for p in parts):
        raise InputError('--crop', f'{text!r} is not understood', 'write it as 256 or as 128,256,256 (z,y,x)')
    z, y, x = parts * 3 if len(parts) == 1 else parts
    return z, y, x


def _reduced(volume: Volume, crop: tuple[int, int, int] | None, factor: int) -> Volume:
    if crop is None and factor == 1:
        return volume
    from ..engine.analysis import coarsen, crop_middle

    if crop is not None:
        volume = crop_middle(volume, crop)
    return coarsen(volume, factor)


def compare(
    generated: Annotated[str, typer.Argument(metavar='GENERATED', help='Reconstructed volume.')],
    real: Annotated[str, typer.Argument(metavar='REAL', help='Real volume of the same material.')],
    output: Annotated[Path, typer.Option('--output', '-o', help='REPORT.html or .json; both are written.')],
    phase: opt.Phase = None,
    voxel_size: opt.VoxelText = None,
    unit: opt.UnitText = 'um',
    phases: opt.PhasesText = None,
    no_tortuosity: _NoTortuosity = False,
    solver: _Solver = 'auto',
    workers: _Workers = None,
    cluster: _Cluster = None,
    as_json: opt.Json = False,
) -> None:
    """Compare a generated volume with a real one, against the spread between parts of the real one."""
    terminal = Terminal(as_json)
    page, record = report_paths(output)
    first = opt.load_volume(generated, phases, voxel_size, unit)
    second = opt.load_volume(real, phases, voxel_size, unit)
    from ..engine.workflows.compare import phases_to_compare, remarks

    named = phases_to_compare(first, second)
    for remark in remarks(first, second):
        terminal.note(remark)
    label = named.main if phase is None else opt.find_phase(phase, first.phases, second.phases)
    from ..engine.analysis import compare as job
    from ..engine.report_output import report_html

    options = {'solver': _solver(solver), 'workers': workers, 'cluster': cluster}
    comparison = terminal.run(job(first, second, label, tortuosity=not no_tortuosity, **options))
    write_text(page, report_html(comparison, (first, second)))
    write_text(record, comparison.to_json())
    data = {**json.loads(comparison.to_json()), 'phases': opt.phases_data(second.phases)}
    told = [f'phases of {one.name}: {one.phases.mapping()}' for one in (first, second)]
    terminal.result([*verdicts(comparison), *told, f'wrote {page} and {record}'], data)


def report_paths(output: Path) -> tuple[Path, Path]:
    """(.html, .json) for an output that names one of them, both checked to be writable."""
    check_target(output, _REPORTS)
    page, record = output.with_suffix('.html'), output.with_suffix('.json')
    for path in (page, record):
        check_target(path, _REPORTS)
    return page, record


def verdicts(comparison: Comparison) -> list[str]:
    """One line per statistic: value, band of the real blocks, verdict."""
    from ..engine.results.writing import PLAIN
    from ..engine.statistics.catalogue import title

    lines = [f'compared: {comparison.basis}']
    for key, verdict in comparison.verdicts.items():
        statistic, band = comparison.compared.get(key), comparison.band.get(key)
        number = None if statistic is None else statistic.value
        digits = PLAIN.digits_for(number, band)
        value = 'none' if number is None else PLAIN.number(number, digits)
        unit = '' if statistic is None or statistic.unit in ('', '1') else f' {statistic.unit}'
        real = ''
        if band is not None and band.mean is not None:
            ends = PLAIN.ends(band, digits)
            real = f' (real {PLAIN.number(band.mean, digits)}{f", 95 % {ends}" if ends else ""})'
        told = (
            verdict.sentence if verdict.sentence.startswith(verdict.words) else f'{verdict.words}: {verdict.sentence}'
        )
        lines.append(f'  {title(key)}: {value}{unit}{real}: {told}')
    return lines


def _table(report: Report) -> list[str]:
    """One line per statistic: value with unit, or why there is none."""
    lines = []
    width = max((len(key) for key in report.statistics), default=0)
    for key, statistic in report.statistics.items():
        unit = '' if statistic.unit in ('', '1') else f' {statistic.unit}'
        value = 'none' if statistic.value is None else f'{statistic.value:.4g}{unit}'
        spread = '' if statistic.sd is None else f' +- {statistic.sd:.2g}'
        note = f'  ({statistic.note})' if statistic.note else ''
        lines.append(f'  {key:{width}}  {value}{spread}{note}')
    return lines
