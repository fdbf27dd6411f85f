"""Permeability estimates from measured quantities. They are estimates: none solves for the flow.

Units are those of the voxel size squared; 1 um^2 is 1.013 darcy.
"""

from __future__ import annotations

KATZ_THOMPSON = 226.0
KOZENY_CARMAN = 5.0


def katz_thompson(critical_diameter: float, diffusivity: float) -> float:
    """Permeability l_c^2 / (226 F) of Katz and Thompson 1986 (Phys. Rev. B 34, 8179, eq. 1).

    Parameters
    ----------
    critical_diameter : float
        l_c, diameter of the largest sphere that can pass through the pore space.
    diffusivity : float
        Deff / D0, the inverse of the formation factor F where only the pore conducts.

    Returns
    -------
    float
        In the unit of `critical_diameter` squared. Katz and Thompson found it within a factor of two for sandstones and
        carbonates.
    """
    return critical_diameter**2 * diffusivity / KATZ_THOMPSON


def kozeny_carman(porosity: float, specific_surface: float) -> float:
    """Permeability phi^3 / (5 s^2) of Carman 1937 (Trans. Inst. Chem. Eng. 15, 150), s the surface per total volume.

    Equal to Carman's phi^3 / (5 s0^2 (1 - phi)^2) with s0 = s / (1 - phi) the surface per solid volume. Made for beds
    of grains; it knows nothing of connectivity and reads high in consolidated rock.
    """
    return porosity**3 / (KOZENY_CARMAN * specific_surface**2)
