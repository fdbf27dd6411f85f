"""`replay`: make the result of a Run again and say whether it is the same."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Annotated, Any

import typer

from ..engine.errors import InputError
from ..engine.files import check_target, read_volume, write_volume
from ..engine.provenance import hash_array, versions
from ..engine.run import Run, hash_tensors
from . import options as opt
from .finetune import train
from .outputs import numbered
from .reconstruct import TRAINING_VOLUME, make_volumes
from .terminal import Terminal


def replay(
    run: Annotated[str, typer.Argument(metavar='RUN', help='Folder that reconstruct or finetune left.')],
    output: Annotated[
        Path | None, typer.Option('--output', '-o', help='Where to write it; default: inside the run, replay/')
    ] = None,
    device: Annotated[
        str | None, typer.Option('--device', metavar='auto|cpu|cuda', help='Default: the device of the run.')
    ] = None,
    as_json: opt.Json = False,
) -> None:
    """Make the result of a Run again; the slices and weights in its folder serve."""
    terminal = Terminal(as_json)
    record = Run.open(run)
    slices = record.load_slices()
    path = record.input_path('weights')
    role = 'volume' if record.record.command == 'reconstruct' else 'weights'
    recorded = record.outputs(role)
    if path is None or not recorded:
        raise InputError(str(record.folder), 'was not finished: there is nothing to compare with', 'make the run again')
    file = PurePosixPath(recorded[0].path).name  # its name in the record may be that of a layer
    name = file.replace('_000.', '.') if len(recorded) > 1 else file
    target = output or record.folder / 'replay' / name
    check_target(target, ('.tif', '.tiff', '.ome.zarr', '.zarr') if role == 'volume' else ('.safetensors',))
    from ..engine.generator import Weights, resolve_device

    weights = Weights.load(path)
    used = resolve_device(device or record.record.device or 'auto')
    make = _volumes if role == 'volume' else _weights
    written, hashes = make(terminal, record, slices, weights, used, target)
    same = hashes == [item.content_sha256 for item in recorded]
    differences = _differences(record, used)
    if same:
        verdict = f'the same {role} as in the run, {"voxel by voxel" if role == "volume" else "number by number"}'
    else:
        verdict = f'NOT the same {role} as in the run; ' + (
            f'other than then: {"; ".join(differences)}' if differences else 'device and versions are those of the run'
        )
    sentences = [f'wrote {p}' for p in written] + [f'{verdict} (sha256 {hashes[0][:16]}...)']
    terminal.result(
        sentences,
        {'same': same, 'outputs': [str(p) for p in written], 'sha256': hashes, 'differences': differences},
    )


def _volumes(
    terminal: Terminal, record: Run, slices: Any, weights: Any, device: str, target: Path
) -> tuple[list[Path], list[str]]:
    from ..engine.generator import ReconstructParams

    params = opt.validated(ReconstructParams, **(record.record.parameters | {'device': device}))
    training = record.input_path(TRAINING_VOLUME)
    done = make_volumes(terminal, slices, weights, params, None if training is None else read_volume(training))
    paths = numbered(target, len(done.volumes))
    for path, volume in zip(paths, done.volumes, strict=True):
        write_volume(volume, path)
    return paths, [hash_array(volume.labels) for volume in done.volumes]


def _weights(
    terminal: Terminal, record: Run, slices: Any, weights: Any, device: str, target: Path
) -> tuple[list[Path], list[str]]:
    from ..engine.generator import FinetuneParams

    # The run may have been limited by time: what counts is what it planned and how many steps it did.
    results = record.record.results
    planned = {'plan': results['plan'], 'minutes': None, 'steps': results['plan'][-1][1]} if 'plan' in results else {}
    params = opt.validated(FinetuneParams, **(record.record.parameters | {'device': device} | planned))
    name = Path(record.outputs('weights')[0].name).stem
    training = train(
        terminal, slices, weights, params, name, resume=record.input_path('resume'), stop_after=results.get('steps')
    )
    target.parent.mkdir(parents=True, exist_ok=True)
    training.weights.save(target)
    return [target], [hash_tensors(training.weights.tensors)]


def _differences(record: Run, device: str) -> list[str]:
    """Device and package versions that are not those of the run."""
    found = [] if device == record.record.device else [f'device {device} (was {record.record.device})']
    now = versions()
    found += [
        f'{name} {now.get(name, "absent")} (was {then})'
        for name, then in record.record.versions.items()
        if now.get(name) != then
    ]
    return found
