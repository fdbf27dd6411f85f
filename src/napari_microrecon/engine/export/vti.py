"""VTK ImageData (.vti), written here: the format is a page of XML, the library that writes it weighs 100 MB.

Labels are cell data, because a voxel is a box and no point: a volume of Z x Y x X voxels then measures exactly
Z x Y x X voxel edges in ParaView. Format: VTK file formats, "XML File Formats" (appended raw data, zlib blocks).
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from xml.sax.saxutils import quoteattr

from ..progress import Job, Progress, Throttle
from ..volume import Volume

_BLOCK = 1 << 20  # bytes compressed at a time; zlib lets other threads run meanwhile


def write_vti(path: Path, volume: Volume) -> Job[None]:
    """Write labels (Z, Y, X) as cell array 'phase' of an image whose spacing is the voxel size.

    The field data name the unit and the phases, and hold the provenance as JSON.
    """
    z, y, x = volume.shape
    data = memoryview(volume.labels.data).cast('B')
    blocks, throttle = [], Throttle()
    for start in range(0, len(data), _BLOCK):
        blocks.append(zlib.compress(data[start : start + _BLOCK], 6))
        if throttle.ready():
            yield Progress('Writing the VTK image', start, len(data))
    # Number of blocks, size of a block, size of the last one where it is smaller (else 0), compressed sizes.
    rest = len(data) % _BLOCK
    whole = min(_BLOCK, len(data))
    header = struct.pack(f'<{3 + len(blocks)}Q', len(blocks), whole, rest if len(data) > rest else 0, *map(len, blocks))
    extent = f'0 {x} 0 {y} 0 {z}'
    names = ', '.join(f'{phase.label} {phase.name}' for phase in volume.phases.items)
    fields = {'unit': volume.voxel_size.unit, 'phases': names, 'provenance': volume.provenance.model_dump_json()}
    spacing = ' '.join(repr(edge) for edge in reversed(volume.voxel_size.zyx))
    head = [
        '<?xml version="1.0"?>',
        '<VTKFile type="ImageData" version="1.0" byte_order="LittleEndian" header_type="UInt64" '
        'compressor="vtkZLibDataCompressor">',
        f'<ImageData WholeExtent="{extent}" Origin="0 0 0" Spacing="{spacing}">',
        '<FieldData>',
        *(_text_array(name, text) for name, text in fields.items()),
        '</FieldData>',
        f'<Piece Extent="{extent}"><PointData></PointData><CellData Scalars="phase">',
        '<DataArray type="UInt8" Name="phase" format="appended" offset="0"/>',
        '</CellData></Piece></ImageData>',
        '<AppendedData encoding="raw">',
    ]
    with path.open('wb') as file:
        file.write('\n'.join(head).encode('ascii') + b'\n_' + header)
        for block in blocks:
            file.write(block)
        file.write(b'\n</AppendedData>\n</VTKFile>\n')


def _text_array(name: str, text: str) -> str:
    """Strings are arrays of character codes in VTK's XML, each ended by a zero."""
    codes = ' '.join(str(code) for code in (*text.encode(), 0))
    return f'<Array type="String" Name={quoteattr(name)} NumberOfTuples="1" format="ascii">{codes}</Array>'
