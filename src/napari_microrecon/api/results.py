"""Reports and comparisons as notebooks want them: as tables, as pages, and to be looked at."""

from __future__ import annotations

import csv
import io
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pydantic import PrivateAttr

from ..engine.errors import InputError
from ..engine.files import write_text
from ..engine.optional import optional
from ..engine.results import Comparison as EngineComparison
from ..engine.results import Report as EngineReport
from ..engine.volume import Volume

if TYPE_CHECKING:
    import pandas

_WORDS = ('key', 'statistic', 'unit', 'verdict', 'reason', 'note', 'method')  # columns that hold no numbers


class Report(EngineReport):
    """Statistics of one phase of a volume; see `napari_microrecon.measure`."""

    _volumes: tuple[Volume, ...] = PrivateAttr(default=())

    @classmethod
    def of(cls, report: EngineReport, *volumes: Volume) -> Self:
        """Of a report and the volume that its page shows."""
        return _with_volumes(cls, dict(report), volumes)

    def to_frame(self) -> pandas.DataFrame:
        """Table with one row a statistic, in the columns of the CSV file; needs pandas.

        Examples
        --------
        >>> import numpy as np, napari_microrecon as mr
        >>> mask = np.random.default_rng(0).random((32, 32, 32)) < 0.3
        >>> mr.measure(mask, tortuosity=False).to_frame().loc['phase_fraction', 'value'].round(1)
        np.float64(0.3)
        """
        return _frame(self)

    def to_html(self, path: Path | str) -> Path:
        """Write a page of its own with all statistics, curves and pictures of the volume; return its path."""
        return _page(self, self._volumes, path)

    def _repr_html_(self) -> str:
        shape = ' × '.join(map(str, self.volume.shape))
        return _shown(f'{self.volume.name}, {shape} voxels: {self.phase_name}', '', _statistics(self))


class Comparison(EngineComparison):
    """A generated volume beside real material; see `napari_microrecon.compare`."""

    _volumes: tuple[Volume, ...] = PrivateAttr(default=())

    @classmethod
    def of(cls, comparison: EngineComparison, *volumes: Volume) -> Self:
        """Of a comparison and the two volumes, the generated one first."""
        fields = dict(comparison)
        for name, volume in zip(('generated', 'real'), volumes, strict=False):
            fields[name] = Report.of(fields[name], volume)
        return _with_volumes(cls, fields, volumes)

    def to_frame(self) -> pandas.DataFrame:
        """Table with value, spread of the real material and verdict of each statistic; needs pandas."""
        return _frame(self)

    def to_html(self, path: Path | str) -> Path:
        """Write a page of its own with all statistics, curves and pictures of both volumes; return its path."""
        return _page(self, self._volumes, path)

    def _repr_html_(self) -> str:
        from ..engine.report_output.html_tables import comparison_table

        heading = f'{self.generated.volume.name} beside {self.real.volume.name}: {self.generated.phase_name}'
        return _shown(heading, self.summary, comparison_table(self))


def _with_volumes(cls: type[Any], fields: dict[str, Any], volumes: tuple[Volume, ...]) -> Any:
    made = cls.model_construct(**fields)
    made._volumes = volumes
    return made


def _frame(subject: EngineReport | EngineComparison) -> pandas.DataFrame:
    pandas = optional('pandas', 'to_frame')
    from ..engine.report_output import table_csv

    rows = list(csv.DictReader(io.StringIO(table_csv(subject))))
    columns = {name: [_cell(name, row[name]) for row in rows] for name in (rows[0] if rows else ())}
    frame = pandas.DataFrame(columns).set_index('key')
    return frame.dropna(axis='columns', how='all')


def _cell(column: str, text: str) -> object:
    if not text:
        return None
    return text if column in _WORDS else float(text)


def _page(subject: EngineReport | EngineComparison, volumes: tuple[Volume, ...], path: Path | str) -> Path:
    from ..engine.report_output import report_html

    path = Path(path)
    if path.suffix.lower() not in ('.html', '.htm'):
        raise InputError(str(path), 'is no name of a page', f'call it {path.stem}.html')
    write_text(path, report_html(subject, volumes))
    return path


def _statistics(report: EngineReport) -> str:
    from ..engine.report_output.html_tables import statistics_table

    return statistics_table(report)


def _shown(heading: str, lead: str, table: str) -> str:
    words = f'<p>{escape(lead)}</p>' if lead else ''
    return f'<div><p><b>{escape(heading)}</b></p>{words}{table}</div>'
