"""No cell of a table runs anything in a spreadsheet."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest

from napari_microrecon.engine.analysis import measure
from napari_microrecon.engine.cells import text_cell
from napari_microrecon.engine.phases import Phases
from napari_microrecon.engine.progress import drain
from napari_microrecon.engine.report_output import table_csv
from napari_microrecon.engine.volume import Volume


@pytest.mark.parametrize('text', ['=1+1', '+1', '-1', '@SUM(A1)', '\tx', '\r=1'])
def test_text_that_begins_like_a_formula(text: str) -> None:
    assert text_cell(text) == f"'{text}"


@pytest.mark.parametrize('text', ['', 'grain', '1 = pore', 'S₂ - 1', "'=1"])
def test_text_that_does_not(text: str) -> None:
    assert text_cell(text) == text


def test_a_table_has_numbers_with_their_signs_and_no_formulas() -> None:
    labels = (np.random.default_rng(0).random((24, 24, 24)) > 0.5).astype(np.uint8)
    volume = Volume(labels, Phases.named('=HYPERLINK("http://a.example")', '@pore', pore=1))
    report = drain(measure(volume, tortuosity=False))
    odd = next(iter(report.statistics.values()))
    report = report.model_copy(
        update={'statistics': {**report.statistics, '=cmd': odd.model_copy(update={'value': -0.5, 'note': '=1+1'})}}
    )
    rows = {row['key']: row for row in csv.DictReader(io.StringIO(table_csv(report)))}
    assert rows["'=cmd"]['note'] == "'=1+1"
    assert rows["'=cmd"]['value'] == '-0.5'
    for row in rows.values():
        for column in ('key', 'statistic', 'unit', 'verdict', 'reason', 'note', 'method'):
            assert not row[column].startswith(('=', '+', '-', '@'))
