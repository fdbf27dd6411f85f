"""Sizes: local thickness, the sphere that passes, particles."""

from __future__ import annotations

from ..quantity import CurveAxes, Quantity

QUANTITIES = (
    Quantity(
        key='thickness',
        title='Local thickness',
        meaning='Diameter of the largest sphere that fits into the phase and covers a point, averaged over the phase: '
        'the pore or grain size that needs no idea of what one pore is.',
        unit='L',
        place=60,
        short='Thickness',
        map='local thickness',
        curve='thickness_distribution',
        cost='slow',
        function='statistics.thickness.local_thickness',
    ),
    Quantity(
        key='critical_diameter',
        title='Largest sphere that passes',
        place=None,
        meaning='Diameter of the largest sphere that can be moved through the phase from face to face: the throats '
        'that decide flow.',
        unit='L',
        variants='axes',
        cost='slow',
        function='statistics.thickness.critical_diameters',
    ),
    Quantity(
        key='particle_size',
        title='Particle size',
        meaning='Mean diameter by volume of the particles that a watershed tells apart; no value where the phase is a '
        'network.',
        unit='L',
        place=70,
        map='particles',
        curve='particle_distribution',
        cost='slow',
        function='statistics.particles.find_particles',
    ),
    Quantity(
        key='thickness_distribution',
        title='Phase at least this thick',
        place=None,
        meaning='Share of the phase that spheres of at least this diameter cover: the pore or grain size distribution.',
        high=1.0,
        map='local thickness',
        axes=CurveAxes('diameter', 'share of the phase'),
        cost='slow',
        function='statistics.thickness.size_distribution',
    ),
    Quantity(
        key='particle_distribution',
        title='Particles at least this large',
        place=None,
        high=1.0,
        map='particles',
        axes=CurveAxes('diameter', 'share of the volume'),
        cost='slow',
        function='statistics.thickness.size_distribution',
    ),
)
