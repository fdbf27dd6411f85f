"""Tables of the HTML report: statistics, comparison, realisations, provenance."""

from __future__ import annotations

from html import escape

from ..provenance import Provenance
from ..results.bands import Band, Ensemble
from ..results.comparison import Comparison, Verdict
from ..results.report import Report, Statistic
from ..results.writing import Medium
from ..statistics.catalogue import title
from .html_figures import show_unit


def number(value: float | None, digits: int = 4) -> str:
    """A number to read, with that many significant digits, and no exponent where it can be avoided."""
    if value is None:
        return '–'
    if value == int(value) and abs(value) < 1e6:
        return str(int(value)).replace('-', '−')
    if 1e-3 <= abs(value) < 10 ** max(digits, 4):
        text = f'{value:.{digits}g}'
        return (text if 'e' not in text else f'{value:.0f}').replace('-', '−')
    mantissa, exponent = f'{value:.{digits - 1}e}'.split('e')
    return f'{mantissa}·10<sup>{int(exponent)}</sup>'.replace('-', '−')


HTML = Medium(number, 4, ' – ')


def _band_cell(band: Band | None, digits: int | None = None) -> str:
    """Mean, and where 95 % of further values would lie."""
    if band is None or band.mean is None:
        return '–'
    ends = HTML.ends(band, digits)
    return number(band.mean, digits or HTML.digits) + (f' <span class="sd">{ends}</span>' if ends else '')


def _count(band: Band | None) -> str:
    return '' if band is None else str(band.n) + ('' if band.n == band.of else f' of {band.of}')


def statistics_table(report: Report) -> str:
    """One row per statistic of a volume."""
    rows = ''.join(
        f'<tr><th scope="row">{escape(title(key))}</th>{_value_cells(statistic)}'
        f'<td class="note">{escape(statistic.note)}</td><td class="method">{escape(statistic.method)}</td></tr>'
        for key, statistic in report.statistics.items()
    )
    return (
        '<div class="scroll"><table><thead><tr><th>Statistic</th><th class="n">Value</th><th>Unit</th><th>Note</th>'
        f'<th>Method</th></tr></thead><tbody>{rows}</tbody></table></div>'
    )


def ensemble_table(ensemble: Ensemble) -> str:
    """Mean and spread of every statistic over realisations."""
    rows: list[str] = []
    for key, band in ensemble.statistics.items():
        rows.append(
            f'<tr><th scope="row">{escape(title(key))}</th><td class="n">{_band_cell(band)}</td>'
            f'<td>{escape(show_unit(ensemble.units[key]))}</td><td class="n">{_count(band)}</td></tr>'
        )
    return (
        '<div class="scroll"><table><thead><tr><th>Statistic</th>'
        '<th class="n">Mean, and 95 % of further volumes</th><th>Unit</th>'
        f'<th class="n">n</th></tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
    )


def _value_cells(statistic: Statistic, digits: int = 4) -> str:
    spread = '' if statistic.sd is None else f' <span class="sd">± {number(statistic.sd, 2)}</span>'
    return f'<td class="n">{number(statistic.value, digits)}{spread}</td><td>{escape(show_unit(statistic.unit))}</td>'


def comparison_table(comparison: Comparison) -> str:
    """One row per statistic of a comparison: value, band, verdict."""
    rows: list[str] = []
    for key, statistic in comparison.compared.items():
        band, verdict = comparison.band.get(key), comparison.verdicts.get(key)
        digits = HTML.digits_for(statistic.value, band)
        badge = ''
        if verdict is not None:
            kind = verdict.verdict.replace(' ', '-')
            badge = f'<span class="badge {kind}">{verdict.words}</span> {escape(_reason(verdict))}'
        rows.append(
            f'<tr><th scope="row">{escape(title(key))}</th>{_value_cells(statistic, digits)}'
            f'<td class="n">{_band_cell(band, digits)}</td><td class="n">{_count(band)}</td>'
            f'<td class="verdict">{badge}</td><td class="method">{escape(statistic.method)}</td></tr>'
        )
    return (
        '<div class="scroll"><table><thead><tr><th>Statistic</th><th class="n">Generated</th><th>Unit</th>'
        '<th class="n">Real blocks: mean, and 95 % of further ones</th>'
        '<th class="n">n</th><th>Verdict</th><th>Method</th></tr></thead>'
        f'<tbody>{"".join(rows)}</tbody></table></div>'
    )


def _reason(verdict: Verdict) -> str:
    """What the sentence says beyond the words of the badge."""
    return verdict.sentence.removeprefix(verdict.words).lstrip(':, ')


def provenance_rows(provenance: Provenance) -> str:
    """Rows of a table that tells where a volume came from."""
    made_with = ', '.join(f'{name} {version}' for name, version in provenance.versions.items())
    rows: list[tuple[str, str]] = [('Kind', provenance.kind)]
    rows += [('Description', provenance.description), ('Licence', provenance.licence)]
    rows += [('Input', f'{source.name} (sha256 {source.sha256})') for source in provenance.inputs]
    if provenance.weights is not None:
        rows.append(('Weights', f'{provenance.weights.name} (sha256 {provenance.weights.sha256})'))
    rows += [
        ('Seed', '' if provenance.seed is None else str(provenance.seed)),
        ('Device', provenance.device),
        ('Parameters', ', '.join(f'{k} = {v}' for k, v in provenance.parameters.items())),
        ('Versions', made_with),
        ('Created', provenance.created),
    ]
    return ''.join(f'<tr><th scope="row">{k}</th><td>{escape(v)}</td></tr>' for k, v in rows if v)
