"""Pore network of a phase by PoreSpy's snow2, in a process of its own: it can be cancelled at once.

The network is OpenPNM's: coordinates and diameters in metres where the voxel size is known. As CSV it is read back
by `openpnm.io.network_from_csv`, by pandas and by a spreadsheet; as .vtp by ParaView.
"""

from __future__ import annotations

import csv
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import EngineError, InputError
from ..progress import Job, Progress
from ..volume import Volume

_POLL = 0.05  # seconds between two looks at the child
_ENDING = 5.0  # seconds that a killed child may take to be gone
_BOUNDARY = 3  # voxels of snow2's boundary regions (its default), which shift its coordinates
_CHILD = 'napari_microrecon.engine.export.network'


def check_network(volume: Volume, label: int) -> None:
    """Refuse what snow2 cannot work on.

    Raises
    ------
    InputError
        If the voxels are no cubes or the phase is absent or everything.
    """
    if not volume.voxel_size.is_isotropic:
        raise InputError(
            volume.name,
            f'has voxels of {volume.voxel_size}, and snow2 partitions cubes only',
            'resample it to cubic voxels',
        )
    share, name = float(volume.fractions[label]), volume.phases.names[label]
    if share in (0.0, 1.0):
        raise InputError(
            volume.name, f'{"holds no" if share == 0 else "is all"} {name}', 'choose a phase that is one of several'
        )


def write_network(path: Path, volume: Volume, label: int, suffix: str) -> Job[dict[str, Any]]:
    """Extract the network of a phase and write it to `path`.

    Parameters
    ----------
    path : Path
        File to write, whatever its ending.
    volume : Volume
        Cubic voxels.
    label : int
        Phase whose bodies become the pores.
    suffix : {'.csv', '.vtp'}
        Format.

    Returns
    -------
    dict
        'pores', 'throats' (counts) and 'porespy' (version).

    Raises
    ------
    InputError
        See `check_network`.
    EngineError
        If snow2 finds nothing or the process dies.
    """
    check_network(volume, label)
    size = volume.voxel_size.to('m')
    package_root = Path(__file__).resolve().parents[3]
    paths = [str(package_root), *filter(None, [os.environ.get('PYTHONPATH')])]
    environment = os.environ | {'PYTHONPATH': os.pathsep.join(paths), 'OMP_NUM_THREADS': '1'}
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix='microrecon-') as name:
        folder = Path(name)
        # PoreSpy takes the first axis for x.
        np.save(folder / 'mask.npy', np.ascontiguousarray(volume.mask(label).transpose(2, 1, 0)))
        order = {'folder': name, 'voxel_size': size.x, 'suffix': suffix}
        with (folder / 'log').open('wb') as log:
            child = subprocess.Popen(
                [sys.executable, '-P', '-m', _CHILD, json.dumps(order)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment,
            )  # fmt: skip
        try:
            while child.poll() is None:
                yield Progress('Extracting the pore network', metrics={'seconds': time.monotonic() - began})
                time.sleep(_POLL)
        finally:
            child.kill()
            child.wait(timeout=_ENDING)
        answer = folder / 'answer.json'
        if not answer.is_file():
            raise EngineError(
                f'pore network: the process ended with code {child.returncode}, probably for lack of memory; '
                'export a crop'
            )
        found = json.loads(answer.read_text())
        if 'error' in found:
            raise EngineError(f'pore network: snow2 failed ({found["error"]}); try another phase or a larger volume')
        path.write_bytes((folder / f'network{suffix}').read_bytes())
    return found


def extract(mask: np.ndarray, voxel_size: float) -> dict[str, np.ndarray]:
    """Network of a mask (X, Y, Z) by snow2, with coordinates from the corner of the first voxel.

    In the calling process; `write_network` calls it in another one.
    """
    from ..diffusion._porespy import quiet_porespy

    with quiet_porespy() as porespy:
        # One piece: cut up, as it does by default, the same volume gives a fifth more pores along the cuts.
        found = porespy.networks.snow2(
            mask, voxel_size=voxel_size, boundary_width=_BOUNDARY, parallel_kw=None, parallel_extraction_kw=None
        )
    network: Mapping[str, np.ndarray] = found.network
    places = ('pore.coords', 'pore.global_peak', 'pore.geometric_centroid', 'throat.global_peak')
    shift = (0.5 - _BOUNDARY) * voxel_size
    # Places within a region of the padded image mean nothing outside PoreSpy; parameters are no columns.
    kept = {k: v for k, v in network.items() if k.startswith(('pore.', 'throat.')) and k != 'pore.local_peak'}
    return {k: v + shift if k in places else v for k, v in kept.items()}


def write_csv(path: Path, network: Mapping[str, np.ndarray]) -> None:
    """Write a network as OpenPNM's `network_from_csv` reads it; what its own `project_to_csv` writes it does not.

    One column per component, pores and throats from the first row on, blanks below the shorter ones.
    """
    columns: dict[str, np.ndarray] = {}
    for name, values in sorted(network.items()):
        if values.ndim == 1:
            columns[name] = values
        else:
            columns |= {f'{name}[{i}]': values[:, i] for i in range(values.shape[1])}
    with path.open('w', newline='', encoding='utf-8') as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(itertools.zip_longest(*(values.tolist() for values in columns.values()), fillvalue=''))


def _main(order: Mapping[str, Any]) -> None:
    """Do what the parent ordered; the answer is a file, because libraries print."""
    folder = Path(order['folder'])
    target = folder / f'network{order["suffix"]}'
    try:
        network = extract(np.load(folder / 'mask.npy'), order['voxel_size'])
        if order['suffix'] == '.csv':
            write_csv(target, network)
        else:
            import openpnm

            openpnm.io.project_to_vtk(openpnm.io.network_from_porespy(network).project, str(target.with_suffix('')))
        answer: dict[str, Any] = {
            'pores': len(network['pore.coords']),
            'throats': len(network['throat.conns']),
            'porespy': version('porespy'),
        }
    # Whatever a library raises is told to the parent, which has no other way to learn of it.
    except Exception as error:
        answer = {'error': ' '.join(f'{type(error).__name__}: {error}'.split())[:200]}
    (folder / 'answer.json').write_text(json.dumps(answer))


if __name__ == '__main__':
    _main(json.loads(sys.argv[1]))
