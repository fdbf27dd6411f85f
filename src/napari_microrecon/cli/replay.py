"""`replay`: make the result of a Run again and say whether it is the same."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Annotated, Any

import typer
from pydantic import BaseModel, NonNegativeInt, PositiveInt, ValidationError

from ..engine.errors import InputError
from ..engine.files import check_target, read_volume, write_volume
from ..engine.formats import first_problem
from ..engine.provenance import BUILD, build, hash_array, versions
from ..engine.run import Run, hash_tensors
from . import options as opt
from .finetune import train
from .options import Model
from .outputs import numbered
from .reconstruct import TRAINING_VOLUME, make_volumes
from .terminal import Terminal

_AGAIN = 'make the run again'


def replay(
    run: Annotated[str, typer.Argument(metavar='RUN', help='Folder that reconstruct or finetune left.')],
    output: Annotated[
        Path | None, typer.Option('--output', '-o', help='Where to write it; default: inside the run, replay/')
    ] = None,
    device: Annotated[
        str | None, typer.Option('--device', metavar='auto|cpu|cuda', help='Default: the device of the run.')
    ] = None,
    overwrite: opt.Overwrite = False,
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
    endings = ('.tif', '.tiff', '.ome.zarr', '.zarr') if role == 'volume' else ('.safetensors',)
    made = [record.folder / item.path for item in recorded]
    for one in numbered(target, len(recorded)):
        check_target(one, endings, inputs=made, overwrite=overwrite, foreign=False)
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
        verdict = f'NOT the same {role} as in the run; {_why(record, differences)}'
    sentences = [f'wrote {p}' for p in written] + [f'{verdict} (sha256 {hashes[0][:16]}...)']
    terminal.result(
        sentences,
        {
            'same': same, 'outputs': [str(p) for p in written], 'sha256': hashes, 'differences': differences,
            'build': build(), 'build_of_run': record.record.versions.get(BUILD, ''),
        },
    )  # fmt: skip


def _volumes(
    terminal: Terminal, record: Run, slices: Any, weights: Any, device: str, target: Path
) -> tuple[list[Path], list[str]]:
    from ..engine.generator import ReconstructParams

    params = _parameters(record, ReconstructParams, {'device': device})
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
    done = _Done.of(record)
    planned = {'plan': done.plan, 'minutes': None, 'steps': done.plan[-1][1]} if done.plan else {}
    params = _parameters(record, FinetuneParams, {'device': device} | planned)
    name = Path(record.outputs('weights')[0].name).stem
    training = train(terminal, slices, weights, params, name, resume=record.input_path('resume'), stop_after=done.steps)
    target.parent.mkdir(parents=True, exist_ok=True)
    training.weights.save(target)
    return [target], [hash_tensors(training.weights.tensors)]


class _Done(BaseModel):
    """What a training has recorded of its course."""

    plan: tuple[tuple[NonNegativeInt, PositiveInt], ...] = ()
    steps: PositiveInt | None = None

    @classmethod
    def of(cls, record: Run) -> _Done:
        try:
            return cls.model_validate(record.record.results)
        except ValidationError as error:
            raise InputError(str(record.folder), f'cannot be right: results.{first_problem(error)}', _AGAIN) from error


def _parameters(record: Run, model: type[Model], changes: dict[str, Any]) -> Model:
    """Parameters of a run as this version knows them."""
    try:
        return model.model_validate({**_before(model), **record.record.parameters, **changes})
    except ValidationError as error:
        version = record.record.versions.get('napari-microrecon', '')
        made = f'napari-microrecon {version} of {record.record.created[:10]}'.replace('  ', ' ')
        problem = f'was made with parameters that this version does not have ({first_problem(error)})'
        raise InputError(str(record.folder), f'{problem}; {made} can replay it', _AGAIN) from error


def _before(model: type[Model]) -> dict[str, Any]:
    """What versions did whose records do not say so yet."""
    return {'fractions': 'ensemble'} if 'fractions' in model.model_fields else {}


def _why(record: Run, differences: list[str]) -> str:
    """What may have made the result another one."""
    then, version = record.record.versions.get(BUILD), record.record.versions.get('napari-microrecon', '')
    told: list[str] = []
    if then != build():
        made = f'made by build {then}' if then else f'made by a build of {record.record.created[:10]} that has no name'
        told.append(
            f'{made} ({version}), this is build {build()}: other builds may give other results'.replace('()', '')
        )
    if differences:
        told.append(f'other than then: {"; ".join(differences)}')
    return '; '.join(told) or 'device, versions and build are those of the run'


def _differences(record: Run, device: str) -> list[str]:
    """Device and package versions that are not those of the run; the build is told by itself."""
    found = [] if device == record.record.device else [f'device {device} (was {record.record.device})']
    now = versions()
    found += [
        f'{name} {now.get(name, "absent")} (was {then})'
        for name, then in record.record.versions.items()
        if name != BUILD and now.get(name) != then
    ]
    return found
