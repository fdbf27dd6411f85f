"""Sentences about the state of the work."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..engine.analysis import Comparison


def tally(comparison: Comparison) -> str:
    """Say how many statistics lie within the spread of the reference."""
    inside, outside, open_ = (len(comparison.keys_with(word)) for word in ('inside', 'outside', 'cannot tell'))
    text = f'{inside} of {inside + outside} statistics that can be judged lie within the spread of the reference'
    return f'{text}; {open_} more cannot be judged at this size.' if open_ else f'{text}.'
