"""What another package builds on to add to the program; see `examples/plugin` and the page on plug-ins.

Entry points of the group ``napari_microrecon.priors`` name families of structural priors: classes derived from
`PriorFamily`, whose fields are derived from `Field`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .engine.lazy import late

if TYPE_CHECKING:
    from .engine.generator.priors.bounds import Length, Number, Share, Stretch
    from .engine.generator.priors.families import PhaseOfSlices, PriorFamily
    from .engine.generator.priors.fields import Field, gaussianise, smooth_noise

_HOMES = {
    'engine.generator.priors.bounds': ('Length', 'Number', 'Share', 'Stretch'),
    'engine.generator.priors.families': ('PhaseOfSlices', 'PriorFamily'),
    'engine.generator.priors.fields': ('Field', 'gaussianise', 'smooth_noise'),
}

__all__ = [
    'Field', 'Length', 'Number', 'PhaseOfSlices', 'PriorFamily', 'Share', 'Stretch', 'gaussianise',
    'smooth_noise',
]  # fmt: skip

__getattr__, __dir__ = late(__package__ or '', _HOMES)
