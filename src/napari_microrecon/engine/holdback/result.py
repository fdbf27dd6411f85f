"""What the comparison with the part held back says."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, computed_field

from ..results.bands import Band
from ..results.comparison import Verdict
from ..results.report import SCHEMA, dump_json


class HeldStatistic(BaseModel):
    """One statistic of the part held back beside sections of the volume.

    Attributes
    ----------
    key : str
        'phase_fraction', 'perimeter_density', 's2_error', 'chord_length', 'correlation_length'.
    name : str
        In words.
    phase : int
        Label of the phase.
    phase_name : str
        Its name.
    plane : str
        Normal of the sections, and the direction in them; '' where all are alike.
    unit : str
        Of the values.
    held : float or None
        Mean over the windows of the part held back.
    sections : Band
        Mean over the windows of the volume's sections, and where the mean over as many further windows as were
        held back would lie with 95 % probability.
    verdict : Verdict
        Whether the part held back lies in it.
    """

    model_config = ConfigDict(frozen=True, extra='forbid')

    key: str
    name: str
    phase: int
    phase_name: str
    plane: str = ''
    unit: str = '1'
    held: float | None = Field(allow_inf_nan=False)
    sections: Band
    verdict: Verdict

    @computed_field
    @property
    def half(self) -> float | None:
        """Half-width of the band, as files have it."""
        band = self.sections
        if band.mean is None or band.low is None or band.high is None:
            return None
        return band.mean - band.low if band.is_open_above else band.high - band.mean


class HeldBack(BaseModel):
    """A reconstruction from part of the slices beside the rest of them.

    Attributes
    ----------
    share : float
        Of every slice that was held back.
    rest, held : tuple of str
        Names of the parts.
    window : tuple of int
        Rows and columns of the windows that are compared, in pixels.
    held_windows, section_windows : int
        How many there are (of the plane that has the fewest).
    weights : str
        What the volume was made with, and why.
    volume_shape : tuple of int
        (Z, Y, X) of every volume.
    volumes : int
        How many were made.
    statistics : tuple of HeldStatistic
        In the order to show.
    notes : tuple of str
        What else to know.
    """

    model_config = ConfigDict(frozen=True, extra='forbid')

    share: float
    rest: tuple[str, ...]
    held: tuple[str, ...]
    window: tuple[int, int]
    held_windows: int
    section_windows: int
    weights: str
    volume_shape: tuple[int, int, int]
    volumes: int
    statistics: tuple[HeldStatistic, ...]
    notes: tuple[str, ...] = ()

    def with_verdict(self, word: str) -> list[HeldStatistic]:
        """Statistics with this verdict."""
        return [one for one in self.statistics if one.verdict.verdict == word]

    @property
    def sentence(self) -> str:
        """How many statistics lie inside, which lie outside."""
        inside, outside, open_ = (self.with_verdict(word) for word in ('inside', 'outside', 'cannot tell'))
        text = (
            f'{len(inside)} of {len(inside) + len(outside)} statistics of the part held back lie inside the spread of '
            'sections of the volume'
        )
        if outside:
            named = ', '.join(f'{one.name} of {one.phase_name}{_plane(one)}' for one in outside)
            text += f'; outside: {named}'
        return f'{text}; {len(open_)} more cannot be judged at this size' if open_ else text

    @property
    def basis(self) -> str:
        """What was compared with what."""
        rows, columns = self.window
        windows = 'window' if self.held_windows == 1 else 'windows'
        many = 'one volume' if self.volumes == 1 else f'{self.volumes} volumes'
        return (
            f'{self.held_windows} {windows} of {rows} x {columns} pixels held back beside {self.section_windows} '
            f'of that size in sections of {many} made from the rest'
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain data, ready for JSON."""
        return {'schema': SCHEMA, 'sentence': self.sentence, 'basis': self.basis, **self.model_dump(mode='json')}

    def to_json(self) -> str:
        """JSON; never NaN or Infinity."""
        return dump_json(self.to_dict())


def _plane(one: HeldStatistic) -> str:
    return f' ({one.plane})' if one.plane else ''
