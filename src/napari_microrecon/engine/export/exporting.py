"""Writing a volume, or what belongs to it, in one of the formats: checked first, cancellable, whole or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..files import check_target
from ..progress import Job, Progress
from ..volume import Volume
from .formats import Exported, Format, Order, SavesWeights, format_of

if TYPE_CHECKING:
    from ..results import Comparison, Report


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
    known.check(volume, label)
    return known, label


def export(
    volume: Volume,
    key: str,
    path: Path | str,
    phase: int | None = None,
    *,
    subject: Report | Comparison | None = None,
    beside: Sequence[Volume] = (),
    weights: SavesWeights | None = None,
) -> Job[Exported]:
    """Write a volume in one of `known_formats`.

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
    weights : SavesWeights, optional
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
    return (yield from known.write(Order(volume, path, label, subject, tuple(beside), weights)))
