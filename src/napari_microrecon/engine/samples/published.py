"""Published micro-CT volumes: where they are, what they must hash to, and how their archives become volumes."""

from __future__ import annotations

import os
import zipfile
from io import BytesIO
from math import prod
from pathlib import Path

import numpy as np
from pydantic import Field

from ..errors import InputError
from ..files.tiff_checks import check_chain, check_description, check_pixels
from ..phases import Phases
from ..provenance import Provenance, Source
from ..slices import Slice, SliceSet
from ..volume import Volume
from ..voxels import AXES, VoxelSize
from .sample import Sample

URL_VARIABLE = 'NAPARI_MICRORECON_SAMPLES_URL'
CACHE_VARIABLE = 'NAPARI_MICRORECON_CACHE'
_COMMIT = '14775b026b59f04d8bd235cb55a68142c519639e'
_REPOSITORY = f'https://raw.githubusercontent.com/LukasMosser/PorousMediaGan/{_COMMIT}'
_PAPER = 'L. Mosser, O. Dubrule and M. J. Blunt, Physical Review E 96, 043309 (2017), arXiv:1704.03225'


class PublishedSample(Sample):
    """A scan that others published; its archive is fetched once and kept in the cache.

    Attributes
    ----------
    address : str
        Where the archive was published.
    archive : str
        File name of the archive, in the cache and below a base address of the user's own.
    sha256 : str
        Of the archive.
    stand_in : str
        Bundled sample to offer where there is no network.
    size : int
        Bytes of the archive as published, 0 where they are not known.
    """

    address: str
    archive: str
    sha256: str = Field(pattern=r'^[0-9a-f]{64}$')
    stand_in: str
    size: int = 0

    @property
    def largest(self) -> int:
        """Bytes that the archive may have at most: those published, else what the voxels take as they are."""
        return self.size or most_bytes(self.shape)

    @property
    def url(self) -> str:
        """Where the archive is fetched from: as published, or below the address in NAPARI_MICRORECON_SAMPLES_URL."""
        base = os.environ.get(URL_VARIABLE, '').strip()
        return f'{base.rstrip("/")}/{self.archive}' if base else self.address

    @property
    def path(self) -> Path:
        """Where the archive is kept."""
        return cache_folder() / self.archive

    @property
    def is_local(self) -> bool:
        """Whether the archive has been fetched."""
        return self.path.is_file()

    def load_volume(self) -> Volume:
        """The scan, from the cache; see `Sample.load_volume`."""
        if not self.is_local:
            raise InputError(
                self.name,
                'has not been fetched yet',
                f'run "napari-microrecon samples fetch {self.name}" or use the synthetic {self.stand_in!r}, '
                'which needs no network',
            )
        labels = read_archive(self.path, self.shape)
        return Volume(labels, self.phases, self.voxel_size, self.provenance, self.name)

    def load_slices(self) -> SliceSet:
        """Mid planes of the scan, from the cache; see `Sample.load_slices`."""
        volume = self.load_volume()
        planes = tuple(Slice.of_volume(volume, n, size // 2) for n, size in zip(AXES, volume.shape, strict=True))
        return SliceSet(planes, self.symmetry, self.evidence)


def cache_folder() -> Path:
    """Folder for fetched archives: NAPARI_MICRORECON_CACHE, else the system's cache folder of this user."""
    import pooch

    own = os.environ.get(CACHE_VARIABLE, '').strip()
    return Path(own).expanduser() if own else Path(pooch.os_cache('napari-microrecon'))


def most_bytes(shape: tuple[int, int, int]) -> int:
    """Bytes that a TIFF of a scan may have: no more than the voxels, twice, and a header."""
    return 2 * prod(shape) + 2**20


def read_archive(path: Path, shape: tuple[int, int, int]) -> np.ndarray:
    """Labels (Z, Y, X) uint8 of the one TIFF in a zip archive: published 0 = pore and 255 = grain become 1 and 0.

    The archive is read in memory, so that no name in it can reach the file system.

    Raises
    ------
    InputError
        If the archive does not hold one such volume of that shape.
    """
    remedy = 'delete it and fetch the sample again'
    try:
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.infolist() if m.filename.lower().endswith(('.tif', '.tiff'))]
            # One file, and a header that promises no more than the voxels: else it is not the published volume.
            is_one = len(members) == 1 and members[0].file_size <= most_bytes(shape)
            # Of the ways to pack, these alone unpack no more than is asked for at a time.
            if is_one and members[0].compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                with archive.open(members[0]) as file:
                    grey = _pixels(file.read(most_bytes(shape)), path)
            else:
                grey = np.empty(0)
    except InputError:
        raise
    # What zipfile and tifffile raise on a damaged archive, no list says; it is the archive that is wrong.
    except Exception as error:
        raise InputError(str(path), f'cannot be read ({error})', remedy) from error
    if grey.size == 0:
        raise InputError(str(path), 'does not hold one TIFF of the size expected', remedy)
    if grey.shape != shape:
        raise InputError(str(path), f'holds an array of shape {grey.shape}, not {shape}', remedy)
    pore = grey == 0
    if not np.array_equal(pore, grey != 255):
        raise InputError(str(path), 'holds values other than 0 (pore) and 255 (grain)', remedy)
    return pore.view(np.uint8)


def _pixels(content: bytes, path: Path) -> np.ndarray:
    import tifffile

    check_chain(BytesIO(content), path)
    with tifffile.TiffFile(BytesIO(content)) as file:
        check_description(file, path)
        check_pixels(file, file.series[0], path)
        return file.series[0].asarray()


def published_samples() -> tuple[PublishedSample, ...]:
    """The scans that can be fetched."""
    return (
        _scan(
            name='berea',
            title='Berea sandstone, micro-CT',
            rock='Berea sandstone, segmented micro-CT of 400^3 voxels',
            edge=400,
            voxel=3.0,
            sha256='5728a6e8f2aee9bba5b3e732eec8c08f32642f841b3cf08da69d8972d0d334c9',
            stand_in='sandstone',
        ),
        _scan(
            name='ketton',
            title='Ketton limestone, micro-CT',
            rock='Ketton oolitic limestone, segmented micro-CT of 256^3 voxels',
            edge=256,
            voxel=15.2,
            sha256='c7d024693d4028a0909736a81e8bea8bef21dab00be1717a118e3246a8e9e203',
            stand_in='limestone',
            size=602_688,
        ),
    )


def _scan(
    name: str, title: str, rock: str, edge: int, voxel: float, sha256: str, stand_in: str, size: int = 0
) -> PublishedSample:
    address = f'{_REPOSITORY}/data/{name}/original/raw/{name}.zip'
    return PublishedSample(
        name=name,
        title=title,
        description=(
            f'Measured. {rock}, Imperial College London, as published with PorousMediaGan ({_PAPER}). The file '
            f'states no voxel size; {voxel:g} um is the one commonly given for this scan.'
        ),
        kind='measured',
        phases=Phases.named('grain', 'pore', pore=1),
        voxel_size=VoxelSize.cube(voxel, 'um'),
        shape=(edge, edge, edge),
        symmetry='isotropic',
        evidence='rock taken to be isotropic',
        provenance=Provenance(
            kind='measured',
            description=f'{rock}; {address}; {_PAPER}',
            licence='MIT (repository LukasMosser/PorousMediaGan)',
            inputs=(Source(name=f'{name}.zip', sha256=sha256),),
            parameters={'converted': '0 = pore -> 1, 255 = grain -> 0'},
        ),
        weights=stand_in,
        address=address,
        archive=f'{name}.zip',
        sha256=sha256,
        stand_in=stand_in,
        size=size,
    )
