"""`export` and `methods`: a volume for other programs, and the text about it for a paper."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..engine.errors import InputError
from ..engine.export.formats import format_names, format_of, known_formats
from ..engine.files import check_target, write_text
from ..engine.files.ours import is_ours
from ..engine.files.targets import check_not_input
from ..engine.run import RECORD, Run
from . import options as opt
from .terminal import Terminal

if TYPE_CHECKING:
    from ..engine.volume import Volume

_Source = Annotated[str, typer.Argument(metavar='VOLUME|RUN', help='A volume file, or the folder of a run.')]
_Trusted = Annotated[
    list[Path] | None,
    typer.Option(
        '--trust-paths', metavar='PATH', help='File or folder that a run may open besides what lies beside it.'
    ),
]


def _completed(begun: str) -> list[str]:
    return [known.key for known in known_formats() if known.key.startswith(begun)]


def export(
    volume: _Source,
    to: Annotated[str, typer.Option('--to', metavar='FORMAT', help=format_names(), autocompletion=_completed)],
    output: Annotated[Path, typer.Option('--output', '-o', help='File to write.')],
    phase: opt.Phase = None,
    phases: opt.PhasesText = None,
    voxel_size: opt.VoxelText = None,
    unit: opt.UnitText = 'um',
    trust_paths: _Trusted = None,
    overwrite: opt.Overwrite = False,
    as_json: opt.Json = False,
) -> None:
    """Write a volume for other programs: image, mesh of a phase, pore network, report, weights."""
    terminal = Terminal(as_json)
    format_of(to)
    run = _run_of(volume, trust_paths)
    loaded = _volume_of(volume, run, phases, voxel_size, unit)
    from ..engine.export import check_export
    from ..engine.export import export as job

    key = to
    check_not_input(output, [volume, *([run.folder / item.path for item in run.outputs('volume')] if run else [])])
    label = None if phase is None else opt.find_phase(phase, loaded.phases)
    check_export(loaded, key, output, label)
    weights = _weights_of(loaded, Path(volume), run) if key == 'weights' else None
    if output.is_file() and not overwrite and not _may_go(output, key, weights):
        raise InputError(str(output), 'is there already', 'choose another output, or say --overwrite')
    done = terminal.run(job(loaded, key, output, label, weights=weights))
    data = {
        'phases': opt.phases_data(loaded.phases),
        'output': str(done.path),
        'format': key,
        'volume': loaded.name,
        **done.details,
    }
    terminal.result([f'wrote {done.path}: {done.sentence}', f'phases: {loaded.phases.mapping()}'], data)


def _may_go(output: Path, key: str, weights: Any) -> bool:
    """Whether a file is replaced without a word: volumes of ours, the same weights, formats that do not say whose."""
    from ..engine.generator import Weights

    if key == 'tiff':
        return is_ours(output)
    if key != 'weights':
        return True
    try:
        return Weights.load(output).sha256 == weights.sha256
    except InputError:
        return False


def methods(
    volume: _Source,
    output: Annotated[Path | None, typer.Option('--output', '-o', help='Text file; default: print it.')] = None,
    phases: opt.PhasesText = None,
    voxel_size: opt.VoxelText = None,
    unit: opt.UnitText = 'um',
    trust_paths: _Trusted = None,
    as_json: opt.Json = False,
) -> None:
    """Write the paragraph for a paper: inputs, model, training, seeds, versions and what to cite."""
    terminal = Terminal(as_json)
    if output is not None:
        check_target(output, ('.txt', '.md'))
    from ..engine.export.methods_text import methods_of_run, methods_paragraph

    run = _run_of(volume, trust_paths)
    if run is None:
        path = Path(volume)
        loaded = opt.load_volume(volume, phases, voxel_size, unit)
        weights = None
        if loaded.provenance.weights is not None:
            try:
                weights = _weights_of(loaded, path, None)
            except InputError:
                terminal.note('the weights are not at hand: the text says nothing of their training')
        text = methods_paragraph(loaded, None if weights is None else weights.header)
    else:
        text = methods_of_run(run)
    if output is not None:
        write_text(output, text + '\n')
    sentences = [text] if output is None else [f'wrote {output}']
    terminal.result(sentences, {'text': text, 'output': None if output is None else str(output)})


def _run_of(text: str, trusted: list[Path] | None) -> Run | None:
    """The run that a path names, None where it is a volume."""
    path = Path(text)
    is_run = path.name == RECORD or (path / RECORD).is_file() or path.suffix == '.run'
    return Run.open(path, trusted or ()) if is_run else None


def _volume_of(text: str, run: Run | None, phases: str | None, voxel_size: str | None, unit: str) -> Volume:
    if run is None:
        return opt.load_volume(text, phases, voxel_size, unit)
    return run.load_volumes()[0]


def _weights_of(volume: Volume, path: Path, run: Run | None) -> Any:
    """The weights that made a volume: from its run (given, or beside the file), or shipped.

    Raises
    ------
    InputError
        If they are in none of these places.
    """
    from ..engine.generator import Weights
    from ..engine.generator.checkpoint import shipped_weights
    from .outputs import beside

    if run is not None:
        return Weights.load(run.need_input('weights'))
    used = volume.provenance.weights
    if used is None:
        raise InputError(volume.name, 'was made without weights', 'export another volume, or another format')
    folder = beside(path)
    found = [Run.open(folder).need_input('weights')] if (folder / RECORD).is_file() else []
    shipped = shipped_weights()
    found += [shipped[used.name]] if used.name in shipped else []
    for candidate in found:
        weights = Weights.load(candidate)
        if weights.sha256 == used.sha256:
            return weights
    raise InputError(f'weights {used.name}', 'are not at hand', 'give the folder of the run that made the volume')
