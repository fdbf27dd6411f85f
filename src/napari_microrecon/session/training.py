"""What a fine-tuning run has told so far, in the form that curves are drawn from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from ..engine.progress import Progress


@dataclass(frozen=True)
class Start:
    """What a training begins with: in words, and the technical reason. Told as the preview of a sign of life."""

    words: str
    reason: str


@dataclass(frozen=True, eq=False)
class Training:
    """Metrics of a fine-tuning run by step; grows by replacement, never in place.

    Attributes
    ----------
    steps : tuple of int
        Optimisation steps at which something was told.
    curves : dict of str to tuple of (int, float)
        For each metric the points (step, value), in the order told.
    seconds_left : float or None
        Estimated wall-clock time to the end.
    note : str
        How the training fares, in a sentence.
    start : Start or None
        What it began with, as far as it is known.
    """

    steps: tuple[int, ...] = ()
    curves: dict[str, tuple[tuple[int, float], ...]] = field(default_factory=dict)
    seconds_left: float | None = None
    note: str = ''
    start: Start | None = None

    @property
    def is_kept(self) -> bool:
        """Whether the run folder holds a state to go on from; the first is written before any metrics are told."""
        return bool(self.steps)

    def extended(self, progress: Progress) -> Training:
        """Return the history with one more sign of life."""
        metrics = dict(progress.metrics)
        left = metrics.pop('seconds_left', None)
        note = progress.note or self.note
        start = progress.preview if isinstance(progress.preview, Start) else self.start
        if not metrics:
            return replace(self, seconds_left=left if left is not None else self.seconds_left, note=note, start=start)
        curves = dict(self.curves)
        for name, value in metrics.items():
            if value == value:  # a NaN would break the curve's range
                curves[name] = (*curves.get(name, ()), (progress.step, float(value)))
        steps = self.steps if self.steps and self.steps[-1] == progress.step else (*self.steps, progress.step)
        return Training(steps, curves, left, note, start)

    @classmethod
    def of_history(cls, history: Iterable[Mapping[str, float]]) -> Training:
        """What the evaluations of an earlier training told; its losses between them are not kept."""
        training = cls()
        for row in history:
            values = {name: value for name, value in row.items() if name != 'step'}
            training = training.extended(Progress('training', int(row['step']), metrics=values))
        return training

    def latest(self, name: str) -> float | None:
        """Return the last value told of a metric, None if there is none."""
        curve = self.curves.get(name)
        return curve[-1][1] if curve else None
