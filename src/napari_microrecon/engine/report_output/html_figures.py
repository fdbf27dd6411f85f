"""Figures of the HTML report: inline SVG plots and PNG slices."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..label_pictures import labels_png
from ..results.bands import Band, CurveBand, Ensemble
from ..results.comparison import Comparison
from ..results.report import Curve, Report
from ..statistics.catalogue import title
from ..volume import Volume
from ..voxels import AXES, IMAGE_AXES, Axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GENERATED = '#d9541e'
REAL = '#2f5d8a'
BAND = '#c9d8e6'
_INK = '#26323d'
_AXIS_COLORS = {'z': '#2f5d8a', 'y': '#d9541e', 'x': '#2a8f6d', 'radial': _INK}
_FARTHEST = 6.0  # standard deviations at which the dot plot ends
_UNITS = {'um': 'µm', 'voxel': 'voxels'}
_STYLE: Any = {  # matplotlib's own type for these keys is newer than the versions we allow
    'font.family': 'sans-serif',
    'font.size': 9.5,
    'axes.edgecolor': '#8a96a1',
    'axes.labelcolor': _INK,
    'axes.linewidth': 0.8,
    'axes.spines.top': False,
    'axes.spines.right': False,
    'axes.titlesize': 10.5,
    'axes.titleweight': 'bold',
    'axes.titlelocation': 'left',
    'text.color': _INK,
    'xtick.color': '#5c6873',
    'ytick.color': '#5c6873',
    'legend.frameon': False,
    'svg.fonttype': 'path',
}


def show_unit(unit: str) -> str:
    """Unit as people write it: 'um' is 'µm', '1/um^3' is '1/µm³', '1' is nothing."""
    if unit == '1':
        return ''
    text = re.sub(r'\bum\b', 'µm', unit)
    return text.replace('^3', '³').replace('^2', '²')


def show_length(unit: str) -> str:
    """Length unit as people write it on an axis."""
    return _UNITS.get(unit, unit)


def new_figure(width: float, height: float, rows: int, columns: int, **options: Any) -> tuple[Figure, np.ndarray]:
    """Figure of that size in inches, and its axes (rows, columns); never pyplot's."""
    # The object-oriented interface: pyplot would keep figures alive and choose a GUI backend.
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout='constrained')
    FigureCanvasSVG(figure)
    return figure, figure.subplots(rows, columns, squeeze=False, **options)


def _svg(figure: Figure, name: str) -> str:
    """SVG element of a figure; `name` keeps its ids apart from those of other figures on the page."""
    import matplotlib

    out = io.StringIO()
    with matplotlib.rc_context({'svg.hashsalt': name, 'svg.fonttype': 'path'}):
        figure.savefig(out, format='svg', metadata={'Date': None, 'Creator': None})
    text = out.getvalue()
    text = text[text.index('<svg') :]
    # Ids that matplotlib numbers per figure would clash on one page.
    text = re.sub(r'id="([\w.]+_\d+)"', rf'id="{name}-\1"', text)
    return re.sub(r'(<svg[^>]*?) width="[^"]*" height="[^"]*"|(<svg[^>]*?) height="[^"]*"', r'\1\2', text, count=1)


def styled() -> Any:
    """Context in which matplotlib draws in the style of the reports."""
    import matplotlib

    return matplotlib.rc_context(_STYLE)


def s2_figure(comparison: Comparison) -> str:
    """S2 along each axis and radially: generated, real mean, band and phi^2 asymptote."""
    keys = [k for k in ('s2_z', 's2_y', 's2_x', 's2_radial') if k in comparison.compared_curves]
    return _curve_panels(comparison, keys, 's2', asymptote=True)


def lineal_path_figure(comparison: Comparison) -> str:
    """Lineal path along each axis, logarithmic."""
    keys = [k for k in ('lineal_path_z', 'lineal_path_y', 'lineal_path_x') if k in comparison.compared_curves]
    return _curve_panels(comparison, keys, 'lineal', logarithmic=True)


def thickness_figure(comparison: Comparison) -> str:
    """Size distributions by local thickness and of particles."""
    keys = [k for k in ('thickness_distribution', 'particle_distribution') if k in comparison.compared_curves]
    return _curve_panels(comparison, keys, 'sizes', quantity='diameter', amount='share')


def ensemble_figure(ensemble: Ensemble) -> str:
    """Radial S2 and local thickness of an ensemble, mean and band."""
    keys = [k for k in ('s2_radial', 'thickness_distribution') if k in ensemble.curves]
    if not keys:
        return ''
    with styled():
        figure, grid = new_figure(9.2, 3.3, 1, len(keys))
        for axes, key in zip(grid[0], keys, strict=True):
            band = ensemble.curves[key]
            low, high = band.limits
            axes.fill_between(band.lag, low, high, color=BAND, lw=0, label=f'95 % (n = {band.count})')
            axes.plot(band.lag, band.mean, color=GENERATED, lw=1.8, label='mean')
            axes.set_title(title(key))
            axes.set_xlabel(f'{"lag" if key == "s2_radial" else "diameter"} ({show_length(band.lag_unit)})')
            axes.set_xlim(0, band.lag[-1])
            axes.set_ylim(bottom=0)
            axes.legend()
        return _svg(figure, 'ensemble')


def _curve_panels(
    comparison: Comparison,
    keys: Sequence[str],
    name: str,
    *,
    asymptote: bool = False,
    logarithmic: bool = False,
    quantity: str = 'lag',
    amount: str = 'probability',
) -> str:
    if not keys:
        return ''
    with styled():
        columns = 2 if len(keys) == 4 else len(keys)
        rows = -(-len(keys) // columns)
        figure, grid = new_figure(9.2, 2.9 * rows + 0.4, rows, columns, sharey=True)
        for axes, key in zip(grid.ravel(), keys, strict=False):
            curve, band = comparison.compared_curves[key], comparison.curve_bands.get(key)
            _draw_band(axes, curve, band, asymptote)
            axes.set_title(title(key))
            axes.set_xlabel(f'{quantity} ({show_length(curve.lag_unit)})')
            axes.set_xlim(0, curve.lag[-1] if band is None else max(curve.lag[-1], band.lag[-1]))
            if logarithmic:
                axes.set_yscale('log')
                axes.set_ylim(max(1e-5, curve.value[0] * 1e-4), curve.value[0] * 1.6)
            else:
                axes.set_ylim(bottom=0)
        for axes in grid[:, 0]:
            axes.set_ylabel(amount)
        handles, labels = grid[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc='outside upper center', ncols=len(labels))
        return _svg(figure, name)


def _draw_band(axes: Axes, curve: Curve, band: CurveBand | None, asymptote: bool) -> None:
    if band is not None:
        low, high = band.limits
        label = f'95 % of real blocks (n = {band.count})'
        axes.fill_between(band.lag, low, high, color=BAND, lw=0, label=label)
        axes.plot(band.lag, band.mean, color=REAL, lw=1.6, label='real, mean')
    if asymptote:
        axes.axhline(curve.value[0] ** 2, color=GENERATED, lw=0.9, ls=(0, (4, 3)), label='φ² of the generated volume')
    axes.plot(curve.lag, curve.value, color=GENERATED, lw=1.8, label='generated')


def dot_figure(comparison: Comparison) -> str:
    """Every statistic as a dot: its distance from the real mean in standard deviations."""
    rows = [(k, v) for k, v in comparison.verdicts.items() if v.sds is not None]
    if not rows:
        return ''
    with styled():
        figure, grid = new_figure(9.2, 0.27 * len(rows) + 0.9, 1, 1)
        axes = grid[0, 0]
        ends = [_ends_in_sds(comparison.band[key]) for key, _ in rows]
        widths = [high - low for low, high in ends]
        axes.barh(range(len(rows)), widths, 1, [low for low, _ in ends], color=BAND, alpha=0.65, lw=0)
        axes.axvline(0, color=REAL, lw=1.2)
        for row, (_, verdict) in enumerate(rows):
            sds = float(verdict.sds or 0.0)
            place = float(np.clip(sds, -_FARTHEST, _FARTHEST))
            color = {'inside': REAL, 'outside': GENERATED}.get(verdict.verdict, '#9aa5af')
            far = abs(sds) > _FARTHEST
            marker = ('>' if sds > 0 else '<') if far else 'o'
            axes.plot([0, place], [row, row], color=color, lw=1.1, alpha=0.55)
            hollow = verdict.verdict == 'cannot tell'
            axes.plot(
                place, row, marker, ms=6.5, color=color, mfc='white' if hollow else color, clip_on=False, zorder=3
            )
            if verdict.verdict == 'outside':
                text = f'{sds:+.1f}' if abs(sds) < 1000 else ('above' if sds > 0 else 'below')
                shift = (8 if (sds > 0) else -8) * (-1 if far else 1)
                axes.annotate(
                    text, (place, row), (shift, 7 if far else 0), textcoords='offset points', va='center',
                    ha='left' if shift > 0 else 'right', fontsize=8.5, color=color,
                )  # fmt: skip
        axes.set_yticks(range(len(rows)), [title(k) for k, _ in rows])
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_xlim(-_FARTHEST - 0.4, _FARTHEST + 0.4)
        axes.set_xlabel('distance from the mean of the real blocks, in their standard deviations')
        axes.tick_params(axis='y', length=0, labelcolor=_INK)
        axes.spines['left'].set_visible(False)
        return _svg(figure, 'dots')


def _ends_in_sds(band: Band) -> tuple[float, float]:
    if band.low is None or band.high is None:
        return 0.0, 0.0
    return band.sds(band.low), band.sds(band.high)


def report_figure(report: Report) -> str:
    """S2 and lineal path of one volume, all directions together."""
    stems = [s for s in ('s2', 'lineal_path') if f'{s}_z' in report.curves or f'{s}_x' in report.curves]
    if not stems:
        return ''
    with styled():
        figure, grid = new_figure(9.2, 3.3, 1, len(stems))
        for axes, stem in zip(grid[0], stems, strict=True):
            for tail, color in _AXIS_COLORS.items():
                curve = report.curves.get(f'{stem}_{tail}')
                if curve is None:
                    continue
                axes.plot(curve.lag, curve.value, color=color, lw=1.6, label=tail)
                axes.set_xlabel(f'lag ({show_length(curve.lag_unit)})')
            axes.set_xlim(left=0)
            if stem == 's2':
                phi = report.value('phase_fraction') or 0.0
                axes.axhline(phi**2, color='#5c6873', lw=0.9, ls=(0, (4, 3)), label='φ²')
                axes.set_ylim(bottom=0)
                axes.set_ylabel('probability')
            else:
                axes.set_yscale('log')
                top = report.value('phase_fraction') or 1.0
                axes.set_ylim(top * 1e-4, top * 1.6)
            axes.set_title(title(stem))
            axes.legend()
        return _svg(figure, 'curves')


def slice_png(volume: Volume, normal: Axis) -> str:
    """Middle slice as a data address of a PNG in the colours of the phases."""
    return labels_png(volume.slice_labels(normal, volume.shape[AXES.index(normal)] // 2), volume.phases)


def scale_bar(volume: Volume, normal: Axis) -> tuple[float, str]:
    """(share of the picture's width, label) of a bar of a round length, about a quarter of the width."""
    column = IMAGE_AXES[normal][1]
    width = volume.shape[AXES.index(column)] * getattr(volume.voxel_size, column)
    power = 10.0 ** np.floor(np.log10(width / 4))
    length = max(n * power for n in (1, 2, 5) if n * power <= width / 4 * 1.0001)
    return length / width, f'{length:g} {show_length(volume.voxel_size.unit)}'


def phase_colors(volume: Volume) -> Mapping[str, str]:
    """Name and colour of every phase."""
    return {phase.name: phase.color for phase in volume.phases.items}
