"""What is known about a sample, and how its voxels are loaded."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from ..phases import Phases
from ..provenance import Provenance
from ..slices import SliceSet, Symmetry
from ..volume import Volume
from ..voxels import VoxelSize


class Sample(BaseModel, ABC):
    """A microstructure to try things on: description, reference volume and slices.

    Attributes
    ----------
    name, title, description : str
        Short name for commands, name to show, what it is in a few sentences.
    kind : {'synthetic', 'measured'}
        Made by us with a formula, or imaged.
    phases : Phases
        Names of the labels and the pore.
    voxel_size : VoxelSize
        Edge of a voxel with unit.
    shape : tuple of int
        (Z, Y, X) of the reference volume in voxels.
    symmetry : {'isotropic', 'transverse', 'orthotropic'}
        What may be assumed about its planes; `evidence` says why.
    provenance : Provenance
        How it came to be and its licence.
    weights : str
        Name of the shipped weights that suit it.
    """

    model_config = ConfigDict(frozen=True, extra='forbid')

    name: str
    title: str
    description: str
    kind: Literal['synthetic', 'measured']
    phases: Phases
    voxel_size: VoxelSize
    shape: tuple[int, int, int]
    symmetry: Symmetry
    evidence: str = ''
    provenance: Provenance = Field(default_factory=Provenance)
    weights: str

    @property
    @abstractmethod
    def is_local(self) -> bool:
        """Whether the voxels are on this machine already, so that loading needs no network."""

    @abstractmethod
    def load_volume(self) -> Volume:
        """The reference volume.

        Raises
        ------
        InputError
            If its files are missing, damaged or not fetched yet.
        """

    @abstractmethod
    def load_slices(self) -> SliceSet:
        """The 2D slices to reconstruct from: mid planes of the reference volume, with their positions.

        Raises
        ------
        InputError
            If their files are missing, damaged or not fetched yet.
        """
