"""What of the phase hangs together, and what of it spans the volume."""

from __future__ import annotations

import numpy as np

from ...statistics.configurations import euler_number
from ...statistics.correlation import Steps
from ...voxels import AXES
from ..measurement import Measurement

_PERCOLATION = 'share of the phase in 6-connected clusters that touch both faces'


def clusters(m: Measurement) -> Steps[None]:
    """Clusters, Euler number, isolated and percolating fractions."""
    found = m.clusters
    yield 0.5
    volume = m.mask.size * float(np.prod(m.spacing))
    isolated_method = 'share of the phase in 6-connected clusters that touch no face of the volume'
    if m.count == 0:
        m.refuse(['clusters'], '6-connected clusters', m.absent)
        m.refuse(['cluster_density', 'euler_density'], '6-connected clusters', m.absent)
        m.refuse(['isolated_fraction'], isolated_method, m.absent)
    else:
        m.put('clusters', found.count, '6-connected clusters')
        m.put('cluster_density', found.count / volume, '6-connected clusters per volume')
        method = 'Euler number per volume, 6-connected: clusters - tunnels + cavities'
        m.put('euler_density', euler_number(m.mask) / volume, method)
        m.put('isolated_fraction', float(found.sizes[found.inner()].sum() / m.count), isolated_method)
    yield 0.8
    for axis, name in enumerate(AXES):
        key = f'percolating_fraction_{name}'
        if m.count == 0:
            m.refuse([key], _PERCOLATION, m.absent)
        elif m.mask.shape[axis] < 2:
            m.refuse([key], _PERCOLATION, f'volume is one voxel thick along {name}')
        else:
            share = found.percolating_fraction(axis)
            m.put(key, share, _PERCOLATION, '' if share > 0 else f'no path along {name}')
