"""An export: labels as a MetaImage (.mha), which ITK, 3D Slicer and ParaView open."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from napari_microrecon.engine.export import Format, Order
from napari_microrecon.engine.progress import Job, Progress


class MetaImage(Format):
    """Header and voxels in one file."""

    key = 'mha'
    title = 'MetaImage'
    endings = ('.mha',)
    opens = 'ITK, 3D Slicer, ParaView: labels with voxel size'

    def write_file(self, part: Path, order: Order) -> Job[tuple[str, dict[str, Any]]]:
        """Write the labels of all phases."""
        volume = order.volume
        z, y, x = volume.shape
        spacing = ' '.join(f'{edge:g}' for edge in reversed(volume.voxel_size.zyx))
        header = (
            f'ObjectType = Image\nNDims = 3\nDimSize = {x} {y} {z}\nElementSpacing = {spacing}\n'
            'ElementType = MET_UCHAR\nBinaryData = True\nElementDataFile = LOCAL\n'
        )
        with part.open('wb') as file:
            file.write(header.encode('ascii'))
            for layer, labels in enumerate(volume.labels):
                file.write(labels.tobytes())
                yield Progress('Writing the MetaImage', layer + 1, z)
        return f'labels, {x} x {y} x {z} voxels', {'voxels': x * y * z}
