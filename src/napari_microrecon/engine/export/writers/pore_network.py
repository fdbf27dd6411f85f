"""The pore network of a phase."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...progress import Job
from ...volume import Volume
from ..formats import Format, Order


class _Network(Format):
    key = 'network'
    title = 'Pore network of a phase'
    endings = ('.csv', '.vtp')
    opens = 'OpenPNM (.csv), ParaView (.vtp)'
    phase = True
    place = 60

    def check(self, volume: Volume, label: int) -> None:
        from ..network import check_network

        check_network(volume, label)

    def write_file(self, part: Path, order: Order) -> Job[tuple[str, dict[str, Any]]]:
        from ..network import write_network

        found = yield from write_network(part, order.volume, order.label, order.path.suffix.lower())
        metres = 'lengths in metres' if order.volume.voxel_size.is_known else 'lengths in voxels'
        sentence = f'network of {order.name}: {found["pores"]} pores, {found["throats"]} throats ({metres}; '
        return sentence + f'snow2 of PoreSpy {found["porespy"]})', {**found, 'phase': order.label}


FORMATS = (_Network(),)
