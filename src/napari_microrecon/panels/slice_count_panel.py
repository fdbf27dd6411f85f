"""How many slices are enough? One click on the reference volume; a table and a plot answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from ..engine.conditioned.experiment import BASELINE, METHODS, MOST_LIKELY, REALISATION, SliceCounts
from ..engine.voxels import AXES
from .numbers import with_um
from .parts import Listener, button, heading, hint, narrow, row
from .plots import CurvePlot

if TYPE_CHECKING:
    from ..engine.conditioned.scoring import Score
    from ..session import Session
    from ..viewer.appearance import Palette

_ROW = 22  # pixels
_WIDTH = 45  # pixels of a measure; the method gets the rest
_COLUMNS = 5  # measures for which there is room; the plot and the tips have all
_ROLES = {BASELINE: 'muted', MOST_LIKELY: 'generated', REALISATION: 'reference'}
_STYLES = {BASELINE: 'dash', MOST_LIKELY: 'solid', REALISATION: 'solid'}
_ASK = (
    'Cuts the middle of the reference into evenly spaced slices, rebuilds it from these alone and compares. '
    'It takes about a minute and changes nothing else.'
)


class SliceCountPanel(QWidget, Listener):
    """Asks for the experiment and shows what came of it.

    Signals
    -------
    requested()
        The user wants the experiment.
    """

    requested = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._drawn: SliceCounts | None = None
        self.run_button = button('What would 3, 5, 7 slices give?', f'<qt>{_ASK}</qt>')
        self.about = hint()
        self.table = QTableWidget(0, 1 + _COLUMNS)
        self.table.verticalHeader().hide()
        self.table.setShowGrid(False)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.table.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setDefaultSectionSize(_WIDTH)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.which = narrow(QComboBox())
        self.which.setToolTip('What the plot shows')
        self.plot = CurvePlot('slices', '', 210)
        self.explanation = hint()
        self.answer = QWidget()
        inside = QVBoxLayout(self.answer)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.addWidget(self.about)
        inside.addWidget(self.table)
        inside.addLayout(row(heading('Plot'), self.which, stretch=1))
        inside.addWidget(self.plot)
        inside.addWidget(self.explanation)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(heading('How many slices are enough?'))
        column.addLayout(row(self.run_button, 1))
        column.addWidget(self.answer)
        self.run_button.clicked.connect(self.requested)
        self.which.activated.connect(lambda _: self._draw_plot())
        for event in (session.events.reference, session.events.experiment, session.events.job):
            self.listen(event, self._draw)
        self._draw()

    def apply_palette(self, palette: Palette) -> None:
        """Take the theme's colours."""
        self.plot.apply_palette(palette)

    def _draw(self) -> None:
        session = self._session
        job = session.job
        self.setVisible(session.material.reference is not None)
        self.run_button.setEnabled(not job.is_active)
        found = session.findings.experiment
        if job.is_active and job.kind == 'experiment':
            # The answer so far comes with the job's signs of life, after every number of slices.
            so_far = job.progress.preview
            found = so_far if isinstance(so_far, SliceCounts) else self._drawn
        if found is not self._drawn or found is None:
            self._drawn = found
            self._draw_answer(found)

    def _draw_answer(self, found: SliceCounts | None) -> None:
        self.answer.setVisible(found is not None and bool(found.attempts))
        if found is None or not found.attempts:
            return
        about = with_um(found.about)
        self.about.setText(f'{about[:1].upper()}{about[1:]}. Nothing but the slices was learned from.')
        measures = _measures(found)
        shown = measures[:_COLUMNS]
        self.table.setHorizontalHeaderLabels(['', *(_heading(short) for short, _, _ in shown)])
        for column, (_, tip, _) in enumerate(shown, 1):
            item = self.table.horizontalHeaderItem(column)
            if item is not None:
                item.setToolTip(f'<qt>{tip}</qt>')
        self.table.setRowCount(len(found.attempts) * len(METHODS))
        lines = ((one, method) for one in found.attempts for method in METHODS)
        for line, (one, method) in enumerate(lines):
            score = one.scores[method]
            name = method.replace('distance', 'dist.')  # there is no room for more
            self._cell(line, 0, f'{one.count}: {name}', f'{method}; slices at {", ".join(map(str, one.positions))}')
            for column, (short, _, value) in enumerate(shown, 1):
                self._cell(line, column, _text(short, value(score)), _details(found, score))
            self.table.setRowHeight(line, _ROW)
        self.table.setFixedHeight(self.table.horizontalHeader().sizeHint().height() + self.table.rowCount() * _ROW + 4)
        if self.which.count() == 0:
            self.which.addItems([short for short, _, _ in measures])
        self._draw_plot()

    def _cell(self, line: int, column: int, text: str, tip: str) -> None:
        item = self.table.item(line, column)
        if item is None:
            item = QTableWidgetItem()
            side = Qt.AlignmentFlag.AlignLeft if column == 0 else Qt.AlignmentFlag.AlignRight
            item.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
            self.table.setItem(line, column, item)
        item.setText(text)
        item.setToolTip(f'<qt>{tip}</qt>')

    def _draw_plot(self) -> None:
        found = self._drawn
        if found is None or not found.attempts:
            return
        short, tip, value = _measures(found)[max(0, self.which.currentIndex())]
        self.plot.clear()
        self.plot.set_labels('slices', short)
        for method in METHODS:
            known = [(one.count, y) for one in found.attempts if (y := value(one.scores[method])) is not None]
            if known:
                counts, values = [x for x, _ in known], [y for _, y in known]
                self.plot.curve(method, counts, values, _ROLES[method], _STYLES[method])
        right = _truth(found).get(short)
        if right is not None:
            self.plot.level('the volume itself', right, 'text')
        self.explanation.setText(f'{short}: {tip}.')


def _measures(found: SliceCounts) -> Sequence[tuple[str, str, Callable[[Score], float | None]]]:
    """Columns: short name, convention, and how to read it off a score."""
    from ..engine.conditioned.scoring import CONVENTIONS

    axis, phase, name = AXES.index(found.normal), found.phase, found.names[found.phase]
    return (
        ('SSIM', CONVENTIONS['ssim'], lambda s: s.ssim),
        ('PSNR', CONVENTIONS['psnr'], lambda s: s.psnr),
        ('S₂ error', CONVENTIONS['s2'], lambda s: s.s2),
        (f'Surface {found.normal} %', f'{CONVENTIONS["surface"]}; here along the gap', lambda s: 100 * s.surface[axis]),
        ('Fraction %', f'{CONVENTIONS["fractions"]}; here {name}', lambda s: 100 * s.fractions[phase]),
        (
            f'Percolating {found.normal}',
            f'{CONVENTIONS["percolating"]}; here {name} along the gap',
            lambda s: s.percolating[axis],
        ),
    )


def _truth(found: SliceCounts) -> dict[str, float]:
    """What the volume itself has in each column; SSIM and PSNR have no such level."""
    normal = found.normal
    share = found.percolating[AXES.index(normal)]
    return {'S₂ error': 0.0, f'Surface {normal} %': 0.0, 'Fraction %': 0.0, f'Percolating {normal}': share}


def _heading(short: str) -> str:
    """Two short lines for the head of a narrow column."""
    for word in ('Surface', 'Fraction'):
        short = short.replace(word, f'{word[:4]}.')
    return short.replace(' ', '\n', 1)


def _text(short: str, value: float | None) -> str:
    if value is None:
        return '–'
    if short.startswith('Surface'):
        return f'{value:+.0f}'
    return f'{value:+.1f}' if short == 'Fraction %' else f'{value:.1f}' if short == 'PSNR' else f'{value:.2f}'


def _details(found: SliceCounts, score: Score) -> str:
    """All axes and phases of one volume."""
    surface = ', '.join(f'{axis} {part:+.1%}' for axis, part in zip(AXES, score.surface, strict=True))
    shares = ', '.join(f'{axis} {part:.2f}' for axis, part in zip(AXES, score.percolating, strict=True))
    fractions = ', '.join(f'{name} {part:+.3f}' for name, part in zip(found.names, score.fractions, strict=True))
    return f'surface {surface}<br>percolating {shares}<br>fractions {fractions}'
