"""Specks: pieces of a few pixels, which averages lose, as a hard-core process inside the phase around them.

They are taken out of the slices before a volume is grown. What its sections then lack of pieces of every small size is
unfolded into bodies of a few voxels (the idea of the Saltykov method of stereology, in voxels) that are strewn at
random, neither touching each other nor a boundary.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.optimize import nnls

from ...voxels import Axis
from ..priors.fields import random_stream
from .corrections import middle_of
from .kernels import quick

LARGEST = 8  # pixels of a speck's section
COUNTED = 200  # pixels of the largest pieces that are counted
WITHIN = 0.8  # share of what is around a speck that is of one phase
DEPTHS = 8  # parts of a phase by distance to its boundary
ALL = 3.0  # weight of the number of specks of all sizes
HELD = 0.65  # weight of the number of pieces of all sizes against that of every size, where both cannot be met
TRIES = 120  # places that are looked at for every speck

# Bodies by the corner coordinates of their voxels (z, y, x); every one is strewn in all directions.
_BODIES: tuple[tuple[tuple[int, int, int], ...], ...] = (
    ((0, 0, 0),),
    ((0, 0, 0), (1, 0, 0)),
    ((0, 0, 0), (1, 0, 0), (0, 1, 0)),
    ((0, 0, 0), (1, 0, 0), (2, 0, 0)),
    tuple((0, y, x) for y in (0, 1) for x in (0, 1)),
    tuple((z, y, x) for z in (0, 1) for y in (0, 1) for x in (0, 1)),
    ((1, 1, 1), (0, 1, 1), (2, 1, 1), (1, 0, 1), (1, 2, 1), (1, 1, 0), (1, 1, 2)),
    tuple((z, y, x) for z in (0, 1, 2) for y in (0, 1) for x in (0, 1)),
    tuple((z, y, x) for z in (0, 1) for y in (0, 1, 2) for x in (0, 1, 2) if not (y != 1 and x != 1 and z == 1)),
    tuple((z, y, x) for z in (0, 1, 2, 3) for y in (0, 1) for x in (0, 1)),
)


@dataclass(frozen=True, eq=False)
class Specks:
    """Small pieces of the slices, and the slices without them.

    Attributes
    ----------
    bodies : mapping
        Label images per normal, in which every speck has the phase around it.
    areas : numpy.ndarray
        Pieces of 1 .. COUNTED pixels of every phase, per pixel of the slices, (K, COUNTED).
    hosts : numpy.ndarray
        Share of each phase's specks that lie in every other phase, (K, K).
    fractions : numpy.ndarray
        Phase fractions of the bodies, (K,).
    faces : float
        Phase changes per pixel step of the slices, specks included, mean over directions.
    depths : numpy.ndarray
        How much likelier than by chance each phase's specks lie in parts of the phase around them that hold equal
        shares of it, from its boundary to its depth, (K, K, DEPTHS).
    """

    bodies: Mapping[Axis, list[np.ndarray]]
    areas: np.ndarray
    hosts: np.ndarray
    fractions: np.ndarray
    faces: float
    depths: np.ndarray

    @classmethod
    def of(cls, images: Mapping[Axis, Sequence[np.ndarray]], phase_count: int) -> Specks:
        """Take the specks out of label images per normal."""
        bodies: dict[Axis, list[np.ndarray]] = {}
        areas, hosts = np.zeros((phase_count, COUNTED)), np.zeros((phase_count, phase_count, DEPTHS))
        pixels, seen = 0, {}
        for normal, pictures in images.items():
            bodies[normal] = []
            for picture in pictures:
                if id(picture) not in seen:  # planes that are alike share their pictures
                    body, found, inside = _without_specks(picture, phase_count)
                    seen[id(picture)] = body
                    areas, hosts, pixels = areas + found, hosts + inside, pixels + picture.size
                bodies[normal].append(seen[id(picture)])
        found = hosts.sum(2)
        share = found / np.maximum(found.sum(1, keepdims=True), 1)
        # As if one more lay in every part: few specks tell little of where they like to be.
        depths = (hosts + 1) / (hosts + 1).mean(2, keepdims=True)
        counts = np.bincount(np.concatenate([b.ravel() for b in seen.values()]), minlength=phase_count)
        pictures = {id(picture): picture for found in images.values() for picture in found}.values()
        faces = np.mean([(np.diff(p, axis=axis) != 0).mean() for p in pictures for axis in (0, 1)])
        return cls(bodies, areas / pixels, share, counts / counts.sum(), float(faces), depths)

    def numbers(self, labels: np.ndarray) -> list[tuple[int, int, int, float]]:
        """Specks that a volume (Z, Y, X) lacks: phase, phase around them, body, and their number per voxel."""
        block = labels[middle_of(labels.shape)]
        found: list[tuple[int, int, int, float]] = []
        got = small_areas(block, len(self.areas))
        for phase in range(len(self.areas)):
            lacking = np.maximum(self.areas[phase] - got[phase], 0)[:LARGEST]
            room = self.areas[phase].sum() - got[phase].sum()
            lacking *= 1 - HELD + HELD * min(1.0, max(0.0, room) / max(lacking.sum(), 1e-12))
            if lacking.sum() * block.size < 1:
                continue
            # Their sum counts as well: a wrong size is less of a fault than a piece too many.
            table = np.vstack([_SECTIONS.T, ALL * _SECTIONS.sum(1)])
            numbers, _ = nnls(table, np.append(lacking, ALL * lacking.sum()))
            for body, number in enumerate(numbers):
                for host, share in enumerate(self.hosts[phase]):
                    if number * share * labels.size >= 1:
                        found.append((phase, host, body, float(number * share)))
        return found

    def gain(self, numbers: Iterable[tuple[int, int, int, float]]) -> np.ndarray:
        """What these specks add to the phase fractions, (K,)."""
        gain = np.zeros(len(self.areas))
        for phase, host, body, number in numbers:
            gain[phase] += number * len(_BODIES[body])
            gain[host] -= number * len(_BODIES[body])
        return gain

    def boundary(self, numbers: Iterable[tuple[int, int, int, float]]) -> float:
        """What these specks add to the phase changes per voxel step, mean over axes."""
        return float(sum(number * _surface(_BODIES[body]) / 3 for _, _, body, number in numbers))


def _surface(body: tuple[tuple[int, int, int], ...]) -> int:
    """Voxel faces on the surface of a body."""
    cells = set(body)
    steps = ((1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1))
    return sum((z + dz, y + dy, x + dx) not in cells for z, y, x in body for dz, dy, dx in steps)


def _without_specks(picture: np.ndarray, phase_count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The picture without specks, the number of pieces by phase and size, and of specks by phase, host and depth."""
    body = picture.copy()
    areas, hosts = np.zeros((phase_count, COUNTED)), np.zeros((phase_count, phase_count, DEPTHS))
    taken: list[tuple[int, int, int, int]] = []
    rows, columns = picture.shape
    for phase in range(phase_count):
        pieces, count = ndimage.label(picture == phase)
        sizes = np.bincount(pieces.ravel(), minlength=count + 1)
        sizes[0] = 0
        areas[phase] = np.bincount(sizes[sizes <= COUNTED], minlength=COUNTED + 1)[1:]
        small = np.nonzero((sizes > 0) & (sizes <= LARGEST))[0]
        boxes = ndimage.find_objects(pieces)
        for piece in small:
            down, right = boxes[piece - 1]
            if down.start == 0 or right.start == 0 or down.stop == rows or right.stop == columns:
                continue  # cut by the border: it may be large
            around = (slice(down.start - 1, down.stop + 1), slice(right.start - 1, right.stop + 1))
            mine = pieces[around] == piece
            rim = ndimage.binary_dilation(mine) & ~mine
            phases = np.bincount(picture[around][rim], minlength=phase_count)
            host = int(phases.argmax())
            if phases[host] < WITHIN * phases.sum():
                continue  # it lies on the boundary of two others and is part of their structure
            body[around][mine] = host
            taken.append((phase, host, int((down.start + down.stop) // 2), int((right.start + right.stop) // 2)))
    parts = {host: _parts(body == host) for host in {host for _, host, _, _ in taken}}
    for phase, host, row, column in taken:
        hosts[phase, host, parts[host][row, column]] += 1
    return body, areas, hosts


def _parts(mask: np.ndarray) -> np.ndarray:
    """Number of the part, 0 at the boundary to DEPTHS - 1, by rank of the distance to the boundary within a mask."""
    import edt

    distance = np.minimum(2 * edt.edt(np.ascontiguousarray(mask), black_border=False), 255).astype(np.uint8)
    counts = np.bincount(distance[mask], minlength=256)
    # The middle of those of one distance: they have one rank.
    ranks = (np.cumsum(counts) - counts / 2) / max(counts.sum(), 1)
    return np.minimum(ranks * DEPTHS, DEPTHS - 1).astype(np.uint8)[distance]


def small_areas(labels: np.ndarray, phase_count: int, phases: Sequence[int] | None = None) -> np.ndarray:
    """Pieces of 1 .. COUNTED pixels of every phase, or of some, in all sections of a volume per pixel, (K, COUNTED)."""
    areas = np.zeros((phase_count, COUNTED))
    for axis in range(3):
        for phase in range(phase_count) if phases is None else phases:
            _, sizes = pieces_in_sections(labels == phase, axis)
            areas[phase] += np.bincount(sizes[sizes <= COUNTED], minlength=COUNTED + 1)[1:]
    return areas / (3 * labels.size)


def pieces_in_sections(mask: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Numbers (Z, Y, X) of the connected pieces of every section normal to an axis, and their sizes (n + 1,)."""
    within = ndimage.generate_binary_structure(3, 1)
    np.moveaxis(within, axis, 0)[[0, 2]] = False
    pieces, count = ndimage.label(mask, within)
    sizes = np.bincount(pieces.ravel(), minlength=count + 1)
    sizes[0] = COUNTED + 1  # what is no piece is not small either
    return pieces, sizes


def without_surplus(labels: np.ndarray, wanted: np.ndarray, seed: int) -> np.ndarray:
    """Labels (Z, Y, X) with no more pieces of 1 .. LARGEST pixels in their sections than `wanted` (K, COUNTED).

    Some, drawn at random, join the commonest phase beside them in their section.
    """
    count = len(wanted)
    labels = labels.copy()
    for phase in range(count):
        for axis in range(3):
            got = small_areas(labels[middle_of(labels.shape)], count, (phase,))[phase][:LARGEST]
            most = wanted[phase][:LARGEST]
            surplus = 1 - most.sum() / max(got.sum(), 1e-12)
            if surplus <= 0:
                break
            # Sizes are evened out, as one too many of three pixels may stand for one too few of four. What joins its
            # surroundings in one section mostly does so in those across it, which leaves less to the axes that follow.
            share = np.minimum(1 - most / np.maximum(got, 1e-12), 2 * surplus) / (3 - axis)
            odds = np.concatenate([[0.0], np.clip(share, 0, 1), [0.0]])
            pieces, sizes = pieces_in_sections(labels == phase, axis)
            chosen = random_stream(seed, 34, axis, phase).random(len(sizes)) < odds[np.minimum(sizes, LARGEST + 1)]
            places = np.nonzero(chosen[pieces])
            votes = np.zeros((count, len(places[0])), np.int8)
            for other in range(3):
                for step in (1, -1) if other != axis else ():
                    around = labels[beside(places, labels.shape, other, step)]
                    for value in range(count):
                        votes[value] += (around == value) & (value != phase)
            labels[places] = np.where(votes.max(0) > 0, votes.argmax(0), phase)
    return labels


def beside(
    places: tuple[np.ndarray, ...], shape: tuple[int, ...], axis: int, step: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The voxels one step along an axis from others, in a periodic volume."""
    z, y, x = ((p + step) % n if own == axis else p for own, (p, n) in enumerate(zip(places, shape, strict=True)))
    return z, y, x


def strewn(
    labels: np.ndarray, numbers: Sequence[tuple[int, int, int, float]], seed: int, depths: np.ndarray
) -> np.ndarray:
    """Put specks into a periodic volume of labels (Z, Y, X), in place; returns where they are, bool."""
    parts = {host: _parts(labels == host) for host in {host for _, host, _, _ in numbers}}
    rng = random_stream(seed, 32)
    taken = np.zeros(labels.shape, np.bool_)
    for phase, host, body, number in sorted(numbers, key=lambda item: -len(_BODIES[item[2]])):
        wanted = int(rng.poisson(number * labels.size))
        cells = np.array(_BODIES[body], np.int64)
        turns = np.array([np.roll(cells, turn, 1) for turn in range(3)])
        places = rng.integers(0, labels.size, TRIES * wanted)
        odds = depths[phase, host] / depths[phase, host].max()
        places = places[rng.random(len(places)) < odds[parts[host].ravel()[places]]]
        _strew(labels, taken, places, turns, host, phase, wanted)
    return taken


@quick
def _strew(labels, taken, places, turns, host, phase, wanted):
    """Put bodies whose voxels and neighbours are all of the host and free, at the places in order."""
    nz, ny, nx = labels.shape
    placed = 0
    for number in range(len(places)):
        if placed == wanted:
            break
        place = places[number]
        z, y, x = place // (ny * nx), place // nx % ny, place % nx
        cells = turns[number % len(turns)]
        free = True
        for i in range(len(cells)):
            for j in range(7):
                dz = (0, 1, -1, 0, 0, 0, 0)[j]
                dy = (0, 0, 0, 1, -1, 0, 0)[j]
                dx = (0, 0, 0, 0, 0, 1, -1)[j]
                zz, yy, xx = (z + cells[i, 0] + dz) % nz, (y + cells[i, 1] + dy) % ny, (x + cells[i, 2] + dx) % nx
                if labels[zz, yy, xx] != host or taken[zz, yy, xx]:
                    free = False
                    break
            if not free:
                break
        if free:
            placed += 1
            for i in range(len(cells)):
                zz, yy, xx = (z + cells[i, 0]) % nz, (y + cells[i, 1]) % ny, (x + cells[i, 2]) % nx
                labels[zz, yy, xx] = phase
                taken[zz, yy, xx] = True
    return placed


def _sections_of(body: tuple[tuple[int, int, int], ...]) -> np.ndarray:
    """Areas of 1 .. LARGEST pixels and more (last) that a body shows per normal, mean over the three, (LARGEST,)."""
    cells = np.array(body)
    found = np.zeros(LARGEST)
    for axis in range(3):
        for position in np.unique(cells[:, axis]):
            size = int((cells[:, axis] == position).sum())
            if size <= LARGEST:
                found[size - 1] += 1 / 3
    return found


_SECTIONS = np.array([_sections_of(body) for body in _BODIES])
