"""Image regularisation: how far the sections of generated volumes are from the slices, per plane.

All targets are fixed tables made from the slices once; a step costs one random selection of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ..statistics.percolation import largest_cluster
from ..statistics.two_point import s2_map
from ..voxels import AXES, IMAGE_AXES, Axis
from .exemplar import Exemplars, one_hot

PATCH = 7
QUANTILES = 1024
OWN = 576  # patches of the present volume per plane and scale


def sections(volume: Tensor, normal: Axis) -> Tensor:
    """(1, K, Z, Y, X) -> every section with this normal, (count, K, rows, columns) as IMAGE_AXES says."""
    return volume[0].movedim(1 + AXES.index(normal), 0)


def orientations(image: np.ndarray, *, isotropic: bool) -> list[np.ndarray]:
    """The image in every orientation its symmetry allows: the dihedral group, or flips only."""
    flipped = [image, image[::-1], image[:, ::-1], image[::-1, ::-1]]
    return flipped + [f.T for f in flipped] if isotropic else flipped


class PatchDistance:
    """Sliced Wasserstein distance between patch distributions (Rabin et al. 2012; Heitz et al. 2021).

    Patches of 7 x 7 pixels at scales 1, 2, 4 (8 for large features) are projected on random
    directions; sorted projections are compared with the slices' quantiles.
    """

    def __init__(
        self, exemplars: Exemplars, scales: tuple[int, ...], *, bank: int = 256, seed: int = 0, memory: int = 8
    ) -> None:
        self.scales = scales
        self.axes: tuple[Axis, ...] = AXES
        self._rng = generator = torch.Generator().manual_seed(seed)
        self._filters: dict[int, Tensor] = {}
        self._memory = memory
        self.past: dict[str, Tensor] = {}
        self._quantiles: dict[tuple[Axis, int], Tensor] = {}
        for scale in scales:
            filters = torch.randn((bank, exemplars.phase_count, PATCH, PATCH), generator=generator)
            # Half of the directions look at coarse patterns: white directions see mostly pixel noise.
            blurred = torch.nn.functional.avg_pool2d(filters[bank // 2 :], 3, 1, 1)
            filters = torch.cat([filters[: bank // 2], blurred])
            self._filters[scale] = filters / filters.flatten(1).norm(dim=1)[:, None, None, None]
            for normal in self.axes:
                if exemplars.isotropic and normal != 'z':
                    self._quantiles[normal, scale] = self._quantiles['z', scale]
                    continue
                self._quantiles[normal, scale] = self._table(exemplars, normal, scale)

    def _table(self, exemplars: Exemplars, normal: Axis, scale: int) -> Tensor:
        """(bank, QUANTILES) quantiles of the slices' projections, scaled to unit spread by the caller."""
        views = [
            turned
            for image in exemplars.images[normal]
            for turned in orientations(image, isotropic=exemplars.isotropic)
        ]
        found: list[Tensor] = []
        for turned in views:
            picture = torch.from_numpy(one_hot(turned, exemplars.phase_count))[None]
            pooled = torch.nn.functional.avg_pool2d(picture, scale) if scale > 1 else picture
            if min(pooled.shape[2:]) >= PATCH:
                # Patches at random places: 32 a quantile are plenty, and sorting them is the cost.
                windows = pooled[0].unfold(1, PATCH, 1).unfold(2, PATCH, 1).movedim(0, 2).flatten(0, 1)
                keep = torch.randint(len(windows), (max(1, 32 * QUANTILES // len(views)),), generator=self._rng)
                found.append(self._filters[scale].flatten(1) @ windows[keep].flatten(1).T)
        if not found:
            return torch.empty(0)
        ordered = torch.cat(found, 1).sort(dim=1).values
        at = ((torch.arange(QUANTILES) + 0.5) / QUANTILES * ordered.shape[1]).long()
        return ordered[:, at]

    def __call__(self, volume: Tensor, generator: torch.Generator, directions: int = 48) -> Tensor:
        """Mean squared quantile difference over planes, scales and directions, in units of the variance.

        The distribution is that of the last few volumes and this one together: a small volume has a phase
        fraction of its own, and to press each one into the slices' distribution makes the phases indecisive.
        """
        total = volume.new_zeros(())
        count = 0
        for scale in self.scales:
            chosen = torch.randperm(len(self._filters[scale]), generator=generator)[:directions]
            filters = self._filters[scale][chosen].flatten(1).to(volume.device)
            for normal in self.axes:
                table = self._quantiles[normal, scale]
                stack = sections(volume, normal)
                if not table.numel() or min(stack.shape[2:]) < PATCH * scale:
                    continue
                some = torch.randperm(len(stack), generator=generator)[: max(6, 2 * scale)]
                picture = stack[some.to(stack.device)]
                if scale > 1:
                    picture = torch.nn.functional.avg_pool2d(picture, scale)
                patches = random_patches(picture, OWN, generator)
                projected = filters @ torch.cat([patches, *self._recall(f'{normal} {scale}', patches)]).T
                ordered, order = projected.sort(dim=1)
                at = ((torch.arange(ordered.shape[1]) + 0.5) / ordered.shape[1] * QUANTILES).long()
                wanted = table[chosen][:, at].to(volume.device)
                spread = table[chosen].var(dim=1).clamp_min(1e-4).to(volume.device)
                # Earlier patches carry no gradient: only the present ones count.
                error = ((ordered - wanted) ** 2 * (order < OWN)).sum(1) / OWN
                total = total + (error / spread).mean()
                count += 1
        return total / max(count, 1)

    def of_labels(self, volumes: Sequence[np.ndarray], count: int, directions: int = 96) -> float:
        """Distance of finished label volumes (Z, Y, X) of `count` phases, pooled, always with the same directions."""
        rng = torch.Generator().manual_seed(0)
        hot = [torch.from_numpy(one_hot(volume, count))[None] for volume in volumes]
        share = -(-8 * OWN // len(hot))
        found: list[float] = []
        for scale in self.scales:
            chosen = torch.randperm(len(self._filters[scale]), generator=rng)[:directions]
            for normal in self.axes:
                table = self._quantiles[normal, scale][chosen] if self._quantiles[normal, scale].numel() else None
                patches: list[Tensor] = []
                for volume in hot:
                    stack = sections(volume, normal)[:: max(scale, 2)]
                    if table is not None and min(stack.shape[2:]) >= PATCH * scale:
                        picture = torch.nn.functional.avg_pool2d(stack, scale) if scale > 1 else stack
                        patches.append(random_patches(picture, share, rng))
                if table is None or not patches:
                    continue
                ordered = (self._filters[scale][chosen].flatten(1) @ torch.cat(patches).T).sort(dim=1).values
                at = ((torch.arange(ordered.shape[1]) + 0.5) / ordered.shape[1] * QUANTILES).long()
                error = ((ordered - table[:, at]) ** 2).mean(1) / table.var(dim=1).clamp_min(1e-4)
                found.append(float(error.mean()))
        return float(np.mean(found)) if found else 0.0

    def _recall(self, key: str, patches: Tensor) -> list[Tensor]:
        """Patches (n, K 49) of earlier volumes; keeps some of the present ones."""
        if not self._memory:
            return []
        old = self.past.get(key)
        new = patches[: OWN // 3].detach().cpu()
        self.past[key] = new if old is None else torch.cat([new, old[: (self._memory - 1) * len(new)]])
        return [] if old is None else [old.to(patches.device)]


def random_patches(pictures: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """(n, K, rows, columns) -> patches at random places, (count, K PATCH PATCH)."""
    n, phases, rows, columns = pictures.shape
    high = torch.tensor([n, rows - PATCH + 1, columns - PATCH + 1])
    image, row, column = (torch.rand((3, count), generator=generator) * high[:, None]).long()
    window = (torch.arange(PATCH)[:, None] * columns + torch.arange(PATCH)).flatten()
    at = ((image * rows + row) * columns + column)[:, None] + window
    flat = pictures.movedim(1, 3).reshape(-1, phases).index_select(0, at.flatten().to(pictures.device))
    return flat.view(count, PATCH * PATCH, phases).transpose(1, 2).reshape(count, -1)


class PlaneStatistics:
    """Two-point probability of every phase pair in the planes, and face densities.

    They are compared as means over many steps: the error of the running mean is what is driven
    down, so that a single small volume keeps its natural freedom. Phase fractions are no term:
    `calibration.balance` sets them in every step.
    """

    def __init__(self, exemplars: Exemplars, box: tuple[int, int, int], momentum: float = 0.85) -> None:
        self._count = exemplars.phase_count
        self._momentum = momentum
        reach = max(4, min(min(box) // 2 - 1, exemplars.smallest // 2, 24))
        self.reach = reach
        first = 1 if self._count == 2 else 0
        self._pairs = [(a, b) for a in range(first, self._count) for b in range(a, self._count)]
        # Targets (3 planes, pairs, reach + 1, 2 reach + 1).
        self.s2 = torch.from_numpy(np.stack([self._targets(exemplars, normal) for normal in AXES]))
        phi = np.maximum(exemplars.fractions, 1e-3)
        self._scale = torch.tensor([math.sqrt(phi[a] * (1 - phi[a]) * phi[b] * (1 - phi[b])) for a, b in self._pairs])
        self.fractions = torch.from_numpy(exemplars.fractions).float()
        density = [exemplars.edge_density(label) for label in range(self._count)]
        self.faces = torch.tensor([[d[axis] for axis in AXES] for d in density])  # (K, 3)
        self.running: dict[str, Tensor] = {}

    def _targets(self, exemplars: Exemplars, normal: Axis) -> np.ndarray:
        tables: list[np.ndarray] = []
        for image in exemplars.images[normal]:
            turned = [image, image[:, ::-1]] + ([image.T, image[:, ::-1].T] if exemplars.isotropic else [])
            # An oblique texture is real where the material has one: do not average it away.
            for view in turned if exemplars.isotropic else turned[:1]:
                hot = one_hot(view, self._count)
                tables.append(np.stack([s2_map(hot[a], self.reach, hot[b]) for a, b in self._pairs]))
        return np.mean(tables, axis=0)

    def _blend(self, name: str, new: Tensor) -> Tensor:
        """Running mean whose newest share carries the gradient, amplified to full strength."""
        old = self.running.get(name)
        share = 1 - self._momentum
        mean = new.detach() if old is None else self._momentum * old.to(new.device) + share * new.detach()
        self.running[name] = mean.cpu()
        return mean + (new - new.detach())

    def __call__(self, volume: Tensor, own: Tensor | None = None, *, is_open: bool = False) -> dict[str, Tensor]:
        """Losses 's2' and 'surface' of phase probabilities (1, K, Z, Y, X), of a periodic box or an open window.

        `own` (K, 3) is what this box may have of the slices' face densities, as a factor: a box of a few grains
        has more or fewer faces than others, and a network that is held to each of them follows their scatter.
        """
        p = volume[0]
        r = self.reach
        size = p.shape[1:]
        grid = [n + r + (n + r) % 2 for n in size] if is_open else list(size)
        device = volume.device
        spectrum = torch.fft.rfftn(p, grid, dim=(1, 2, 3))
        error = p.new_zeros(())
        wide, half = torch.arange(-r, r + 1, device=device), torch.arange(r + 1, device=device)
        weight = self._scale.to(device)
        for index, (a, b) in enumerate(self._pairs):
            table = torch.fft.irfftn(torch.conj(spectrum[a]) * spectrum[b], grid)
            for plane, normal in enumerate(AXES):
                row, column = (AXES.index(axis) for axis in IMAGE_AXES[normal])
                place = [torch.zeros((), dtype=torch.long, device=device)] * 3
                place[row], place[column] = half[:, None], wide[None, :]
                pairs = [n - at.abs() if is_open else torch.tensor(n) for n, at in zip(size, place, strict=True)]
                got = table[tuple(place)] / (pairs[0] * pairs[1] * pairs[2]).to(device)
                mean = self._blend(f's2 {index} {plane}', got)
                wanted = self.s2[plane, index].to(device)
                error = error + ((mean - wanted) ** 2).mean() / weight[index] ** 2
        steps = [torch.stack([_changes(p[k], axis, is_open) for axis in range(3)]) for k in range(self._count)]
        counted = torch.stack(steps)
        faces = self._blend('faces', counted if own is None else counted / own.to(device))
        wanted_faces = self.faces.to(device)
        return {
            's2': 100 * error / (3 * len(self._pairs)),
            'surface': ((faces / wanted_faces - 1) ** 2).mean(),
        }


def face_densities(labels: np.ndarray, count: int, *, is_open: bool) -> np.ndarray:
    """Faces of every phase per voxel along z, y, x, (K, 3), of a periodic or an open label volume (Z, Y, X)."""
    hot = torch.from_numpy(one_hot(labels, count))
    return np.array([[float(_changes(hot[k], axis, is_open)) for axis in range(3)] for k in range(count)])


def _changes(p: Tensor, axis: int, is_open: bool) -> Tensor:
    """Mean absolute change from voxel to voxel along an axis."""
    return (p.diff(dim=axis) if is_open else p.roll(-1, axis) - p).abs().mean()


def indecision(soft: Tensor, fractions: Tensor) -> Tensor:
    """How far phase probabilities (1, K, Z, Y, X) are from labels: 0 for labels, 1 for no information at all.

    What the other losses measure on probabilities holds for the labels only where the two agree.
    """
    return (1 - (soft**2).sum(1)).mean() / (1 - (fractions**2).sum())


def straight_through(soft: Tensor) -> Tensor:
    """One-hot labels of phase probabilities (1, K, ...) with the gradient of these (Bengio et al. 2013)."""
    hard = torch.zeros_like(soft).scatter_(1, soft.argmax(1, keepdim=True), 1.0)
    return hard + soft - soft.detach()


def connectivity_loss(logits: Tensor, skeletons: Tensor, weights: Tensor) -> Tensor:
    """Mean -log p of each phase on its skeleton, which opens throats.

    `logits` (1, K, Z, Y, X); `skeletons` (K, Z, Y, X) bool; `weights` (K,) of the phases.
    """
    surprise = -torch.log_softmax(logits[0], 0)
    inside = skeletons.to(surprise.dtype)
    return (surprise * inside * weights[:, None, None, None]).sum() / inside.sum().clamp_min(1.0)


def skeletons_of(prior_labels: np.ndarray, count: int) -> np.ndarray:
    """Centre lines of every phase that hangs together in the prior volume, (K, Z, Y, X) bool."""
    from skimage.morphology import skeletonize

    found = np.zeros((count, *prior_labels.shape), bool)
    for label in range(count):
        mask = prior_labels == label
        largest = largest_cluster(mask)
        # Only the largest cluster: isolated grains stay isolated. A phase that fills most of the space needs no help.
        if mask.mean() < 0.6 and largest.sum() > 0.3 * mask.sum():
            found[label] = skeletonize(largest)
    return found
