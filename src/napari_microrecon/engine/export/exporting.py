"""Writing a volume, or what belongs to it, in one of the formats: checked first, cancellable, whole or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ..errors import InputError
from ..files import check_target, replacing, write_text, write_volume
from ..progress import Job, Progress
from ..volume import Volume
from .formats import Format, format_of

if TYPE_CHECKING:
    from ..results import Comparison, Report


class _Weights(Protocol):
    def save(self, path: Path) -> object: ...


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes
    ----------
    path : Path
        The file (a folder for OME-Zarr).
    sentence : str
        What it holds, for the user.
    details : dict
        The same in numbers.
    """

    path: Path
    sentence: str
    details: dict[str, Any] = field(default_factory=dict)


def check_export(volume: Volume, key: str, path: Path, phase: int | None = None) -> tuple[Format, int]:
    """Check a wish before the work begins; return the format and the phase that it is about.

    Raises
    ------
    InputError
        If the format, the ending, the phase or the place will not do.
    """
    known = format_of(key)
    label = volume.phases.main if phase is None else volume.phases.check(phase)
    check_target(path, known.endings, volume.labels.size // 8)
    if key == 'network':
        from .network import check_network

        check_network(volume, label)
    if key in ('stl', 'ply') and volume.fractions[label] == 0:
        name = volume.phases.names[label]
        raise InputError(volume.name, f'holds no {name}', 'choose a phase that is in the volume')
    return known, label


def export(
    volume: Volume,
    key: str,
    path: Path | str,
    phase: int | None = None,
    *,
    subject: Report | Comparison | None = None,
    beside: Sequence[Volume] = (),
    weights: _Weights | None = None,
) -> Job[Exported]:
    """Write a volume in one of `FORMATS`.

    Parameters
    ----------
    volume : Volume
        What to write.
    key : str
        Name of the format.
    path : Path or str
        File to write; it gets its name only when it is whole.
    phase : int, optional
        Label, for formats about one phase; default: the pore, else phase 1.
    subject : Report or Comparison, optional
        For a report: what has been measured already; otherwise it is measured now.
    beside : sequence of Volume
        For the report of a comparison: the volumes to show in it, the reconstruction first.
    weights : Weights, optional
        For 'weights': those that made the volume.

    Yields
    ------
    Progress
        Closing the job cancels it and leaves nothing behind.

    Returns
    -------
    Exported
        Path and what it holds.

    Raises
    ------
    InputError
        See `check_export`; or if weights are asked for and not given.
    """
    path = Path(path)
    known, label = check_export(volume, key, path, phase)
    yield Progress(f'Writing {path.name}')
    name, unit = volume.phases.names[label], volume.voxel_size.unit
    if key in ('tiff', 'ome-zarr'):
        write_volume(volume, path)
        return Exported(path, f'labels, {_size(volume)}')
    if key == 'vti':
        from .vti import write_vti

        with replacing(path) as part:
            yield from write_vti(part, volume)
        return Exported(path, f"cell array 'phase', {_size(volume)}")
    if key in ('stl', 'ply'):
        from .mesh import surface_mesh, write_ply, write_stl

        mesh = yield from surface_mesh(volume, label)
        with replacing(path) as part:
            yield from (write_stl if key == 'stl' else write_ply)(part, mesh)
        length = 'µm' if unit == 'um' else unit
        sentence = f'closed surface of {name}: {len(mesh.faces)} triangles, {_amount(mesh.area)} {length}², '
        return Exported(
            path,
            sentence + f'enclosing {_amount(mesh.volume)} {length}³',
            {'triangles': len(mesh.faces), 'area': mesh.area, 'enclosed': mesh.volume, 'unit': unit, 'phase': label},
        )
    if key == 'network':
        from .network import write_network

        with replacing(path) as part:
            found = yield from write_network(part, volume, label, path.suffix.lower())
        metres = 'lengths in metres' if volume.voxel_size.is_known else 'lengths in voxels'
        sentence = f'network of {name}: {found["pores"]} pores, {found["throats"]} throats ({metres}; '
        return Exported(path, sentence + f'snow2 of PoreSpy {found["porespy"]})', {**found, 'phase': label})
    if key == 'report':
        yield from _write_report(path, volume, label, subject, beside)
        return Exported(path, f'report on {name}', {'phase': label})
    if weights is None:
        raise InputError(
            known.title.lower(), f'those of {volume.name} are not at hand', 'export from the Run that made it'
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    weights.save(path)
    return Exported(path, 'weights of the generator')


def _write_report(
    path: Path, volume: Volume, label: int, subject: Report | Comparison | None, beside: Sequence[Volume]
) -> Job[None]:
    from ..analysis import measure
    from ..report_output import report_html

    shown = list(beside) or [volume]
    if subject is None:
        subject, shown = (yield from measure(volume, label)), [volume]
    yield Progress(f'Writing {path.name}')
    as_json = path.suffix.lower() == '.json'
    write_text(path, subject.to_json() if as_json else report_html(subject, shown))


def _size(volume: Volume) -> str:
    return f'{" x ".join(map(str, volume.shape))} voxels of {volume.voxel_size}'


def _amount(value: float) -> str:
    """Four digits that count, without powers of ten as far as people read numbers without them."""
    rounded = float(f'{value:.4g}')
    return f'{rounded:,.0f}'.replace(',', ' ') if 1e4 <= rounded < 1e12 else f'{value:.4g}'
