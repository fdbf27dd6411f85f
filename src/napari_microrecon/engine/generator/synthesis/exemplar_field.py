"""The exemplar synthesis as part of a prior: the slices themselves, and how volumes are grown from them."""

from __future__ import annotations

import base64
import hashlib
import io
import math
import struct
import zlib
from functools import cached_property
from typing import TYPE_CHECKING, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, model_validator
from pydantic import Field as Described

from ...progress import Job, Progress, aside
from ...voxels import AXES, Axis
from ..exemplar import Exemplars
from ..priors.bounds import MOST_PHASES, Fractions, add_up

if TYPE_CHECKING:
    from .pinning import Pinned
    from .pyramid import Pyramid
    from .specks import Specks

SMALLEST = 16  # pixels along an edge
MOST_PIXELS = 2**29  # of all pictures together; labels of one byte each
_HEAD = b'\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR'
_DEEP = b'\x08\x00'  # 8 bits, grey

_built: dict[str, tuple[Specks, Pyramid]] = {}  # of the latest slices only: patches take some hundred MB


class ExemplarField(BaseModel):
    """Grows volumes from the patches of label images, which it carries along.

    Attributes
    ----------
    pictures : dict
        Per normal the slices as PNG files in base64; one entry, z, stands for all planes where these are alike.
    phase_count : int
        K.
    fractions : tuple of float
        Of the phases in the slices.
    isotropic : bool
        Whether all planes are alike in all directions.
    from_prior : bool
        Whether growth begins with a volume of the parametric prior instead of noise.
    """

    model_config = ConfigDict(frozen=True, extra='forbid')

    pictures: dict[Axis, tuple[str, ...]]
    phase_count: int = Described(ge=2, le=MOST_PHASES)
    fractions: Fractions
    isotropic: bool
    from_prior: bool = False

    @model_validator(mode='after')
    def _check(self) -> Self:
        if len(self.fractions) != self.phase_count:
            raise ValueError(f'there are {len(self.fractions)} fractions of {self.phase_count} phases')
        add_up(self.fractions)
        if AXES[0] not in self.pictures or not all(self.pictures.values()):
            raise ValueError('pictures of the plane z are missing, or another plane has none')
        # The sizes that the files claim, before any is unpacked.
        pixels = sum(math.prod(_claimed(text)) for texts in self.pictures.values() for text in texts)
        if pixels > MOST_PIXELS:
            raise ValueError(f'pictures have {pixels:.3g} pixels, {MOST_PIXELS:.3g} at most are held')
        return self

    def check_pictures(self) -> None:
        """Unpack the pictures of a file that somebody else may have written.

        Raises
        ------
        ValueError
            If one is damaged or holds what is no phase.
        """
        for images in self.exemplars.images.values():
            for image in images:
                if int(image.max()) >= self.phase_count:
                    raise ValueError(f'a picture holds label {image.max()} where 0 to {self.phase_count - 1} are')

    @classmethod
    def of(cls, exemplars: Exemplars, *, from_prior: bool = False) -> Self:
        """Field of these slices."""
        normals = AXES[:1] if exemplars.isotropic else AXES
        return cls(
            pictures={normal: tuple(_packed(image) for image in exemplars.images[normal]) for normal in normals},
            phase_count=exemplars.phase_count,
            fractions=tuple(float(f) for f in exemplars.fractions),
            isotropic=exemplars.isotropic,
            from_prior=from_prior,
        )

    @cached_property
    def exemplars(self) -> Exemplars:
        """The slices as label images."""
        unpacked: dict[str, np.ndarray] = {}
        images: dict[Axis, list[np.ndarray]] = {}
        for normal in AXES:
            texts = self.pictures.get(normal, self.pictures[AXES[0]])
            images[normal] = [unpacked.setdefault(text, _unpacked(text)) for text in texts]
        return Exemplars(images, self.phase_count, self.isotropic, np.array(self.fractions))

    @property
    def digest(self) -> str:
        """SHA-256 of the pictures."""
        return hashlib.sha256(repr((sorted(self.pictures.items()), self.isotropic)).encode()).hexdigest()

    def growing(
        self,
        shape: tuple[int, int, int],
        seed: int,
        fractions: np.ndarray,
        *,
        threads: int = 1,
        tile: int | None = None,
        start: np.ndarray | None = None,
        pinned: Pinned | None = None,
    ) -> Job[np.ndarray]:
        """Grow a volume with these phase fractions.

        Parameters
        ----------
        shape : tuple of int
            Z, Y, X in voxels; the volume is periodic unless it holds slices.
        seed : int
            Same seed, same volume.
        fractions : numpy.ndarray
            Of the phases (K,), met to a voxel.
        threads, tile : int
            How much is worked on at once; neither changes a voxel.
        start : numpy.ndarray, optional
            Labels (Z, Y, X) to begin with instead of noise; with `pinned` of its grown shape.
        pinned : Pinned, optional
            Slices that the volume holds.

        Yields
        ------
        Progress
            With coarse labels (Z, Y, X) as preview, and `seconds_left`.

        Returns
        -------
        numpy.ndarray
            Labels (Z, Y, X), uint8.
        """
        from .features import signed_distances
        from .finishing import finished
        from .growing import Grower

        specks, pyramid = yield from self._prepared()
        distances = None
        if start is not None:
            sign = Progress('reading the prior')
            distances = yield from aside(lambda: signed_distances(start, self.phase_count), sign)
        grown = shape if pinned is None else pinned.grown_shape
        field = yield from Grower(pyramid, grown, seed, threads, tile, pinned).run(distances)
        sign = Progress('finishing the volume', 1000, 1000)
        labels = yield from aside(lambda: finished(field, fractions, specks, seed), sign)
        if pinned is None:
            return labels
        return (yield from aside(lambda: pinned.settled(labels, field, fractions), sign))

    def _prepared(self) -> Job[tuple[Specks, Pyramid]]:
        from .features import channel_count
        from .pyramid import LOOKED_AT, build_pyramid, windows_of
        from .specks import Specks

        digest = self.digest
        if digest not in _built:
            most = LOOKED_AT // channel_count(self.phase_count)
            images: dict[Axis, list[np.ndarray]] = {}
            for normal in AXES:
                first = images.get(AXES[0]) if self.isotropic else None  # planes that are alike share their pictures
                images[normal] = windows_of(self.exemplars.images[normal], most) if first is None else first
            specks = yield from aside(lambda: Specks.of(images, self.phase_count), Progress('reading the slices'))
            pyramid = yield from build_pyramid(specks.bodies, specks.fractions, isotropic=self.isotropic)
            _built.clear()
            _built[digest] = specks, pyramid
        return _built[digest]


def _packed(labels: np.ndarray) -> str:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(labels, np.uint8)).save(buffer, 'PNG', optimize=False)
    return base64.b64encode(buffer.getvalue()).decode('ascii')


def _claimed(text: str) -> tuple[int, int]:
    """Columns and rows by the head of a PNG file in base64: 8 bits of grey, as `_packed` writes them."""
    try:
        head = base64.b64decode(text[:40], validate=True)  # 30 bytes
    except ValueError as error:
        raise ValueError('a picture is not written in base64') from error
    if len(head) < 30 or head[:16] != _HEAD or head[24:26] != _DEEP:
        raise ValueError('a picture is no PNG file of labels')
    columns, rows = int.from_bytes(head[16:20], 'big'), int.from_bytes(head[20:24], 'big')
    if min(columns, rows) < SMALLEST:
        raise ValueError(f'a picture of {columns} x {rows} pixels is too small, {SMALLEST} are needed')
    return columns, rows


def _unpacked(text: str) -> np.ndarray:
    from PIL.PngImagePlugin import PngImageFile

    try:
        # Not by Image.open, which takes a large slice for a bomb: the size has been checked.
        with PngImageFile(io.BytesIO(base64.b64decode(text))) as image:
            return np.array(image, np.uint8)
    except (OSError, SyntaxError, ValueError, EOFError, zlib.error, struct.error) as error:
        raise ValueError(f'a picture is damaged ({error})') from error
