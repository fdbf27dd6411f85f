"""Start a training on a prior family that the product would not have chosen, for the ablation."""

from __future__ import annotations

from napari_microrecon.engine.errors import InputError
from napari_microrecon.engine.generator import Weights, choose_weights
from napari_microrecon.engine.generator.choice import untrained
from napari_microrecon.engine.generator.exemplar import Exemplars
from napari_microrecon.engine.generator.priors import PriorModel
from napari_microrecon.engine.generator.priors.fitting import candidates
from napari_microrecon.engine.generator.priors.judging import section_error
from napari_microrecon.engine.slices import SliceSet


def forced_start(slices: SliceSet, family: str) -> Weights:
    """Untrained weights on a prior of this family, the best fitted one of its kind.

    Parameters
    ----------
    slices : SliceSet
        Of two phases; families of several phases are chosen one after the other and cannot be forced yet.
    family : str
        The field's kind: 'gaussian', 'grains', ...; 'noise' for white noise.
    """
    if family == 'noise':
        return choose_weights('noise', slices).weights
    if slices.phases.count != 2:
        raise InputError(f'prior {family}', 'can be forced for two phases only', 'leave the prior variants out')
    exemplars = Exemplars.of(slices)
    fitted = {name: field for name, (_, field) in candidates(exemplars, 1).items() if field.kind == family}
    if not fitted:
        raise InputError(f'prior {family}', 'cannot be fitted to these slices', 'leave this variant out')
    name = min(fitted, key=lambda one: section_error(exemplars, 1, fitted[one]))
    prior = PriorModel(
        phase_count=2, fields=(fitted[name],), order=(1, 0), thresholds=(0.0,), reason=f'{name}, as asked'
    )
    # A training keeps the prior of a start that is called noise, and chooses its own for every other untrained one.
    return untrained(slices, prior, name='noise')
