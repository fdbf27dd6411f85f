"""Write docs/statistics.md from the declarations of the statistics: `python scripts/statistics_page.py`."""

from __future__ import annotations

import math
from pathlib import Path

from napari_microrecon.engine.statistics.catalogue import ours
from napari_microrecon.engine.statistics.quantity import Quantity

PAGE = Path(__file__).resolve().parents[1] / 'docs' / 'statistics.md'
_HEAD = """# All statistics

Written by `scripts/statistics_page.py` from the declarations in `engine/statistics/declared/`. L stands for the unit of
length of the volume. A key that ends in `_z` is there for every axis. Add statistics of your own as in
`examples/plugin/`.
"""


def page() -> str:
    """The page."""
    numbers = [quantity for quantity in ours() if quantity.axes is None]
    curves = [quantity for quantity in ours() if quantity.axes is not None]
    rows = [_row(quantity) for quantity in numbers]
    parts = [
        _HEAD,
        '## Numbers\n',
        '| key | statistic | unit | possible | map in the volume | computed by |\n|---|---|---|---|---|---|\n'
        + ''.join(rows),
        '## Curves\n',
        '| key | curve | over | computed by |\n|---|---|---|---|\n'
        + ''.join(f'| `{_key(q)}` | {_words(q)} | {q.axes.across} | {_function(q)} |\n' for q in curves if q.axes),
    ]
    return '\n'.join(parts)


def _row(q: Quantity) -> str:
    return f'| `{_key(q)}` | {_words(q)} | {q.unit} | {_range(q)} | {q.map} | {_function(q)} |\n'


def _key(q: Quantity) -> str:
    return f'{q.key}_0_1' if q.variants == 'phases' else q.keys[0]


def _words(q: Quantity) -> str:
    return f'**{q.title}.** {q.meaning}'.strip()


def _range(q: Quantity) -> str:
    if math.isinf(q.low):
        return 'any'
    return f'{q.low:g} or more' if math.isinf(q.high) else f'{q.low:g} to {q.high:g}'


def _function(q: Quantity) -> str:
    if isinstance(q.function, str):
        return f'`{q.function}`'
    return f'`{q.function.__module__.partition("engine.")[2]}`'


if __name__ == '__main__':
    PAGE.write_text(page(), encoding='utf-8')
