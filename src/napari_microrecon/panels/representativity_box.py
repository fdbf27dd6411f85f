"""What the slices tell of the phase fractions: interval, verdict, and the image that a wished precision needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QVBoxLayout, QWidget

from .numbers import number, unit_text, with_um
from .parts import Listener, heading, hint

if TYPE_CHECKING:
    from ..engine.representativity import Representativity
    from ..session import Session
    from ..viewer.appearance import Palette

_WORTH_TELLING = 0.001  # of the fraction: a smaller part of the threshold is not worth a sentence
_NARROW = 0.1  # half of an interval, of its fraction: up to here it is shown as good


class RepresentativityBox(QWidget, Listener):
    """One line per phase and the reasons; the numbers come a moment after the slices."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._palette: Palette | None = None
        self.lines = hint()
        self.reasons = hint()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(heading('How well do the slices tell the fractions?'))
        column.addWidget(self.lines)
        column.addWidget(self.reasons)
        self.listen(session.events.representativity, self._draw)
        self.listen(session.events.slices, self._draw)
        self._draw()

    def apply_palette(self, palette: Palette) -> None:
        """Take the theme's colours."""
        self._palette = palette
        self._draw()

    def _draw(self) -> None:
        slices, found = self._session.material.slices, self._session.findings.representativity
        self.setVisible(slices is not None)
        if slices is None:
            return
        if found is None:
            fractions = zip(slices.phases.names, slices.fractions, strict=True)
            self.lines.setText('<br>'.join(f'<b>{name}</b> {fraction:.3f}' for name, fraction in fractions))
            self.reasons.setText('Finding out how well the slices tell these fractions…')
            return
        self.lines.setText('<br>'.join(self._line(name, one) for name, one in found))
        # What goes over one of two phases goes over the other as well: their errors are the same.
        told = found if len(found) != 2 else [found[slices.phases.main]]
        pixel = slices.voxel_size.x
        said = dict.fromkeys(text for name, one in told for text in _reasons(name, one, pixel))
        self.reasons.setText(with_um(' '.join(f'{text[:1].upper()}{text[1:]}.' for text in said)))

    def _line(self, name: str, found: Representativity) -> str:
        between, words, role = '', found.verdict, 'warning' if found.verdict == 'too small' else 'muted'
        if found.interval is not None and found.fraction.value:
            # That an interval can be had does not say that the fraction is known well.
            between = f' ({found.interval.low:.3f} to {found.interval.high:.3f}, {found.interval.confidence:.0%})'
            part = found.interval.half_width / found.fraction.value
            words, role = f'known to ±\u00a0{number(100 * part, 2)}\u00a0%', 'good' if part <= _NARROW else 'text'
        color = '' if self._palette is None else f' style="color:{getattr(self._palette, role)}"'
        return f'<b>{name}</b> {found.fraction.value:.3f}{between} · <span{color}>{words}</span>'


def _reasons(name: str, found: Representativity, pixel: float) -> list[str]:
    """What is to be known of one phase, in sentences without a full stop."""
    told: list[str] = []
    if found.verdict != 'large enough':
        sentence = found.sentence.removeprefix(f'{found.verdict}: ')
        told.append(sentence if found.sampling is None else f'{name}: {sentence}')  # numbers are those of one phase
    elif found.threshold is not None and found.threshold.value is not None:
        part = 2 * found.threshold.value
        if part >= _WORTH_TELLING * (found.fraction.value or 0.0):
            told.append(f'the grey threshold adds ± {number(part, 2)} (2 sd), which is in the interval')
    if found.needed is not None and found.needed.edge.value is not None:
        edge, images = found.needed.edge, found.needed.images
        unit = unit_text(edge.unit)
        size = f'{number(edge.value)} ± {number(edge.sd, 1)} {"pixels" if unit == "voxel" else unit}'
        pixels = '' if edge.unit == 'voxel' else f' ({(edge.value or 0) / pixel:.0f} pixels)'
        told.append(
            f'for ± {found.needed.precision:g} one image of about {size}{pixels} an edge, '
            f'or {images.value or 0:.0f} image{"" if round(images.value or 0) == 1 else "s"} of this size'
        )
    return [*told, *found.notes]
