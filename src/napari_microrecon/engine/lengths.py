"""Units of length as image files spell them, and edges in them as one voxel size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from .voxels import UNITS, VoxelSize, parse_unit

_PREFIXES = {
    'yotta': ('Y', 24), 'zetta': ('Z', 21), 'exa': ('E', 18), 'peta': ('P', 15), 'tera': ('T', 12), 'giga': ('G', 9),
    'mega': ('M', 6), 'kilo': ('k', 3), 'hecto': ('h', 2), 'deca': ('da', 1), '': ('', 0), 'deci': ('d', -1),
    'centi': ('c', -2), 'milli': ('m', -3), 'micro': ('u', -6), 'nano': ('n', -9), 'pico': ('p', -12),
    'femto': ('f', -15), 'atto': ('a', -18), 'zepto': ('z', -21), 'yocto': ('y', -24),
}  # fmt: skip
_INCH = Fraction(254, 10_000)
# Metres of a unit, by lower-case spelling; what only OME has a name for stands below.
_METRES = {
    **{f'{word}met{end}': Fraction(10) ** power for word, (_, power) in _PREFIXES.items() for end in ('er', 're')},
    **{f'{_PREFIXES[word][0]}m': Fraction(10) ** _PREFIXES[word][1]
       for word in ('kilo', '', 'deci', 'centi', 'milli', 'micro', 'nano', 'pico', 'femto')},
    'micron': Fraction(1, 10**6), 'angstrom': Fraction(1, 10**10), 'ångström': Fraction(1, 10**10),
    'ångstrom': Fraction(1, 10**10), 'å': Fraction(1, 10**10), 'a': Fraction(1, 10**10),
    'inch': _INCH, 'inches': _INCH, 'in': _INCH, '"': _INCH, 'thou': _INCH / 1000, 'mil': _INCH / 1000,
    'foot': 12 * _INCH, 'feet': 12 * _INCH, 'ft': 12 * _INCH, 'yard': 36 * _INCH, 'yd': 36 * _INCH,
}  # fmt: skip
_LIGHT_YEAR = Fraction(9_460_730_472_580_800)
_OME_WORDS = {
    'line': _INCH / 12, 'li': _INCH / 12, 'mile': 63_360 * _INCH, 'mi': 63_360 * _INCH, 'point': _INCH / 72,
    'pt': _INCH / 72, 'ua': Fraction(149_597_870_700), 'astronomicalunit': Fraction(149_597_870_700),
    'ly': _LIGHT_YEAR, 'lightyear': _LIGHT_YEAR, 'pc': Fraction(30_856_775_814_913_673),
    'parsec': Fraction(30_856_775_814_913_673),
}  # fmt: skip
_OME_SYMBOLS = {f'{symbol}m': Fraction(10) ** power for symbol, power in _PREFIXES.values()}  # 'Mm' is no 'mm'


def metres(unit: str, *, ome: bool = False) -> Fraction | None:
    """Length of a unit in metres, None where it is no length (a pixel, a second, a word that is not known).

    Parameters
    ----------
    unit : str
        As a file or a layer spells it: 'µm', 'micron', 'inch', 'Å', 'centimeter'.
    ome : bool
        Whether it is from OME metadata, which tells 'Mm' (megametre) from 'mm' and knows light-years.
    """
    text = unit.strip().replace('µ', 'u').replace('μ', 'u')
    if ome and text in _OME_SYMBOLS:
        return _OME_SYMBOLS[text]
    low = text.lower()
    for spelling in (low, low.removesuffix('s')):
        if spelling in _METRES:
            return _METRES[spelling]
        if ome and spelling in _OME_WORDS:
            return _OME_WORDS[spelling]
    return None


def voxel_size(edges: Sequence[float], units: Sequence[str], *, ome: bool = False, readable: bool = False) -> VoxelSize:
    """Edges along z, y and x, each in a unit of its own, as one voxel size in one unit.

    Parameters
    ----------
    edges : sequence of float
        Along z, y and x.
    units : sequence of str
        Of each; an empty one is that of x.
    ome : bool
        See `metres`.
    readable : bool
        Take the largest of mm, um and nm in which the edge along x is 0.1 or more, whatever the unit was.

    Returns
    -------
    VoxelSize
        In the unit of x where that is one of `UNITS`, else in the nearest of them; unknown where a unit is no length
        or an edge no positive number.
    """
    lengths = [metres(unit or units[-1], ome=ome) for unit in units]
    if any(length is None for length in lengths) or any(not (math.isfinite(e) and e > 0) for e in edges):
        return VoxelSize()
    per_unit: dict[str, Fraction] = {
        unit: Fraction(10) ** power for unit, power in zip(UNITS, (0, -3, -6, -9, -12), strict=False)
    }
    own = lengths[-1] or Fraction(1)
    target = min(per_unit, key=lambda unit: abs(math.log(own / per_unit[unit])))
    # By their digits: 4.88281e-9 m are 4.88281 nm to the last bit.
    exact = [Fraction(repr(float(edge))) * (length or 0) for edge, length in zip(edges, lengths, strict=True)]
    if readable:
        target = next((unit for unit in ('mm', 'um') if exact[-1] >= per_unit[unit] / 10), 'nm')
    z, y, x = (float(length / per_unit[target]) for length in exact)
    try:
        return VoxelSize(z=z, y=y, x=x, unit=parse_unit(target))
    except ValueError:  # too small or too large for a number
        return VoxelSize()
