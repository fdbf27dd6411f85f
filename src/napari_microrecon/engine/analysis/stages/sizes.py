"""Sizes: local thickness, the sphere that passes, particles."""

from __future__ import annotations

import numpy as np

from ...statistics.correlation import Steps
from ...statistics.particles import FEWEST, MOST_CUT, Particles, find_particles
from ...statistics.thickness import critical_diameters, distances, local_thickness, middle, size_distribution
from ...voxels import AXES
from ..measurement import Measurement

_THICKNESS = 'diameter of the largest sphere that fits and covers a point (local thickness), mean over the phase'
_CRITICAL = 'diameter of the largest sphere that can pass from face to face, from the distance transform'
_PARTICLES = 'watershed of the distance transform, particles that the faces cut left out and allowed for'


def thickness(m: Measurement) -> Steps[None]:
    """Local thickness with its distribution, and the largest sphere that passes along each axis."""
    keys = [f'critical_diameter_{name}' for name in AXES]
    if m.flat:
        m.refuse(['thickness'], _THICKNESS, m.flat)
        m.refuse(keys, _CRITICAL, m.flat)
        return
    distance = distances(m.mask, m.spacing)
    yield 0.1
    through = [axis for axis in range(3) if m.clusters.percolating_fraction(axis) > 0]
    passing = yield from critical_diameters(distance, through)
    for axis, name in enumerate(AXES):
        if axis not in passing:
            m.refuse([keys[axis]], _CRITICAL, f'no path along {name}')
            continue
        widest = passing[axis]
        m.put(keys[axis], widest, _CRITICAL)
        if widest is not None:
            m.critical[axis] = widest
    part = middle(m.mask)
    if part.shape == m.mask.shape:
        m.distance = None if m.volume.phases.pore == m.phase else distance
        found = yield from local_thickness(part, m.spacing, distance)
    else:
        del distance
        found = yield from local_thickness(part, m.spacing)
    values = found[part]
    if len(values) == 0:
        m.refuse(['thickness'], _THICKNESS, f'no {m.name} in the middle of the volume')
        return
    note = '' if part.shape == m.mask.shape else f'measured on the middle {" x ".join(map(str, part.shape))} voxels'
    m.put('thickness', float(values.mean(dtype=np.float64)), _THICKNESS, note)
    grid = m.sizes()
    m.curve('thickness_distribution', grid, size_distribution(values, grid))


def particles(m: Measurement) -> Steps[None]:
    """Size distribution of the particles of a phase that is not the pore."""
    if m.flat:
        m.refuse(['particle_size'], _PARTICLES, m.flat)
        return
    part = middle(m.mask)
    if not part.any():
        m.refuse(['particle_size'], _PARTICLES, f'no {m.name} in the middle of the volume')
        return
    found = yield from find_particles(part, m.spacing, m.distance)  # there only where the part is the whole
    m.distance = None
    note = '' if part.shape == m.mask.shape else f'measured on the middle {" x ".join(map(str, part.shape))} voxels'
    why = _why_not(found)
    if why:
        m.refuse(['particle_size'], _PARTICLES, why)
        return
    diameters, weights = found.diameters, found.weights * found.volumes
    mean = float(np.average(diameters, weights=weights))
    told = f'{len(diameters)} whole particles, {found.cut:.0%} of their faces are contacts'
    m.put('particle_size', mean, f'{_PARTICLES}; mean diameter by volume', f'{told}; {note}' if note else told)
    grid = m.sizes()
    m.curve('particle_distribution', grid, size_distribution(diameters, grid, weights))


def _why_not(found: Particles) -> str:
    """Why no particle sizes are given, or ''."""
    if found.cut > MOST_CUT:
        return f'not made of particles: {found.cut:.0%} of the faces would be cuts through it'
    if len(found.volumes) < FEWEST:
        return f'volume is too small: {len(found.volumes)} whole particles, {FEWEST} are needed'
    return ''
