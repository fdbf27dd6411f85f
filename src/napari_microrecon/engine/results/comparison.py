"""What a comparison of a generated volume with a real one says, and how each verdict is reached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ..statistics.catalogue import is_numerical, quantity_of, title
from ..statistics.quantity import Quantity
from .bands import Band, CurveBand, Ensemble
from .report import SCHEMA, Curve, Report, Statistic, dump_json

TOO_SMALL = 'volume too small to tell'
VerdictWord = Literal['inside', 'outside', 'cannot tell']

FEWEST_BLOCKS = 3
_TOO_BROAD = 0.5  # sd over mean at which even the band of many blocks of a positive quantity reaches zero


class Verdict(BaseModel):
    """Whether a generated statistic lies within the spread of real material.

    Attributes
    ----------
    verdict : {'inside', 'outside', 'cannot tell'}
        Within the band in which 95 % of further real blocks would lie, or not, or not decidable.
    sds : float or None
        Distance from the mean in standard deviations, signed.
    sentence : str
        In words: 'inside ...', 'outside by n sd ...', 'volume too small to tell ...', or why it cannot be told.
    """

    model_config = ConfigDict(frozen=True, extra='forbid')

    verdict: VerdictWord
    sds: float | None = Field(default=None, allow_inf_nan=False)
    sentence: str

    @property
    def words(self) -> str:
        """The verdict in a table's cell: 'inside', 'outside by 3.1 sd', 'volume too small to tell', 'cannot tell'."""
        if self.verdict == 'outside':
            return 'outside' if self.sds is None else f'outside by {abs(self.sds):.1f} sd'
        if self.verdict == 'cannot tell' and self.sentence.startswith(TOO_SMALL):
            return TOO_SMALL
        return self.verdict


@dataclass(frozen=True)
class BandWords:
    """What a band was taken over, and what is set beside it, for the sentence of a verdict.

    Attributes
    ----------
    one, many : str
        What has one value of the band, in singular and plural.
    subject : str
        What is judged, where the sentence is to name it.
    """

    one: str = 'real block'
    many: str = 'real blocks'
    subject: str = ''


REAL_BLOCKS = BandWords()


def judge(value: float | None, note: str, band: Band, quantity: Quantity, words: BandWords = REAL_BLOCKS) -> Verdict:
    """Verdict on one statistic.

    Parameters
    ----------
    value : float or None
        That is judged.
    note : str
        Why it is missing, where it is.
    band : Band
        Of what it is set beside, such as real blocks.
    quantity : Quantity
        Declaration of the statistic. The band of one that cannot be negative must not reach zero to say anything.
    words : BandWords
        What the band was taken over.
    """
    if value is None:
        if band.n == band.of >= FEWEST_BLOCKS:
            return Verdict(
                verdict='outside', sentence=f'outside: {note}, while all {band.of} {words.many} have a value'
            )
        return Verdict(verdict='cannot tell', sentence=note or 'no value')
    if band.mean is None or band.sd is None or band.n < FEWEST_BLOCKS:
        if band.n == 0 and band.of >= FEWEST_BLOCKS:
            return Verdict(verdict='cannot tell', sentence=f'none of {band.of} {words.many} has a value')
        few = f'{words.one} has' if band.n == 1 else f'{words.many} have'
        sentence = f'{TOO_SMALL}: only {band.n} {few} a value, {FEWEST_BLOCKS} are needed'
        return Verdict(verdict='cannot tell', sentence=sentence)
    sds = band.sds(value)
    if not band.contains(value):
        side = 'above' if sds > 0 else 'below'
        where = f': {words.subject} lies {side}' if words.subject else f', {side}'
        sentence = f'outside by {abs(sds):.1f} sd{where} {band.n} {words.many}'
        return Verdict(verdict='outside', sds=sds, sentence=sentence)
    if not (quantity.is_signed or quantity.is_error) and band.sd > _TOO_BROAD * abs(band.mean):
        share = f'{band.sd / abs(band.mean):.0%}' if band.mean else 'more than their mean'
        sentence = f'{TOO_SMALL}: {words.many} of this size scatter by {share}'
        return Verdict(verdict='cannot tell', sds=sds, sentence=sentence)
    return Verdict(verdict='inside', sds=sds, sentence=f'inside the spread of {band.n} {words.many} ({sds:+.1f} sd)')


def judge_all(
    compared: Mapping[str, Statistic], blocks: Sequence[Report]
) -> tuple[dict[str, Band], dict[str, Verdict]]:
    """Bands and verdicts of all statistics of a material against the reports of real blocks, by key.

    What tells of the computation and not of the material is left out, as is what no block was measured for.
    """
    bands: dict[str, Band] = {}
    verdicts: dict[str, Verdict] = {}
    for key, statistic in compared.items():
        measured = [report for report in blocks if key in report.statistics]
        if is_numerical(key) or (blocks and not measured):
            continue
        quantity = quantity_of(key)
        bands[key] = Band.over([report.value(key) for report in measured], quantity)
        verdicts[key] = judge(statistic.value, statistic.note, bands[key], quantity)
    return bands, verdicts


class Comparison(BaseModel):
    """A generated volume beside real material.

    Attributes
    ----------
    generated, real : Report
        Of the whole volumes.
    block_shape : tuple of int
        Shape (Z, Y, X) of the blocks behind the band.
    basis : str
        What was compared with what, in words.
    same_size : bool
        Whether the blocks have the generated volume's shape; otherwise both volumes were cut.
    compared : dict of str to Statistic
        The generated values that the verdicts are about: those of the whole volume, or the means of its blocks.
    band : dict of str to Band
        Over the real blocks, by key of the statistic; 's2_error' is a key of its own: the distance of a
        block's S2 from the mean of the other blocks.
    curve_bands : dict of str to CurveBand
        Spread of the curves.
    compared_curves : dict of str to Curve
        The generated curves that belong to `curve_bands`.
    verdicts : dict of str to Verdict
        By key.
    ensemble : Ensemble or None
        Mean and spread over all realisations, where more than one was given.
    notes : tuple of str
        What else to know (blocks left out, volumes cut, phases matched).
    complete : bool
        False for the partial comparisons of a running job.
    """

    model_config = ConfigDict(frozen=True, extra='forbid')

    generated: Report
    real: Report
    block_shape: tuple[int, int, int]
    basis: str
    same_size: bool = True
    compared: dict[str, Statistic] = Field(default_factory=dict)
    band: dict[str, Band] = Field(default_factory=dict)
    curve_bands: dict[str, CurveBand] = Field(default_factory=dict)
    compared_curves: dict[str, Curve] = Field(default_factory=dict)
    verdicts: dict[str, Verdict] = Field(default_factory=dict)
    ensemble: Ensemble | None = None
    notes: tuple[str, ...] = ()
    complete: bool = True

    def keys_with(self, word: VerdictWord) -> list[str]:
        """Keys of the statistics with this verdict."""
        return [key for key, verdict in self.verdicts.items() if verdict.verdict == word]

    @property
    def summary(self) -> str:
        """One sentence: how many statistics lie inside, which outside."""
        inside, outside, open_ = (len(self.keys_with(w)) for w in ('inside', 'outside', 'cannot tell'))
        text = f'{inside} of {inside + outside} judged statistics inside the spread of real material'
        if outside:
            text += f'; outside: {", ".join(title(k) for k in self.keys_with("outside"))}'
        return text + (f'; {open_} more cannot be judged at this size' if open_ else '')

    def to_dict(self) -> dict[str, Any]:
        """Plain data ready for JSON."""
        return {
            'schema': SCHEMA,
            'generated': self.generated.to_dict(),
            'real': self.real.to_dict(),
            'block_shape': list(self.block_shape),
            'basis': self.basis,
            'same_size': self.same_size,
            'compared': {k: s.model_dump() for k, s in self.compared.items()},
            'band': {k: b.model_dump() for k, b in self.band.items()},
            'curve_bands': {k: b.model_dump(mode='json') for k, b in self.curve_bands.items()},
            'verdicts': {k: v.model_dump() for k, v in self.verdicts.items()},
            'ensemble': None if self.ensemble is None else self.ensemble.to_dict(),
            'summary': self.summary,
            'notes': list(self.notes),
        }

    def to_json(self) -> str:
        """JSON with both reports, band and verdicts; never NaN or Infinity."""
        return dump_json(self.to_dict())
