"""What a viewer is to show of a material: a pure function from material and view to layers and their arrangement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..engine.volume import Volume
from ..engine.voxels import AXES, Axis
from . import placed_slices
from .layer_specs import LayerSpec, SceneRole, volume_spec

if TYPE_CHECKING:
    from ..session.material import Material


@dataclass(frozen=True)
class View:
    """How the user wants to see a material, and what the job at hand shows of its work.

    Attributes
    ----------
    side_by_side : bool
        Reconstruction and reference in two cells, or in one view.
    same_size : bool
        Only the middle of the reference, as large as the reconstruction.
    preview : Volume or None
        Shown in the place of the reconstruction.
    """

    side_by_side: bool = True
    same_size: bool = False
    preview: Volume | None = None


@dataclass(frozen=True, eq=False)
class Scene:
    """Layers that are to be there, and how they are arranged.

    Attributes
    ----------
    layers : tuple of LayerSpec
        In the order of the viewer's list: volumes, then the reference, then slices.
    cells : tuple of (role or None) or None
        What stands in the left and in the right cell, as far as there is something; None for one view.
    is_pair : bool
        Whether there are a reconstruction and a reference, which hide each other in one view.
    are_placed : bool
        Whether the slices can be shown at their places in 3D.
    flat : Axis or None
        Normal of the plane to turn to: pictures are all there is, and a view of volumes would show them tilted.
    plane : tuple of (Axis, float) or None
        Where planes are shown at first: normal and place of the first slice.
    """

    layers: tuple[LayerSpec, ...] = ()
    cells: tuple[SceneRole | None, SceneRole | None] | None = None
    is_pair: bool = False
    are_placed: bool = False
    flat: Axis | None = None
    plane: tuple[Axis, float] | None = None

    def of(self, *roles: SceneRole) -> list[LayerSpec]:
        """Layers with one of these roles."""
        return [one for one in self.layers if one.role in roles]

    @property
    def has_volumes(self) -> bool:
        """Whether there is something else than slices."""
        return bool(self.of('volume', 'preview', 'reference'))


EMPTY = Scene()


def scene_of(material: Material, view: View) -> Scene:
    """What the viewer is to show.

    A preview stands in for the reconstruction. Only the first of several volumes is shown. Slices are shown as long as
    there is no volume: those at their places, else the pictures; beside a reference alone they stand for what is still
    to be reconstructed. In one view the reference would cover the reconstruction, and waits until it is wanted.
    """
    volumes = [volume_spec(one).when(i == 0) for i, one in enumerate(material.volumes)]
    if view.preview is not None:
        volumes = [volume_spec(view.preview, 'preview'), *volumes[1:]]
    reference = material.reference
    extent = None
    if reference is not None and view.same_size and material.volume is not None:
        extent = extent_as_large_as(reference, material.volume)
    is_pair = bool(volumes) and reference is not None
    references = []
    if reference is not None:
        references = [volume_spec(reference, 'reference', extent).when(view.side_by_side or not is_pair)]
    slices = tuple(material.slices or ())
    are_placed = bool(placed_slices.in_place(slices))
    stands_in = view.side_by_side and not volumes
    pictures = [
        one.when(one.boxed and stands_in if volumes or references else one.boxed or not are_placed)
        for one in placed_slices.slice_specs(slices)
    ]
    left: SceneRole | None = volumes[0].role if volumes else 'slice' if are_placed else None
    cells = (left, None if reference is None else 'reference') if view.side_by_side else None
    is_flat = bool(slices) and not (volumes or references or are_placed)
    first = slices[0] if slices else None
    plane = None
    if first is not None:
        plane = first.normal, (first.position or 0) * first.voxel_size.zyx[AXES.index(first.normal)]
    return Scene(
        (*volumes, *references, *pictures), cells, is_pair, are_placed,
        first.normal if is_flat and first is not None else None, plane,
    )  # fmt: skip


def extent_as_large_as(reference: Volume, volume: Volume) -> tuple[int, int, int] | None:
    """Shape of the middle of the reference that is as large as the volume; None for the whole of it.

    In the volume's unit where both sizes are known, else in voxels. Where the reference is the smaller one along an
    axis, it keeps its whole length there.
    """
    own, other = reference.voxel_size, volume.voxel_size
    factors = (1.0, 1.0, 1.0)
    if own.is_known and other.is_known:
        factors = tuple(a / b for a, b in zip(other.zyx, own.to(other.unit).zyx, strict=True))
    z, y, x = (
        min(most, max(1, round(n * factor)))
        for most, n, factor in zip(reference.shape, volume.shape, factors, strict=True)
    )
    return None if (z, y, x) == reference.shape else (z, y, x)
