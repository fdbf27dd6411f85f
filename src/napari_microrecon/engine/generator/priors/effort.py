"""Signs of life while a prior is fitted, and how much work the search for a better one may take."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...progress import Progress

# Voxels drawn or measured, at about 0.1 us each; what has been begun by then is finished.
# Counted, not timed: the same slices get the same prior on a slow or busy machine.
MOST = 240_000_000


@dataclass
class Effort:
    """Work that a fit may take, and what was left out once it was done.

    Ordinary pictures take a quarter of it. It is there for the worst ones: the fit is then the best of what was tried,
    and the reason says so.
    """

    voxels: float = MOST
    left_out: list[str] = field(default_factory=list)

    def allows(self, what: str) -> bool:
        """Whether this may be tried; noted if not."""
        if self.voxels > 0:
            return True
        if what not in self.left_out:
            self.left_out.append(what)
        return False

    def trial(self, name: str) -> Trial:
        """One thing that is tried."""
        return Trial(name, self)


@dataclass(frozen=True)
class Trial:
    """What is being tried, by its name, and what its work is taken off from."""

    name: str
    effort: Effort = field(default_factory=Effort)

    def sign(self, voxels: float = 0) -> Progress:
        """Sign of life, before these voxels are drawn or measured."""
        self.effort.voxels -= voxels
        return Progress('fitting the structural prior', note=self.name)
