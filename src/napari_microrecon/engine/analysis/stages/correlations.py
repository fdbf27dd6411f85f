"""Two-point probability, lineal path, chords and the lengths and the anisotropy read off them."""

from __future__ import annotations

import numpy as np

from ...statistics.chords import lineal_path, run_lengths
from ...statistics.correlation import (
    Steps,
    autocovariance,
    count_lags,
    crossing,
    half_edges,
    radial_mean,
    surface_from_slope,
)
from ...statistics.thickness import size_distribution
from ...voxels import AXES
from ..measurement import Measurement

FEWEST_CHORDS = 100
_E_FOLDING = 'lag at which the normalised autocovariance falls to 1/e, interpolated'
_SLOPE = 'minus 4 x slope of S2 at lag zero (Debye 1957), all directions, extrapolated from three voxels; a cross-check'


def correlation(m: Measurement) -> Steps[None]:
    """S2, autocovariance, lineal path and chords per axis, S2 radial, correlation lengths, surface from the slope."""
    lags = half_edges(m.mask.shape, m.max_lag)
    if m.absent:
        m.refuse([f'correlation_length_{name}' for name in AXES], _E_FOLDING, m.absent)
        m.refuse(['specific_surface_s2'], _SLOPE, m.absent)
        return
    counts = yield from count_lags(m.mask, lags)
    for axis, name in enumerate(AXES):
        key = f'correlation_length_{name}'
        if lags[axis] < 1:
            m.refuse([key], _E_FOLDING, f'volume is too thin for a lag along {name}')
            continue
        s2 = counts.along(axis)
        lag = np.arange(len(s2)) * m.spacing[axis]
        decay = autocovariance(s2, m.phi)
        length = crossing(lag, decay)
        thin = f'volume is too thin: still correlated over {lag[-1]:g} {m.unit} along {name}'
        m.put(key, length, _E_FOLDING, '' if length is not None else thin)
        m.curve(f's2_{name}', lag, s2)
        m.curve(f'autocovariance_{name}', lag, decay)
        m.curve(f'lineal_path_{name}', lag, lineal_path(m.mask, axis, lags[axis]))
        chords = run_lengths(m.mask, axis, whole=True)
        if len(chords) >= FEWEST_CHORDS:
            m.curve(f'chord_distribution_{name}', lag, size_distribution(chords, np.arange(len(lag))))
        yield 0.9
    slope = None
    if min(lags) >= 1:
        lag, s2 = radial_mean(counts, m.spacing)
        m.curve('s2_radial', lag, s2)
        m.curve('autocovariance_radial', lag, autocovariance(s2, m.phi))
        slope = surface_from_slope(m.mask, counts, m.spacing)
    m.put('specific_surface_s2', slope, _SLOPE, '' if slope else 'volume is too thin for a slope')
