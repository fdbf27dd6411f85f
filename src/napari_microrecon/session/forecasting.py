"""Time and memory of the reconstruction that the form describes; small enough to be found beside a job."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..engine.errors import EngineError
from ..engine.slices import SliceSet
from .runs import past_speed

if TYPE_CHECKING:
    from ..engine.generator import ReconstructParams, Weights
    from ..engine.generator.forecast import Forecast

_FOUND: dict[tuple, Weights] = {}  # the last one


def forecast(slices: SliceSet, spec: str, tuned: Weights | None, params: ReconstructParams) -> Forecast | None:
    """What a reconstruction would take; None where that cannot be told (the run itself will say why)."""
    from ..engine.generator import resolve_device
    from ..engine.generator.choice import needs_selection
    from ..engine.generator.cost import choosing_seconds
    from ..engine.generator.forecast import forecast as tell

    try:
        tried = params.mode == 'unconditional' and needs_selection(spec, slices)
        weights = _stand_in('exemplar' if tried else spec, tuned, slices)
        past = past_speed(resolve_device(params.device), params.mode, weights.name)
        found = tell(slices, weights, params, past)
        return replace(found, seconds=found.seconds + choosing_seconds(slices.phases.count)) if tried else found
    except EngineError:
        return None


def _stand_in(spec: str, tuned: Weights | None, slices: SliceSet) -> Weights:
    """Weights that cost what those of `spec` cost; for 'auto', which may fit a prior for seconds, any of the kind."""
    from ..engine.generator.checkpoint import shipped_weights
    from ..engine.generator.choice import load_shipped
    from ..engine.progress import drain
    from .weights import pick_weights

    if spec == 'auto':
        for name in shipped_weights():
            weights = load_shipped(name)
            if weights.phases.count == slices.phases.count:
                return weights
    # A prior is fitted for seconds: once per set of slices, not at every change of the form.
    key = (spec, tuned.sha256 if tuned else '', tuple(one.source.sha256 for one in slices))
    if key not in _FOUND:
        _FOUND.clear()
        _FOUND[key] = drain(pick_weights(spec, tuned, slices))[1]
    return _FOUND[key]
