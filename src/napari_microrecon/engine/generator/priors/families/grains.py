"""Grains of a Boolean model: equal or mixed, straight or bent, with channels, strewn or shared out evenly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .base import PhaseOfSlices, PriorFamily

if TYPE_CHECKING:
    from ....progress import Job
    from ...exemplar import Exemplars
    from ..effort import Effort
    from ..fields import Field
    from ..grains import GrainField
    from ..judging import Scored


def _grains_in(scored: Scored) -> dict[str, tuple[float, GrainField]]:
    """Those of them that are grains."""
    from ..grains import GrainField

    return {name: (error, field) for name, (error, field) in scored.items() if isinstance(field, GrainField)}


class Grains(PriorFamily):
    """Ellipsoidal grains of the phase, or the phase between grains."""

    name = 'grains'
    title = 'grains, or what lies between them'
    fits = (
        'Size and number follow from the phase fraction and the interface density along each axis; mixed sizes, bent '
        'boundaries, channels and even packing are kept where sections of drawn volumes come nearer the slices.'
    )
    methods_text = 'a field of grains'
    cost = 'fit 5 to 20 s; about 1 s per 128³'
    order = 20

    @property
    def field(self) -> type[GrainField]:
        """Model of the parameters."""
        from ..grains import GrainField

        return GrainField

    def first_guesses(self, phase: PhaseOfSlices) -> Mapping[str, GrainField]:
        """Equal grains on either side."""
        from ..grain_sizes import equal_grains

        return equal_grains(phase.fraction, phase.edges)

    def variants(self, phase: PhaseOfSlices, near: Mapping[str, Field], effort: Effort) -> Job[Mapping[str, Field]]:
        """None: `refined` draws volumes for each."""
        yield from ()
        return {}

    def refined(self, phase: PhaseOfSlices, near: Scored, found: Scored, effort: Effort) -> Job[Scored]:
        """Grains whose drawn volumes have the faces of the slices, the best of them in all variants."""
        from ..grain_sizes import refined_grains
        from ..judging import least

        strewn = _grains_in(near)
        if not strewn:
            return {}
        refined = yield from refined_grains(phase.exemplars, phase.label, strewn, least(found), effort)
        return refined or {name: (error, field) for name, (error, field) in strewn.items()}

    def finished(self, phase: PhaseOfSlices, name: str, field: Field, effort: Effort) -> Job[tuple[str, Field]]:
        """Grains as evenly shared out as in the slices."""
        from ..evenness import evened

        assert isinstance(field, self.field)
        words = f'{name} shared out evenly'
        if effort.allows(words):
            exemplars, label = phase.exemplars, phase.label
            field = yield from evened(exemplars, label, field, phase.fraction, phase.edges, effort.trial(words))
        # Channels have no closed form that tells how high their field is where.
        if field.channels and not field.values:
            field = yield from field.tabling(effort.trial(name))
        return (words if field.even else name), field

    def refit(self, field: Field, exemplars: Exemplars, label: int, placed: tuple[int, ...], share: float) -> Field:
        """Grains of the size that the faces in what is left ask for."""
        assert isinstance(field, self.field)
        e = exemplars.edge_density(label, without=placed)
        inside = share if not field.grains_favoured else 1 - share
        return self.field.fit(
            inside, (e['z'], e['y'], e['x']), spread=field.spread, grains_favoured=field.grains_favoured
        ).model_copy(update={'even': field.even, 'bent': field.bent, 'channels': field.channels})

    def completed(self, field: Field, effort: Effort) -> Job[Field]:
        """With the distribution of the field, where no closed form tells it."""
        assert isinstance(field, self.field)
        if (field.channels or field.even) and not field.values:
            return (yield from field.tabling(effort.trial('grains in what is left')))
        return field


class PlatesNeedles(PriorFamily):
    """Grains that are no spheres, tried where nothing else comes near."""

    name = 'plates-needles'
    title = 'plates and needles'
    fits = 'As grains; flatness, size and stretch are those at which drawn volumes have the faces of the slices.'
    cost = 'fit 5 to 20 s; 1 to 3 s per 128³'
    order = 50
    BADLY, QUICK = 0.2, 64  # least error of the others, above which they are tried, first in volumes with this edge

    @property
    def field(self) -> type[GrainField]:
        """Model of the parameters: that of grains, with their flatness."""
        from ..grains import GrainField

        return GrainField

    def refined(self, phase: PhaseOfSlices, near: Scored, found: Scored, effort: Effort) -> Job[Scored]:
        """The best of plates and needles on either side."""
        from ..forms import formed_grains
        from ..judging import DRAWS, judged, least, scored

        alone = not found
        if not alone and (least(found) <= self.BADLY or not _grains_in(near)):
            return {}
        if not effort.allows('plates and needles'):
            return {}
        exemplars, label = phase.exemplars, phase.label
        forms: dict[str, tuple[float, Field]] = {}
        for favoured in (True, False):
            formed = yield from formed_grains(phase.fraction, phase.edges, effort, favoured=favoured)
            for name, form in formed.items():
                trial = effort.trial(name)
                error = yield from judged(exemplars, label, form, trial, size=self.QUICK, draws=1)
                forms[name] = error, form
        if not forms:
            return {}
        name, (_, form) = min(forms.items(), key=lambda item: item[1][0])
        return (yield from scored(exemplars, label, {name: form}, DRAWS, effort))
