"""Grains of one size or of many, straight or bent boundaries, channels between them: which of these the slices show."""

from __future__ import annotations

from ...progress import Job
from ..exemplar import Exemplars
from .effort import Effort, Trial
from .grains import GrainField
from .judging import DRAWS, Scored, drawn_masks, edges_of, fraction_of, least, scored
from .sections import section_distance

SMALLEST_GRAIN = 2.0  # voxels
OTHER_SIDE = 1.3  # times the least error of grains: those of the other side are tried, too
SPREADS = {'equal grains': 0.0, 'grains of mixed size': 0.35}  # standard deviation of ln(radius)
SAME = 0.02  # of the size, which the draws do not tell apart
BENDS = 0.4  # share of the field's standard deviation
CHANNELS = 0.3  # share of the distance to the third grain
# Gain in section error that channels must bring, on so many draws: about 0.015 where they are, none where they are not.
WORTH, MANY_DRAWS = 0.006, 12
UNLIKE = 0.2  # section error of grains that are far from the slices


def equal_grains(phi: float, edges: tuple[float, float, float]) -> dict[str, GrainField]:
    """Equal, smooth grains strewn at random, of the other phases or of this phase, by name."""
    found = {
        'grains': GrainField.fit(phi, edges),
        'grains of this phase': GrainField.fit(1 - phi, edges, grains_favoured=True),
    }
    # Grains of a pixel or two are noise, and drawing millions of them takes minutes.
    return {name: field for name, field in found.items() if field.radius >= SMALLEST_GRAIN}


def refined_grains(
    exemplars: Exemplars, label: int, strewn: dict[str, tuple[float, GrainField]], rival: float, effort: Effort
) -> Job[Scored]:
    """Equal and mixed grains whose drawn volumes have the faces of the slices, and the best of them bent, scored.

    Parameters
    ----------
    exemplars, label
        Slices, and the phase that the grains or what is between them stand for.
    strewn : dict
        Errors and fields of equal grains on either side, as first guessed.
    rival : float
        Least error of the other families; boundaries are bent where grains are nearer.
    effort : Effort
        What it may take.
    """
    phi, edges = fraction_of(exemplars, label), edges_of(exemplars, label)
    nearest = min(error for error, _ in strewn.values())
    found: Scored = {}
    for name, (error, field) in strewn.items():
        if error < OTHER_SIDE * nearest and effort.allows(name):
            variants = yield from grain_variants(phi, edges, effort, favoured=field.grains_favoured)
            found |= yield from scored(exemplars, label, variants, DRAWS, effort)
    if not found or least(found) >= rival:
        return found
    name, (_, best) = min(found.items(), key=lambda item: item[1][0])
    assert isinstance(best, GrainField)
    matrix = 1 - phi if best.grains_favoured else phi
    # Bends add faces or take some away, but the grains' insides may ask for their old size.
    words = f'{name} with bent boundaries'
    if effort.allows(words):
        bent = best.model_copy(update={'bent': BENDS})
        sized = yield from bent.sizing(matrix, edges, effort.trial(words))
        both: dict[str, GrainField] = {words: bent}
        if abs(sized.radius / bent.radius - 1) > SAME:
            both[f'{words}, sized'] = sized
        judged = yield from scored(exemplars, label, both, DRAWS, effort)
        found[words] = min(judged.values(), key=lambda one: one[0])
    # Rough grains look as if they had channels whether they do or not. Where grains are far from the slices anyway, the
    # small gain that channels may bring says nothing.
    words = f'{name} with channels along their edges'
    if least(found) == found[name][0] < UNLIKE and effort.allows(words):
        cut = yield from best.model_copy(update={'channels': CHANNELS}).sizing(matrix, edges, effort.trial(words))
        gain = (yield from _distance(exemplars, label, best, effort.trial(words))) - (
            yield from _distance(exemplars, label, cut, effort.trial(words))
        )
        if gain > WORTH:
            found[words] = found[name][0] - gain, cut
    return found


def _distance(exemplars: Exemplars, label: int, field: GrainField, trial: Trial) -> Job[float]:
    """Distance of sections of many volumes from the slices."""
    masks = yield from drawn_masks(field, field.measured_edge, fraction_of(exemplars, label), MANY_DRAWS, trial)
    return (yield from section_distance(exemplars, label, masks, trial))


def grain_variants(
    phi: float, edges: tuple[float, float, float], effort: Effort, *, favoured: bool
) -> Job[dict[str, GrainField]]:
    """Grains of one size or mixed, by name; their drawn volumes have the faces of the slices."""
    matrix, of = (1 - phi, ' of this phase') if favoured else (phi, '')
    found: dict[str, GrainField] = {}
    for words, spread in SPREADS.items():
        field = GrainField.fit(matrix, edges, spread=spread, grains_favoured=favoured)
        if field.radius >= SMALLEST_GRAIN:
            found[words + of] = yield from field.sizing(matrix, edges, effort.trial(words + of))
    return found
