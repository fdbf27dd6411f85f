"""Sections through a volume with known lines, as the network sees them.

A section perpendicular to an axis that is no slice's normal cuts the slices in lines: known rows, known columns, or
both. For every pixel the network is told the phases on the nearest known line on either side, how deep inside their
phase these lie along the line, and how far away they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..slices import SliceSet
from ..voxels import AXES, IMAGE_AXES, Axis
from .planes import Planes

FAR = 64.0  # pixels; stands for 'no line on this side'
DEEP = 8.0  # pixels; deeper inside a phase is as good as this deep


@dataclass(frozen=True)
class Layout:
    """How the sections of one direction are cut by the slices.

    Attributes
    ----------
    normal : {'z', 'y', 'x'}
        Of the sections.
    rows, columns : tuple of int
        Positions of the slices that cut them.
    transposed : bool
        Whether image axes change places, so that known columns become known rows.
    extent : tuple of int
        Rows and columns of a section, after the change of places.
    """

    normal: Axis
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    transposed: bool
    extent: tuple[int, int]


@dataclass(frozen=True)
class Scheme:
    """What the network of a set of slices is told.

    Attributes
    ----------
    layouts : tuple of Layout
        Directions of sections that see at least one slice.
    phases : int
        K.
    crossed : bool
        Whether some section sees both rows and columns.
    oriented : bool
        Whether the network must know the direction, because the material is not taken for isotropic.
    length : float
        Correlation length in voxels.
    """

    layouts: tuple[Layout, ...]
    phases: int
    crossed: bool
    oriented: bool
    length: float

    @classmethod
    def of(cls, planes: Planes, slices: SliceSet, length: float) -> Scheme:
        """Layouts of all directions that see a slice."""
        oriented = slices.symmetry != 'isotropic'
        found: list[Layout] = []
        for normal in AXES:
            first, second = IMAGE_AXES[normal]
            rows, columns = tuple(planes.positions(first)), tuple(planes.positions(second))
            if not rows and not columns:
                continue
            extent = planes.shape[AXES.index(first)], planes.shape[AXES.index(second)]
            if rows or oriented:
                found.append(Layout(normal, rows, columns, False, extent))
            else:
                found.append(Layout(normal, columns, rows, True, (extent[1], extent[0])))
        return cls(tuple(found), planes.phase_count, any(one.columns for one in found), oriented, length)

    @property
    def channels(self) -> int:
        """Channels of the features."""
        group = 4 * (1 if self.phases == 2 else self.phases) + 2
        return group * (2 if self.crossed else 1) + 1 + (3 if self.oriented else 0)

    def features(
        self, labels: Tensor, rows: tuple[int, ...], columns: tuple[int, ...], normal: Axis
    ) -> tuple[Tensor, Tensor]:
        """Features and interpolated logits of sections.

        Parameters
        ----------
        labels : Tensor
            (N, rows, columns), int64; read on the known lines only.
        rows, columns : tuple of int
            Known lines, ascending.
        normal : {'z', 'y', 'x'}
            Direction of the sections.

        Returns
        -------
        features : Tensor
            (N, channels, rows, columns), float32.
        interpolated : Tensor
            (N, K, rows, columns), float32.
        """
        parts: list[Tensor] = []
        logits: list[tuple[Tensor, Tensor]] = []
        for turned in (False, True) if self.crossed else (False,):
            lines = columns if turned else rows
            image = labels.transpose(1, 2) if turned else labels
            group, interpolated, distance = self._group(image, lines)
            if turned:
                group, interpolated, distance = (t.transpose(-1, -2) for t in (group, interpolated, distance))
            parts.append(group)
            if lines:
                logits.append((interpolated, distance))
        distance = logits[0][1]
        for _, other in logits[1:]:
            distance = torch.minimum(distance, other)
        parts.append((distance / DEEP).clamp(max=FAR / DEEP).expand(len(labels), 1, *labels.shape[1:]))
        if self.oriented:
            which = torch.zeros(len(labels), 3, *labels.shape[1:])
            which[:, AXES.index(normal)] = 1
            parts.append(which)
        weights = [1 / (0.25 + d**2) for _, d in logits]
        total = sum(w * one for w, (one, _) in zip(weights, logits, strict=True)) / sum(weights)
        assert isinstance(total, Tensor)
        return torch.cat(parts, 1), total

    def _group(self, labels: Tensor, lines: tuple[int, ...]) -> tuple[Tensor, Tensor, Tensor]:
        """Features (N, C, H, W), logits (N, K, H, W) and distance (1, 1, H, 1) from known rows."""
        count, height, width = labels.shape
        told = slice(1, None) if self.phases == 2 else slice(None)
        if not lines:
            zeros = torch.zeros(count, 4 * (1 if self.phases == 2 else self.phases), height, width)
            far = torch.full((count, 2, height, width), _squashed(torch.tensor(FAR)).item())
            nothing = torch.zeros(count, self.phases, height, width)
            return torch.cat([zeros, far], 1), nothing, torch.full((1, 1, height, 1), FAR)
        places, position = torch.tensor(lines), torch.arange(height)
        above = torch.searchsorted(places, position).clamp(max=len(lines) - 1)
        below = (torch.searchsorted(places, position, right=True) - 1).clamp(min=0)
        known = labels[:, list(lines)]
        hot = (known[:, None] == torch.arange(self.phases).view(1, -1, 1, 1)).float()
        depth = _depth(hot)
        low, high = (position - places[below]).float(), (places[above] - position).float()
        low, high = torch.where(low < 0, FAR, low), torch.where(high < 0, FAR, high)
        t = (low / (low + high).clamp(min=1)).view(1, 1, -1, 1)
        distance = torch.minimum(low, high).view(1, 1, -1, 1)
        a, b, depth_a, depth_b = hot[:, :, below], hot[:, :, above], depth[:, :, below], depth[:, :, above]
        # What a line says fades within a few correlation lengths; then the fractions are all that is known.
        near = torch.exp(-distance / (2 * self.length))
        mean = hot.mean((0, 2, 3)).view(1, -1, 1, 1)
        share = ((1 - t) * a + t * b) * near + (1 - near) * mean
        logits = torch.log(share * 0.98 + 0.01) + 2 * near * ((1 - t) * depth_a + t * depth_b)
        sides = [_squashed(d).view(1, 1, -1, 1).expand(count, 1, height, width) for d in (low, high)]
        group = torch.cat([a[:, told], b[:, told], depth_a[:, told], depth_b[:, told], *sides], 1)
        return group, logits, distance


def _squashed(distance: Tensor) -> Tensor:
    return torch.log1p(distance) / 4


def _depth(hot: Tensor) -> Tensor:
    """Distance to the phase's border along the line over DEEP, positive inside: (N, K, lines, W) in [-1, 1]."""
    inside = hot > 0.5
    signed = _to_nearest(~inside) - _to_nearest(inside)
    return ((signed - 0.5 * signed.sign()) / DEEP).clamp(-1, 1)


def _to_nearest(mask: Tensor) -> Tensor:
    """Distance along the last axis to the nearest True, large where there is none."""
    index = torch.arange(mask.shape[-1], dtype=torch.float32)
    none = torch.tensor(1e4)
    before = index - torch.where(mask, index, -none).cummax(-1).values
    after = torch.where(mask, index, none).flip(-1).cummin(-1).values.flip(-1) - index
    return torch.minimum(before, after)


def exemplar_sections(slices: SliceSet, layout: Layout) -> list[np.ndarray]:
    """Label images that sections of this layout look like, rows and columns as in the layout."""
    images = slices.exemplars(layout.normal)
    return [image.T for image in images] if layout.transposed else images
