"""`analyze` and `compare`: what the statistics of a volume are, and how they stand beside the real one's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..engine.errors import InputError
from ..engine.files import check_target, write_text
from . import options as opt
from .terminal import Terminal

if TYPE_CHECKING:
    from ..engine.analysis import Comparison, Report

_REPORTS = ('.json', '.html')
_NoTortuosity = Annotated[bool, typer.Option('--no-tortuosity', help='Leave out tortuosity, which takes longest.')]


def analyze(
    volume: Annotated[str, typer.Argument(metavar='VOLUME', help='3D labels: TIFF, NPY or OME-Zarr.')],
    output: Annotated[Path | None, typer.Option('--output', '-o', help='REPORT.json (or .html)')] = None,
    phase: opt.Phase = None,
    voxel_size: opt.VoxelText = None,
    unit: opt.UnitText = 'um',
    phases: opt.PhasesText = None,
    no_tortuosity: _NoTortuosity = False,
    as_json: opt.Json = False,
) -> None:
    """Measure porosity, surface, percolation, tortuosity and correlations of a volume."""
    terminal = Terminal(as_json)
    loaded = opt.load_volume(volume, phases, voxel_size, unit)
    label = _phase(phase, loaded.phases)
    if output is not None:
        check_target(output, _REPORTS)
    from ..engine.analysis import measure, report_html

    report = terminal.run(measure(loaded, label, tortuosity=not no_tortuosity))
    if output is not None:
        html = output.suffix.lower() == '.html'
        write_text(output, report_html(report, (loaded,)) if html else report.to_json())
    sentences = [f'{loaded.name}: phase {label} ({loaded.phases.names[label]})', *_table(report)]
    if output is not None:
        sentences.append(f'wrote {output}')
    terminal.result(sentences, json.loads(report.to_json()))


def compare(
    generated: Annotated[str, typer.Argument(metavar='GENERATED', help='Reconstructed volume.')],
    real: Annotated[str, typer.Argument(metavar='REAL', help='Real volume of the same material.')],
    output: Annotated[Path, typer.Option('--output', '-o', help='REPORT.html or .json; both are written.')],
    phase: opt.Phase = None,
    voxel_size: opt.VoxelText = None,
    unit: opt.UnitText = 'um',
    phases: opt.PhasesText = None,
    no_tortuosity: _NoTortuosity = False,
    as_json: opt.Json = False,
) -> None:
    """Compare a generated volume with a real one, against the spread between parts of the real one."""
    terminal = Terminal(as_json)
    page, record = report_paths(output)
    first = opt.load_volume(generated, phases, voxel_size, unit)
    second = opt.load_volume(real, phases, voxel_size, unit)
    if first.phases.count != second.phases.count:
        raise InputError(
            generated, f'has {first.phases.count} phases while {real} has {second.phases.count}', 'say --phases N'
        )
    if not first.voxel_size.agrees_with(second.voxel_size):
        raise InputError(
            generated, f'has voxels of {first.voxel_size} while {real} has {second.voxel_size}',
            'resample one of them, or give --voxel-size for both',
        )  # fmt: skip
    # The real volume may come with names and a pore where the generated one has none.
    named = second.phases if second.phases.pore is not None else first.phases
    label = _phase(phase, named)
    from ..engine.analysis import compare as job
    from ..engine.analysis import report_html

    comparison = terminal.run(job(first, second, label, tortuosity=not no_tortuosity))
    write_text(page, report_html(comparison, (first, second)))
    write_text(record, comparison.to_json())
    terminal.result([*verdicts(comparison), f'wrote {page} and {record}'], json.loads(comparison.to_json()))


def report_paths(output: Path) -> tuple[Path, Path]:
    """(.html, .json) for an output that names one of them, both checked to be writable."""
    check_target(output, _REPORTS)
    page, record = output.with_suffix('.html'), output.with_suffix('.json')
    for path in (page, record):
        check_target(path, _REPORTS)
    return page, record


def verdicts(comparison: Comparison) -> list[str]:
    """One line per statistic: value, band of the real blocks, verdict."""
    from ..engine.analysis import title

    lines = [f'compared: {comparison.basis}']
    for key, verdict in comparison.verdicts.items():
        statistic, band = comparison.compared.get(key), comparison.band.get(key)
        value = 'none' if statistic is None or statistic.value is None else f'{statistic.value:.4g}'
        unit = '' if statistic is None or statistic.unit in ('', '1') else f' {statistic.unit}'
        real = ''
        if band is not None and band.mean is not None:
            real = f' (real {band.mean:.4g}{"" if band.sd is None else f" +- {band.sd:.2g}"})'
        told = (
            verdict.sentence
            if verdict.sentence.startswith(verdict.verdict)
            else f'{verdict.verdict}, {verdict.sentence}'
        )
        lines.append(f'  {title(key)}: {value}{unit}{real}: {told}')
    return lines


def _phase(wanted: int | None, phases: Any) -> int:
    return phases.main if wanted is None else phases.check(wanted)


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
