"""How much there is of the phase, and how much boundary it has."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from ...statistics.chords import mean_chord
from ...statistics.configurations import configuration_histogram, crofton_surface, face_densities, specific_surface
from ...statistics.correlation import Steps
from ...statistics.interfaces import interface_areas, triple_lines
from ...statistics.profiles import fraction_profile
from ...voxels import AXES
from ..measurement import Measurement

MOST_PHASES = 4  # above, only pairs and triples with the measured phase are told
_MARCHING = 'marching cubes on the open domain, without smoothing; stair-steps make a curved surface read 8 to 9 % high'
_CROFTON = 'Cauchy-Crofton, crossings along 13 directions on the open domain'
_FACES = 'boundary faces per voxel within the volume (larger than the true area: about 1.4 x for isotropic material)'


def fraction(m: Measurement) -> None:
    """Phase fraction, and its profile along each axis."""
    m.put('phase_fraction', m.phi, 'voxel count; error from the scatter between octants', sd=_octant_error(m))
    if m.absent:
        return
    for axis, name in enumerate(AXES):
        if m.mask.shape[axis] > 1:
            layers = (np.arange(m.mask.shape[axis]) + 0.5) * m.spacing[axis]
            m.curve(f'profile_{name}', layers, fraction_profile(m.mask, axis))


def _octant_error(m: Measurement) -> float | None:
    """Standard error of the phase fraction, taking octants as independent samples."""
    if min(m.mask.shape) < 8 or m.absent:
        return None
    z, y, x = (n // 2 for n in m.mask.shape)
    parts = [
        m.mask[a, b, c].mean()
        for a in (slice(None, z), slice(z, None))
        for b in (slice(None, y), slice(y, None))
        for c in (slice(None, x), slice(x, None))
    ]
    return float(np.std(parts, ddof=1) / np.sqrt(len(parts)))


def surface(m: Measurement) -> Steps[None]:
    """Specific surface, face density and mean chords."""
    if m.flat:
        for key, method in (('specific_surface', _MARCHING), ('specific_surface_crofton', _CROFTON)):
            m.refuse([key], method, f'{m.absent}: no surface' if m.absent else m.flat)
    else:
        histogram = yield from configuration_histogram(m.mask)
        m.put('specific_surface', specific_surface(histogram, m.spacing), _MARCHING)
        m.put('specific_surface_crofton', crofton_surface(histogram, m.spacing), _CROFTON)
    faces = face_densities(m.mask)
    if m.absent:
        m.refuse(['face_density'], _FACES, f'{m.absent}: no surface')
    else:
        m.put('face_density', float(sum(faces)), _FACES)
    for axis, name in enumerate(AXES):
        method = '2 x phase fraction over boundary crossings per length'
        chord = None if m.absent else mean_chord(m.phi, faces[axis])
        why = m.absent or ('' if chord else f'no boundary is crossed along {name}')
        m.put(f'chord_length_{name}', chord and chord * m.spacing[axis], method, why)
    yield 1.0


def interfaces(m: Measurement) -> Steps[None]:
    """Area per pair of phases and length of the lines where three meet; for three phases and more."""
    count = m.volume.phases.count
    area_method = 'Cauchy-Crofton, crossings between the two phases along 13 directions'
    line_method = (
        'points where three phases meet on the planes of the three axes, L = 2 P, for lines in all directions; voxels '
        'zigzag about a line and make it read about 5 % high'
    )
    told = range(count)
    pairs = [p for p in combinations(told, 2) if count <= MOST_PHASES or m.phase in p]
    triples = [t for t in combinations(told, 3) if count <= MOST_PHASES]
    if min(m.mask.shape) < 2:
        m.refuse([f'interface_{a}_{b}' for a, b in pairs], area_method, 'volume is one voxel thick')
        m.refuse([f'triple_line_{a}_{b}_{c}' for a, b, c in triples], line_method, 'volume is one voxel thick')
        return
    areas = yield from interface_areas(m.volume.labels, count, m.spacing)
    for a, b in pairs:
        m.put(f'interface_{a}_{b}', areas[a, b], area_method)
    if triples:
        lines = yield from triple_lines(m.volume.labels, count, m.spacing)
        for a, b, c in triples:
            m.put(f'triple_line_{a}_{b}_{c}', lines[a, b, c], line_method)
