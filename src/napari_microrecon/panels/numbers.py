"""Numbers, units and verdicts as the panels write them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..engine.results.writing import Medium
from ..session.words import tally

if TYPE_CHECKING:
    from ..engine.results import Band, Comparison, Report, Statistic

_MICROMETRES = re.compile(r'\bum(?![A-Za-z0-9_])')  # also before a raised 2 or 3, which count as letters of a word
ROLES = {'inside': 'good', 'outside': 'bad', 'cannot tell': 'muted'}  # verdict -> colour of the palette


def number(value: float | None, digits: int = 3) -> str:
    """Few significant digits; a dash where there is no value."""
    if value is None:
        return '–'
    if value == 0:
        return '0'
    text = f'{value:#.{digits}g}'
    if 'e' in text and 1 <= abs(value) < 1e6:
        text = f'{float(text):.0f}'
    return text.rstrip('.').replace('.e', 'e').replace('-', '−')


def unit_text(unit: str) -> str:
    """Unit as people write it; nothing for pure numbers."""
    if unit == '1':
        return ''
    return _MICROMETRES.sub('µm', unit).replace('^2', '²').replace('^3', '³')


def with_um(text: str) -> str:
    """Sentence of the engine with 'µm' and '×' instead of their plain spellings."""
    return _MICROMETRES.sub('µm', text).replace(' x ', ' × ').replace('+-', '±')


PANEL = Medium(number, 3, '–')


def shown(statistic: Statistic, digits: int = 3) -> str:
    """Value with its standard error in a second line; where there is no value, why, and never a number."""
    if statistic.value is None:
        return short_reason(statistic.note)
    error = '' if statistic.sd is None else f'\n± {number(statistic.sd, 2)}'
    return f'{number(statistic.value, digits)}{error}'


def short_reason(note: str) -> str:
    """First clause of a note, for a cell of a table."""
    return re.split(r'[:;(]', note, maxsplit=1)[0].strip() or 'no value'


def spread(band: Band | None, digits: int = 3) -> str:
    """Mean of a band, and below it where 95 % of further values would lie."""
    if band is None or band.mean is None:
        return '–'
    ends = PANEL.ends(band, digits)
    return f'{number(band.mean, digits)}\n{ends}' if ends else number(band.mean, digits)


def summary(report: Report, comparison: Comparison | None) -> str:
    """One sentence over the table."""
    if comparison is None or not comparison.verdicts:
        return f'Phase: {report.phase_name}.'
    return f'Phase: {report.phase_name}. {tally(comparison)}'
