"""`priors`: the families of structural priors, those of other packages included."""

from __future__ import annotations

from . import options as opt
from .terminal import Terminal


def priors(as_json: opt.Json = False) -> None:
    """List the families of structural priors that `reconstruct --prior` takes, and what each is fitted to."""
    from ..engine.generator.priors.families import origin_of, prior_families

    families = [family for family in prior_families().values() if family.describes_phases]
    width = max(len(family.name) for family in families)
    sentences = []
    for family in families:
        origin = origin_of(family.name)
        sentences.append(f'{family.name:{width}}  {family.title}{f" ({origin})" if origin else ""}: {family.fits}')
    data = [
        {
            'name': family.name, 'title': family.title, 'fits': family.fits, 'cost': family.cost,
            'package': origin_of(family.name),
        }
        for family in families
    ]  # fmt: skip
    Terminal(as_json).result(sentences, {'priors': data})
