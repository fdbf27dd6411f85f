"""Adjust how a grey picture becomes a slice: thresholds on its histogram, noise, crop, and what comes of it at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt, QTimer, Signal
from qtpy.QtGui import QCloseEvent
from qtpy.QtWidgets import QCheckBox, QDialog, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from ..engine.errors import EngineError, InputError
from ..engine.phases import Phases
from ..engine.preparation import Preparation
from ..session.adjusting import Look, data_bar, glimpse, looking
from ..session.words import micro
from ..viewer.workers import Aside
from .histogram_plot import HistogramPlot
from .legend import Legend
from .parts import Listener, button, hint, refresh_style, row
from .picture_view import PictureView
from .prepare_form import PrepareForm
from .style import GAP, MARGIN

if TYPE_CHECKING:
    from ..engine.progress import Job as EngineJob
    from ..engine.progress import Progress
    from ..engine.raw_image import RawImage
    from ..session import Session
    from ..viewer.appearance import Palette

_PAUSE_MS = 120  # without a change before the whole picture is segmented
_TELL_MS = 100  # between two looks at how far that is
_FORM_WIDTH = 300


class PrepareDialog(QDialog, Listener):
    """Window of one picture; it stays beside the viewer, which can be used meanwhile.

    Parameters
    ----------
    session : Session
        Listened to: the window closes with its slice.
    index : int
        Of the draft, which must have a picture.

    Signals
    -------
    apply_requested(dict of int to Preparation, int)
        What to do, by index of the draft, and the number of phases.
    """

    apply_requested = Signal(object, int)

    def __init__(self, session: Session, index: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        draft = session.material.drafts[index]
        if draft.image is None:
            raise InputError(draft.slice.name, 'came as labels', 'open its grey image to adjust it')
        self._session = session
        self._image: RawImage = draft.image
        self._look: Look | None = None
        self._wanted = 0  # number of the newest wish; answers to former ones are not shown
        self._count = draft.slice.phases.count
        self._aside = Aside(self)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_PAUSE_MS)
        self._timer.timeout.connect(self._look_at_all)
        # Looked at rather than sent: a thread may outlive this window.
        self._steps: list[Progress] = []
        self._teller = QTimer(self)
        self._teller.setInterval(_TELL_MS)
        self._teller.timeout.connect(self._tell)
        self.setWindowTitle(f'Adjust {draft.slice.name}')
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setModal(False)
        self.form = PrepareForm(self._image)
        self.form.show_preparation(draft.preparation or Preparation(), self._count)
        self._build()
        self.form.changed.connect(self._on_changed)
        self.form.data_bar_requested.connect(self._find_data_bar)
        self.histogram.thresholds_changed.connect(self.form.set_levels)
        self.listen(session.events.slices, self._on_slices)
        self._on_slices()
        self._on_changed()

    def _build(self) -> None:
        self.grey = PictureView('The picture before thresholds: cropped, turned and, after a moment, denoised')
        self.phases = PictureView('The phases that come of it; small regions are cleaned after a moment')
        self.histogram = HistogramPlot()
        self.legend = Legend()
        self.note = hint()
        self.note.setObjectName('status')  # coloured by its level
        self.note.setMinimumHeight(3 * self.note.fontMetrics().lineSpacing())  # the pictures must not jump
        self.note.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.all_box = QCheckBox('Apply to all grey slices')
        self.all_box.setToolTip('The same for every slice that came from a picture; automatic ones find their own')
        self.reset_button = button('Reset', 'Automatic thresholds, and nothing else done to the picture')
        self.cancel_button = button('Cancel', 'Close and leave the slice as it is')
        self.apply_button = button('Apply', 'Take the slice as it is shown here', primary=True)
        pictures = QHBoxLayout()
        pictures.setSpacing(GAP)
        for title, view in (('Picture', self.grey), ('Phases', self.phases)):
            column = QVBoxLayout()
            column.setSpacing(2)
            words = QLabel(title)
            words.setObjectName('hint')
            column.addWidget(words)
            column.addWidget(view, 1)
            pictures.addLayout(column, 1)
        left = QVBoxLayout()
        left.setSpacing(GAP)
        left.addLayout(pictures, 1)
        left.addWidget(self.legend)
        left.addWidget(self.histogram)
        left.addWidget(self.note)
        self.form.setFixedWidth(_FORM_WIDTH)
        top = QHBoxLayout()
        top.setSpacing(2 * MARGIN)
        top.addLayout(left, 1)
        top.addWidget(self.form)
        column = QVBoxLayout(self)
        column.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        column.setSpacing(MARGIN)
        column.addLayout(top, 1)
        column.addLayout(row(self.all_box, 1, self.reset_button, self.cancel_button, self.apply_button))
        self.resize(960, 600)
        self.reset_button.clicked.connect(self._on_reset)
        self.cancel_button.clicked.connect(self.close)
        self.apply_button.clicked.connect(self._on_apply)

    def apply_palette(self, palette: Palette) -> None:
        """Take the theme's colours."""
        self.histogram.apply_palette(palette)

    # -- preview --------------------------------------------------------------------------------

    @property
    def is_settled(self) -> bool:
        """Whether the whole picture is shown as the form says."""
        return not self._timer.isActive() and not self._aside.is_busy

    def _names(self, count: int) -> Phases:
        slices = self._session.material.slices
        return slices.phases if slices is not None and slices.phases.count == count else Phases.default(count)

    def _on_changed(self) -> None:
        """Show at once what can be shown at once; the rest follows when nothing has changed for a moment."""
        count = self.form.phase_count.value()
        if count != self._count:
            self._count = count
            self.form.automatic.setChecked(True)  # comes back here where it was not
        self._wanted += 1
        self._steps = []
        self._teller.stop()
        self.apply_button.setEnabled(False)
        try:
            preparation = self.form.preparation()
            found = self._look
            fits = found is not None and len(found.automatic) == count - 1
            used = preparation.thresholds or (found.automatic if found is not None and fits else ())
            grey, labels = glimpse(self._image, preparation, used, found)
        except EngineError as error:
            self._timer.stop()
            self._say(str(error), 'error')
            return
        self._say('Segmenting the whole picture…')
        self.grey.show_grey(grey)
        if labels is not None:
            phases = self._names(count)
            self.phases.show_labels(labels, phases)
            self.legend.show_phases(phases, phases.fractions(labels))
            if found is not None:
                self.histogram.show_phases(phases, preparation.order)
                self._show_lines(used, found)
        self._timer.start()

    def _show_lines(self, used: tuple[float, ...], found: Look) -> None:
        if self.histogram.thresholds != used:
            self.histogram.show_thresholds(used, found.automatic)

    def _look_at_all(self) -> None:
        try:
            preparation = self.form.preparation()
        except EngineError as error:
            self._say(str(error), 'error')
            return
        image, phases, former, number = self._image, self._names(self._count), self._look, self._wanted
        self._steps = heard = []
        self._aside.start(
            lambda: _told(looking(image, preparation, phases, former), heard),
            lambda found: self._on_look(number, found),
        )
        self._teller.start()

    def _tell(self) -> None:
        """Say what is being done to the whole picture, and how far it is."""
        if self._steps and self._aside.is_busy and not self._timer.isActive():
            now = self._steps[-1]
            self._say(f'{now.stage}: {100 * now.step / now.total:.0f} %' if now.total else f'{now.stage}…')

    def _on_look(self, number: int, found: Any) -> None:
        self._teller.stop()
        if number != self._wanted:  # the timer runs again
            return
        if not isinstance(found, Look):
            self._say(str(found), 'error')
            return
        self._look = found
        phases, preparation = self._names(len(found.fractions)), self.form.preparation()
        self.grey.show_grey(found.grey)
        self.phases.show_labels(found.labels, phases)
        self.legend.show_phases(phases, found.fractions)
        self.histogram.show_histogram(found.counts, found.edges)
        self.histogram.show_phases(phases, preparation.order)
        self.histogram.show_thresholds(found.thresholds or found.automatic, found.automatic)
        if preparation.thresholds is None:
            self.form.show_levels(found.automatic)
        self._say(micro(f'{found.note[:1].upper()}{found.note[1:]}.'))
        self.apply_button.setEnabled(True)

    def _find_data_bar(self) -> None:
        try:
            first, height = data_bar(self._image)
        except InputError as error:
            self._say(str(error), 'warning')
            return
        self.form.cut_off('bottom', height)
        if not self._timer.isActive():  # nothing has changed
            self._say(f'The data bar begins at row {first}; its {height} rows are cut off already.')

    def _say(self, text: str, level: str = 'info') -> None:
        self.note.setText(text)
        self.note.setProperty('level', level)
        refresh_style(self.note)

    # -- wishes ---------------------------------------------------------------------------------

    def _on_reset(self) -> None:
        self.form.show_preparation(Preparation(), self._count)
        self._on_changed()

    def _on_apply(self) -> None:
        drafts, preparation = self._session.material.drafts, self.form.preparation()
        everywhere = self.all_box.isChecked()
        wishes = {
            i: preparation
            for i, draft in enumerate(drafts)
            if draft.is_adjustable and (everywhere or self._is_mine(draft.image))
        }
        self.apply_requested.emit(wishes, self._count)
        self.close()

    def _is_mine(self, image: RawImage | None) -> bool:
        # A new pixel size makes a new RawImage around the same pixels.
        return image is not None and image.array is self._image.array

    def _on_slices(self) -> None:
        """Close where the slice is gone; offer to adjust the others with it where there are any."""
        drafts = self._session.material.drafts
        if not any(self._is_mine(draft.image) for draft in drafts):
            self.close()
            return
        self.all_box.setVisible(sum(draft.is_adjustable for draft in drafts) > 1)

    def done(self, result: int) -> None:
        """End, also by the Escape key, which sends no close event."""
        self._forget()
        super().done(result)

    def closeEvent(self, event: QCloseEvent) -> None:
        """End, also where the window is hidden."""
        self._forget()
        super().closeEvent(event)

    def _forget(self) -> None:
        """Let go of the session and of what is still being computed."""
        self._timer.stop()
        self._teller.stop()
        self._aside.drop()
        self.release()


def _told(job: EngineJob[Look], heard: list[Progress]) -> EngineJob[Look | EngineError]:
    """Keep the last sign of life in `heard`; make bad input an answer: for the thread's log it would be a failure."""
    try:
        while True:
            try:
                progress = next(job)
            except StopIteration as end:
                return end.value
            heard[:] = [progress]
            yield progress
    except EngineError as error:
        return error
    finally:
        job.close()
