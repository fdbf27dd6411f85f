"""One curve or one number with its bands as a picture for a paper: PNG or SVG."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError
from ..files.targets import check_suffix, replacing
from ..results.bands import Band, CurveBand, Ensemble
from ..results.comparison import Comparison
from ..results.report import Curve, Report
from ..statistics.catalogue import curve_axes, quantity_of, title
from .html_figures import BAND, GENERATED, REAL, new_figure, show_length, show_unit, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PLOT_OUTPUTS = ('.png', '.svg')
_DPI = 300
_ENSEMBLE = '#f0b79c'


def write_plot(path: Path, report: Report | Comparison, key: str, ensemble: Ensemble | None = None) -> Path:
    """Draw a curve, or a number beside its bands, on white and write it.

    Parameters
    ----------
    path : Path
        Ending .png (300 dpi) or .svg.
    report : Report or Comparison
        What was measured.
    key : str
        Of a curve or of a statistic.
    ensemble : Ensemble, optional
        Mean and spread over realisations; by default the comparison's own.

    Raises
    ------
    InputError
        If the ending or the key is not known, or the statistic has no value.
    """
    check_suffix(path, PLOT_OUTPUTS)
    if isinstance(report, Comparison):
        ensemble = report.ensemble if ensemble is None else ensemble
        curve = report.compared_curves.get(key) or report.generated.curves.get(key)
    else:
        curve = report.curves.get(key)
    with styled():
        figure, grid = new_figure(5.2, 3.4 if curve is not None else 1.9, 1, 1)
        if curve is not None:
            _draw_curve(grid[0, 0], key, curve, report if isinstance(report, Comparison) else None, ensemble)
        else:
            _draw_number(grid[0, 0], key, report, ensemble)
        with replacing(path) as temporary:
            kind = path.suffix.lower().removeprefix('.')
            figure.savefig(temporary, format=kind, dpi=_DPI, metadata=None if kind == 'png' else {'Date': None})
    return path


def _draw_curve(axes: Axes, key: str, curve: Curve, compared: Comparison | None, ensemble: Ensemble | None) -> None:
    if compared is not None and (band := compared.curve_bands.get(key)) is not None:
        _fill(axes, band, BAND, f'real blocks, 95 % (n = {band.count})')
        axes.plot(band.lag, band.mean, color=REAL, lw=1.4, label='real, mean')
    if ensemble is not None and (band := ensemble.curves.get(key)) is not None:
        _fill(axes, band, _ENSEMBLE, f'realisations, 95 % (n = {band.count})')
    axes.plot(curve.lag, curve.value, color=GENERATED, lw=1.7, label='this volume')
    drawn = curve_axes(key)
    axes.set_title(title(key))
    axes.set_xlabel(f'{drawn.across} ({show_length(curve.lag_unit)})')
    axes.set_ylabel(drawn.up)
    axes.set_xlim(0, curve.lag[-1])
    if drawn.logarithmic:
        axes.set_yscale('log')
        axes.set_ylim(max(1e-5, curve.value[0] * 1e-4), curve.value[0] * 1.6)
    axes.legend(fontsize=8)


def _fill(axes: Axes, band: CurveBand, color: str, label: str) -> None:
    low, high = band.limits
    axes.fill_between(band.lag, low, high, color=color, alpha=0.75, lw=0, label=label)


def _draw_number(axes: Axes, key: str, report: Report | Comparison, ensemble: Ensemble | None) -> None:
    statistics = report.compared if isinstance(report, Comparison) else report.statistics
    statistic = statistics.get(key)
    if statistic is None or statistic.value is None:
        why = 'is not in the report' if statistic is None else f'has no value: {statistic.note}'
        raise InputError(key, why, 'choose another statistic')
    rows: list[tuple[str, Band, str]] = []
    band = report.band.get(key) if isinstance(report, Comparison) else None
    for name, entry, color in (
        ('real blocks', band, REAL),
        ('realisations', None if ensemble is None else ensemble.statistics.get(key), '#c9794f'),
    ):
        if entry is not None and entry.mean is not None:
            rows.append((f'{name}, 95 % (n = {entry.n})', entry, color))
    quantity = quantity_of(key)
    own = Band.over([statistic.value], quantity)
    if statistic.sd is not None:
        own = Band.of_error(statistic.value, statistic.sd, quantity)
    rows.append(('this volume', own, GENERATED))
    _strips(axes, rows)
    unit = show_unit(statistic.unit)
    axes.set_xlabel(f'{title(key)} ({unit})' if unit else title(key))


def _strips(axes: Axes, rows: Sequence[tuple[str, Band, str]]) -> None:
    for place, (_, band, color) in enumerate(rows):
        if band.low is not None and band.high is not None:
            axes.plot([band.low, band.high], [place, place], color=color, lw=7, alpha=0.35)
        if band.mean is not None:
            axes.plot(band.mean, place, 'o', color=color, ms=6)
    axes.set_yticks(range(len(rows)), [row[0] for row in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.tick_params(axis='y', length=0)
    axes.spines['left'].set_visible(False)
