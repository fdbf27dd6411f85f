"""Sentences about the state of the work."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

_MICROMETRES = re.compile(r'(?<=\d )um\b')

if TYPE_CHECKING:
    from ..engine.generator import WeightsChoice
    from ..engine.results import Comparison
    from ..engine.voxels import VoxelSize
    from .material import Material


def length(size: VoxelSize) -> str:
    """Voxel size as the window writes it."""
    return micro(str(size))


def micro(text: str) -> str:
    """Write micrometres after a number as the window does; files and records have them as 'um'."""
    return _MICROMETRES.sub('µm', text)


def tally(comparison: Comparison) -> str:
    """Say how many statistics lie within the spread of the reference, as far as that has been measured."""
    inside, outside, open_ = (len(comparison.keys_with(word)) for word in ('inside', 'outside', 'cannot tell'))
    if not comparison.complete and not inside + outside:
        return 'Nothing can be judged yet: the blocks of the reference are measured after the volume.'
    text = f'{inside} of {inside + outside} statistics that can be judged lie within the spread of the reference'
    if not comparison.complete:
        return f'{text} so far; {open_} more are still open.'
    return f'{text}; {open_} more cannot be judged at this size.' if open_ else f'{text}.'


def lacking(material: Material, *, tortuosity: bool = True) -> str:
    """Say what is missing of a measurement that was stopped before its end; empty where nothing is.

    Parameters
    ----------
    material : Material
        With what has been measured.
    tortuosity : bool
        Whether that had been wished for.
    """
    found = material.findings
    report, comparison, ensemble = found.report, found.comparison, found.ensemble
    if report is None:
        return ''
    subject = report if comparison is None else comparison
    spread = ensemble is not None and not ensemble.complete
    if subject.complete and not spread:
        return ''
    reference = material.reference
    against = reference is not None and material.measured is not reference
    missing = []
    if 'thickness' not in report.statistics:
        missing.append('sizes')
    if tortuosity and 'tortuosity_x' not in report.statistics:
        missing.append('tortuosity')
    if comparison is None and against:
        missing.append('the comparison with the reference')
    elif comparison is not None:
        missing.append('blocks of the reference')
    elif spread:
        missing.append('further realisations')
    *others, last = missing or ['the last statistics']
    return f'{", ".join(others)} and {last}' if others else last


def weights_in_words(choice: WeightsChoice | None) -> str:
    """Say which weights were taken and how near they are to the slices, without numbers; None: the session's own."""
    from ..engine.generator.choice import NEAR, USABLE

    if choice is None:
        return 'fine-tuned in this session'
    name = choice.weights.name
    how = 'near to' if choice.distance <= NEAR / 2 else 'somewhat near to' if choice.distance <= NEAR else 'far from'
    if choice.weights.header.trained:
        why = 'as asked' if choice.asked else 'the nearest of the shipped weights'
        if choice.distance == float('inf'):
            return f'{name}, {why}'
        return f'{name}, {why}; their material is {how} your slices'
    what = {
        'exemplar': 'a volume grown from patches of your slices',
        'combined': 'the structural prior, finished with patches of your slices',
    }
    made = what.get(name, 'the untrained structural prior')
    if choice.asked:
        return f'{made}, as asked{", fitted to your slices" if name == "prior" else ""}'
    if not choice.nearest:
        because = 'no shipped weights make such phases'
    elif choice.distance > USABLE:
        because = f'the nearest shipped ones ({choice.nearest}) are very far from your slices'
    else:
        because = f'the nearest shipped ones ({choice.nearest}) are {how} your slices'
    return f'{made}, because {because}'
