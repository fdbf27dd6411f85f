"""A statistic: how much the chords of a phase differ in length, along each axis."""

from __future__ import annotations

from napari_microrecon.engine.statistics import Measured, Quantity, Subject
from napari_microrecon.engine.statistics.chords import run_lengths

FEWEST = 100  # chords


def chord_variation(subject: Subject) -> list[Measured]:
    """Coefficient of variation of the chord lengths along z, y and x."""
    found = []
    for axis in range(3):
        chords = run_lengths(subject.mask, axis, whole=True)
        if len(chords) < FEWEST:
            found.append(Measured(None, note=f'only {len(chords)} whole chords'))
        else:
            found.append(Measured(float(chords.std() / chords.mean())))
    return found


QUANTITY = Quantity(
    key='chord_variation',
    title='Variation of the chord lengths',
    meaning='Standard deviation of the chord lengths over their mean; near 1 where boundaries come at random.',
    unit='1',
    variants='axes',
    short='Chord variation',
    method='standard deviation over mean of the chords that no face of the volume cuts',
    function=chord_variation,
)
