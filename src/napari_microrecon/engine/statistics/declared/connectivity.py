"""What of the phase hangs together, and what of it spans the volume."""

from __future__ import annotations

import math

from ..quantity import Quantity

QUANTITIES = (
    Quantity(
        key='isolated_fraction',
        title='Isolated fraction',
        meaning='Share of the phase in clusters that touch no face of the volume.',
        high=1.0,
        place=40,
        short='Isolated',
        map='isolated clusters',
        function='statistics.percolation.Clusters.inner',
    ),
    Quantity(
        key='percolating_fraction',
        title='Percolating fraction',
        meaning='Share of the phase that lies in clusters reaching from one face of the volume to the opposite one '
        '(connected through voxel faces).',
        high=1.0,
        variants='axes',
        place=50,
        short='Percolating',
        map='largest cluster that spans the volume',
        function='statistics.percolation.Clusters.percolating_fraction',
    ),
    Quantity(
        key='clusters',
        title='Clusters',
        place=None,
        meaning='Parts of the phase that are connected through voxel faces.',
        map='isolated clusters',
        function='statistics.percolation.Clusters.of',
    ),
    Quantity(
        key='cluster_density',
        title='Clusters per volume',
        place=None,
        unit='1/L^3',
        map='isolated clusters',
        function='statistics.percolation.Clusters.of',
    ),
    Quantity(
        key='euler_density',
        title='Euler number per volume',
        place=None,
        meaning='Clusters minus tunnels plus cavities; the more negative, the better connected.',
        unit='1/L^3',
        low=-math.inf,
        function='statistics.configurations.euler_number',
    ),
)
