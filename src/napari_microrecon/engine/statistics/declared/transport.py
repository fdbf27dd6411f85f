"""Diffusion through the phase, and permeability estimates."""

from __future__ import annotations

from ..quantity import Quantity

QUANTITIES = (
    Quantity(
        key='tortuosity',
        title='Tortuosity factor',
        meaning='How much the winding paths slow diffusion down: phase fraction x D0 / Deff, 1 for straight channels. '
        'Counts the percolating part only, as PoreSpy does.',
        low=1.0,
        variants='axes',
        place=80,
        short='Tortuosity',
        map='concentration',
        cost='solve',
        function='diffusion.solver.solve_diffusion',
    ),
    Quantity(
        key='tortuosity_total',
        title='Tortuosity factor (total phase)',
        place=None,
        meaning='The same with the fraction of the whole phase, as TauFactor has it.',
        low=1.0,
        variants='axes',
        map='concentration',
        cost='solve',
        function='diffusion.solver.solve_diffusion',
    ),
    Quantity(
        key='effective_diffusivity',
        title='Effective diffusivity',
        place=None,
        meaning='Diffusivity through the volume over that in the free phase, Deff / D0.',
        high=1.0,
        variants='axes',
        map='concentration',
        cost='solve',
        function='diffusion.solver.solve_diffusion',
    ),
    Quantity(
        key='tortuosity_residual',
        title='Residual of the tortuosity solve',
        place=None,
        variants='axes',
        numerical=True,
        cost='solve',
        function='diffusion.solver.solve_diffusion',
    ),
    Quantity(
        key='permeability_katz_thompson',
        title='Permeability estimate (Katz-Thompson)',
        place=None,
        meaning='l_c²/(226 F) from the largest sphere that passes and the formation factor; no flow is solved.',
        unit='L^2',
        variants='axes',
        cost='solve',
        function='statistics.permeability.katz_thompson',
    ),
    Quantity(
        key='permeability_kozeny_carman',
        title='Permeability estimate (Kozeny-Carman)',
        place=None,
        meaning='φ³/(5 s²), for beds of grains, blind to connectivity; no flow is solved.',
        unit='L^2',
        cost='slow',
        function='statistics.permeability.kozeny_carman',
    ),
)
