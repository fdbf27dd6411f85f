"""How much there is of the phase, and how much boundary it has."""

from __future__ import annotations

from ..quantity import CurveAxes, Quantity

QUANTITIES = (
    Quantity(
        key='phase_fraction',
        title='Phase fraction',
        meaning='Share of the volume in the phase; the porosity where the phase is the pore.',
        high=1.0,
        place=10,
        curve='profile_z',
        function='analysis.stages.shape.fraction',
    ),
    Quantity(
        key='specific_surface',
        title='Specific surface',
        meaning='Area of the phase boundary per volume. Marching cubes follow the stair-steps of voxels and read 8 to '
        '9 % high on curved surfaces. Faces of the volume itself are not counted.',
        unit='1/L',
        place=30,
        short='Surface',
        function='statistics.configurations.specific_surface',
    ),
    Quantity(
        key='specific_surface_crofton',
        title='Specific surface (Crofton)',
        place=None,
        meaning='The same area from the number of crossings along 13 directions, free of stair-steps where no '
        'orientation is preferred.',
        unit='1/L',
        function='statistics.configurations.crofton_surface',
    ),
    Quantity(
        key='specific_surface_s2',
        title='Specific surface (slope of S₂)',
        place=None,
        meaning='The same area from the slope of the two-point probability at lag zero; a cross-check.',
        unit='1/L',
        function='statistics.correlation.surface_from_slope',
    ),
    Quantity(
        key='face_density',
        title='Face density',
        place=None,
        meaning='Voxel faces between the phases per voxel, about 1.4 times the marching-cubes area. Never compare it '
        'with an area.',
        unit='1/voxel',
        function='statistics.configurations.face_densities',
    ),
    Quantity(
        key='perimeter_density',
        title='Boundary length per area',
        place=None,
        meaning='Length of the phase boundary per area of a section; parts of slices held back are judged by it.',
        unit='1/L',
        function='holdback.windows.perimeter_density',
    ),
    Quantity(
        key='interface',
        title='Interfacial area',
        place=None,
        meaning='Area between two phases per volume; those of all pairs with a phase add up to its specific surface.',
        unit='1/L',
        variants='phases',
        function='statistics.interfaces.interface_areas',
    ),
    Quantity(
        key='triple_line',
        title='Triple-phase boundary length',
        place=None,
        meaning='Length per volume of the lines where three phases meet, for lines without a preferred direction.',
        unit='1/L^2',
        variants='phases',
        function='statistics.interfaces.triple_lines',
    ),
    Quantity(
        key='profile',
        title='Phase fraction by layer',
        place=None,
        high=1.0,
        variants='axes',
        axes=CurveAxes('position', 'phase fraction'),
        function='statistics.profiles.fraction_profile',
    ),
)
