"""`demo`: the main job on a sample, in the napari window or, without a display, through the engine into files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..engine.errors import InputError
from ..engine.files import check_target, write_text, write_volume
from ..engine.results.writing import PLAIN
from ..engine.volume import Volume
from . import options as opt
from .terminal import Terminal, duration
from .window_picture import WindowPicture, window_command

if TYPE_CHECKING:
    from ..engine.report_output import ShapeEvidence
    from ..engine.results import Comparison
    from ..engine.samples import Sample


def demo(
    name: Annotated[str, typer.Argument(metavar='NAME', help='A sample; see `samples list`.')] = 'sandstone',
    headless: Annotated[bool, typer.Option('--headless', help='No window: write files instead.')] = False,
    output: Annotated[Path, typer.Option('--output', '-o', metavar='DIR', help='Where the files go.')] = Path(
        'demo-output'
    ),
    edge: Annotated[
        int | None,
        typer.Option('--edge', metavar='N', min=32, help='Edge of the volume in voxels, for a quicker look.'),
    ] = None,
    seed: opt.Seed = 0,
    as_json: opt.Json = False,
) -> None:
    """Show the main job on a sample: slices in, volume beside its reference, statistics of both."""
    from ..engine.samples import fetch, get_sample

    sample = get_sample(name)
    if not headless and has_display():
        # A process of its own: the command line imports no panels, and the window keeps its own event loop.
        code = subprocess.call([sys.executable, *window_command(name, edge)])
        raise typer.Exit(code)
    check_folder(output)
    terminal = Terminal(as_json)
    real = terminal.run(fetch(sample.name)) if sample.kind == 'measured' else sample.load_volume()
    with WindowPicture(name, output / 'window.png', edge) as picture:
        made, comparison, shape, reason = _work(terminal, sample, real, edge, seed)
        files = _write(output, made, real, comparison, shape)
        terminal.note('waiting for the picture of the napari window')
        terminal.flush()
        remark = picture.wait()
    if not remark:
        files.append(picture.path)
    sentences = ['', f'{sample.title}. Weights: {reason}.', '', 'What the numbers mean:']
    sentences += [f'  {line}' for line in meaning(comparison)]
    sentences.append(f'  The shapes in its sections, against the slices: {shape.verdict.words}.')
    sentences += ['', 'Written:', *(f'  {path}  {_CONTENT[path.name]}' for path in files)]
    if remark:
        sentences.append(remark)
    terminal.result(
        sentences,
        {
            'sample': name, 'weights_reason': reason, 'files': [str(path) for path in files], 'remark': remark,
            'shape_verdict': shape.verdict.model_dump(),
            'report': json.loads(comparison.generated.to_json()),
        },
    )  # fmt: skip


_CONTENT = {
    'volume.tif': 'the reconstruction, with its voxel size',
    'report.json': 'all statistics, and the comparison with the reference',
    'report.html': 'the same to look at, with plots',
    'window.png': 'the napari window',
}


def has_display() -> bool:
    """Whether a window can be shown."""
    if sys.platform in ('win32', 'darwin'):
        return True
    return bool(os.environ.get('DISPLAY') or os.environ.get('WAYLAND_DISPLAY'))


def check_folder(folder: Path) -> None:
    """Refuse an output folder that is a file or cannot be written to, before the work begins."""
    if folder.exists() and not folder.is_dir():
        raise InputError(str(folder), 'is a file', 'give a folder with --output')
    check_target(folder / 'volume.tif', ('.tif',), 10_000_000, foreign=False)


def meaning(comparison: Comparison) -> list[str]:
    """Plain sentences on phase fraction, tortuosity and two-point correlation."""
    generated = comparison.generated
    name = generated.phase_name
    sentences = []
    mine, theirs = generated.value('phase_fraction'), _reference(comparison, 'phase_fraction')
    if mine is not None and theirs is not None:
        sentences.append(
            f'{100 * mine:.1f} % of the reconstruction is {name}, {100 * theirs:.1f} % of the reference'
            f'{_band(comparison, "phase_fraction", 100, " %")}.'
        )
    sentences += _paths(comparison)
    inside, total = _curve_agreement(comparison)
    if total:
        sentences.append(
            f'The two-point correlation S2 (how likely two points at a distance are both {name}) lies inside the band '
            f'of the reference at {inside} of {total} distances.'
        )
    if comparison.band:
        sentences.append(
            'A band is where 95 of 100 further parts of the reference would lie: how much real material itself varies.'
        )
    return sentences


def _reference(comparison: Comparison, key: str) -> float | None:
    """Value of the reference: of the whole volume where it was measured, else the mean of its parts."""
    if key in comparison.real.statistics:
        return comparison.real.value(key)
    entry = comparison.band.get(key)
    return None if entry is None else entry.mean


def _paths(comparison: Comparison) -> list[str]:
    """Sentences on tortuosity; axes without a path share one."""
    generated = comparison.generated
    name = generated.phase_name
    sentences: list[str] = []
    blocked: dict[str, list[str]] = {}
    for axis in 'zyx':
        key = f'tortuosity_{axis}'
        mine, theirs = generated.value(key), _reference(comparison, key)
        if mine is None or theirs is None:
            where = (
                'in both volumes' if mine is theirs else f'in the {"reconstruction" if mine is None else "reference"}'
            )
            blocked.setdefault(where, []).append(axis)
            continue
        sentences.append(
            f'Along {axis} the {name} slows transport {mine:.1f} times against straight channels of the same volume '
            f'(tortuosity), {theirs:.1f} times in the reference{_band(comparison, key)}.'
        )
    for where, axes in blocked.items():
        sentences.append(f'Along {" and ".join(axes)} no path leads through the {name} {where}: no tortuosity.')
    return sentences


def _band(comparison: Comparison, key: str, factor: float = 1, unit: str = '') -> str:
    entry = comparison.band.get(key)
    verdict = comparison.verdicts.get(key)
    compared = comparison.compared.get(key)
    if entry is None or verdict is None or entry.low is None or compared is None or compared.value is None:
        return ''
    band, value = entry.scaled(factor), factor * compared.value
    medium = replace(PLAIN, digits=3, at_least='at least ', at_most='at most ')
    digits = medium.digits_for(value, band)
    word = {'inside': 'inside', 'outside': 'outside'}.get(verdict.verdict, 'cannot be judged against')
    told = f'{word} the band {medium.ends(band, digits)}{unit}'
    if comparison.same_size:
        return f' ({told})'
    # The reference is too small for parts of this size: what is judged is the mean of equal parts of both.
    return f' (parts: {medium.number(value, digits)}{unit}, {told} of the parts of the reference)'


def _curve_agreement(comparison: Comparison) -> tuple[int, int]:
    """Distances at which the radial S2 lies inside the band, and distances compared."""
    band = comparison.curve_bands.get('s2_radial')
    curve = (comparison.compared_curves or comparison.generated.curves).get('s2_radial')
    if band is None or curve is None:
        return 0, 0
    rows = list(zip(curve.value, *band.limits, strict=False))
    inside = sum(bool(low <= value <= high) for value, low, high in rows)
    return inside, len(rows)


def _work(
    terminal: Terminal, sample: Sample, real: Volume, edge: int | None, seed: int
) -> tuple[Volume, Comparison, ShapeEvidence, str]:
    from ..engine.analysis import compare
    from ..engine.generator import ReconstructParams, choose_weights, estimate, resolve_device
    from ..engine.generator.selection import judging_shape
    from ..engine.report_output import ShapeEvidence
    from .reconstruct import make_volumes

    slices = sample.load_slices()
    choice = choose_weights('auto', slices)
    terminal.note(f'{sample.title}: weights {choice.reason}')
    params = ReconstructParams(seed=seed)
    if edge is not None:
        params = params.model_copy(update={'shape': (edge, edge, edge)})
    cost = estimate(params.shape, choice.weights, resolve_device('auto'))
    terminal.note(f'reconstructing {" x ".join(map(str, params.shape))} voxels takes about {duration(cost.seconds)}')
    made = make_volumes(terminal, slices, choice.weights, params).volumes[0]
    shape = ShapeEvidence(terminal.run(judging_shape(slices, [made])), slices)
    comparison = terminal.run(compare(made, real, workers=None))
    return made, comparison, shape, choice.reason


def _write(folder: Path, made: Volume, real: Volume, comparison: Comparison, shape: ShapeEvidence) -> list[Path]:
    from ..engine.report_output import report_html

    report = json.loads(comparison.generated.to_json()) | {'comparison': json.loads(comparison.to_json())}
    return [
        write_volume(made, folder / 'volume.tif'),
        write_text(folder / 'report.json', json.dumps(report, indent=1, allow_nan=False) + '\n'),
        write_text(folder / 'report.html', report_html(comparison, (made, real), shape=shape)),
    ]
