"""How a number and its band are written: one `Medium` each for the terminal, the page and the window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .bands import Band

_MOST_DIGITS = 9


@dataclass(frozen=True)
class Medium:
    """Where numbers are written, and how.

    Attributes
    ----------
    number : callable
        Text of a number with that many significant digits.
    digits : int
        How many there are as a rule.
    to : str
        Between the ends of a band.
    at_least, at_most : str
        Before the one end of a band that has nothing possible beyond the other.
    """

    number: Callable[[float, int], str]
    digits: int
    to: str = ' to '
    at_least: str = '≥ '
    at_most: str = '≤ '

    def digits_for(self, value: float | None, band: Band | None) -> int:
        """Significant digits that value and band need, so that a value outside is not read as one inside.

        Rounding keeps the order, so that a value inside never is read as outside.
        """
        digits = self.digits
        if value is None or band is None or band.low is None or band.high is None or band.contains(value):
            return digits
        while digits < _MOST_DIGITS and _rounded(band.low, digits) <= _rounded(value, digits) <= _rounded(
            band.high, digits
        ):
            digits += 1
        return digits

    def ends(self, band: Band, digits: int | None = None) -> str:
        """Where 95 % of further values would lie: both ends, or the one that is no end of what is possible."""
        if band.low is None or band.high is None:
            return ''
        count = self.digits if digits is None else digits
        low, high = self.number(band.low, count), self.number(band.high, count)
        if low == high:
            return high
        if band.is_open_above and not band.is_open_below:
            return f'{self.at_least}{low}'
        if band.is_open_below and not band.is_open_above:
            return f'{self.at_most}{high}'
        return f'{low}{self.to if band.low >= 0 else " to "}{high}'


def _rounded(value: float, digits: int) -> float:
    return float(f'{value:.{digits}g}')


def _plain(value: float, digits: int) -> str:
    return f'{value:.{digits}g}'


PLAIN = Medium(_plain, 4, at_least='>= ', at_most='<= ')
