"""The generator's network: `unet` is all of it; the modules of the paper are added in one place, `paper`.

`build_network` is the switch: an `Architecture` without modules gives the plain `UNet`.
"""

from __future__ import annotations

from .paper import build_network, encoder_of, keep_slices, reading_slices
from .unet import HALO, UNet

__all__ = ['HALO', 'UNet', 'build_network', 'encoder_of', 'keep_slices', 'reading_slices']
