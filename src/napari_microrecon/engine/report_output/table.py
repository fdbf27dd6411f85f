"""The statistics as a table of comma-separated values, for spreadsheets and for the supplement of a paper."""

from __future__ import annotations

import csv
import io

from ..cells import text_cell
from ..results.bands import Band, Ensemble
from ..results.comparison import Comparison
from ..results.report import Report
from ..statistics.catalogue import title

_COLUMNS = (
    'key', 'statistic', 'value', 'unit', 'standard_error', 'real_mean', 'real_sd', 'real_low', 'real_high',
    'real_blocks', 'ensemble_mean', 'ensemble_sd', 'ensemble_low', 'ensemble_high', 'ensemble_volumes', 'verdict',
    'distance_sd', 'reason', 'note', 'method',
)  # fmt: skip


def table_csv(report: Report | Comparison, ensemble: Ensemble | None = None) -> str:
    """Write the statistics of a report or a comparison as CSV with a header line.

    Parameters
    ----------
    report : Report or Comparison
        Of a comparison, the values that its verdicts are about.
    ensemble : Ensemble, optional
        Mean and spread over realisations; by default the comparison's own.

    Returns
    -------
    str
        RFC 4180 with line feeds; numbers in full precision (95 % of further blocks or volumes lie from low to
        high), empty where a statistic has no meaning, text that a
        spreadsheet would take for a formula with an apostrophe in front.
    """
    compared = report if isinstance(report, Comparison) else None
    statistics = report.compared if isinstance(report, Comparison) else report.statistics
    if ensemble is None and compared is not None:
        ensemble = compared.ensemble
    out = io.StringIO()
    rows = csv.writer(out, lineterminator='\n')
    rows.writerow(_COLUMNS)
    for key, statistic in statistics.items():
        band = None if compared is None else compared.band.get(key)
        verdict = None if compared is None else compared.verdicts.get(key)
        spread = None if ensemble is None else ensemble.statistics.get(key)
        cells = (
            key,
            title(key),
            statistic.value,
            statistic.unit,
            statistic.sd,
            *_cells_of(band),
            *_cells_of(spread),
            verdict and verdict.words,
            verdict and verdict.sds,
            verdict and verdict.sentence,
            statistic.note,
            statistic.method,
        )
        rows.writerow([_cell(cell) for cell in cells])
    return out.getvalue()


def _cells_of(band: Band | None) -> tuple[float | int | None, ...]:
    return (None,) * 5 if band is None else (band.mean, band.sd, band.low, band.high, band.n)


def _cell(value: object) -> object:
    if isinstance(value, str):
        return text_cell(value)
    return '' if value is None else repr(value) if isinstance(value, float) else value
