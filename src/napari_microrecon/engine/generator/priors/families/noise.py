"""White noise: no structure at all, a baseline that is asked for and never chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .base import PriorFamily

if TYPE_CHECKING:
    from ..fields import NoiseField


class Noise(PriorFamily):
    """Independent values in every voxel."""

    name = 'noise'
    title = 'white noise'
    fits = 'Nothing: it is the baseline of generators without a structural prior (`--weights noise`).'
    methods_text = 'white noise'
    cost = 'none'
    order = 90
    describes_phases = False

    @property
    def field(self) -> type[NoiseField]:
        """Model of the parameters."""
        from ..fields import NoiseField

        return NoiseField
