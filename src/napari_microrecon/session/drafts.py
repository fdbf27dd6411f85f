"""A slice as the user is still working on it: with the picture that it came from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..engine.slices import Slice
from ..engine.voxels import AXES, Axis, VoxelSize

if TYPE_CHECKING:
    from ..engine.preparation import Preparation
    from ..engine.raw_image import RawImage


@dataclass(frozen=True, eq=False)
class SliceDraft:
    """A slice together with the picture that it was segmented from.

    Attributes
    ----------
    slice : Slice
        The segmented slice as it stands.
    image : RawImage or None
        The picture as read, so that it can be segmented anew; None where only labels were given.
    note : str
        How it was prepared and segmented, in words.
    preparation : Preparation or None
        What was done to the picture; None where nothing was asked for.
    is_doubtful : bool
        Whether the note warns of something to look at.
    """

    slice: Slice
    image: RawImage | None = None
    note: str = ''
    preparation: Preparation | None = None
    is_doubtful: bool = False

    @property
    def is_adjustable(self) -> bool:
        """Whether there is a grey or colour picture behind it that thresholds can be set for."""
        return self.image is not None and self.image.kind in ('grey', 'rgb')

    @property
    def lacks_picture(self) -> bool:
        """Whether it was segmented from a picture that is not at hand any more, as in a run that was opened again."""
        return self.image is None and 'preparation' in self.slice.provenance.parameters

    def placed(self, normal: Axis, position: int | None) -> SliceDraft:
        """Return the draft in another plane or at another position (voxels)."""
        return replace(self, slice=replace(self.slice, normal=normal, position=position))

    def sized(self, voxel_size: VoxelSize) -> SliceDraft:
        """Return the draft with another voxel size; the picture behind it gets the size that belongs to that."""
        made, image, preparation = replace(self.slice, voxel_size=voxel_size), self.image, self.preparation
        if image is not None and preparation is not None and preparation.pixel_size is not None:
            factor = voxel_size.x / preparation.pixel_size
            before = image.voxel_size
            sizes = {axis: edge * factor for axis, edge in zip(AXES, before.zyx, strict=True)}
            image = image.altered(voxel_size=VoxelSize.model_validate({**sizes, 'unit': voxel_size.unit}))
            preparation = preparation.model_copy(update={'pixel_size': voxel_size.x})
        elif image is not None:
            image = image.altered(voxel_size=voxel_size)
        return replace(self, slice=made, image=image, preparation=preparation)
